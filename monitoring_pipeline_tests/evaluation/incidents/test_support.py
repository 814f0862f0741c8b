"""An incident is explained by the incidents of the same time that the attribution of the chunk supports."""

from dataclasses import replace

import pytest

from monitoring_pipeline.evaluation.incidents.findings import Breach, finding_of
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, fold_incidents
from monitoring_pipeline.evaluation.incidents.support import supported_causes
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline_tests.spec.cases import binary_spec

AUROC = Measurement(
    kind=Kind.PERFORMANCE, subject="model", name="auroc", model_version="1", value=0.58, threshold_lower=0.62,
    reference_value=0.66, rows=800, status=Status.BREACHED, reason="below", severity=Severity.WARNING,
)  # fmt: skip
AGE = Measurement(
    kind=Kind.DRIFT, subject="age", name="jensen_shannon", model_version="1", value=0.31, rows=800,
    status=Status.BREACHED, reason="moved", severity=Severity.WARNING,
)  # fmt: skip
SCORE = replace(AGE, subject="score")
INPUTS, OUTPUTS = Cause(Family.INPUTS), Cause(Family.OUTPUTS)
BROKEN_AGE, BROKEN_ID = Cause(Family.COLUMN, ("age",)), Cause(Family.COLUMN, ("row_id",))


def _part(name, value, *, metric="auroc", version="1", half_width=0.01):
    return Measurement(
        kind=Kind.PERFORMANCE, subject="relation", name=name, of=metric, model_version=version, value=value,
        lower=value - half_width, upper=value + half_width, severity=Severity.INFO, rows=800,
    )  # fmt: skip


def _by_inputs(explained, rest, **others):
    return (_part("change_by_inputs", explained, **others), _part("change_of_relation", rest))


def _by_score(explained, rest):
    return (_part("change_by_score", explained), _part("change_given_score", rest))


def _supported(attribution, related, *breaches):
    findings = [finding_of(Breach(m, "2024-03-01", ()), consequence=False) for m in breaches or (AUROC,)]
    return supported_causes({"age", "plan"}, attribution, findings, related)


@pytest.mark.parametrize(("attribution", "supported"), [
    ((), False),
    (_by_inputs(-0.07, -0.01), True),
    (_by_inputs(-0.04, -0.04), True),
    (_by_inputs(-0.1, 0.02), True),
    (_by_inputs(-0.03, -0.05), False),
    (_by_inputs(0.03, -0.11), False),
    (_by_inputs(0.08, 0.01), False),
    (_by_inputs(0.08, -0.08), False),
    (_by_inputs(-0.07, -0.01, half_width=0.08), False),
    (_by_inputs(-0.07, -0.01, metric="log_loss"), False),
    (_by_inputs(-0.07, -0.01, version="2"), False),
    (_by_score(-0.07, -0.01), False),
])  # fmt: skip
def test_drifted_inputs_are_supported_when_they_explain_half_of_the_loss(attribution, supported):
    assert _supported(attribution, (INPUTS,)) == ((INPUTS,) if supported else ())


def test_drifted_outputs_are_supported_when_the_moved_score_explains_the_loss():
    assert _supported(_by_score(-0.07, -0.01), (INPUTS, OUTPUTS)) == (OUTPUTS,)
    assert _supported(_by_score(-0.01, -0.07), (INPUTS, OUTPUTS)) == ()


@pytest.mark.parametrize(("related", "supported"), [
    ((BROKEN_AGE,), (BROKEN_AGE,)),
    ((BROKEN_AGE, INPUTS), (INPUTS,)),
    ((BROKEN_ID,), ()),
    ((Cause(Family.VOLUME), Cause(Family.LABELS)), ()),
])  # fmt: skip
def test_broken_input_is_supported_when_no_other_input_has_drifted(related, supported):
    assert _supported(_by_inputs(-0.07, -0.01), related) == supported


def test_skipped_attribution_supports_no_cause():
    skipped = [
        replace(m, value=None, lower=None, upper=None, status=Status.SKIPPED, reason="too far")
        for m in _by_inputs(-0.07, -0.01)
    ]
    assert _supported(skipped, (INPUTS,)) == ()


def test_estimated_performance_and_other_breaches_have_no_attribution():
    estimate = replace(AUROC, kind=Kind.ESTIMATED_PERFORMANCE)
    assert _supported(_by_inputs(-0.07, -0.01), (INPUTS,), estimate, replace(AUROC, name="accuracy")) == ()


def _folded(*attributions):
    chunks = [
        ChunkMeasurements(chunk=f"2024-03-{day:02}", measurements=(AUROC, AGE), attribution=attribution)
        for day, attribution in enumerate(attributions, start=1)
    ]
    return fold_incidents(binary_spec(), chunks)


def test_incident_is_explained_only_by_causes_that_its_newest_chunk_supports():
    refuted, supported = _by_inputs(0.0, -0.08), _by_inputs(-0.07, -0.01)
    for attributions, explained in (
        ([refuted] * 3, ()),
        ([refuted, refuted, supported], (INPUTS,)),
        ([supported, supported, refuted], ()),
    ):
        performance = next(h.incident for h in _folded(*attributions) if h.incident.cause.family is Family.PERFORMANCE)
        assert performance.related == (INPUTS,)
        assert performance.explained_by == explained
        assert performance.coinciding == (() if explained else (INPUTS,))


def test_attribution_changes_only_the_causes_that_explain_an_incident():
    without, with_it = _folded((), (), ()), _folded(*[_by_inputs(-0.07, -0.01)] * 3)
    assert [replace(h.incident, explained_by=()) for h in with_it] == [h.incident for h in without]
    assert [h.events for h in with_it] == [h.events for h in without]

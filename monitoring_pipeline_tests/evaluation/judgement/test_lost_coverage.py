"""Chunks that would be ok because nobody looks: versions without a reference, drift and metrics never measured."""

from dataclasses import replace

import pytest

from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, fold_incidents
from monitoring_pipeline.evaluation.judgement.guards import measure_guards
from monitoring_pipeline.evaluation.judgement.lost_coverage import drift_not_measured, version_without_reference
from monitoring_pipeline.evaluation.judgement.verdict import judge
from monitoring_pipeline.evaluation.quality.suite import source_failure
from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement, Role, Status, VerdictStatus
from monitoring_pipeline_tests.spec.cases import binary_spec

SPEC = binary_spec(performance={"thresholds": {"auroc": {"lower": 0.6}}})
NEEDED = SPEC.incidents.open.of
AUROC = Measurement(kind=Kind.PERFORMANCE, subject="model", name="auroc", model_version="1", value=0.7)
DRIFT = Measurement(kind=Kind.DRIFT, subject="age", name="jensen_shannon", model_version="1", value=0.01)
ROWS = Measurement(kind=Kind.QUALITY, subject="chunk", name="rows", model_version="", value=30.0)
FINAL = Measurement(
    kind=Kind.OPERATIONS, subject="label", name="maturity", model_version="1", value=1.0, maturity=Maturity.FINAL
)
FEW = "30 rows, at least 50 needed"
UNKNOWN = version_without_reference(SPEC, "1 ", 200, 200)


def _history(*chunks):
    return lambda count: list(chunks)[:count]


def test_version_without_a_reference_is_a_warning_whatever_else_was_measured():
    assert judge([AUROC, DRIFT, UNKNOWN]).status is VerdictStatus.WARNING
    assert UNKNOWN.reason.startswith("version '1 ' made 200 of 200 predictions and has no reference")
    assert "is it '1', written in another way?" in UNKNOWN.reason
    assert "declare its window under reference, which has '1'" in version_without_reference(SPEC, "2", 1, 9).reason
    assert version_without_reference(SPEC, "", 1, 9).reason.startswith("1 of 9 predictions have no version")


def _incidents(letters):
    """Fold days on which the version is unknown (u), known (k), refused (r), or without predictions (e)."""
    empty = replace(ROWS, value=0.0, status=Status.BREACHED, reason="0 predictions")
    of_letter = {"u": (ROWS, UNKNOWN), "k": (ROWS,), "r": (source_failure("gone"),), "e": (empty,)}
    chunks = [
        ChunkMeasurements(chunk=f"2024-03-{day:02}", measurements=of_letter[letter])
        for day, letter in enumerate(letters, start=1)
    ]
    incidents = [history.incident for history in fold_incidents(SPEC, chunks)]
    return [(i.opened[-2:], i.state.value) for i in incidents if i.cause.text == "unmonitored:versions"]


@pytest.mark.parametrize(("letters", "incidents"), [
    ("kkk", []),
    ("ku", [("02", "open")]),
    ("u" + "k" * 6, [("01", "ongoing")]),
    ("u" + "k" * 7, [("01", "resolved")]),
    ("u" + "k" * 6 + "r", [("01", "ongoing")]),  # a refused day shows nothing about versions
    ("u" + "k" * 6 + "e", [("01", "ongoing")]),
])  # fmt: skip
def test_incident_of_an_unknown_version_opens_at_once_and_resolves_when_every_version_has_a_reference(
    letters, incidents
):
    assert _incidents(letters) == incidents


def test_version_that_serves_nobody_opens_no_incident():
    shadow = replace(UNKNOWN, role=Role.SHADOW)
    assert fold_incidents(SPEC, [ChunkMeasurements(chunk="2024-03-01", measurements=(ROWS, shadow))]) == ()


def test_drift_that_could_not_be_measured_on_several_chunks_in_a_row_is_a_breach():
    small = [DRIFT.skipped(FEW), replace(DRIFT, subject="plan").skipped(FEW), AUROC, ROWS]
    assert drift_not_measured(SPEC, small, _history(*[small] * (NEEDED - 2))) is None
    assert drift_not_measured(SPEC, small, _history(*[small] * (NEEDED - 2), [DRIFT, ROWS])) is None
    assert drift_not_measured(SPEC, [DRIFT, *small], _history(*[small] * 9)) is None
    found = drift_not_measured(SPEC, small, _history(*[small] * 9))
    assert (found.status, found.value) == (Status.BREACHED, NEEDED)
    assert found.reason == f"drift could not be measured on the last {NEEDED} days with predictions: {FEW}"
    assert judge([*small, found]).status is VerdictStatus.WARNING


def test_drift_that_waits_for_its_baseline_is_no_lost_coverage():
    waiting = [replace(DRIFT, subject="chunk", name="drifted_columns").skipped("no baseline yet"), ROWS]
    assert drift_not_measured(SPEC, waiting, _history(*[waiting] * 9)) is None


@pytest.mark.parametrize(("own", "reason"), [
    ([AUROC.skipped(FEW)], FEW),
    ([replace(AUROC, name="f1")], "there are no rows to measure it on"),
])  # fmt: skip
def test_guarded_metric_that_several_chunks_in_a_row_lack_is_a_breach_even_if_they_are_small(own, reason):
    small = [*own, ROWS, FINAL]
    (*_, skipped) = measure_guards(SPEC, small, 30, _history(*[small] * (NEEDED - 2))) or [None]
    assert skipped is None or skipped.status is Status.SKIPPED
    (missed,) = measure_guards(SPEC, small, 30, _history(*[small] * (NEEDED - 1)))
    assert missed.status is Status.BREACHED
    assert missed.reason.startswith(f"could not be measured: auroc: {reason} (on each of the last {NEEDED} days")
    (measured_once,) = measure_guards(SPEC, [AUROC, ROWS, FINAL], 30, _history(*[small] * 9))
    assert measured_once.status is Status.OK

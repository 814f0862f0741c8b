"""The count of drifted columns, in the terminal and in the Dagster UI."""

from dataclasses import replace

import pytest

from monitoring_pipeline.evaluation.drift.drifted import drifted_of
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.orchestration.assets.metadata import drift_metadata
from monitoring_pipeline.records.measurement import Kind, Measurement, Provenance, Severity, Status
from monitoring_pipeline.reports.terminal.results import _drifted
from monitoring_pipeline_tests.spec.cases import binary_spec


def _drift(subject, effect=0.1, *, breached=False, severity=Severity.WARNING, version="1"):
    return Measurement(
        kind=Kind.DRIFT, subject=subject, name="jensen_shannon", model_version=version, value=effect,
        severity=severity, status=Status.BREACHED if breached else Status.OK, reason="far" if breached else None,
    )  # fmt: skip


def _skipped(subject):
    return replace(_drift(subject), value=None, status=Status.SKIPPED, reason="12 rows, at least 50 needed")


FINE = _drift("age")
MOVED = _drift("plan", 0.4, breached=True)
MOVED_MORE = _drift("score", 0.5, breached=True)
MOVED_TOGETHER = _drift("features", 0.9, breached=True)
IGNORED = _drift("weekday", 0.9, breached=True, severity=Severity.INFO)


@pytest.mark.parametrize(("measurements", "shown", "count"), [
    ([], "not measured", None),
    ([_skipped("age"), _skipped("chunk")], "not measured", None),
    ([_skipped("age"), MOVED_TOGETHER], "not measured (+together)", None),
    ([_skipped("age"), IGNORED], "not measured (+1 ignored)", None),
    ([FINE], "0", 0),
    ([FINE, MOVED_TOGETHER], "0 (+together)", 0),
    ([FINE, MOVED, MOVED_MORE, IGNORED, MOVED_TOGETHER], "2: score, plan (+together) (+1 ignored)", 2),
    ([MOVED, replace(MOVED, name="psi"), replace(MOVED, model_version="2")], "1: plan", 1),
])  # fmt: skip
def test_drifted_columns_have_the_same_count_in_the_terminal_and_the_dagster_ui(measurements, shown, count):
    assert _drifted(measurements) == shown
    chunk = binary_spec().calendar.chunk("2024-03-01")
    provenance = Provenance(spec_hash="", reference_hash="", input_fingerprint="", code_version="")
    page = drift_metadata(
        ChunkResults(producer="drift", chunk=chunk, provenance=provenance, measurements=tuple(measurements))
    )
    assert page.get("drifted_columns") == count
    assert ("drifted_together" in page) == (MOVED_TOGETHER in measurements)


def test_drifted_subjects_list_all_features_after_the_columns():
    assert drifted_of([MOVED_TOGETHER, MOVED]).subjects == ("plan", "features")

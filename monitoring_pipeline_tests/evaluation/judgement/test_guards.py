"""Guards that breach if a metric with a threshold or an objective could not be measured."""

from dataclasses import replace

import pytest

from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, fold_incidents
from monitoring_pipeline.evaluation.judgement.guards import measure_guards
from monitoring_pipeline.evaluation.judgement.verdict import judge
from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement, Role, Severity, Status, VerdictStatus
from monitoring_pipeline_tests.spec.cases import binary_spec

FINAL, PROVISIONAL = Maturity.FINAL, Maturity.PROVISIONAL
SPEC = binary_spec(
    performance={"thresholds": {"auroc": {"lower": 0.6}, "f1": {"lower": 0.1, "severity": "info"}}},
    business={"revenue": {"sql": "revenue.sql", "threshold": {"lower": 1}}, "orders": {"sql": "orders.sql"}},
    objectives={"recall_kept": {"metric": "recall", "lower": 0.5}},
)
ENOUGH = SPEC.performance.minimum_rows


def _measured(name: str, reason: str = "", kind: Kind = Kind.PERFORMANCE, **parts: object) -> Measurement:
    status, value = (Status.SKIPPED, None) if reason else (Status.OK, 1.0)
    given = {"kind": kind, "subject": kind.value, "name": name, "model_version": "1", "status": status, "value": value}
    return Measurement(**(given | {"reason": reason or None} | parts))


def _maturity(state: Maturity) -> Measurement:
    return _measured("maturity", kind=Kind.OPERATIONS, subject="label", maturity=state)


def _guards(*measurements: Measurement, rows: int = ENOUGH, state: Maturity = FINAL) -> dict[str, Measurement]:
    return {m.subject: m for m in measure_guards(SPEC, [_maturity(state), *measurements], rows)}


ONE_CLASS = _measured("auroc", "no positive label among 80 rows")


def test_guarded_metric_without_a_value_on_final_labels_is_a_breach():
    missed = _guards(ONE_CLASS, _measured("recall"))["performance"]
    assert (missed.kind, missed.name, missed.value) == (Kind.OPERATIONS, "guarded_metrics", 1.0)
    assert (missed.status, missed.severity, missed.rows) == (Status.BREACHED, Severity.WARNING, ENOUGH)
    assert missed.reason == "could not be measured: auroc: no positive label among 80 rows"
    by_objective = _guards(_measured("auroc"), _measured("recall", "no positive label"))["performance"]
    assert by_objective.reason == "could not be measured: recall: no positive label"


@pytest.mark.parametrize(("measurements", "rows", "state", "status"), [
    ([_measured("auroc")], ENOUGH, FINAL, Status.OK),
    ([_measured("auroc")], ENOUGH, PROVISIONAL, Status.OK),
    ([ONE_CLASS], ENOUGH, PROVISIONAL, Status.SKIPPED),  # labels may still come
    ([ONE_CLASS], ENOUGH - 1, FINAL, Status.SKIPPED),  # a small day
    ([ONE_CLASS, replace(ONE_CLASS, model_version="2")], ENOUGH, FINAL, Status.BREACHED),
    ([ONE_CLASS, _measured("auroc", model_version="2")], ENOUGH, FINAL, Status.OK),  # promoted on this day
    ([ONE_CLASS, _measured("auroc", model_version="2", role=Role.CHALLENGER)], ENOUGH, FINAL, Status.BREACHED),
    ([_measured("auroc"), _measured("auroc", "few", segment="plan=pro")], ENOUGH, FINAL, Status.OK),
    ([_measured("auroc"), _measured("f1", "none"), _measured("precision", "none")], ENOUGH, FINAL, Status.OK),
])  # fmt: skip
def test_guard_is_breached_only_if_a_large_final_day_lacks_a_guarded_metric(measurements, rows, state, status):
    assert _guards(*measurements, rows=rows, state=state)["performance"].status is status


def test_reason_of_a_skipped_guard_is_few_predictions_or_open_labels():
    small, early = _guards(ONE_CLASS, rows=3), _guards(ONE_CLASS, state=PROVISIONAL)
    assert small["performance"].reason == f"auroc: 3 predictions, at least {ENOUGH} needed"
    assert early["performance"].reason == "auroc: labels are not final yet"


@pytest.mark.parametrize(("labelled", "status"), [(ENOUGH - 1, Status.SKIPPED), (ENOUGH, Status.BREACHED)])
def test_guard_with_few_labels_is_skipped(labelled, status):
    present = _measured("labels_present", kind=Kind.OPERATIONS, subject="label", value=float(labelled))
    found = _guards(ONE_CLASS, present, rows=10 * ENOUGH)["performance"]
    assert found.status is status
    assert (f"{labelled} labelled predictions, at least {ENOUGH} needed" in found.reason) == (labelled < ENOUGH)


def test_guard_of_a_challenger_is_not_measured():
    assert _guards(replace(ONE_CLASS, role=Role.CHALLENGER)) == {}


@pytest.mark.parametrize(("reason", "state", "status"), [
    ("revenue.sql: DuckDB refuses it: no such column", PROVISIONAL, Status.BREACHED),
    ("the query gave NULL", PROVISIONAL, Status.SKIPPED),
    ("the query gave NULL", FINAL, Status.BREACHED),
    ("", PROVISIONAL, Status.OK),
])  # fmt: skip
def test_business_guard_is_breached_by_failed_sql_at_once_and_by_null_if_final(reason, state, status):
    others = _measured("orders", "orders.sql: no", Kind.BUSINESS)
    assert _guards(_measured("revenue", reason, Kind.BUSINESS), others, state=state)["business"].status is status


def test_breached_guard_makes_the_verdict_a_warning():
    chunk = [_measured("auc", kind=Kind.DRIFT), ONE_CLASS, _maturity(FINAL)]
    assert judge(chunk).status is VerdictStatus.OK
    values = _measured("null_share", kind=Kind.QUALITY, subject="age")
    values = replace(values, status=Status.BREACHED, reason="all null")
    verdict = judge([*chunk, *measure_guards(SPEC, chunk, ENOUGH), values])
    assert verdict.status is VerdictStatus.WARNING
    assert verdict.reasons[0] == "warning: quality age null_share: all null"
    assert verdict.reasons[1] == (
        "warning: operations performance guarded_metrics: could not be measured: auroc: no positive label among 80 rows"
    )


def _incidents(letters: str, *others: Measurement) -> list[tuple[str, str, str]]:
    """Fold days on which auroc is measured (m), is not measured (-), or has labels that are not final (.)."""
    chunks = []
    for day, letter in enumerate(letters, start=1):
        auroc = _measured("auroc") if letter == "m" else ONE_CLASS
        own = measure_guards(SPEC, [auroc, _maturity(PROVISIONAL if letter == "." else FINAL)], ENOUGH)
        chunks.append(ChunkMeasurements(chunk=f"2024-03-{day:02}", measurements=(*own, *others)))
    found = [history.incident for history in fold_incidents(SPEC, chunks)]
    return [(i.cause.text, i.opened[-2:], i.state.value) for i in found]


def test_incident_of_a_guard_opens_if_it_lasts_and_resolves_if_measured_again():
    assert _incidents("mm-m-m") == []
    assert _incidents("mm-m--") == [("unmeasured:performance", "06", "open")]
    assert _incidents("---........") == [("unmeasured:performance", "03", "ongoing")]
    assert _incidents("---mmmmmmm") == [("unmeasured:performance", "03", "resolved")]


def test_missing_labels_explain_a_breached_guard():
    arrived = _measured("labels_arrived_ratio", kind=Kind.QUALITY, subject="label")
    no_labels = replace(arrived, status=Status.BREACHED, reason="none of 50 predictions has a label")
    assert _incidents("----", no_labels) == [("labels", "01", "ongoing")]


@pytest.mark.parametrize(("reason", "state", "status"), [
    ("", PROVISIONAL, Status.OK),
    ("m 2024-02-01: a:b could not measure: it failed: ValueError: no", PROVISIONAL, Status.BREACHED),
    ("m 2024-02-01: a:b could not measure: it returned None", PROVISIONAL, Status.SKIPPED),  # labels may still come
    ("m 2024-02-01: a:b could not measure: it returned None", FINAL, Status.BREACHED),
])  # fmt: skip
def test_measure_with_a_threshold_is_guarded_whatever_its_numbers_are_called(reason, state, status):
    measures = {"own": {"function": "a:b", "threshold": {"upper": 1}}, "free": {"function": "a:b"}}
    spec = binary_spec(measures=measures, objectives={"kept": {"kind": "business", "metric": "own[x]", "upper": 1}})
    found = [_measured("own", reason, Kind.BUSINESS, subject="measures", of="" if reason else of) for of in ("x", "y")]
    free = _measured("free", "a:b could not measure: it failed", Kind.BUSINESS, subject="measures")
    (guard,) = measure_guards(spec, [_maturity(state), *found, free], ENOUGH)
    assert (guard.subject, guard.status) == ("business", status)

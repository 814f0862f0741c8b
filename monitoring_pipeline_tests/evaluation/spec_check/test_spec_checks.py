"""Every check of a spec alone: a spec in which it finds something, and one in which it finds nothing."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.performance.metrics_table import range_of
from monitoring_pipeline.evaluation.spec_check.checks_table import SPEC_CHECKS, judge_spec
from monitoring_pipeline.evaluation.spec_check.declared import Declared
from monitoring_pipeline.evaluation.spec_check.findings import Finding, Level
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline_tests.evaluation.spec_check.cases import TODAY
from monitoring_pipeline_tests.spec.cases import binary_spec, regression_spec

RETRAINED: dict[str, Any] = {
    "predictions__model_version": "version",
    "retraining": {"trainer": "some.module:train"},
    "performance__thresholds": {"auroc": {"lower": 0.6}},
}
CASES = (
    ("limits_possible", "performance.thresholds.auroc", "lower is 70, and auroc is 0 to 1: every day would be breached",
     {"performance__thresholds": {"auroc": {"lower": 70}}}),
    ("limits_possible", "performance.thresholds.log_loss", "upper is -1, and log_loss is at least 0",
     {"performance__thresholds": {"log_loss": {"upper": -1}}}),
    ("limits_possible", "objectives.good", "lower is 95, and accuracy is 0 to 1",
     {"objectives": {"good": {"metric": "accuracy", "lower": 95, "counts": "predictions"}}}),
    ("limits_possible", "objectives.nulls", "upper is -0.1, and age.null_share is 0 to 1",
     {"objectives": {"nulls": {
         "metric": "age.null_share", "kind": "quality", "upper": -0.1, "counts": "predictions"}}}),
    ("limits_effective", "performance.thresholds.recall", "upper is 95, and recall is 0 to 1: it is never breached",
     {"performance__thresholds": {"recall": {"lower": 0.5, "upper": 95}}}),
    ("limits_effective", "performance.thresholds.mean_bias", "lower is -2",
     {"performance__thresholds": {"mean_bias": {"lower": -2, "upper": 0.1}}}),
    ("limits_effective", "performance.thresholds.auroc", "it may be worse by 5",
     {"performance__thresholds": {"auroc": {"worse_than_reference": 5}}}),
    ("limits_effective", "performance.thresholds.base_rate", "neither high nor low values of base_rate are better",
     {"performance__thresholds": {"base_rate": {"worse_than_reference": 0.1}}}),
    ("limits_effective", "retraining.gate.guards.auroc", "it may be worse by 1",
     {**RETRAINED, "retraining": {"trainer": "some.module:train", "gate": {"guards": {"auroc": 1}}}}),
    ("limits_on_the_bad_side", "performance.thresholds.auroc", "only upper (0.7) is given",
     {"performance__thresholds": {"auroc": {"upper": 0.7}}}),
    ("limits_on_the_bad_side", "performance.thresholds.log_loss", "only lower (0.7) is given",
     {"performance__thresholds": {"log_loss": {"lower": 0.7}}}),
    ("volume_allows_usual", "quality.volume_ratio", "any to 0.8 leaves out 1",
     {"quality__volume_ratio": {"upper": 0.8}}),
    ("budget_of_a_chunk", "objectives.good", "a share of 0.95 of 4 weeks allows 0.2 bad ones",
     {"cadence": "week", "objectives": {"good": {"metric": "auroc", "lower": 0.6}}}),
    ("flags_within_budget", "drift.false_alarm_share", "0.05 opens about",
     {"drift__false_alarm_share": 0.05, "budget": {"warnings_per_month": 0.1}}),
    ("start_after_reference", "start", "2024-02-01 is before 2024-03-01", {"start": "2024-02-01"}),
    ("start_after_reference", "start", "2024-05-10 lies inside reference.2",
     {"start": "2024-05-10", "predictions__model_version": "version",
      "reference__2": {"start": "2024-05-01", "end": "2024-05-20"}}),
    ("reference_over", "reference.1.end", "2024-07-01 is after today",
     {"start": "2024-07-01", "reference__1": {"start": "2024-01-01", "end": "2024-07-01"}}),
    ("reference_labels_complete", "reference.1.end", "labels count as complete 90d after 2024-03-31",
     {"start": "2024-04-01", "labels__delay": "90d", "labels__lookback": "90d",
      "reference__1": {"start": "2024-01-01", "end": "2024-03-31"}}),
    ("reference_long", "reference.1", "2024-01-01 to before 2024-01-08 has 7 days",
     {"reference__1": {"start": "2024-01-01", "end": "2024-01-08"}}),
    ("lookback_covers_delay", "labels.lookback", "14d is shorter than labels.delay (30d)",
     {"labels__delay": "30d", "labels__lookback": "14d"}),
    ("horizon_covers_schedule", "incidents.horizon", "1h is over when the run starts, 6h after the end of a day",
     {"incidents__horizon": "1h"}),
    ("holdout_has_chunks", "retraining.holdout_days", "14 days hold fewer than two months",
     {**RETRAINED, "cadence": "month"}),
    ("retraining_has_a_reason", "retraining", "no retraining is ever requested",
     {**RETRAINED, "performance__thresholds": {"auroc": {"lower": 0.6, "severity": "info"}}}),
    ("runbook_linked", "runbook", "'javascript:alert(1)' is no address of the web",
     {"runbook": "javascript:alert(1)"}),
    ("decision_possible", "predictions.decision_threshold", "every score decides for the positive class",
     {"predictions__decision_threshold": 0}),
)  # fmt: skip


def _findings(spec: ModelSpec, *suite_columns: tuple[str, str], today: dt.date = TODAY) -> tuple[Finding, ...]:
    return judge_spec(Declared(spec=spec, today=today, suite_columns=suite_columns))


@pytest.mark.parametrize(("check", "field", "seen", "changes"), CASES)
def test_check_finds_the_fact_and_names_field_and_remedy(check, field, seen, changes):
    found = [finding for finding in _findings(binary_spec(**changes)) if finding.check == check]
    matching = [finding.observation for finding in found if finding.observation.field == field]
    assert matching, found
    assert seen in matching[0].seen
    assert matching[0].remedy


def test_expectation_about_a_column_that_rows_lack_is_found():
    (finding,) = _findings(
        binary_spec(), ("churn.suite.yaml: expectations[0].kwargs.column", "agee"), ("elsewhere", "row_id")
    )
    assert finding.check == "suite_columns"
    assert "no column 'agee'" in finding.observation.seen
    assert finding.observation.remedy == "did you mean age?"


def test_suite_that_cannot_be_used_is_found():
    problem = "expectations[1]: type: unknown 'expect_column_value_lenghts_to_equal'"
    (finding,) = judge_spec(Declared(spec=binary_spec(), today=TODAY, suite_problems=(problem,)))
    assert (finding.check, finding.observation.seen) == ("suite_usable", problem)
    assert finding.level is Level.ERROR


def test_every_check_of_a_spec_has_a_case():
    assert {check.name for check in SPEC_CHECKS} == {check for check, *_ in CASES} | {
        "suite_columns",
        "suite_usable",
        "warehouse_configured",
    }


@pytest.mark.parametrize("spec", [
    binary_spec(),
    binary_spec(**RETRAINED),
    binary_spec(performance__thresholds={"auroc": {"lower": 0.7}, "mean_bias": {"lower": -0.05, "upper": 0.05}}),
    binary_spec(objectives={"good": {"metric": "auroc", "lower": 0.6}}),
    binary_spec(labels=...),
    regression_spec(performance__thresholds={"mean_absolute_error": {"upper": 900}}),
    binary_spec(cadence="hour", incidents__horizon="1h"),
])  # fmt: skip
def test_sound_spec_has_no_finding(spec):
    assert _findings(spec) == ()


def test_percentage_for_a_share_has_the_share_as_its_remedy():
    (finding,) = _findings(binary_spec(performance__thresholds={"auroc": {"lower": 70}}))
    assert finding.level is Level.ERROR
    assert finding.observation.remedy == "write 0.7 if 70 % is meant"


@given(limit=st.floats(-200, 200), is_lower=st.booleans(), metric=st.sampled_from(["auroc", "log_loss", "mean_bias"]))
def test_limit_is_impossible_if_and_only_if_no_value_of_the_metric_keeps_it(limit, is_lower, metric):
    spec = binary_spec(performance__thresholds={metric: {"lower" if is_lower else "upper": limit}})
    values = range_of(spec.task, metric)
    impossible = limit > values.upper if is_lower else limit < values.lower
    assert impossible == any(finding.check == "limits_possible" for finding in _findings(spec))

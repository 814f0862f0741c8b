import math

import numpy as np
import pytest
from sklearn import metrics

from monitoring_pipeline.evaluation.maturity import LabelMaturity
from monitoring_pipeline.evaluation.performance import (
    UnknownMetricError,
    check_performance_rules,
    labelled_rows,
    measure_performance,
    metrics_of,
)
from monitoring_pipeline.spec.measurement import Kind, Maturity, Severity, Status
from monitoring_pipeline.spec.model import Task
from monitoring_pipeline_tests.evaluation.cases import NO_LABELS, canonical, labels_of
from monitoring_pipeline_tests.spec.cases import binary_spec, regression_spec

RNG = np.random.default_rng(5)
ROWS = 300
SCORE = np.round(RNG.beta(2, 3, ROWS), 2)
LABEL = (RNG.uniform(0, 1, ROWS) < SCORE).astype(float)
DECIDED = SCORE >= 0.5
EUROS = RNG.normal(100, 20, ROWS)
SPENT = EUROS + RNG.normal(3, 10, ROWS)
CHURN, SPEND = binary_spec(), regression_spec()
CHURN_ROWS = canonical(CHURN, {"score": SCORE, "prediction": np.where(DECIDED, "1", "0")})
SPEND_ROWS = canonical(SPEND, {"prediction": EUROS})


def _measured(spec=CHURN, rows=CHURN_ROWS, labels=LABEL, **arguments):
    found = measure_performance(spec, rows, labels_of(labels), model_version="1", **arguments)
    return {m.name: m for m in found}


def _maturity(state, *, predictions=ROWS, labelled=ROWS):
    return LabelMaturity(predictions, labelled, state)


def _statuses(measured):
    return {(m.status, m.reason) for m in measured.values() if m.kind is Kind.PERFORMANCE}


@pytest.mark.parametrize("labelled", [ROWS, 120])
def test_binary_values_are_scikit_learns_on_the_joined_rows(labelled):
    label, score, decided = LABEL[:labelled], SCORE[:labelled], DECIDED[:labelled]
    measured = _measured(labels=label)
    assert {name: m.value for name, m in measured.items() if m.kind is Kind.PERFORMANCE} == pytest.approx(
        {
            "auroc": metrics.roc_auc_score(label, score),
            "log_loss": metrics.log_loss(label, score),
            "brier_score": metrics.brier_score_loss(label, score),
            "mean_bias": (score - label).mean(),
            "expected_calibration_error": measured["expected_calibration_error"].value,
            "accuracy": metrics.accuracy_score(label, decided),
            "precision": metrics.precision_score(label, decided),
            "recall": metrics.recall_score(label, decided),
            "f1": metrics.f1_score(label, decided),
            "base_rate": label.mean(),
        },
        rel=1e-12,
    )
    assert {m.rows for m in measured.values()} == {labelled}
    assert {m.status for m in measured.values()} == {Status.OK}


def test_regression_values_are_scikit_learns():
    measured = _measured(SPEND, SPEND_ROWS, SPENT)
    assert {name: m.value for name, m in measured.items() if m.kind is Kind.PERFORMANCE} == pytest.approx(
        {
            "mean_absolute_error": metrics.mean_absolute_error(SPENT, EUROS),
            "root_mean_squared_error": metrics.root_mean_squared_error(SPENT, EUROS),
            "mean_bias": (EUROS - SPENT).mean(),
            "r_squared": metrics.r2_score(SPENT, EUROS),
            "median_absolute_error": metrics.median_absolute_error(SPENT, EUROS),
        },
        rel=1e-12,
    )


def test_intervals_hold_their_values():
    for measured in (_measured(), _measured(SPEND, SPEND_ROWS, SPENT)):
        bounded = {name for name, m in measured.items() if m.lower is not None and m.upper is not None}
        assert bounded == measured.keys() - {"expected_calibration_error", "r_squared", "labelled_rows_without_output"}
        assert all(measured[name].lower < measured[name].value < measured[name].upper for name in bounded)


def test_labels_are_joined_by_id_whatever_the_order_of_rows():
    labels = labels_of(LABEL).sample(fraction=1, shuffle=True, seed=1)
    shuffled = measure_performance(CHURN, CHURN_ROWS.reverse(), labels, model_version="1")
    assert {m.name: m for m in shuffled} == _measured()


def test_a_measurement_says_what_it_is_compared_with():
    maturity = _maturity(Maturity.PROVISIONAL)
    auroc = _measured(maturity=maturity, reference_values={"auroc": 0.75})["auroc"]
    assert (auroc.reference_value, auroc.maturity, auroc.model_version) == (0.75, Maturity.PROVISIONAL, "1")
    assert (auroc.subject, auroc.threshold_lower, auroc.threshold_upper) == ("model", None, None)
    assert auroc.definition


# ---- thresholds


AUROC = _measured()["auroc"]
MARGIN = 1e-6


@pytest.mark.parametrize(("breach_on", "threshold", "breached"), [
    ("interval", {"lower": AUROC.upper + MARGIN}, True),
    ("interval", {"lower": AUROC.upper - MARGIN}, False),
    ("interval", {"upper": AUROC.lower - MARGIN}, True),
    ("interval", {"upper": AUROC.lower + MARGIN}, False),
    ("point", {"lower": AUROC.value + MARGIN}, True),
    ("point", {"lower": AUROC.value}, False),
    ("point", {"upper": AUROC.value - MARGIN}, True),
    ("point", {"upper": AUROC.value}, False),
    ("interval", {"lower": 0.0, "upper": 1.0}, False),
    ("interval", {"lower": 0.0, "upper": 0.1}, True),
])  # fmt: skip
def test_thresholds_hold_for_the_interval_or_the_point(breach_on, threshold, breached):
    spec = binary_spec(performance__breach_on=breach_on, performance__thresholds={"auroc": threshold})
    auroc = _measured(spec)["auroc"]
    assert auroc.status is (Status.BREACHED if breached else Status.OK)
    assert (auroc.threshold_lower, auroc.threshold_upper) == (threshold.get("lower"), threshold.get("upper"))
    assert (auroc.value, auroc.lower, auroc.upper) == (AUROC.value, AUROC.lower, AUROC.upper)
    assert auroc.severity is Severity.CRITICAL


def test_a_breach_says_value_interval_and_bound():
    spec = binary_spec(performance__thresholds={"auroc": {"lower": 0.99}, "base_rate": {"upper": 0.01}})
    measured = _measured(spec)
    shown = f"{AUROC.value:.4g} ({AUROC.lower:.4g} to {AUROC.upper:.4g})"
    assert measured["auroc"].reason == f"{shown} is below 0.99"
    assert measured["base_rate"].reason.endswith("is above 0.01")


def test_a_metric_without_an_interval_is_judged_by_its_point():
    error = _measured()["expected_calibration_error"].value
    for bound, status in ((error - MARGIN, Status.BREACHED), (error, Status.OK)):
        spec = binary_spec(performance__thresholds={"expected_calibration_error": {"upper": bound}})
        assert _measured(spec)["expected_calibration_error"].status is status


@pytest.mark.parametrize("severity", ["info", "warning", "critical"])
def test_the_severity_is_the_thresholds(severity):
    spec = binary_spec(performance__thresholds={"auroc": {"lower": 0.99, "severity": severity}})
    assert _measured(spec)["auroc"].severity is Severity(severity)


def test_a_threshold_on_an_unknown_metric_is_refused():
    check_performance_rules(binary_spec(performance__thresholds={"auroc": {"lower": 0.5}}))
    with pytest.raises(UnknownMetricError) as caught:
        check_performance_rules(binary_spec(performance__thresholds={"mean_absolute_error": {"upper": 5}}))
    known = "accuracy, auroc, base_rate, brier_score, expected_calibration_error, f1, log_loss, mean_bias, precision, "
    assert str(caught.value) == (
        f"churn: performance.thresholds: unknown 'mean_absolute_error' for binary; known: {known}recall"
    )


@pytest.mark.parametrize("task", [Task.BINARY, Task.REGRESSION])
def test_metrics_have_names_of_their_own(task):
    names = [metric.name for metric in metrics_of(task)]
    assert len(set(names)) == len(names) >= 5


# ---- not judged, and why


@pytest.mark.parametrize(("labelled", "maturity", "reason"), [
    (0, _maturity(Maturity.FINAL, predictions=0, labelled=0), "no predictions"),
    (100, _maturity(Maturity.IMMATURE, labelled=100),
     "labels of 33.3% of the predictions have arrived, at least 50% needed before the label delay has passed"),
    (49, _maturity(Maturity.FINAL, labelled=49), "49 labelled rows, at least 50 needed"),
    (0, _maturity(Maturity.FINAL, labelled=0), "0 labelled rows, at least 50 needed"),
])  # fmt: skip
def test_what_is_not_judged_says_why(labelled, maturity, reason):
    spec = binary_spec(performance__thresholds={"auroc": {"lower": 0.99}})
    measured = _measured(spec, labels=LABEL[:labelled], maturity=maturity)
    assert _statuses(measured) == {(Status.SKIPPED, reason)}
    assert measured["auroc"].threshold_lower == 0.99
    assert measured["auroc"].rows == labelled


@pytest.mark.parametrize("state", [Maturity.PROVISIONAL, Maturity.FINAL])
def test_enough_labels_are_judged(state):
    measured = _measured(labels=LABEL[:50], maturity=_maturity(state, labelled=50))
    assert _statuses(measured) == {(Status.OK, None)}


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_one_class_leaves_out_only_what_needs_both(label):
    measured = _measured(labels=np.full(ROWS, label))
    skipped = {name: m.reason for name, m in measured.items() if m.status is Status.SKIPPED}
    assert skipped.pop("auroc").startswith(f"no {'negative' if label else 'positive'} label among {ROWS} rows")
    assert skipped.keys() == ({"recall"} if label == 0 else set())
    assert measured["accuracy"].value == np.mean(label == DECIDED)


def test_a_reference_without_labels_is_skipped_and_does_not_fail():
    found = measure_performance(CHURN, CHURN_ROWS, NO_LABELS, model_version="1")
    assert {m.status for m in found if m.kind is Kind.PERFORMANCE} == {Status.SKIPPED}
    assert all("no rows" in (m.reason or "") for m in found if m.kind is Kind.PERFORMANCE)


# ---- rows without an output


def test_labelled_rows_without_output_are_set_apart_and_counted():
    score = SCORE.tolist()
    score[:4] = [None, math.nan, math.inf, -math.inf]
    decided = np.where(DECIDED, "1", "0").tolist()
    decided[4] = None
    rows = canonical(CHURN, {"score": score, "prediction": decided})
    measured = _measured(rows=rows)
    apart = measured["labelled_rows_without_output"]
    assert (apart.kind, apart.value, apart.rows, apart.status) == (Kind.QUALITY, 5.0, ROWS, Status.BREACHED)
    assert apart.reason == "5 labelled rows whose score or prediction is not a finite number"
    assert measured["auroc"].rows == ROWS - 5
    assert measured["auroc"].value == pytest.approx(metrics.roc_auc_score(LABEL[5:], SCORE[5:]), rel=1e-12)
    joined = labelled_rows(CHURN, rows, labels_of(LABEL))
    assert joined.without_output + len(joined.labels) == ROWS
    assert list(joined.outputs) == ["prediction", "score"]


def test_no_row_is_usable():
    rows = canonical(SPEND, {"prediction": [None] * ROWS})
    measured = _measured(SPEND, rows, SPENT, maturity=_maturity(Maturity.FINAL))
    assert _statuses(measured) == {(Status.SKIPPED, "0 labelled rows, at least 50 needed")}
    assert measured["labelled_rows_without_output"].value == ROWS


def test_unlabelled_rows_without_output_do_not_count():
    rows = canonical(SPEND, {"prediction": [1.0, None]})
    apart = _measured(SPEND, rows, [2.0])["labelled_rows_without_output"]
    assert (apart.value, apart.rows, apart.status, apart.reason) == (0.0, 1, Status.OK, None)


def test_scores_that_are_no_probabilities_are_skipped_where_that_matters():
    measured = _measured(rows=canonical(CHURN, {"score": 2 * SCORE, "prediction": np.where(DECIDED, "1", "0")}))
    skipped = {name for name, m in measured.items() if m.status is Status.SKIPPED}
    assert skipped == {"log_loss", "brier_score", "mean_bias", "expected_calibration_error"}
    assert measured["auroc"].value == AUROC.value

import math

import numpy as np
import polars as pl
import pytest
from sklearn import metrics
from sklearn.isotonic import IsotonicRegression

from monitoring_pipeline.evaluation.labels.maturity import LabelMaturity
from monitoring_pipeline.evaluation.performance.metrics_table import (
    UnknownMetricError,
    check_performance_rules,
    metrics_of,
)
from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.records.measurement import Kind, Maturity, Severity, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.results import Quantity
from monitoring_pipeline_tests.evaluation.cases import NO_LABELS, canonical, labels_of
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec, regression_spec

RNG = np.random.default_rng(5)
ROWS = 300
SCORE = np.round(RNG.beta(2, 3, ROWS), 2)
LABEL = (RNG.uniform(0, 1, ROWS) < SCORE).astype(float)
DECIDED = SCORE >= 0.5
EUROS = RNG.normal(100, 20, ROWS)
SPENT = EUROS + RNG.normal(3, 10, ROWS)
CHURN, SPEND = binary_spec(), regression_spec()
REFERENCE = {MetricName("base_rate"): Quantity(0.4)}
CHURN_ROWS = canonical(CHURN, {"score": SCORE, "prediction": np.where(DECIDED, "1", "0")})
SPEND_ROWS = canonical(SPEND, {"prediction": EUROS})


def _measured(spec=CHURN, rows=CHURN_ROWS, labels=LABEL, **arguments):
    found = measure_performance(spec, rows, labels_of(labels), model_version="1", **arguments)
    return {str(m.metric): m for m in found}


def _maturity(state, *, predictions=ROWS, labelled=ROWS):
    return LabelMaturity(predictions, labelled, state)


def _statuses(measured):
    return {(m.status, m.reason) for m in measured.values() if m.kind is Kind.PERFORMANCE}


@pytest.mark.parametrize("labelled", [ROWS, 120])
def test_binary_metrics_of_joined_rows_match_scikit_learn(labelled):
    label, score, decided = LABEL[:labelled], SCORE[:labelled], DECIDED[:labelled]
    measured = _measured(labels=label)
    brier, rate = metrics.brier_score_loss(label, score), label.mean()
    recalibrated = metrics.brier_score_loss(label, IsotonicRegression().fit(score, label).predict(score))
    assert {name: m.value for name, m in measured.items() if m.kind is Kind.PERFORMANCE} == pytest.approx(
        {
            "auroc": metrics.roc_auc_score(label, score),
            "average_precision": metrics.average_precision_score(label, score),
            "brier_miscalibration": brier - recalibrated,
            "brier_discrimination": rate * (1 - rate) - recalibrated,
            "brier_uncertainty": rate * (1 - rate),
            "brier_skill": 1 - brier / (rate * (1 - rate)),
            "calibration_slope": measured["calibration_slope"].value,
            "calibration_intercept": measured["calibration_intercept"].value,
            "specificity": metrics.recall_score(1 - label, ~decided),
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
        rel=1e-9,
    )
    assert {m.rows for m in measured.values()} == {labelled}
    assert {m.status for m in measured.values()} == {Status.OK}


def test_regression_metrics_match_scikit_learn():
    measured = _measured(SPEND, SPEND_ROWS, SPENT)
    assert measured.pop("skill_against_naive").reason == "the spec names no naive forecast (predictions.naive)"
    assert {name: m.value for name, m in measured.items() if m.kind is Kind.PERFORMANCE} == pytest.approx(
        {
            "mean_absolute_error": metrics.mean_absolute_error(SPENT, EUROS),
            "root_mean_squared_error": metrics.root_mean_squared_error(SPENT, EUROS),
            "mean_bias": (EUROS - SPENT).mean(),
            "r_squared": metrics.r2_score(SPENT, EUROS),
            "median_absolute_error": metrics.median_absolute_error(SPENT, EUROS),
            "median_label": np.median(SPENT),
            "quantile_loss": metrics.mean_pinball_loss(SPENT, EUROS, alpha=0.5),
            "mean_absolute_percentage_error": metrics.mean_absolute_percentage_error(SPENT, EUROS),
            "mae_skill": 1 - metrics.mean_absolute_error(SPENT, EUROS) / np.abs(SPENT - np.median(SPENT)).mean(),
        },
        rel=1e-12,
    )


def test_intervals_contain_their_values():
    for measured in (_measured(), _measured(SPEND, SPEND_ROWS, SPENT)):
        bounded = {name for name, m in measured.items() if m.lower is not None and m.upper is not None}
        assert bounded == measured.keys() - {"skill_against_naive", "labelled_rows_without_output"}
        assert all(measured[name].lower <= measured[name].value <= measured[name].upper for name in bounded)
        assert all(measured[name].lower < measured[name].upper for name in bounded)


def test_metrics_do_not_depend_on_the_order_of_rows_and_labels():
    labels = labels_of(LABEL).sample(fraction=1, shuffle=True, seed=1)
    shuffled = measure_performance(CHURN, CHURN_ROWS.reverse(), labels, model_version="1")
    assert {str(m.metric): m for m in shuffled} == _measured()


def test_measurement_has_reference_value_maturity_and_version():
    maturity = _maturity(Maturity.PROVISIONAL)
    auroc = _measured(maturity=maturity, reference={MetricName("auroc"): Quantity(0.75)})["auroc"]
    assert (auroc.reference_value, auroc.maturity, auroc.model_version) == (0.75, Maturity.PROVISIONAL, "1")
    assert (auroc.subject, auroc.threshold_lower, auroc.threshold_upper) == ("model", pytest.approx(0.70), None)
    assert auroc.definition


# ---- classes


CHOICE = multiclass_spec()
CLASSES = np.array(["a", "b", "c"])
CHANCES = RNG.dirichlet([2, 1, 0.7], ROWS)
CHOSEN = CLASSES[CHANCES.argmax(axis=1)]
TRUTH = np.array([RNG.choice(CLASSES, p=own) for own in CHANCES])
CHOICE_ROWS = canonical(CHOICE, {f"score[{n}]": CHANCES[:, k] for k, n in enumerate("abc")} | {"prediction": CHOSEN})


def test_metrics_that_need_probabilities_are_skipped_if_scores_do_not_sum_to_one():
    halved = CHOICE_ROWS.with_columns(pl.col(r"^score\[.\]$") * 0.5)
    found = measure_performance(CHOICE, halved, labels_of(TRUTH.tolist()), model_version="1")
    skipped = {str(m.metric): m.reason for m in found if m.status is Status.SKIPPED}
    assert skipped.keys() == {"log_loss", "brier_score", "brier_skill", "expected_calibration_error"}
    assert set(skipped.values()) == {
        "the scores of all classes do not sum to 1 in 100.0% of the rows, so they are no probabilities"
    }


def test_multiclass_metrics_match_scikit_learn():
    found = measure_performance(CHOICE, CHOICE_ROWS, labels_of(TRUTH.tolist()), model_version="1")
    measured = {str(m.metric): m for m in found}
    values = {name: m.value for name, m in measured.items()}
    hot = TRUTH[:, None] == CLASSES
    report = metrics.classification_report(TRUTH, CHOSEN, output_dict=True)
    confusion = metrics.confusion_matrix(TRUTH, CHOSEN, labels=CLASSES, normalize="true")
    expected = {
        "macro_auroc": metrics.roc_auc_score(TRUTH, CHANCES, multi_class="ovr"),
        "accuracy": metrics.accuracy_score(TRUTH, CHOSEN),
        "macro_f1": metrics.f1_score(TRUTH, CHOSEN, average="macro"),
        "weighted_f1": metrics.f1_score(TRUTH, CHOSEN, average="weighted"),
        "log_loss": metrics.log_loss(TRUTH, CHANCES),
        "brier_score": ((CHANCES - hot) ** 2).sum(axis=1).mean(),
        "confusion[a->b]": confusion[0, 1],
        "confusion[c->a]": confusion[2, 0],
    }
    for number, name in enumerate(CLASSES):
        own = report[name]
        expected |= {f"precision[{name}]": own["precision"], f"recall[{name}]": own["recall"]}
        expected |= {f"f1[{name}]": own["f1-score"], f"base_rate[{name}]": hot[:, number].mean()}
        expected[f"auroc[{name}]"] = metrics.roc_auc_score(hot[:, number], CHANCES[:, number])
    assert {name: values[name] for name in expected} == pytest.approx(expected, rel=1e-9)
    assert all(m.lower < m.upper for m in measured.values() if m.kind is Kind.PERFORMANCE)
    assert measured["confusion[c->a]"].rows == (TRUTH == "c").sum()


def test_class_without_rows_is_left_out_of_the_macro_mean():
    few = TRUTH[TRUTH != "c"]
    rows = CHOICE_ROWS.filter(TRUTH != "c").with_columns(CHOICE_ROWS["row_id"].head(few.size))
    measured = {str(m.metric): m for m in measure_performance(CHOICE, rows, labels_of(few.tolist()), model_version="1")}
    assert measured["recall[c]"].reason == f"no positive label among {few.size} rows; recall has no rows"
    assert measured["recall[c]"].severity is Severity.INFO
    mean = (measured["auroc[a]"].value + measured["auroc[b]"].value) / 2
    assert measured["macro_auroc"].value == pytest.approx(mean, rel=1e-12)


# ---- forecasts


def test_forecasts_are_measured_by_horizon_and_against_the_naive_one():
    spec = regression_spec(predictions__horizon="steps", predictions__naive="last")
    steps, naive = np.tile([1.0, 2.0, 7.0], ROWS // 3), SPENT + RNG.normal(0, 20, ROWS)
    rows = canonical(spec, {"prediction": EUROS, "horizon": steps, "naive": naive})
    measured = _measured(spec, rows, SPENT)
    ours, theirs = np.abs(EUROS - SPENT), np.abs(naive - SPENT)
    for step in (1, 2, 7):
        own = steps == step
        assert measured[f"mean_absolute_error[horizon={step}]"].value == pytest.approx(ours[own].mean(), rel=1e-12)
        skill = measured[f"skill_against_naive[horizon={step}]"]
        assert skill.value == pytest.approx(1 - ours[own].mean() / theirs[own].mean(), rel=1e-12)
        assert skill.rows == own.sum()
    skill = measured["skill_against_naive"]
    assert 0 < skill.lower < skill.value < skill.upper < 1


def test_percentage_error_of_labels_of_zero_is_skipped_with_a_reason():
    measured = _measured(SPEND, SPEND_ROWS, np.where(np.arange(ROWS) < 2, 0.0, SPENT))
    percentage = measured["mean_absolute_percentage_error"]
    assert percentage.reason == f"2 of {ROWS} labels are 0; a percentage of 0 does not exist"


# ---- weights


def test_metrics_of_weighted_rows_match_metrics_of_repeated_rows():
    weights = np.where(np.arange(ROWS) % 3 == 0, 2.0, 1.0)
    for spec, rows, truth in ((CHURN, CHURN_ROWS, LABEL), (SPEND, SPEND_ROWS, SPENT)):
        weighted = labels_of(truth).with_columns(weight=weights)
        found = {
            str(m.metric): m for m in measure_performance(spec, rows, weighted, model_version="1", reference=DUMMY)
        }
        twice = np.repeat(np.arange(ROWS), weights.astype(int))
        again = _measured(spec, rows[twice].with_columns(row_id=_ids(twice.size)), truth[twice], reference=DUMMY)
        for name in found.keys() - {"median_label", "median_absolute_error", "labelled_rows_without_output"}:
            assert found[name].status is again[name].status
            if again[name].value is not None:
                assert found[name].value == pytest.approx(again[name].value, rel=1e-9), name


def _ids(rows):
    return pl.Series([f"{n:08}" for n in range(rows)])


DUMMY = {MetricName("base_rate"): Quantity(0.4), MetricName("median_label"): Quantity(100.0)}


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
def test_threshold_is_breached_by_the_interval_or_the_point(breach_on, threshold, breached):
    spec = binary_spec(performance__breach_on=breach_on, performance__thresholds={"auroc": threshold})
    auroc = _measured(spec)["auroc"]
    assert auroc.status is (Status.BREACHED if breached else Status.OK)
    assert (auroc.threshold_lower, auroc.threshold_upper) == (threshold.get("lower"), threshold.get("upper"))
    assert (auroc.value, auroc.lower, auroc.upper) == (AUROC.value, AUROC.lower, AUROC.upper)
    assert auroc.severity is Severity.CRITICAL


def test_reason_of_a_breach_contains_value_interval_and_bound():
    spec = binary_spec(performance__thresholds={"auroc": {"lower": 0.99}, "base_rate": {"upper": 0.01}})
    measured = _measured(spec)
    shown = f"{AUROC.value:.4g} ({AUROC.lower:.4g} to {AUROC.upper:.4g})"
    assert measured["auroc"].reason == f"{shown} is below 0.99"
    assert measured["base_rate"].reason.endswith("is above 0.01")


@pytest.mark.parametrize("severity", ["info", "warning", "critical"])
def test_severity_of_a_metric_is_the_thresholds_severity(severity):
    spec = binary_spec(performance__thresholds={"auroc": {"lower": 0.99, "severity": severity}})
    assert _measured(spec)["auroc"].severity is Severity(severity)


def test_threshold_on_an_unknown_metric_is_refused_with_the_valid_names():
    check_performance_rules(binary_spec(performance__thresholds={"auroc": {"lower": 0.5}}))
    with pytest.raises(UnknownMetricError) as caught:
        check_performance_rules(binary_spec(performance__thresholds={"mean_absolute_error": {"upper": 5}}))
    known = "accuracy, auroc, average_precision, base_rate, brier_discrimination, brier_miscalibration, brier_score, "
    assert str(caught.value).startswith(
        f"churn: performance.thresholds: unknown 'mean_absolute_error' for binary; known: {known}"
    )


@pytest.mark.parametrize(("spec", "allowed"), [
    (multiclass_spec(performance__thresholds={"recall[b]": {"lower": 0.5}}), True),
    (multiclass_spec(performance__thresholds={"recall[d]": {"lower": 0.5}}), False),
    (multiclass_spec(performance__thresholds={"recall": {"lower": 0.5}}), False),
    (regression_spec(performance__thresholds={"mean_absolute_error[horizon=3]": {"upper": 5}}), False),
    (regression_spec(predictions__horizon="steps",
                     performance__thresholds={"mean_absolute_error[horizon=3]": {"upper": 5}}), True),
])  # fmt: skip
def test_threshold_of_an_unknown_class_or_horizon_is_refused(spec, allowed):
    if allowed:
        check_performance_rules(spec)
        return
    with pytest.raises(UnknownMetricError):
        check_performance_rules(spec)


@pytest.mark.parametrize("task", Task)
def test_names_of_metrics_are_unique_in_each_task(task):
    names = [(metric.name, metric.per) for metric in metrics_of(task)]
    assert len(set(names)) == len(names) >= 5


# ---- not judged, and why


@pytest.mark.parametrize(("labelled", "maturity", "reason"), [
    (0, _maturity(Maturity.FINAL, predictions=0, labelled=0), "no predictions"),
    (100, _maturity(Maturity.IMMATURE, labelled=100),
     "33.3% of the labels have arrived, at least 50% needed before the label delay has passed"),
    (49, _maturity(Maturity.FINAL, labelled=49), "49 labelled rows, at least 50 needed"),
    (0, _maturity(Maturity.FINAL, labelled=0), "0 labelled rows, at least 50 needed"),
])  # fmt: skip
def test_metrics_that_cannot_be_judged_are_skipped_with_a_reason(labelled, maturity, reason):
    spec = binary_spec(performance__thresholds={"auroc": {"lower": 0.99}})
    measured = _measured(spec, labels=LABEL[:labelled], maturity=maturity)
    assert _statuses(measured) == {(Status.SKIPPED, reason)}
    assert measured["auroc"].threshold_lower == 0.99
    assert measured["auroc"].rows == labelled


@pytest.mark.parametrize("state", [Maturity.PROVISIONAL, Maturity.FINAL])
def test_metrics_of_fifty_labels_are_judged(state):
    measured = _measured(labels=LABEL[:50], maturity=_maturity(state, labelled=50), reference=REFERENCE)
    assert _statuses(measured) == {(Status.OK, None)}


@pytest.mark.parametrize("label", [0.0, 1.0])
def test_labels_of_one_class_skip_only_metrics_that_need_both(label):
    measured = _measured(labels=np.full(ROWS, label))
    skipped = {name: m.reason for name, m in measured.items() if m.status is Status.SKIPPED}
    assert skipped.pop("auroc").startswith(f"no {'negative' if label else 'positive'} label among {ROWS} rows")
    both = {"calibration_slope", "calibration_intercept", "brier_skill"}
    assert skipped.keys() == both | ({"recall", "average_precision"} if label == 0 else {"specificity"})
    assert measured["accuracy"].value == np.mean(label == DECIDED)


def test_metrics_of_a_reference_without_labels_are_skipped():
    found = measure_performance(CHURN, CHURN_ROWS, NO_LABELS, model_version="1")
    assert {m.status for m in found if m.kind is Kind.PERFORMANCE} == {Status.SKIPPED}
    assert all("no rows" in (m.reason or "") for m in found if m.kind is Kind.PERFORMANCE)


# ---- rows without an output


def test_labelled_rows_without_output_are_left_out_and_counted():
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


def test_metrics_without_a_usable_row_are_skipped():
    rows = canonical(SPEND, {"prediction": [None] * ROWS})
    measured = _measured(SPEND, rows, SPENT, maturity=_maturity(Maturity.FINAL))
    assert _statuses(measured) == {(Status.SKIPPED, "0 labelled rows, at least 50 needed")}
    assert measured["labelled_rows_without_output"].value == ROWS


def test_unlabelled_rows_without_output_are_not_counted():
    rows = canonical(SPEND, {"prediction": [1.0, None]})
    apart = _measured(SPEND, rows, [2.0])["labelled_rows_without_output"]
    assert (apart.value, apart.rows, apart.status, apart.reason) == (0.0, 1, Status.OK, None)


def test_scores_above_one_skip_only_metrics_that_need_probabilities():
    measured = _measured(rows=canonical(CHURN, {"score": 2 * SCORE, "prediction": np.where(DECIDED, "1", "0")}))
    skipped = {name for name, m in measured.items() if m.status is Status.SKIPPED}
    ranks = {"auroc", "average_precision", "accuracy", "precision", "recall", "specificity", "f1", "base_rate"}
    assert skipped == {metric.name for metric in metrics_of(Task.BINARY)} - ranks
    assert measured["auroc"].value == AUROC.value

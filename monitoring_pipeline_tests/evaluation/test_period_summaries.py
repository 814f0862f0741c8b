"""Weeks and months from their days: realized and estimated metric, parts of a change, drift, verdicts."""

import math
from collections import Counter

import numpy as np
import polars as pl
import pytest
from scipy import special
from sklearn import metrics

from monitoring_pipeline.evaluation.periods import PeriodChunk, summarize_period
from monitoring_pipeline.evaluation.profiles.bins import numeric_bins
from monitoring_pipeline.evaluation.profiles.labelled import error_bins, profile_labelled
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status, Verdict, VerdictStatus
from monitoring_pipeline.statistics.results import Quantity
from monitoring_pipeline_tests.evaluation.cases import NO_LABELS, canonical, labels_of
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec, regression_spec

BINARY, MULTICLASS, REGRESSION = binary_spec(), multiclass_spec(), regression_spec()
SEED = ("churn", "1", "2024-03")


def _calibrated(rng, rows, *, shift=0.0):
    """Return scores and labels that are drawn with the scores as probabilities."""
    odds = rng.normal(shift - 0.5, 1.2, rows)
    return special.expit(odds), (rng.random(rows) < special.expit(odds)).astype(float)


REFERENCE_ROWS = _calibrated(np.random.default_rng(1), 4000)
SCORE_BINS = {"score": numeric_bins(REFERENCE_ROWS[0])}


def _labelled(score, labels, *, bins=SCORE_BINS):
    rows = canonical(BINARY, {"score": score}).with_columns(pl.col("row_id").cast(pl.String))
    return profile_labelled(BINARY, bins, rows, labels_of(labels), model_version="1")


REFERENCE = _labelled(*REFERENCE_ROWS)


def _day(labelled=(), *measurements, verdict=None):
    return PeriodChunk(measurements, labelled, verdict)


def _summary(*days, spec=BINARY, bins=SCORE_BINS, reference=REFERENCE, seed=SEED):
    return summarize_period(spec, bins, reference, days, seed=seed)


# ---- realized


def test_realized_metric_of_a_period_is_that_of_all_its_rows():
    rng = np.random.default_rng(2)
    days = [_calibrated(rng, rows, shift=shift) for rows, shift in ((300, 0.0), (200, 2.5), (500, -1.5), (1, 0.0))]
    found = _summary(*(_day(_labelled(*day)) for day in days)).realized
    score, labels = (np.concatenate(column) for column in zip(*days, strict=True))
    assert found.value == pytest.approx(metrics.roc_auc_score(labels, score), abs=2e-3)
    mean_of_days = np.mean([metrics.roc_auc_score(labels, score) for score, labels in days[:3]])
    assert abs(found.value - mean_of_days) > 0.01
    assert found.lower < found.value < found.upper


def test_realized_metric_of_scores_with_few_distinct_values_is_exact():
    rng = np.random.default_rng(3)
    score = rng.integers(1, 10, 600) / 10
    labels = (rng.random(600) < score).astype(float)
    bins = {"score": numeric_bins(score)}
    days = [_day(_labelled(score[part], labels[part], bins=bins)) for part in (slice(200), slice(200, 600))]
    found = _summary(*days, bins=bins, reference=_labelled(score, labels, bins=bins)).realized
    assert found.value == pytest.approx(metrics.roc_auc_score(labels, score), abs=1e-12)


def test_days_that_differ_give_a_wider_interval_than_mixed_rows():
    rng = np.random.default_rng(4)
    days = [*(_calibrated(rng, 200) for _ in range(4)), *_days_of_chance(rng, 4)]
    score, labels = (np.concatenate(column) for column in zip(*days, strict=True))
    mixed = np.array_split(rng.permutation(score.size), len(days))
    apart = _summary(*(_day(_labelled(*day)) for day in days)).realized
    alike = _summary(*(_day(_labelled(score[own], labels[own])) for own in mixed)).realized
    assert apart.value == pytest.approx(alike.value, abs=1e-12)
    assert apart.upper - apart.lower > 2.5 * (alike.upper - alike.lower)


def _days_of_chance(rng, days):
    """Yield days on which score and label are independent."""
    for _ in range(days):
        score, labels = _calibrated(rng, 200)
        yield score, rng.permutation(labels)


def test_regression_error_is_a_mean_of_rows_with_an_interval_over_days():
    rng = np.random.default_rng(5)
    own = [rng.normal(0, 1 + number % 3, rows) for number, rows in enumerate((50, 100, 10, 200, 40, 60))]
    whole = np.concatenate(own)
    bins = error_bins(REGRESSION, _with_labels(whole))
    labelled = [_error_day(errors, bins) for errors in own]
    found = _summary(*map(_day, labelled), spec=REGRESSION, bins=bins, reference=_error_day(whole, bins))
    assert found.realized.value == pytest.approx(np.abs(whole).mean(), abs=1e-8)
    # Ratio estimator's standard error over days (Cochran 1977, sec. 6.4), without the finite population's factor.
    sums, rows = np.array([np.abs(e).sum() for e in own]), np.array([e.size for e in own])
    error = math.sqrt(np.sum((sums - found.realized.value * rows) ** 2)) / rows.sum()
    assert (found.realized.upper - found.realized.lower) / (2 * 1.96) == pytest.approx(error, rel=0.25)
    assert found.changes == {}


def _with_labels(own):
    labels = np.linspace(0, 1, len(own))
    frame = canonical(REGRESSION, {"prediction": labels + own})
    return frame.with_columns(label=labels)


def _error_day(own, bins):
    rows = _with_labels(own)
    labels = labels_of(rows["label"].to_list())
    return profile_labelled(REGRESSION, bins, rows.drop("label"), labels, model_version="1")


@pytest.mark.parametrize("present", ["abc", "ab"])
def test_multiclass_metric_is_the_mean_of_the_classes_with_a_value(present):
    rng = np.random.default_rng(6)
    share = rng.dirichlet([2, 2, 2], 400)
    bins = {f"score[{name}]": numeric_bins(share[:, n]) for n, name in enumerate("abc")}
    labels = np.array([rng.choice(list(present), p=own[: len(present)] / own[: len(present)].sum()) for own in share])
    days = []
    for part in (slice(150), slice(150, 400)):
        columns = {f"score[{name}]": share[part, n] for n, name in enumerate("abc")}
        rows = canonical(MULTICLASS, columns | {"prediction": ["a"] * len(labels[part])})
        own = labels_of(labels[part].tolist())
        days.append(_day(profile_labelled(MULTICLASS, bins, rows, own, model_version="1")))
    found = _summary(*days, spec=MULTICLASS, bins=bins, reference=()).realized
    areas = [metrics.roc_auc_score(labels == name, share[:, n]) for n, name in enumerate(present)]
    assert found.value == pytest.approx(np.mean(areas), abs=3e-3)
    assert found.lower <= found.value <= found.upper


def test_equal_days_and_seed_give_an_identical_summary():
    rng = np.random.default_rng(7)
    days = [_day(_labelled(*_calibrated(rng, 100))) for _ in range(5)]
    assert _summary(*days) == _summary(*days)
    assert _summary(*days).realized.lower != _summary(*days, seed=("other",)).realized.lower


def test_period_of_one_day_has_a_value_without_an_interval():
    """Days are the independent units, and one day does not show how much days differ."""
    found = _summary(_day(_labelled(*_calibrated(np.random.default_rng(8), 200)))).realized
    assert (found.lower, found.upper) == (None, None)


@pytest.mark.parametrize("score", [[0.2, 0.7], []])
def test_period_without_labels_or_with_one_class_has_no_realized_metric(score):
    days = [_day(_labelled(score, [1.0] * len(score))), _day(), _day(_labelled(score, [1.0] * len(score)))]
    found = _summary(*days)
    assert (found.realized, found.estimated, found.days) == (None, None, 0)


def test_reference_without_scores_gives_neither_metric_nor_changes():
    bins = {"score": numeric_bins(np.array([]))}
    day = _day(_labelled([0.2, 0.7, 0.4], [0, 1, 1], bins=bins))
    found = _summary(day, bins=bins, reference=_labelled([], [], bins=bins))
    assert (found.realized, found.changes) == (None, {})


# ---- estimated


def _estimate(value, *, rows, half_width=None, name="auroc", kind=Kind.ESTIMATED_PERFORMANCE):
    bounds = {} if half_width is None else {"lower": value - half_width, "upper": value + half_width}
    return Measurement(kind=kind, subject="model", name=name, model_version="1", value=value, rows=rows, **bounds)


def test_estimate_of_a_period_is_weighted_by_rows_with_independent_errors_of_days():
    days = [
        _day((), _estimate(0.8, rows=100, half_width=0.1), _estimate(0.1, rows=900, name="log_loss")),
        _day((), _estimate(0.7, rows=300, half_width=0.06)),
        _day((), _estimate(0.2, rows=5000, kind=Kind.PERFORMANCE)),
    ]
    found = _summary(*days).estimated
    half_width = math.hypot(0.25 * 0.1, 0.75 * 0.06)
    assert found == Quantity(pytest.approx(0.725), pytest.approx(0.725 - half_width), pytest.approx(0.725 + half_width))


def test_estimate_of_a_period_has_no_bounds_if_one_day_has_none():
    days = [_day((), _estimate(0.8, rows=100, half_width=0.1)), _day((), _estimate(0.7, rows=100))]
    assert _summary(*days).estimated == Quantity(pytest.approx(0.75))


def test_skipped_estimates_are_left_out_of_a_period():
    skipped = Measurement(
        kind=Kind.ESTIMATED_PERFORMANCE, subject="model", name="auroc", model_version="1", status=Status.SKIPPED,
        reason="20 rows", rows=20,
    )  # fmt: skip
    assert _summary(_day((), skipped)).estimated is None
    assert _summary(_day((), skipped), _day((), _estimate(0.7, rows=10))).estimated == Quantity(pytest.approx(0.7))


# ---- parts of a change


def _changes(score, labels, days=10):
    parts = np.array_split(np.arange(len(labels)), days)
    summary = _summary(*(_day(_labelled(score[own], labels[own])) for own in parts))
    return {str(name): change for name, change in summary.changes.items()}


def _includes_no_change(estimate):
    return estimate.lower <= 0.0 <= estimate.upper


def test_shifted_score_with_calibrated_labels_is_no_change_given_the_score():
    """Eight months give 16 intervals. Each may miss with probability 0.05."""
    missed = 0
    for seed in range(8):
        found = _changes(*_calibrated(np.random.default_rng(seed), 3000, shift=-1.5))
        assert not _includes_no_change(found["change_by_score[brier_score]"])
        missed += sum(not _includes_no_change(found[f"change_given_score[{name}]"]) for name in ("auroc", "mean_bias"))
    assert missed <= 3


def test_flipped_labels_are_a_change_of_auroc_given_the_score():
    rng = np.random.default_rng(20)
    score, labels = _calibrated(rng, 3000)
    flipped = np.where(rng.random(3000) < 0.15, 1 - labels, labels)
    found = _changes(score, flipped)
    assert found["change_given_score[auroc]"].upper < -0.05
    assert found["change_given_score[brier_score]"].lower > 0.01
    assert _includes_no_change(found["change_by_score[auroc]"])
    assert _includes_no_change(found["change_by_score[mean_bias]"])


def test_labels_that_became_rarer_are_a_change_of_bias_given_the_score():
    rng = np.random.default_rng(21)
    score, labels = _calibrated(rng, 3000)
    rarer = np.where(rng.random(3000) < 0.2, 0.0, labels)
    found = _changes(score, rarer)
    lost = labels.mean() - rarer.mean()
    assert found["change_given_score[mean_bias]"].value == pytest.approx(lost, abs=0.03)
    assert found["change_given_score[mean_bias]"].lower > 0


def test_changes_by_score_and_given_score_add_up_to_the_whole_change():
    rng = np.random.default_rng(22)
    score, labels = _calibrated(rng, 2000, shift=0.6)
    labels = np.where(rng.random(2000) < 0.1, 1 - labels, labels)
    found = _changes(score, labels)
    before = metrics.roc_auc_score(REFERENCE_ROWS[1], REFERENCE_ROWS[0])
    whole = found["change_by_score[auroc]"].value + found["change_given_score[auroc]"].value
    assert whole == pytest.approx(metrics.roc_auc_score(labels, score) - before, abs=3e-3)


def test_change_without_labels_of_period_or_reference_is_not_split():
    rows = canonical(BINARY, {"score": [0.3, 0.4]})
    empty = profile_labelled(BINARY, SCORE_BINS, rows, NO_LABELS, model_version="1")
    labelled = _labelled(*_calibrated(np.random.default_rng(23), 200))
    assert _summary(_day(empty)).changes == {}
    assert _summary().changes == {}
    assert _summary(_day(labelled), reference=()).changes == {}
    assert _summary(_day(labelled), reference=empty).changes == {}


# ---- drift, verdicts, days


def _drift(column, *, severity=Severity.WARNING, status=Status.BREACHED, kind=Kind.DRIFT):
    return Measurement(
        kind=kind, subject=column, name="jensen_shannon", model_version="1", value=0.3, severity=severity, status=status
    )


def test_drifted_days_of_a_column_are_counted_without_breaches_of_severity_info():
    days = [
        _day((), _drift("age"), _drift("plan", severity=Severity.INFO), _drift("score", status=Status.OK)),
        _day((), _drift("age", severity=Severity.CRITICAL), _drift("plan", kind=Kind.QUALITY)),
        _day((), _drift("plan")),
    ]
    found = _summary(*days)
    assert found.drifted == Counter(age=2, plan=1)
    assert found.days == 3


def test_day_on_which_two_statistics_of_a_column_drifted_counts_once():
    twice = [_drift("age"), _drift("age")]
    assert _summary(_day((), *twice)).drifted == Counter(age=1)


def test_verdicts_are_counted_and_days_without_results_are_left_out():
    def verdict(status):
        return Verdict(status=status, reasons=(), measured=1, breaches=0, skipped=0)

    days = [
        _day((), _drift("age"), verdict=verdict(VerdictStatus.WARNING)),
        _day((), _drift("age"), verdict=verdict(VerdictStatus.OK)),
        _day((), _drift("age"), verdict=verdict(VerdictStatus.OK)),
        _day(),
    ]
    found = _summary(*days)
    assert found.verdicts == {VerdictStatus.OK: 2, VerdictStatus.WARNING: 1}
    assert found.days == 3

"""Classification metrics against scikit-learn, by hand, and where they do not exist."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from monitoring_pipeline.statistics.intervals.intervals import mean_interval, wilson
from monitoring_pipeline.statistics.predictions import classification
from monitoring_pipeline.statistics.results import UndefinedStatisticError

ON_SCORES = [
    classification.auroc,
    classification.log_loss,
    classification.brier_score,
    classification.mean_bias,
]
ON_CLASSES = [
    classification.accuracy,
    classification.precision,
    classification.recall,
    classification.specificity,
    classification.f1,
]

LABELS = [1, 1, 1, 0, 0, 0, 0, 1]
CLASSES = [1, 1, 0, 0, 0, 1, 0, 0]  # 2 true positives, 1 false positive, 2 false negatives, 3 true negatives


def rows_of_both_classes():
    """Labels and scores with ties, including exactly 0 and 1."""
    row = st.tuples(st.integers(0, 1), st.integers(0, 20).map(lambda twentieths: twentieths / 20))
    return st.lists(row, min_size=2, max_size=60).filter(lambda rows: len({label for label, _ in rows}) == 2)


@given(rows_of_both_classes())
def test_metrics_of_scores_match_scikit_learn(rows):
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    assert classification.auroc(labels, scores).value == pytest.approx(metrics.roc_auc_score(labels, scores))
    assert classification.log_loss(labels, scores).value == pytest.approx(metrics.log_loss(labels, scores))
    assert classification.brier_score(labels, scores).value == pytest.approx(metrics.brier_score_loss(labels, scores))
    assert classification.mean_bias(labels, scores).value == pytest.approx(np.mean(scores - labels), abs=1e-12)


@given(rows_of_both_classes())
def test_metrics_of_classes_match_scikit_learn(rows):
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    decided = (scores >= 0.5).astype(int)
    decided[0] = 1
    assert classification.accuracy(labels, decided).value == pytest.approx(metrics.accuracy_score(labels, decided))
    assert classification.precision(labels, decided).value == pytest.approx(metrics.precision_score(labels, decided))
    assert classification.recall(labels, decided).value == pytest.approx(metrics.recall_score(labels, decided))
    assert classification.f1(labels, decided).value == pytest.approx(metrics.f1_score(labels, decided))
    of_negatives = metrics.recall_score(labels, decided, pos_label=0)
    assert classification.specificity(labels, decided).value == pytest.approx(of_negatives)
    assert classification.base_rate(labels).value == pytest.approx(labels.mean())


@pytest.mark.parametrize(
    ("metric", "successes", "trials"),
    [
        (classification.accuracy, 5, 8),
        (classification.precision, 2, 3),
        (classification.recall, 2, 4),
        (classification.specificity, 3, 4),
    ],
)
def test_proportions_have_wilson_intervals_over_their_rows(metric, successes, trials):
    assert metric(LABELS, CLASSES, 0.9) == wilson(successes, trials, 0.9)


def test_base_rate_has_a_wilson_interval():
    assert classification.base_rate(LABELS, 0.9) == wilson(4, 8, 0.9)


def test_f1_matches_value_and_bounds_by_hand():
    estimate = classification.f1(LABELS, CLASSES)
    jaccard = wilson(2, 5)
    assert estimate.value == pytest.approx(4 / 7)
    assert estimate.lower == pytest.approx(2 * jaccard.lower / (1 + jaccard.lower))
    assert estimate.upper == pytest.approx(2 * jaccard.upper / (1 + jaccard.upper))


def test_f1_interval_covers_the_truth():
    rng = np.random.default_rng(5)
    precision, recall = 0.6, 0.45  # 20 % positive, 15 % predicted positive
    f1, covered = 2 * precision * recall / (precision + recall), 0
    for _ in range(1000):
        cells = rng.choice(4, size=150, p=[0.09, 0.06, 0.11, 0.74])
        estimate = classification.f1((cells == 0) | (cells == 2), cells <= 1)
        covered += estimate.lower <= f1 <= estimate.upper
    assert 0.93 <= covered / 1000 <= 0.97


def test_means_of_losses_have_intervals_of_skewed_means():
    labels, scores = np.array([1, 0, 1, 0]), np.array([0.9, 0.2, 0.4, 0.3])
    assert classification.log_loss(labels, scores).upper == pytest.approx(
        mean_interval(-np.log([0.9, 0.8, 0.4, 0.7]), minimum=0.0).upper, abs=1e-12
    )
    assert classification.brier_score(labels, scores).upper == pytest.approx(
        mean_interval([0.01, 0.04, 0.36, 0.09], minimum=0.0, maximum=1.0).upper, abs=1e-12
    )
    bias = classification.mean_bias(labels, scores)
    expected = mean_interval([-0.1, 0.2, -0.6, 0.3], minimum=-1.0, maximum=1.0)
    assert (bias.value, bias.lower, bias.upper) == pytest.approx((expected.value, expected.lower, expected.upper))


def test_mean_bias_of_scores_that_are_too_low_is_negative():
    assert classification.mean_bias([1, 1, 0], [0.5, 0.4, 0.1]).value == pytest.approx(-1 / 3)


def test_log_loss_of_a_certain_miss_is_finite():
    assert classification.log_loss([0, 1], [1.0, 1.0]).value == pytest.approx(-math.log(np.finfo(float).eps) / 2)


@pytest.mark.parametrize("labels", [np.array([True, False, True]), [1.0, 0.0, 1.0], np.array([1, 0, 1], dtype=np.int8)])
def test_labels_may_be_booleans_or_numbers(labels):
    assert classification.auroc(labels, [0.9, 0.1, 0.5]).value == 1.0


@pytest.mark.parametrize(("label", "absent"), [(1, "negative"), (0, "positive")])
def test_auroc_of_one_class_is_undefined(label, absent):
    with pytest.raises(UndefinedStatisticError, match=f"no {absent} label among 3 rows"):
        classification.auroc([label] * 3, [0.1, 0.2, 0.3])


def test_auroc_accepts_scores_that_are_not_probabilities():
    assert classification.auroc([0, 1, 1], [-3.0, 5.0, 7.0]).value == 1.0


@pytest.mark.parametrize(
    ("metric", "labels", "predictions", "reason"),
    [
        (classification.precision, [1, 0], [0, 0], "none of 2 rows is predicted positive"),
        (classification.recall, [0, 0], [1, 0], "no positive label among 2 rows"),
        (classification.specificity, [1, 1], [1, 0], "no negative label among 2 rows"),
        (classification.f1, [0, 0], [0, 0], "none of 2 rows is positive or predicted positive"),
    ],
)
def test_metrics_with_a_zero_denominator_are_undefined_with_a_reason(metric, labels, predictions, reason):
    with pytest.raises(UndefinedStatisticError, match=reason):
        metric(labels, predictions)


@pytest.mark.parametrize("metric", [*ON_SCORES, *ON_CLASSES])
@pytest.mark.parametrize(
    ("labels", "second", "reason"),
    [
        ([], [], "no rows with both labels and"),
        ([0, math.nan], [0, 1], r"1 of 2 labels are not usable numbers \(first: nan\)"),
        ([0, 1], [0, math.inf], r"1 of 2 (scores|predictions) are not usable numbers \(first: inf\)"),
        ([0, 2], [0, 1], r"1 of 2 labels are neither 0 nor 1 \(first: 2\.0\)"),
    ],
)
def test_metrics_of_unusable_rows_are_undefined_with_a_reason(metric, labels, second, reason):
    with pytest.raises(UndefinedStatisticError, match=reason):
        metric(labels, second)


@pytest.mark.parametrize("metric", [*ON_SCORES, *ON_CLASSES])
def test_columns_of_different_length_are_refused(metric):
    with pytest.raises(ValueError, match=r"labels has 2 rows and (scores|predictions) has 3"):
        metric([0, 1], [0, 1, 1])


@pytest.mark.parametrize("metric", [classification.log_loss, classification.brier_score, classification.mean_bias])
def test_metrics_of_scores_that_are_not_probabilities_are_undefined(metric):
    with pytest.raises(UndefinedStatisticError, match=r"they range from 0\.2 to 1\.5"):
        metric([0, 1], [0.2, 1.5])


@pytest.mark.parametrize("metric", ON_CLASSES)
def test_metrics_of_predictions_that_are_not_classes_are_undefined(metric):
    with pytest.raises(UndefinedStatisticError, match=r"1 of 2 predictions are neither 0 nor 1 \(first: 0\.5\)"):
        metric([0, 1], [0.5, 1.0])

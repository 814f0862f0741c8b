"""Regression metrics against scikit-learn, by hand, and where they do not exist."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from monitoring_pipeline.statistics.intervals.intervals import mean_interval, median_interval
from monitoring_pipeline.statistics.predictions import regression
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

ALL = [
    regression.mean_absolute_error,
    regression.median_absolute_error,
    regression.root_mean_squared_error,
    regression.mean_bias,
    regression.r_squared,
]
LABELS = np.array([3.0, -1.0, 10.0, 4.0, 0.0, 7.0, 2.0])
PREDICTIONS = np.array([4.0, 1.0, 7.0, 4.0, 5.0, 3.0, 8.0])  # errors 1, 2, -3, 0, 5, -4, 6


@given(st.lists(st.tuples(st.integers(-999, 999), st.integers(-999, 999)), min_size=2, max_size=60))
def test_metrics_match_scikit_learn(rows):
    labels, predictions = (np.array(column) / 7 for column in zip(*rows, strict=True))
    assert regression.mean_absolute_error(labels, predictions).value == pytest.approx(
        metrics.mean_absolute_error(labels, predictions)
    )
    assert regression.root_mean_squared_error(labels, predictions).value == pytest.approx(
        metrics.root_mean_squared_error(labels, predictions)
    )
    assert regression.median_absolute_error(labels, predictions).value == pytest.approx(
        metrics.median_absolute_error(labels, predictions)
    )
    assert regression.mean_bias(labels, predictions).value == pytest.approx(np.mean(predictions - labels), abs=1e-9)
    if labels.min() < labels.max():
        assert regression.r_squared(labels, predictions).value == pytest.approx(metrics.r2_score(labels, predictions))


def test_intervals_match_bounds_by_hand():
    absolute = [1, 2, 3, 0, 5, 4, 6]
    assert regression.mean_absolute_error(LABELS, PREDICTIONS, 0.9) == mean_interval(absolute, 0.9, minimum=0.0)
    assert regression.median_absolute_error(LABELS, PREDICTIONS) == median_interval(absolute) == Quantity(3, 0, 6)
    assert regression.mean_bias(LABELS, PREDICTIONS, 0.9) == mean_interval([1, 2, -3, 0, 5, -4, 6], 0.9)
    squared = mean_interval(np.square(absolute), 0.9, minimum=0.0)
    assert regression.root_mean_squared_error(LABELS, PREDICTIONS, 0.9) == Quantity(
        math.sqrt(squared.value), math.sqrt(squared.lower), math.sqrt(squared.upper)
    )
    assert regression.r_squared(LABELS, PREDICTIONS) == Quantity(pytest.approx(1 - 91 / (179 - 625 / 7)), None, None)


def test_mean_bias_of_predictions_that_are_too_low_is_negative():
    assert regression.mean_bias([5.0, 7.0], [4.0, 4.0]).value == -2.0


def test_root_mean_squared_error_interval_matches_the_delta_method():
    errors = np.random.default_rng(8).normal(0, 3, 40_000)
    estimate = regression.root_mean_squared_error(np.zeros(40_000), errors)
    delta = 1.959964 * np.std(errors**2) / math.sqrt(40_000) / (2 * estimate.value)
    assert estimate.upper - estimate.value == pytest.approx(delta, rel=0.01)
    assert estimate.value - estimate.lower == pytest.approx(delta, rel=0.01)


def test_lower_bound_of_an_error_is_not_negative():
    assert regression.root_mean_squared_error([0, 0, 0], [0.1, 0.0, 9.0]).lower == 0.0
    assert regression.mean_absolute_error([0, 0, 0], [0.1, 0.0, 9.0]).lower == 0.0


def test_r_squared_of_equal_labels_is_undefined_with_a_reason():
    with pytest.raises(UndefinedStatisticError, match=r"all 3 labels are 0\.1; there is no variation"):
        regression.r_squared([0.1] * 3, [1, 2, 3])


@given(st.permutations(range(len(LABELS))))
def test_metrics_do_not_depend_on_the_order_of_rows(order):
    for metric in ALL:
        assert metric(LABELS[order] / 7, PREDICTIONS[order] / 7) == metric(LABELS / 7, PREDICTIONS / 7)


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize(
    ("labels", "predictions", "reason"),
    [
        ([], [], "no rows with both labels and predictions"),
        ([1.0, math.nan], [1.0, 2.0], "1 of 2 labels are not usable numbers"),
        ([1.0, 2.0], [-math.inf, 2.0], r"1 of 2 predictions are not usable numbers \(first: -inf\)"),
        ([1.0, 2.0], [1e200, 2.0], r"1 of 2 predictions are not usable numbers \(first: 1e\+200\)"),
    ],
)
def test_metrics_of_unusable_rows_are_undefined_with_a_reason(metric, labels, predictions, reason):
    with pytest.raises(UndefinedStatisticError, match=reason):
        metric(labels, predictions)


@pytest.mark.parametrize("metric", ALL)
def test_metrics_of_the_largest_usable_numbers_are_finite(metric):
    estimate = metric([0.0, 1e75, -1e75], [1e75, -1e75, 0.0])
    assert all(bound is None or math.isfinite(bound) for bound in (estimate.value, estimate.lower, estimate.upper))


@pytest.mark.parametrize("metric", ALL)
def test_columns_of_different_length_are_refused(metric):
    with pytest.raises(ValueError, match="labels has 1 rows and predictions has 2"):
        metric([1.0], [1.0, 2.0])

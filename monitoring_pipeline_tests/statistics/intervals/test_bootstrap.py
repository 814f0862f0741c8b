"""Resampling: what is drawn, what the bounds are, and where there are none."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.statistics.intervals.bootstrap import (
    DRAWS,
    LEAST_DEFINED,
    bootstrap_interval,
    resampled_weights,
    without_bias,
)
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError


def test_resampled_weights_of_each_draw_sum_to_the_rows():
    weights = resampled_weights(7, 50, np.random.default_rng(1))
    assert weights.shape == (50, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert (weights == np.round(weights)).all()
    assert weights.min() == 0.0
    assert len({tuple(draw) for draw in weights}) > 40


def test_resampled_weights_are_multinomial():
    """Each row's count has mean 1 and variance 1 - 1/n, two rows' counts covariance -1/n."""
    weights = resampled_weights(5, 40_000, np.random.default_rng(2))
    expected = np.eye(5) - 1 / 5
    assert weights.mean(axis=0) == pytest.approx(np.ones(5), abs=0.03)
    assert np.cov(weights.T) == pytest.approx(expected, abs=0.03)


def test_resampled_weights_of_the_same_seed_are_identical():
    first, second = (resampled_weights(20, 30, np.random.default_rng(3)) for _ in range(2))
    assert (first == second).all()
    assert not np.array_equal(first, resampled_weights(20, 30, np.random.default_rng(4)))


def test_bootstrap_bounds_are_percentiles_of_the_draws():
    draws = np.arange(401) / 400
    assert bootstrap_interval(0.4, draws) == Quantity(0.4, pytest.approx(0.025), pytest.approx(0.975))
    assert bootstrap_interval(0.4, draws, confidence=0.8) == Quantity(0.4, pytest.approx(0.1), pytest.approx(0.9))


@given(st.floats(-10, 10), st.lists(st.floats(-10, 10), min_size=2, max_size=50))
def test_bootstrap_interval_contains_its_value(value, draws):
    found = bootstrap_interval(value, draws)
    assert found.value == value
    if found.lower is None:
        assert np.ptp(draws) == 0.0
    else:
        assert found.lower <= value <= found.upper


def test_bootstrap_interval_is_widened_to_a_value_outside_its_draws():
    draws = np.linspace(0, 1, 101)
    assert bootstrap_interval(2.0, draws) == Quantity(2.0, pytest.approx(0.025), 2.0)
    assert bootstrap_interval(-1.0, draws) == Quantity(-1.0, -1.0, pytest.approx(0.975))


@pytest.mark.parametrize(("undefined", "bounds"), [(0, True), (10, True), (11, False), (100, False)])
def test_bootstrap_interval_with_many_undefined_draws_has_no_bounds(undefined, bounds):
    draws = np.concatenate([np.linspace(0, 1, 100 - undefined), np.full(undefined, np.nan)])
    assert (1 - LEAST_DEFINED) * draws.size == pytest.approx(10)
    assert (bootstrap_interval(0.5, draws).lower is not None) == bounds


def test_bootstrap_interval_of_equal_draws_has_no_bounds():
    assert bootstrap_interval(0.5, np.full(50, 0.5)) == Quantity(0.5)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_bootstrap_interval_without_a_value_is_undefined(value):
    with pytest.raises(UndefinedStatisticError, match="no value"):
        bootstrap_interval(value, [1.0, 2.0])


def test_bootstrap_interval_of_a_mean_matches_theory():
    """Percentiles of resampled means come near the normal interval with the root of the sample's variance / n."""
    rng = np.random.default_rng(5)
    values = rng.exponential(2, 400)
    means = resampled_weights(400, 4000, rng) @ values / 400
    found = bootstrap_interval(values.mean(), means)
    half_width = stats.norm.ppf(0.975) * values.std() / math.sqrt(400)
    assert (found.upper - found.lower) / 2 == pytest.approx(half_width, rel=0.05)


def test_bias_by_chance_is_subtracted_from_the_bounds():
    """Draws lie .1 above the value on average: the lower bound falls by (2 + sqrt 2) of it, the upper by one."""
    draws = np.linspace(0.4, 0.8, 101)
    found = without_bias(Quantity(0.5, 0.45, 0.75), draws)
    assert found.value == 0.5
    assert found.lower == pytest.approx(0.45 - 0.1 * (2 + math.sqrt(2)))
    assert found.upper == pytest.approx(0.65)
    assert without_bias(Quantity(0.5, 0.2, 0.55), draws) == Quantity(0.5, 0.0, 0.5)


def test_bounds_without_bias_are_unchanged_and_missing_ones_stay_missing():
    assert without_bias(Quantity(0.5, 0.3, 0.7), [0.4, np.nan, 0.5]) == Quantity(0.5, 0.3, 0.7)
    assert without_bias(Quantity(0.5), [0.6, 0.7]) == Quantity(0.5)


def test_lower_bound_without_bias_is_near_zero_if_the_truth_is_zero():
    """Mean of |g| over 10 cells whose truth is 0: the lower bound of 200 samples is above 0.02 in few."""
    rng = np.random.default_rng(6)
    wrongly_sure, plain = 0, 0
    for _ in range(200):
        rows = rng.normal(0, 1, (30, 10))
        means = resampled_weights(30, DRAWS, rng) @ rows / 30
        draws = np.abs(means).mean(axis=1)
        estimate = bootstrap_interval(np.abs(rows.mean(axis=0)).mean(), draws)
        plain += estimate.lower > 0.02
        wrongly_sure += without_bias(estimate, draws).lower > 0.02
    assert plain == 200
    assert wrongly_sure <= 25

"""Intervals by leaving out days: hand-worked values, identities, and how often they hold the truth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.statistics.intervals.paired import (
    LARGEST_CORRELATION,
    LEAST_DAYS,
    jackknife_interval,
    serial_inflation,
)
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

USUAL = math.sqrt(1.2 / 0.8)


def _means_without_each(values):
    return [np.delete(values, day).mean() for day in range(len(values))]


def _autoregressive(rng, series, days, correlation):
    values = np.empty((series, days))
    values[:, 0] = rng.normal(size=series)
    for day in range(1, days):
        step = rng.normal(size=series) * math.sqrt(1 - correlation**2)
        values[:, day] = correlation * values[:, day - 1] + step
    return values


def test_serial_inflation_matches_days_by_hand():
    """1, -1, 2, -2, 0: lag products -1 - 2 - 4 = -7 of 10; corrected (5 * -.7 + 1) / 3.75."""
    drawn = (5 * (5 * -0.7 + 1) / 3.75 + 5 * 0.2) / 10
    correlation = max(drawn + 0.7 * math.sqrt((1 - drawn**2) / 10), 0.0)
    assert serial_inflation([1.0, -1.0, 2.0, -2.0, 0.0]) == pytest.approx(
        math.sqrt((1 + correlation) / (1 - correlation)), rel=1e-12
    )
    values = [3.0, 1.0, 2.0, 2.0, 4.0, 3.0, 3.0, 1.0]
    apart = np.array(values) - 2.375
    own = (8 * (apart[1:] @ apart[:-1]) / (apart @ apart) + 1) / 6
    drawn = (8 * own + 5 * 0.2) / 13
    correlation = drawn + 0.7 * math.sqrt((1 - drawn**2) / 13)
    assert 0.1 < correlation < 0.6
    assert serial_inflation(values) == pytest.approx(math.sqrt((1 + correlation) / (1 - correlation)), rel=1e-12)


def test_serial_inflation_is_bounded():
    assert serial_inflation(np.arange(200.0)) == math.sqrt((1 + LARGEST_CORRELATION) / (1 - LARGEST_CORRELATION))
    assert serial_inflation([1.0, -1.0] * 100) == 1.0
    assert serial_inflation([3.0, 3.0, 3.0]) == pytest.approx(USUAL)


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.5])
def test_serial_inflation_of_many_days_uses_their_correlation(correlation):
    values = _autoregressive(np.random.default_rng(1), 1, 20_000, correlation)[0]
    expected = math.sqrt((1 + correlation) / (1 - correlation))
    assert serial_inflation(values) == pytest.approx(expected, rel=0.03)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=40), st.floats(0.1, 10), st.floats(-10, 10))
def test_serial_inflation_does_not_depend_on_units(values, scale, shift):
    if np.ptp(values) > 1e-3:
        moved = np.asarray(values) * scale + shift
        assert serial_inflation(moved) == pytest.approx(serial_inflation(values), rel=1e-6)


def test_jackknife_interval_of_a_mean_is_students_interval_widened():
    values = np.random.default_rng(2).normal(3, 2, 14)
    found = jackknife_interval(values.mean(), _means_without_each(values), 0.9)
    lower, upper = stats.t.interval(0.9, 13, loc=values.mean(), scale=values.std(ddof=1) / math.sqrt(14))
    widened = serial_inflation(values)
    assert found.value == values.mean()
    skewed = int(stats.skew(values) > 0)
    plain, wider = (upper - values.mean()) * widened, (values.mean() - lower) * widened
    sides = (found.value - found.lower, found.upper - found.value)
    assert sides[1 - skewed] == pytest.approx(plain)
    assert plain < sides[skewed] < 1.3 * wider


def test_jackknife_interval_of_equal_days_has_no_bounds():
    assert jackknife_interval(0.3, [0.3] * 10) == Quantity(0.3)


@pytest.mark.parametrize(("value", "without", "reason"), [
    (1.0, [1.0, 2.0], f"2 days with labelled rows, at least {LEAST_DAYS} needed"),
    (1.0, [], f"0 days with labelled rows, at least {LEAST_DAYS} needed"),
    (math.nan, [1.0, 2.0, 3.0], "does not exist on these rows"),
    (1.0, [1.0, math.nan, 3.0], "not without each of their days"),
])  # fmt: skip
def test_jackknife_interval_of_too_few_or_nonfinite_values_is_undefined(value, without, reason):
    with pytest.raises(UndefinedStatisticError, match=reason):
        jackknife_interval(value, without)


def test_jackknife_interval_of_a_wrong_shape_or_confidence_is_refused():
    with pytest.raises(ValueError, match=r"shape \(1, 2\)"):
        jackknife_interval(1.0, [[1.0, 2.0]])
    with pytest.raises(ValueError, match="confidence is 95"):
        jackknife_interval(1.0, [1.0, 2.0, 3.0], 95)


@pytest.mark.parametrize(("days", "correlation"), [(5, 0.2), (14, 0.0), (14, 0.2), (28, 0.2), (28, 0.3)])
def test_jackknife_interval_of_correlated_days_covers_the_truth(days, correlation):
    """Of 600 series of correlated days at least 92.5 % of the intervals at 95 % hold the true mean, 0."""
    series = _autoregressive(np.random.default_rng(3), 600, days, correlation)
    held, plain = 0, 0
    for values in series:
        found = jackknife_interval(values.mean(), _means_without_each(values))
        held += found.lower <= 0 <= found.upper
        plain += abs(found.value) <= (found.upper - found.value) / serial_inflation(values)
    assert 0.925 <= held / 600 <= 0.995
    assert plain < held

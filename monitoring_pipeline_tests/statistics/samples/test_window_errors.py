"""The error of a number over a window: by hand, by a second implementation, and by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.statistics.results import UndefinedStatisticError
from monitoring_pipeline.statistics.samples.day_effects import DayEffect
from monitoring_pipeline.statistics.samples.window_errors import effect_of_days, window_interval, without_each_day

COUNTS = st.lists(st.integers(1, 50), min_size=2, max_size=12)


def _mean(sums, rows):
    return lambda weights: (weights @ sums) / (weights @ rows)


@given(COUNTS, st.integers(0, 1_000))
def test_day_without_which_a_mean_is_taken_differs_by_its_own_mean(counts, seed):
    rows = np.array(counts, dtype=float)
    sums = rows * np.random.default_rng(seed).normal(size=rows.size)
    value, apart = without_each_day(_mean(sums, rows), rows)
    assert value == pytest.approx(sums.sum() / rows.sum())
    assert apart == pytest.approx(sums / rows - value)


def test_days_that_are_not_chosen_do_not_count():
    rows, sums = np.array([10.0, 20.0, 30.0]), np.array([1.0, 2.0, 300.0])
    value, apart = without_each_day(_mean(sums, rows), np.array([10.0, 20.0, 0.0]))
    assert value == pytest.approx(0.1)
    assert apart.size == 2


def test_number_that_only_one_day_has_is_refused():
    rows = np.array([10.0, 10.0])
    only = lambda weights: np.where(weights[:, 0] > 0, 1.0, np.nan)  # noqa: E731
    with pytest.raises(UndefinedStatisticError, match="because of a single one of the days"):
        without_each_day(only, rows)
    with pytest.raises(UndefinedStatisticError, match="has no value"):
        without_each_day(lambda weights: np.full(len(weights), np.nan), rows)


def test_interval_of_equal_independent_days_is_that_of_their_mean():
    effect = DayEffect(0.04, 1.0, 0.0)
    interval = window_interval(0.5, np.full(4, 100.0), np.arange(4.0), effect, days_known=31, confidence=0.95)
    variance = 0.04 / 4 + 1.0 / 400
    freedom = 30 * (variance / 0.01) ** 2
    half = stats.t.ppf(0.975, freedom) * math.sqrt(variance)
    assert interval.lower == pytest.approx(0.5 - half)
    assert interval.upper == pytest.approx(0.5 + half)


@given(st.floats(0, 0.95), COUNTS, st.integers(0, 1_000))
def test_variance_of_a_window_is_that_of_an_autoregressive_effect(autocorrelation, counts, seed):
    rows = np.array(counts, dtype=float)
    places = np.sort(np.random.default_rng(seed).choice(40, rows.size, replace=False)).astype(float)
    effect = DayEffect(1.0, 0.0, autocorrelation)
    interval = window_interval(0.0, rows, places, effect, days_known=1e9, confidence=0.6826894921)
    share = rows / rows.sum()
    variance = sum(
        share[i] * share[j] * autocorrelation ** abs(places[i] - places[j])
        for i in range(rows.size)
        for j in range(rows.size)
    )
    assert interval.upper == pytest.approx(math.sqrt(variance), rel=1e-4)


def test_days_that_differ_by_chance_alone_have_no_effect_of_their_own():
    rng = np.random.default_rng(3)
    found = [
        effect_of_days(rng.normal(0, 0.1, 60), np.full(60, 100.0), np.arange(60.0), by_chance=1.0) for _ in range(200)
    ]
    assert np.mean([effect.variance for effect in found]) < 0.2 * 0.01
    assert np.mean([effect.autocorrelation > 0 for effect in found]) < 0.15


def test_variance_and_autocorrelation_of_days_are_found():
    rng = np.random.default_rng(4)
    found = []
    for _ in range(40):
        days = [rng.normal()]
        for _ in range(399):
            days.append(0.8 * days[-1] + 0.6 * rng.normal())
        apart = np.array(days) - np.mean(days)
        found.append(effect_of_days(apart + rng.normal(0, 0.1, 400), np.full(400, 100.0), np.arange(400.0), 1.0))
    assert np.mean([effect.variance for effect in found]) == pytest.approx(1.0, abs=0.1)
    # It is an upper bound rather than the middle.
    assert 0.8 < np.mean([effect.autocorrelation for effect in found]) < 0.87


def test_days_with_a_gap_between_them_are_no_neighbours():
    apart = np.tile([1.0, 1.0, -1.0, -1.0], 10)
    in_a_row = effect_of_days(apart, np.full(40, 100.0), np.arange(40.0), 0.0)
    apart_in_time = effect_of_days(apart, np.full(40, 100.0), 2 * np.arange(40.0), 0.0)
    assert in_a_row.variance == apart_in_time.variance
    assert apart_in_time.autocorrelation == 0.0

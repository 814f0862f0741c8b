"""How days differ beyond chance, on worlds whose answer is known, and the bounds for a further day."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.statistics.samples.day_effects import (
    DayEffect,
    cautious_autocorrelations,
    day_effect,
    independent_days,
)
from monitoring_pipeline.statistics.samples.prediction_bounds import neighbours, skewness, upper_prediction_bound

ROWS = 1_000


def autoregressive(rng, days, autocorrelation):
    """Return an autoregressive series of variance 1."""
    values = rng.standard_normal(days)
    for day in range(1, days):
        values[day] = autocorrelation * values[day - 1] + math.sqrt(1 - autocorrelation**2) * values[day]
    return values


def counts_of(rng, means):
    """Return counts of 1,000 rows over ten cells that are equal on a day whose mean is 0."""
    below = stats.norm.cdf(stats.norm.ppf(np.arange(1, 10) / 10)[None] - means[:, None])
    return rng.multinomial(ROWS, np.diff(below, axis=1, prepend=0.0, append=1.0)).astype(float)


@pytest.mark.parametrize("autocorrelation", [0.0, 0.5, 0.8])
def test_autocorrelation_of_days_is_recovered_on_average(autocorrelation):
    rng = np.random.default_rng(1)
    found = [
        day_effect(counts_of(rng, 0.2 * autoregressive(rng, 120, autocorrelation))).autocorrelation for _ in range(40)
    ]
    assert np.mean(found) == pytest.approx(autocorrelation, abs=0.06)


def test_days_that_differ_by_chance_have_no_effect_and_need_no_correction():
    rng = np.random.default_rng(2)
    effect = day_effect(counts_of(rng, np.zeros(60)))
    assert effect.autocorrelation == 0.0
    assert effect.reliability(ROWS) < 0.2
    assert effect.effective_days(60, ROWS) == 60
    assert effect.stretch(60, 7, ROWS) == 1.0


def test_variance_between_days_is_that_of_root_shares():
    """Two cells; half of the days have the share .5 in the first, the others .6: hand-worked, without chance."""
    counts = np.array([[5e8, 5e8], [6e8, 4e8]] * 30)
    roots = np.sqrt([[0.5, 0.5], [0.6, 0.4]])
    expected = 60 / 59 * ((roots - roots.mean(axis=0)) ** 2).sum() / 2
    assert day_effect(counts).variance == pytest.approx(expected, rel=1e-6)


def test_effective_days_without_chance_are_those_of_bayley_and_hammersley():
    effect = DayEffect(1.0, 0.0, 0.5)
    # n (1 - r^2) / (1 + r^2) = 60 * .75 / 1.25
    assert effect.effective_days(60, 100) == pytest.approx(36.0)
    # Half of the variance is by chance: n / (1 + 2 * .25 * .25 / .75)
    assert DayEffect(1.0, 100.0, 0.5).effective_days(60, 100) == pytest.approx(60 / (1 + 2 * 0.25 * 0.25 / 0.75))
    assert DayEffect(1.0, 0.0, 0.97).effective_days(12, 100) == 4.0


@pytest.mark.parametrize(("days", "reach"), [(60, 7), (30, 3), (12, 1)])
@pytest.mark.parametrize("autocorrelation", [0.5, 0.9])
def test_stretch_is_the_ratio_of_simulated_distances(days, reach, autocorrelation):
    """Distances from the mean of the others: of a day that is held out with its neighbours, and of a far later day."""
    rng = np.random.default_rng(3)
    held_out, later = [], []
    for _ in range(1500):
        values = autoregressive(rng, days, autocorrelation)
        for place in range(days):
            others = np.delete(values, slice(max(place - reach, 0), place + reach + 1))
            held_out.append((values[place] - others.mean()) ** 2)
        later.append((rng.standard_normal() - values.mean()) ** 2)
    ratio = math.sqrt(np.mean(later) / np.mean(held_out))
    assert DayEffect(1.0, 0.0, autocorrelation).stretch(days, reach, 1) == pytest.approx(ratio, rel=0.08)


def test_cautious_autocorrelations_are_drawn_together_and_raised():
    effects = [DayEffect(1.0, 0.0, value) for value in (0.4, 0.6, 0.0)]
    first, second, none = cautious_autocorrelations(effects, 25)
    # No more variance than by chance, (1 - .36) / 25 and (1 - .16) / 25: both become .5, and are raised by 1.28 errors.
    assert first == pytest.approx(0.5 + 1.2816 * math.sqrt(0.84 / 25), abs=0.005)
    assert second == pytest.approx(0.5 + 1.2816 * math.sqrt(0.64 / 25), abs=0.005)
    assert none == 0.0


def test_cautious_autocorrelations_of_very_different_columns_stay_apart():
    low, high = cautious_autocorrelations([DayEffect(1.0, 0.0, 0.1), DayEffect(1.0, 0.0, 0.9)], 400)
    assert low < 0.2
    assert 0.9 < high < 0.97


@given(st.lists(st.booleans(), min_size=2, max_size=60))
def test_independent_days_are_at_most_the_days(flags):
    days = independent_days(np.array(flags, dtype=float))
    assert 0 < days <= len(flags)


def test_days_flagged_in_a_row_are_fewer_independent_days():
    apart, in_a_row = np.tile([1.0, 0.0, 0.0, 0.0], 10), np.repeat([0.0, 1.0, 0.0], [15, 10, 15])
    assert independent_days(apart) == 40
    assert independent_days(in_a_row) < 8


# ---- bounds


@pytest.mark.parametrize(("days", "held_out"), [(10, 1), (30, 3), (60, 7), (365, 7)])
def test_an_eighth_of_the_window_is_held_out_at_most_a_week(days, held_out):
    assert neighbours(days) == held_out


def test_skewness_equals_that_of_scipy():
    values = np.random.default_rng(4).exponential(size=50)
    assert skewness(values) == pytest.approx(stats.skew(values, bias=False))
    assert skewness(np.ones(5)) == 0.0


def test_bound_of_normal_days_is_that_of_hahn_and_meeker():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    bound = upper_prediction_bound(values, 0.05, effective_days=5, skewed=-1.0)
    assert bound == pytest.approx(3 + 2.13185 * math.sqrt(2.5) * math.sqrt(1.2), rel=1e-5)


def test_bound_of_skewed_days_is_raised_by_the_first_term_of_cornish_and_fisher():
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    normal, skewed, more = (
        upper_prediction_bound(values, 0.05, effective_days=5, skewed=by) - 3 for by in (0.0, 0.6, 50.0)
    )
    z = 1.6448536
    assert skewed / normal == pytest.approx((z + (z * z - 1) / 6 * 0.6) / z, rel=1e-6)
    assert more / normal == pytest.approx((z + (z * z - 1) / 6) / z, rel=1e-6)


def test_fewer_effective_days_raise_the_bound():
    values = np.random.default_rng(5).normal(size=60)
    bounds = [upper_prediction_bound(values, 0.005, effective_days=days, skewed=0.0) for days in (60, 12, 4)]
    assert bounds == sorted(bounds)

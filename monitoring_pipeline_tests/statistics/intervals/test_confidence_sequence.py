"""The confidence sequence: a second implementation, identities, and its level over all days at once."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from monitoring_pipeline.statistics.intervals import confidence_sequence as module
from monitoring_pipeline.statistics.intervals.confidence_sequence import EFFECT_VARIANCE, confidence_sequence
from monitoring_pipeline.statistics.intervals.paired import serial_inflation
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError


def _e_value(values, mean):
    """Ratio of noncentral to central t, the effect integrated over its normal distribution."""
    days = len(values)
    t = math.sqrt(days) * (np.mean(values) - mean) / np.std(values, ddof=1)

    def likelihood(effect):
        weight = stats.norm.pdf(effect, scale=math.sqrt(EFFECT_VARIANCE))
        return stats.nct.pdf(t, days - 1, effect * math.sqrt(days)) * weight

    mixed, _ = integrate.quad(likelihood, -6, 6, limit=200, points=[0.0])
    return mixed / stats.t.pdf(t, days - 1)


@pytest.mark.parametrize(("days", "alpha"), [(7, 0.05), (10, 0.1), (12, 0.05)])
def test_confidence_sequence_ends_where_the_mixture_reaches_one_over_alpha(monkeypatch, days, alpha):
    monkeypatch.setattr(module, "serial_inflation", lambda _: 1.0)
    values = np.random.default_rng(days).normal(0.2, 1, days)
    found = confidence_sequence(values, alpha)
    for bound in (found.lower, found.upper):
        assert _e_value(values, bound) == pytest.approx(1 / alpha, rel=1e-3)


def test_confidence_sequence_is_widened_by_serial_inflation(monkeypatch):
    values = np.random.default_rng(1).normal(0, 1, 30)
    widened = confidence_sequence(values)
    monkeypatch.setattr(module, "serial_inflation", lambda _: 1.0)
    plain = confidence_sequence(values)
    assert widened.upper - widened.value == pytest.approx((plain.upper - plain.value) * serial_inflation(values))
    assert widened.lower + widened.upper == pytest.approx(2 * values.mean())


@given(
    st.lists(st.floats(-3, 3), min_size=7, max_size=40),
    st.floats(-5, 5),
    st.floats(0.2, 5),
)
@settings(max_examples=50)
def test_confidence_sequence_moves_with_shift_and_scale(values, shift, scale):
    if np.ptp(values) < 1e-2:
        return
    before = confidence_sequence(values)
    after = confidence_sequence(np.asarray(values) * scale + shift)
    for name in ("value", "lower", "upper"):
        assert getattr(after, name) == pytest.approx(getattr(before, name) * scale + shift, abs=1e-6)


def test_confidence_sequence_needs_six_days_and_more_for_a_smaller_alpha():
    days = np.array([0.9, 1.1] * 10)
    bounded = [count for count in range(2, 21) if confidence_sequence(days[:count]).lower is not None]
    assert bounded == list(range(6, 21))
    assert confidence_sequence(days[:6], 0.01).lower is None
    wide, narrow = confidence_sequence(days, 0.01), confidence_sequence(days, 0.05)
    assert wide.lower < narrow.lower < 1.0 < narrow.upper < wide.upper


def test_confidence_sequence_of_equal_days_has_no_bounds():
    assert confidence_sequence([0.25] * 30) == Quantity(0.25)


def test_confidence_sequence_of_one_day_or_nonfinite_values_is_undefined():
    with pytest.raises(UndefinedStatisticError, match="1 days have no spread"):
        confidence_sequence([1.0])
    with pytest.raises(UndefinedStatisticError, match="1 of 3 differences are not finite"):
        confidence_sequence([1.0, math.nan, 2.0])


@pytest.mark.parametrize("alpha", [0.0, 1.0, 5.0, math.nan])
def test_confidence_sequence_with_an_invalid_alpha_is_refused(alpha):
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        confidence_sequence([1.0, 2.0], alpha)


def test_confidence_sequence_of_a_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"shape \(1, 2\)"):
        confidence_sequence([[1.0, 2.0]])


def _days(rng, series, correlation):
    """Heavy-tailed daily differences (t4), each like the day before."""
    shocks = rng.standard_t(4, (series, 60)) / math.sqrt(2)
    values = shocks.copy()
    for day in range(1, 60):
        values[:, day] = correlation * values[:, day - 1] + math.sqrt(1 - correlation**2) * shocks[:, day]
    return values


def _first_exclusion(values):
    for count in range(7, 61):
        found = confidence_sequence(values[:count])
        if found.lower is not None and not found.lower <= 0 <= found.upper:
            return count
    return math.inf


@pytest.mark.parametrize("correlation", [0.0, 0.2, 0.3])
def test_confidence_sequence_checked_every_day_keeps_its_level(correlation):
    """Of 300 series without a difference at most 5 % and chance ever exclude zero from the 7th to the 60th day."""
    series = _days(np.random.default_rng(4), 300, correlation)
    wrong = sum(_first_exclusion(values) < math.inf for values in series)
    daily_t = sum(
        any(stats.ttest_1samp(values[:count], 0).pvalue < 0.05 for count in range(7, 61, 3)) for values in series[:60]
    )
    assert wrong <= 300 * 0.05 + 6
    assert daily_t > 60 * 0.12


@pytest.mark.parametrize(("difference", "days"), [(1.0, 20), (2.0, 10)])
def test_confidence_sequence_detects_a_real_difference_in_time(difference, days):
    series = _days(np.random.default_rng(5), 60, 0.2) + difference
    assert np.median([_first_exclusion(values) for values in series]) <= days


@pytest.mark.parametrize("unit", [1e-300, 1e-170, 1e60, 1e250])
def test_confidence_sequence_of_any_unit_is_that_of_ordinary_numbers(unit):
    days = np.random.default_rng(3).normal(1, 1, 30)
    expected, found = confidence_sequence(days), confidence_sequence(days * unit)
    assert found.lower < found.value < found.upper
    for name in ("value", "lower", "upper"):
        assert getattr(found, name) / unit == pytest.approx(getattr(expected, name), rel=1e-9)

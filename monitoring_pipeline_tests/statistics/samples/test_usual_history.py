"""Limits from the chunks before: few false alarms on healthy chunks, large rises found, whatever the season."""

import math

import numpy as np
import pytest

from monitoring_pipeline.statistics.samples.usual_history import usual_next

LEVEL_OF_DAYS, LEVEL_OF_HOURS = 8e-4, 5e-5
"""Levels that leave the default budget of a model with eight numbers."""
OF_WEEKDAY = (0.0, 0.0, 0.05, 0.1, 0.05, -0.2, -0.25)


def autoregression(seed, size, phi):
    """Return a series of variance 1 whose values resemble those before them."""
    generator = np.random.default_rng(seed)
    shocks = generator.standard_normal(size + 50) * math.sqrt(1 - phi**2)
    values = [generator.standard_normal()]
    for shock in shocks:
        values.append(phi * values[-1] + shock)
    return np.array(values[-size:])


def judged(series, slots, first, history, level):
    """Return the number of values beyond their limits, and the same for values that are larger by a half."""
    flags = found = 0
    for place in range(first, len(series)):
        since = max(0, place - history)
        usual = usual_next(slots[since:place], series[since:place], slots[place], level)
        flags += series[place] > usual.upper
        found += 1.5 * series[place] > usual.upper
    return flags, found / (len(series) - first)


@pytest.mark.parametrize("first", [14, 56])
@pytest.mark.parametrize(("phi", "found_at_least"), [(0.0, {14: 0.8, 56: 0.95}), (0.8, {14: 0.3, 56: 0.75})])
def test_healthy_days_are_quiet_and_a_rise_by_half_is_found(first, phi, found_at_least):
    slots = [(day % 7,) for day in range(80)]
    shares, flags = [], 0
    for seed in range(10):
        noise = 0.05 * autoregression(seed, 80, phi)
        series = np.exp(3 + noise + [OF_WEEKDAY[day % 7] for day in range(80)])
        own, share = judged(series[: first + 24], slots, first, 56, LEVEL_OF_DAYS)
        flags, shares = flags + own, [*shares, share]
    assert flags <= 1
    assert np.mean(shares) > found_at_least[first]


def test_hours_are_judged_by_hour_and_weekday_from_two_weeks_on():
    hours = 24 * 16
    slots = [(hour // 24 % 7, hour % 24) for hour in range(hours)]
    cycle = np.array([math.sin(2 * math.pi * hour / 24) + OF_WEEKDAY[weekday] for weekday, hour in slots])
    series = np.exp(3 + cycle + 0.05 * autoregression(3, hours, 0.8))
    flags, found = judged(series, slots, 24 * 14, 24 * 56, LEVEL_OF_HOURS)
    assert flags == 0
    assert found > 0.9
    # The largest hour is 7 times the smallest one: without the hours the same rise is within the daily cycle.
    _, found_without = judged(series, [(0,)] * hours, 24 * 14, 24 * 56, LEVEL_OF_HOURS)
    assert found_without < 0.3


@pytest.mark.parametrize("mean", [0.05, 0.5, 3.0])
def test_counts_that_are_often_zero_are_quiet(mean):
    slots, flags = [(day % 7,) for day in range(120)], 0
    for seed in range(5):
        counts = np.random.default_rng(seed).poisson(mean, 120) / 1e4
        for place in range(20, 120):
            usual = usual_next(slots[:place], counts[:place], slots[place], LEVEL_OF_DAYS)
            flags += usual is not None and counts[place] > usual.upper
    assert flags == 0


def test_limits_by_hand():
    # All alike: the narrowest limit. The middle of a slot with two values is their median.
    same = usual_next([(0,), (1,)] * 8, [10.0, 20.0] * 8, (1,))
    assert (same.middle, same.upper) == (pytest.approx(20), pytest.approx(26))
    unknown = usual_next([(0,)] * 9, [10.0] * 9, (5,))
    assert unknown.middle == pytest.approx(10)
    # A number that was 0 but once is beyond three times its largest value.
    assert usual_next([(0,)] * 40, [0.0] * 39 + [2.0], (0,)).upper >= 6
    for numbers in ([0.0] * 9, [-1.0] + [1.0] * 8, [math.nan] * 9, []):
        assert usual_next([(0,)] * len(numbers), numbers, (0,)) is None

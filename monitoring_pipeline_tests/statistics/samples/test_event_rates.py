"""Usual rates of events: what is far beyond them is found, and what varies by itself is not."""

import numpy as np
import pytest
from scipy import stats

from monitoring_pipeline.statistics.samples.event_rates import UsualRate, learn_rate
from monitoring_pipeline.statistics.samples.usual_levels import learn_level


def _usual(correlation: float) -> UsualRate:
    return UsualRate(rate=0.01, by_slot={"9": 0.02}, correlation=correlation, factor=2.0, highest=0.03, cells=9)


@pytest.mark.parametrize(("events", "rows"), [(1, 40), (7, 300), (30, 5000)])
def test_tail_of_independent_rows_is_binomial(events, rows):
    assert _usual(0.0).p_value("9", events, rows) == pytest.approx(stats.binom.sf(events - 1, rows, 0.02), rel=1e-9)


@pytest.mark.parametrize(("events", "rows"), [(1, 40), (7, 300), (30, 5000)])
def test_tail_of_correlated_rows_is_that_of_scipy(events, rows):
    spread = (1 - 0.004) / 0.004
    expected = stats.betabinom.sf(events - 1, rows, 0.01 * spread, 0.99 * spread)
    assert _usual(0.004).p_value("unknown", events, rows) == pytest.approx(expected, rel=1e-6)


def test_no_event_is_never_unlikely_and_large_cells_are_quick():
    assert _usual(0.004).p_value("9", 0, 10) == 1.0
    assert _usual(0.004).p_value("9", 5_000_000, 50_000_000) < 1e-4


def test_rates_by_hand():
    usual = learn_rate(["a", "b"], [1, 3], [100, 100])
    overall = 4.5 / 201
    assert usual.rate == overall
    assert usual.of("a") == pytest.approx(21 / (100 + 20 / overall))
    assert usual.of("c") == overall


def test_independent_cells_have_hardly_a_correlation_and_varying_ones_theirs():
    random = np.random.default_rng(5)
    rows = np.full(400, 500)
    steady = learn_rate(["x"] * 400, random.binomial(500, 0.02, 400), rows)
    varying = learn_rate(["x"] * 400, random.binomial(500, random.beta(2, 98, 400)), rows)
    assert steady.correlation < 0.001
    assert 0.007 < varying.correlation < 0.015  # 1 / (2 + 98 + 1) = .0099


def test_days_that_resemble_the_day_before_raise_no_alarm():
    random = np.random.default_rng(8)
    alarms = 0
    for _ in range(40):
        effect = _autoregression(random, 88, 0.8) * 0.3
        rates, rows = 0.004 * np.exp(effect), random.integers(3000, 9000, 88)
        events = random.binomial(rows, rates)
        slots = [str(day % 7) for day in range(88)]
        usual = learn_rate(slots[:28], events[:28], rows[:28])
        alarms += sum(
            usual.p_value(slots[day], int(events[day]), int(rows[day])) <= 1e-4
            and usual.is_beyond(slots[day], int(events[day]), int(rows[day]))
            and usual.is_beyond_all(int(events[day]), int(rows[day]))
            for day in range(28, 88)
        )
    assert alarms <= 2  # of 2,400 days


def test_levels_of_days_that_resemble_the_day_before_raise_few_alarms_and_twice_the_level_is_found():
    random = np.random.default_rng(9)
    alarms = found = 0
    for _ in range(60):
        logs = 0.1 * _autoregression(random, 88, 0.8) + 0.3 * (np.arange(88) % 7 > 4)
        levels, slots = np.exp(logs), [str(day % 7) for day in range(88)]
        usual = learn_level(slots[:28], levels[:28].tolist())
        assert usual is not None
        alarms += sum(levels[day] > usual.upper(slots[day]) for day in range(28, 88))
        found += sum(2 * levels[day] > usual.upper(slots[day]) for day in range(28, 88))
    assert alarms <= 6  # of 3,600 days
    assert found >= 0.75 * 60 * 60


@pytest.mark.parametrize("levels", [[1.0] * 7, [1.0] * 20 + [0.0], [1.0] * 20 + [float("nan")]])
def test_no_level_is_learned_from_few_chunks_or_from_zeros(levels):
    assert learn_level(["x"] * len(levels), levels) is None


def test_equal_levels_have_the_narrowest_limit():
    usual = learn_level(["x"] * 8, [5.0] * 8)
    assert usual is not None
    assert usual.upper("x") == pytest.approx(6.5)


def _autoregression(random: np.random.Generator, days: int, phi: float) -> np.ndarray:
    values = [random.normal()]
    for _ in range(days - 1):
        values.append(phi * values[-1] + random.normal() * np.sqrt(1 - phi**2))
    return np.array(values)

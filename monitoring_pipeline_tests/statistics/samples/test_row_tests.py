"""Tests that need rows: scipy as a second implementation, order, scale, edges, and the false alarms they raise."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.statistics.results import Significance, UndefinedStatisticError
from monitoring_pipeline.statistics.samples import row_tests

DISTANCES = [
    row_tests.anderson_darling_distance,
    row_tests.cramer_von_mises_distance,
    row_tests.energy_distance,
    row_tests.rank_biserial,
]
TESTS = [
    row_tests.anderson_darling_test,
    row_tests.cramer_von_mises_test,
    row_tests.energy_test,
    row_tests.mann_whitney_test,
]
OF_RANKS = [
    row_tests.anderson_darling_distance,
    row_tests.cramer_von_mises_distance,
    row_tests.rank_biserial,
]


def of_rows(test):
    """Return a test as a p-value of two samples; Welch's takes moments."""
    if test is not row_tests.welch_test:
        return lambda *samples: test(*samples).p_value

    def welch(*samples):
        moments = [(len(sample), float(np.mean(sample)), float(np.var(sample, ddof=1))) for sample in samples]
        return test(*zip(*moments, strict=True)).p_value

    return welch


# Few distinct values, so that ties within and between the sides are the rule.
samples = st.lists(st.integers(-20, 20), min_size=2, max_size=30)


def _drawn(seed, shift=0.0, rows=(80, 50)):
    rng = np.random.default_rng(seed)
    return rng.normal(size=rows[0]), rng.normal(shift, 1, rows[1])


# ---- a second implementation


@pytest.mark.parametrize("shift", [0.2, 0.3, 0.4, 0.5])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.filterwarnings("ignore:(p-value|Parameter `variant`)")
def test_anderson_darling_p_value_is_near_scipys_within_the_table(shift, seed):
    """scipy fits a parabola through the seven critical values, ours goes straight from each to the next."""
    reference, current = _drawn(seed, shift)
    outcome, known = row_tests.anderson_darling_test(reference, current), stats.anderson_ksamp([reference, current])
    assert outcome.statistic == pytest.approx(known.statistic, rel=1e-12)
    if 0.001 < known.pvalue < 0.25:
        assert outcome.p_value == pytest.approx(known.pvalue, rel=0.1)
    else:
        assert (outcome.p_value < 0.0012) if known.pvalue <= 0.001 else (outcome.p_value > 0.24)


@pytest.mark.parametrize("level", [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001])
@pytest.mark.filterwarnings("ignore:(p-value|Parameter `variant`)")
def test_anderson_darling_p_value_at_a_critical_value_is_the_level(level, monkeypatch):
    reference, current = _drawn(1)
    known = stats.anderson_ksamp([reference, current])
    place = [0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001].index(level)

    class AtCriticalValue:
        statistic, critical_values = known.critical_values[place], known.critical_values

    monkeypatch.setattr(stats, "anderson_ksamp", lambda _samples: AtCriticalValue)
    assert row_tests.anderson_darling_test(reference, current).p_value == pytest.approx(level, rel=1e-12)


def test_anderson_darling_p_value_is_extrapolated_beyond_the_table():
    p_values = [row_tests.anderson_darling_test(*_drawn(1, shift)).p_value for shift in (1.0, 1.5, 2.0)]
    assert 0.001 > p_values[0] > p_values[1] > p_values[2] > 0


@given(samples, samples)
def test_distances_of_ranks_match_statistics_scaled_by_rows(reference, current):
    n, m = len(reference), len(current)
    u = float(stats.mannwhitneyu(current, reference, method="asymptotic").statistic)
    assert row_tests.rank_biserial(reference, current) == pytest.approx(abs(2 * u / (n * m) - 1), abs=1e-12)
    pooled = np.concatenate([reference, current])
    apart = [np.mean(np.asarray(reference) <= x) - np.mean(np.asarray(current) <= x) for x in pooled]
    by_rows = math.sqrt(float(np.mean(np.square(apart))))
    assert row_tests.cramer_von_mises_distance(reference, current) == pytest.approx(by_rows, abs=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_cramer_von_mises_matches_scipy(seed):
    reference, current = _drawn(seed, 0.3)
    known = stats.cramervonmises_2samp(reference, current, method="asymptotic")
    outcome = row_tests.cramer_von_mises_test(reference, current)
    assert (outcome.statistic, outcome.p_value) == pytest.approx((known.statistic, known.pvalue), rel=1e-12)
    n, m = reference.size, current.size
    # Without ties, T = nm/(n + m) times the squared distance (Anderson 1962, eq. 2).
    squared = row_tests.cramer_von_mises_distance(reference, current) ** 2
    assert n * m / (n + m) * squared == pytest.approx(known.statistic, rel=1e-9)


@given(samples, samples)
def test_energy_distance_matches_scipy(reference, current):
    known = stats.energy_distance(reference, current)
    assert row_tests.energy_distance(reference, current) == pytest.approx(known, abs=1e-7)


@given(samples, samples)
def test_energy_distance_matches_mean_distances_between_rows(reference, current):
    """2 E|X - Y| - E|X - X'| - E|Y - Y'| (Szekely & Rizzo 2013, eq. 1)."""
    x, y = np.asarray(reference, float), np.asarray(current, float)

    def mean_distance(a, b):
        return float(np.mean(np.abs(a[:, None] - b[None, :])))

    squared = 2 * mean_distance(x, y) - mean_distance(x, x) - mean_distance(y, y)
    assert row_tests.energy_distance(x, y) ** 2 == pytest.approx(squared, abs=1e-9)


@given(samples, samples)
def test_mann_whitney_matches_scipy(reference, current):
    assume(len({*reference, *current}) > 1)
    known = stats.mannwhitneyu(current, reference, alternative="two-sided", method="asymptotic")
    outcome = row_tests.mann_whitney_test(reference, current)
    assert (outcome.statistic, outcome.p_value) == pytest.approx((known.statistic, known.pvalue), rel=1e-12)


@given(samples, samples)
def test_welch_matches_scipy(reference, current):
    assume(len({*reference}) > 1 and len({*current}) > 1)
    known = stats.ttest_ind(current, reference, equal_var=False)
    rows, means, variances = zip(
        *((len(s), float(np.mean(s)), float(np.var(s, ddof=1))) for s in (reference, current)), strict=True
    )
    outcome = row_tests.welch_test(rows, means, variances)
    assert outcome.statistic == pytest.approx(known.statistic, abs=1e-9)
    assert outcome.p_value == pytest.approx(known.pvalue, abs=1e-9)


# ---- order, scale, sides


@pytest.mark.parametrize("statistic", [*DISTANCES, *TESTS])
def test_tests_of_rows_do_not_depend_on_the_order_of_rows(statistic):
    reference, current = _drawn(5, 0.2)
    shuffled = [np.random.default_rng(6).permutation(sample) for sample in (reference, current)]
    assert statistic(*shuffled) == statistic(reference, current)


@pytest.mark.parametrize("distance", DISTANCES)
@given(sides=st.tuples(samples, samples))
def test_distances_are_symmetric_and_zero_between_equal_samples(distance, sides):
    reference, current = sides
    assert distance(reference, current) == pytest.approx(distance(current, reference), abs=1e-9)
    assert distance(reference, reference) == pytest.approx(0, abs=1e-7)
    assert distance(reference, reference * 3) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("distance", DISTANCES)
@given(sides=st.tuples(samples, samples))
def test_distances_of_samples_taken_twice_are_unchanged(distance, sides):
    """Every row twice on both sides is the same pair of distributions."""
    reference, current = sides
    assert distance(reference * 2, current * 2) == pytest.approx(distance(reference, current), abs=1e-9)


@given(samples, samples, st.integers(-9, 9).filter(bool), st.integers(-50, 50))
def test_energy_distance_scales_with_the_root_of_the_unit(reference, current, factor, offset):
    scaled = [factor * np.asarray(sample, float) + offset for sample in (reference, current)]
    expected = math.sqrt(abs(factor)) * row_tests.energy_distance(reference, current)
    assert row_tests.energy_distance(*scaled) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("distance", OF_RANKS)
@given(sides=st.tuples(samples, samples))
def test_distances_of_ranks_depend_on_order_only(distance, sides):
    mapped = [np.exp(np.asarray(sample) / 7.0) for sample in sides]
    assert distance(*mapped) == pytest.approx(distance(*sides), abs=1e-12)


@given(samples, samples)
def test_distances_of_ranks_are_between_zero_and_one(reference, current):
    assert 0 <= row_tests.rank_biserial(reference, current) <= 1
    assert 0 <= row_tests.cramer_von_mises_distance(reference, current) <= 1
    assert row_tests.anderson_darling_distance(reference, current) >= 0


def test_distances_of_disjoint_samples_have_their_known_values():
    assert row_tests.rank_biserial([1, 2, 3], [4, 5]) == 1.0
    # F - G is 1/3, 2/3, 1, 1/2, 0 at the five values
    by_hand = math.sqrt((1 / 9 + 4 / 9 + 1 + 1 / 4) / 5)
    assert row_tests.cramer_von_mises_distance([1, 2, 3], [4, 5]) == pytest.approx(by_hand, rel=1e-12)
    # the same, over H (1 - H) at 1/5 to 4/5
    by_hand = math.sqrt((1 / 9 / 0.16 + 4 / 9 / 0.24 + 1 / 0.24 + 1 / 4 / 0.16) / 5)
    assert row_tests.anderson_darling_distance([1, 2, 3], [4, 5]) == pytest.approx(by_hand, rel=1e-12)


# ---- edges


@pytest.mark.parametrize("statistic", [*DISTANCES, *TESTS])
@pytest.mark.parametrize(
    ("sides", "message"),
    [(([1.0], [1.0, 2.0]), "1 values in the reference sample"), (([1.0, 2.0], []), "0 values in the current sample")],
)
def test_tests_of_fewer_than_two_values_are_undefined(statistic, sides, message):
    with pytest.raises(UndefinedStatisticError, match=f"{message}, at least 2 needed"):
        statistic(*sides)


def test_welch_of_fewer_than_two_rows_is_undefined():
    with pytest.raises(UndefinedStatisticError, match="1 values on one side, at least 2 needed"):
        row_tests.welch_test((1, 5), (0.0, 1.0), (0.0, 1.0))


@pytest.mark.parametrize("distance", DISTANCES)
def test_distances_of_equal_values_are_zero(distance):
    assert distance([3.0] * 5, [3.0] * 4) == 0.0


@pytest.mark.parametrize("test", TESTS)
def test_p_values_of_equal_values_are_one(test):
    assert test([3.0] * 5, [3.0] * 4).p_value == pytest.approx(1.0, abs=1e-6)


def test_welch_of_constant_samples_has_a_p_value_of_zero_or_one():
    assert row_tests.welch_test((5, 4), (3.0, 3.0), (0.0, 0.0)) == Significance(0.0, 1.0)
    assert row_tests.welch_test((5, 4), (3.0, 4.0), (0.0, 0.0)).p_value == 0.0


# ---- what chance does


@pytest.mark.parametrize(
    ("test", "draws"),
    [
        (row_tests.anderson_darling_test, 400),
        (row_tests.cramer_von_mises_test, 600),
        (row_tests.energy_test, 200),
        (row_tests.mann_whitney_test, 600),
        (row_tests.welch_test, 600),
    ],
)
def test_p_values_without_change_are_uniform(test, draws):
    """Shares below 5 % and 20 % within 3.5 standard deviations of a binomial; Anderson-Darling's end at 25 %."""
    rng = np.random.default_rng(12)
    p_value = of_rows(test)
    p_values = np.array([p_value(rng.exponential(size=200), rng.exponential(size=60)) for _ in range(draws)])
    for level in (0.05, 0.2):
        margin = 3.5 * math.sqrt(level * (1 - level) / draws)
        assert np.mean(p_values <= level) == pytest.approx(level, abs=margin)


@pytest.mark.parametrize("test", [*TESTS, row_tests.welch_test])
def test_tests_of_rows_detect_a_shift(test):
    """A quarter of a standard deviation at 2,000 rows against 500."""
    assert of_rows(test)(*_drawn(3, 0.25, rows=(2000, 500))) < 0.002


def test_energy_p_value_is_the_same_each_time():
    reference, current = _drawn(8, 0.1)
    assert row_tests.energy_test(reference, current) == row_tests.energy_test(reference, current)
    smallest = row_tests.energy_test(reference, current + 9).p_value
    assert smallest == 1 / (row_tests.PERMUTATIONS + 1)

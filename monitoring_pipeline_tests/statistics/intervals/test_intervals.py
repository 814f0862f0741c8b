"""Intervals: published values, second implementations, coverage, and honesty where nothing is known."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats
from statsmodels.stats.proportion import proportion_confint

from monitoring_pipeline.statistics.intervals.intervals import (
    delong_interval,
    difference_interval,
    mean_interval,
    median_interval,
    transformed,
    wilson,
)
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

numbers = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 3)), min_size=2, max_size=40)
scores = st.lists(st.integers(0, 20), min_size=2, max_size=25)


@pytest.mark.parametrize(
    ("successes", "trials", "lower", "upper"), [(81, 263, 0.2553, 0.3662), (0, 20, 0.0, 0.1611), (20, 20, 0.8389, 1.0)]
)
def test_wilson_matches_newcombe_1998(successes, trials, lower, upper):
    estimate = wilson(successes, trials)
    assert (estimate.lower, estimate.upper) == pytest.approx((lower, upper), abs=1e-4)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_wilson_matches_statsmodels(counts, confidence):
    estimate = wilson(*counts, confidence)
    expected = proportion_confint(*counts, alpha=1 - confidence, method="wilson")
    assert (estimate.lower, estimate.upper) == pytest.approx(expected, abs=1e-12)
    assert 0.0 <= estimate.lower <= estimate.value <= estimate.upper <= 1.0


def test_wilson_of_invalid_counts_is_refused():
    with pytest.raises(UndefinedStatisticError, match="no rows"):
        wilson(0, 0)
    with pytest.raises(ValueError, match="4 successes in 3 trials"):
        wilson(4, 3)


@given(numbers, st.floats(0.5, 0.999))
def test_mean_interval_matches_scipy(values, confidence):
    if len(set(values)) == 1:
        values = [*values, values[0] + 1]
    estimate = mean_interval(values, confidence)
    expected = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    scale = max(map(abs, values))
    assert (estimate.lower, estimate.upper) == pytest.approx((expected.low, expected.high), rel=1e-9, abs=1e-9 * scale)
    assert estimate.value == pytest.approx(np.mean(values), rel=1e-9, abs=1e-9 * scale)


def test_mean_interval_is_cut_at_minimum_and_maximum():
    assert mean_interval([0.0, 0.0, 5.0], minimum=0.0).lower == 0.0
    assert mean_interval([1.0, 1.0, 0.0], maximum=1.0).upper == 1.0


@pytest.mark.parametrize("interval", [mean_interval, median_interval])
@pytest.mark.parametrize("values", [[3.5], [0.1] * 7])
def test_interval_of_equal_values_has_no_bounds(interval, values):
    assert interval(values) == Quantity(values[0], None, None)


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60))
def test_median_interval_matches_scipy(values):
    estimate = median_interval(values)
    expected = stats.quantile_test(values, p=0.5).confidence_interval(0.95)
    assert estimate.value == np.median(values)
    if len(set(values)) > 1:
        assert estimate.lower == (None if math.isnan(expected.low) else expected.low)
        assert estimate.upper == (None if math.isnan(expected.high) else expected.high)


@pytest.mark.parametrize(
    ("rows", "lower", "upper"), [(5, None, None), (6, 1, 6), (10, 2, 9), (20, 6, 15), (100, 40, 61)]
)
def test_median_interval_has_the_ranks_of_conovers_table(rows, lower, upper):
    """Conover, table A3 (binomial with p = 1/2)."""
    estimate = median_interval(np.arange(1, rows + 1))
    assert (estimate.lower, estimate.upper) == (lower, upper)


@given(numbers, st.randoms())
def test_intervals_do_not_depend_on_the_order_of_rows(values, random):
    shuffled = random.sample(values, len(values))
    assert mean_interval(shuffled) == mean_interval(values)
    assert median_interval(shuffled) == median_interval(values)
    half = len(values) // 2
    assert delong_interval(values[:half][::-1], values[half:][::-1]) == delong_interval(values[:half], values[half:])


def naive_delong(positives, negatives, confidence=0.95):
    """All pairs, as DeLong et al. 1988 write it, and in each class three rows more of the variance that is supposed."""
    pairs = np.array([[(x > y) + 0.5 * (x == y) for y in negatives] for x in positives])
    area, m, n = pairs.mean(), len(positives), len(negatives)
    by_positive, by_negative = pairs.mean(axis=1), pairs.mean(axis=0)
    supposed = 3 * max(area / (2 - area) - area**2, 2 * area**2 / (1 + area) - area**2) * (0 < area < 1)
    variance = (((by_positive - area) ** 2).sum() + supposed) / (m + 2) / m
    variance += (((by_negative - area) ** 2).sum() + supposed) / (n + 2) / n
    return area, variance, stats.norm.ppf((1 + confidence) / 2)


@given(scores, scores, st.floats(0.5, 0.999))
def test_delong_matches_a_computation_over_all_pairs(positives, negatives, confidence):
    area, variance, z = naive_delong(positives, negatives, confidence)
    estimate = delong_interval(positives, negatives, confidence)
    assert estimate.value == pytest.approx(area, abs=1e-12)
    if variance > 1e-15:
        error = z * math.sqrt(variance) / (area * (1 - area))
        expected = special.expit([special.logit(area) - error, special.logit(area) + error])
        assert (estimate.lower, estimate.upper) == pytest.approx(tuple(expected), abs=1e-9)


def test_delong_standard_error_of_independent_labels_matches_the_known_value():
    """Both terms: our oracle gives 0.08165 for 50 rows of labels unrelated to evenly spaced scores.

    Near A = 1/2 the width of the logit interval is 2 z se to first order; the draw of labels moves the fifth digit.
    """
    labels = np.random.RandomState(1).binomial(1, 0.5, 10_000) == 1
    every_score = np.linspace(0, 1, 10_000)
    estimate = delong_interval(every_score[labels], every_score[~labels])
    standard_error = (estimate.upper - estimate.lower) / (2 * stats.norm.ppf(0.975))
    assert standard_error * math.sqrt(10_000 / 50) == pytest.approx(0.0816492, abs=5e-5)


def test_standard_error_of_the_accuracy_of_guesses_matches_nannyml():
    """NannyML's 0.0707 for 50 rows: sqrt(1/4 / 50), from the spread of the hits as in Student's interval."""
    random = np.random.RandomState(1)
    labels, guesses = random.binomial(1, 0.5, 10_000), random.binomial(1, 0.5, 10_000)
    estimate = mean_interval((labels == guesses).astype(float))
    standard_error = (estimate.upper - estimate.lower) / (2 * stats.norm.ppf(0.975))
    assert standard_error * math.sqrt(10_000 / 50) == pytest.approx(0.0707, abs=1e-4)


@given(scores, scores)
def test_delong_of_swapped_classes_is_mirrored(positives, negatives):
    one, other = delong_interval(positives, negatives), delong_interval(negatives, positives)
    expected = (1 - other.value, 1 - other.upper, 1 - other.lower)
    assert (one.value, one.lower, one.upper) == pytest.approx(expected, abs=1e-9)
    assert 0 <= one.lower <= one.value <= one.upper <= 1


@pytest.mark.parametrize(
    ("positives", "negatives"),
    [([5, 6, 7], [1, 2, 3, 4]), ([1, 2], [5, 6]), ([4], [1, 2, 3, 5]), ([2], [1]), ([1, 9], [4])],
)
def test_delong_without_a_usable_variance_uses_newcombe_method_5(positives, negatives):
    estimate = delong_interval(positives, negatives)
    m, n = len(positives), len(negatives)
    z = stats.norm.ppf(0.975)
    assert estimate.upper - estimate.lower > 0.1
    for bound, at_limit in ((estimate.lower, estimate.value == 0), (estimate.upper, estimate.value == 1)):
        extra = ((m + n) / 2 - 1) * ((1 - bound) / (2 - bound) + bound / (1 + bound))
        variance = bound * (1 - bound) * (1 + extra) / (m * n)
        assert (estimate.value - bound) ** 2 == pytest.approx(z**2 * variance, abs=1e-9)
        assert (bound == estimate.value) == at_limit


@pytest.mark.parametrize(
    ("area", "positive_rows", "negative_rows"),
    [(0.9, 2, 298), (0.9, 3, 297), (0.9, 5, 295), (0.9, 5, 45), (0.75, 20, 80), (0.97, 50, 50)],
)
def test_delong_interval_covers_the_true_area(area, positive_rows, negative_rows):
    """DeLong's variance alone covers .70, .75, .82, .93, .94 and .94; the standard error of the share is .007."""
    rng = np.random.default_rng(3)
    distance = stats.norm.ppf(area) * math.sqrt(2)
    covered = 0
    for _ in range(1000):
        estimate = delong_interval(rng.normal(distance, 1, positive_rows), rng.normal(0, 1, negative_rows))
        covered += estimate.lower <= area <= estimate.upper
    assert 0.925 <= covered / 1000 <= 0.995


@given(st.lists(st.floats(0, 1e3), min_size=3, max_size=40), st.floats(0.6, 0.99))
def test_mean_interval_of_skewed_losses_solves_halls_cubic(values, confidence):
    values = [*values, max(values) + 1]
    found, rows = mean_interval(values, confidence, minimum=0.0, maximum=1e9), len(values)
    a, error = stats.skew(values) / math.sqrt(rows), np.std(values, ddof=1) / math.sqrt(rows)
    quantile = stats.t.ppf((1 + confidence) / 2, rows - 1)
    for bound, expected in ((found.lower, quantile), (found.upper, -quantile)):
        t = (found.value - bound) / error
        if bound > 0:
            assert t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6 == pytest.approx(expected, rel=1e-6, abs=1e-6)


def _spikes(rng, rows):
    return (rng.standard_normal(rows) * np.where(rng.random(rows) < 0.02, 20, 1)) ** 2


@pytest.mark.parametrize(
    ("losses", "truth", "without_bound"),
    [
        (lambda rng, rows: rng.standard_normal(rows) ** 2, 1.0, (0.0, 0.03)),
        (_spikes, 8.98, (0.95, 1.0)),
        (lambda rng, rows: rng.lognormal(0, 3, rows), math.exp(4.5), (0.9, 1.0)),
    ],
    ids=["normal", "spikes", "lognormal"],
)
def test_mean_of_heavy_tailed_losses_is_inside_of_its_bounds_or_has_no_upper_bound(losses, truth, without_bound):
    """Student's interval covers .95, .78 and .53 of these squared errors."""
    rng = np.random.default_rng(8)
    found = [mean_interval(losses(rng, 300), minimum=0.0) for _ in range(600)]
    holds = [q.lower <= truth and (q.upper is None or truth <= q.upper) for q in found]
    open_ended = [q.upper is None for q in found]
    assert 0.925 <= np.mean(holds) <= 0.99
    assert without_bound[0] <= np.mean(open_ended) <= without_bound[1]
    assert all((q.upper is None) == (q.note is not None) for q in found)


def test_bound_of_a_difference_exists_only_if_both_bounds_that_it_is_made_of_exist():
    found = difference_interval(Quantity(5, 3, None, note="few rows"), Quantity(2, 1, 6))
    assert found == Quantity(3, 3 - math.hypot(2, 4), None, note="few rows")


@pytest.mark.parametrize("interval", [mean_interval, median_interval])
def test_intervals_of_no_values_or_a_wrong_shape_are_refused(interval):
    with pytest.raises(UndefinedStatisticError, match="no rows"):
        interval([])
    with pytest.raises(ValueError, match=r"shape \(1, 2\)"):
        interval([[1.0, 2.0]])


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95, float("nan")])
@pytest.mark.parametrize(
    "interval",
    [
        lambda confidence: wilson(1, 2, confidence),
        lambda confidence: mean_interval([1, 2], confidence),
        lambda confidence: median_interval([1, 2], confidence),
        lambda confidence: delong_interval([1, 2], [1, 2], confidence),
    ],
)
def test_intervals_with_an_invalid_confidence_are_refused(interval, confidence):
    with pytest.raises(ValueError, match="must lie strictly between 0 and 1"):
        interval(confidence)


def test_transformed_keeps_missing_bounds_missing():
    assert transformed(Quantity(4.0, 1.0, 9.0), math.sqrt) == Quantity(2.0, 1.0, 3.0)
    assert transformed(Quantity(4.0), math.sqrt) == Quantity(2.0)


# ---- differences


def test_difference_interval_matches_bounds_by_hand():
    """Below: hypot(3, 8); above: hypot(4, 6)."""
    found = difference_interval(Quantity(10.0, 7.0, 14.0), Quantity(4.0, -2.0, 12.0))
    assert found == Quantity(6.0, pytest.approx(6 - math.sqrt(73)), pytest.approx(6 + math.sqrt(52)))


def test_difference_interval_of_proportions_is_newcombes_hybrid_score():
    """Newcombe 1998 (Stat Med 17:873), method 10: 56/70 - 48/80 is 0.2, 0.0524 to 0.3339."""
    found = difference_interval(wilson(56, 70), wilson(48, 80))
    assert (found.value, found.lower, found.upper) == pytest.approx((0.2, 0.0524, 0.3339), abs=1e-4)


def test_difference_interval_of_symmetric_intervals_matches_independent_means():
    first, second = (
        Quantity(1.0, 1 - 1.96 * 0.3, 1 + 1.96 * 0.3),
        Quantity(0.2, 0.2 - 1.96 * 0.4, 0.2 + 1.96 * 0.4),
    )
    found = difference_interval(first, second)
    assert (found.lower, found.upper) == pytest.approx((0.8 - 1.96 * 0.5, 0.8 + 1.96 * 0.5))


bounded = st.tuples(st.floats(-5, 5), st.floats(0, 5), st.floats(0, 5)).map(
    lambda own: Quantity(own[0], own[0] - own[1], own[0] + own[2])
)


@given(bounded, bounded)
def test_difference_interval_is_mirrored_and_contains_its_value(first, second):
    found, mirrored = difference_interval(first, second), difference_interval(second, first)
    assert found.lower <= found.value <= found.upper
    assert (mirrored.value, mirrored.lower, mirrored.upper) == pytest.approx((-found.value, -found.upper, -found.lower))
    assert found.upper - found.lower >= max(first.upper - first.lower, second.upper - second.lower) - 1e-9


def test_difference_interval_without_bounds_of_both_has_none():
    whole, bare = Quantity(3.0, 2.0, 4.0), Quantity(1.0)
    assert difference_interval(whole, bare) == Quantity(2.0)
    assert difference_interval(bare, whole) == Quantity(-2.0)


def test_difference_interval_of_skewed_areas_covers_the_truth():
    """Areas near 1 of few rows, whose intervals are far from symmetric; 800 trials have a standard error of .008."""
    rng = np.random.default_rng(13)
    areas = (0.93, 0.8)
    distances = [stats.norm.ppf(area) * math.sqrt(2) for area in areas]
    covered = 0
    for _ in range(800):
        first, second = (delong_interval(rng.normal(d, 1, 15), rng.normal(0, 1, 60)) for d in distances)
        found = difference_interval(first, second)
        covered += found.lower <= areas[0] - areas[1] <= found.upper
    assert 0.92 <= covered / 800 <= 0.98

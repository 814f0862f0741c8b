"""Distances between count arrays: published values, identities and refusals."""

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import jensenshannon

from monitoring_pipeline.statistics.results import UndefinedStatisticError
from monitoring_pipeline.statistics.samples import distances

SYMMETRIC = [
    distances.population_stability_index,
    distances.jensen_shannon_distance,
    distances.jensen_shannon_divergence,
    distances.kolmogorov_smirnov_distance,
    distances.hellinger_distance,
    distances.total_variation_distance,
    distances.l_infinity_distance,
    distances.l_infinity_corrected,
    distances.cramers_v,
]
ALL = [*SYMMETRIC, distances.kullback_leibler_divergence]
FROM_ZERO_TO_ONE = [
    distances.jensen_shannon_distance,
    distances.kolmogorov_smirnov_distance,
    distances.hellinger_distance,
    distances.total_variation_distance,
    distances.l_infinity_distance,
]

DICE_REFERENCE = [16, 18, 16, 14, 12, 12]
DICE_CURRENT = [16, 16, 16, 16, 16, 8]
DEEQU_EXPECTED = [428.0, 425.0, 414.0, 427.0, 440.0, 447.0, 380.0, 386.0, 444.0, 386.0]
DEEQU_ACTUAL = [426.0, 437.0, 429.0, 391.0, 469.0, 433.0, 360.0, 443.0, 371.0, 418.0]


def count_arrays(sides: int, smallest: int = 0) -> st.SearchStrategy[list[list[int]]]:
    """Counts of several sides over the same cells, none of them without rows."""
    return st.integers(1, 12).flatmap(
        lambda cells: st.lists(
            st.lists(st.integers(smallest, 500), min_size=cells, max_size=cells).filter(any),
            min_size=sides,
            max_size=sides,
        )
    )


@pytest.mark.parametrize(
    ("distance", "reference", "current", "expected", "tolerance"),
    [
        # deequ, KLLDistanceTest.scala
        (distances.population_stability_index, DEEQU_EXPECTED, DEEQU_ACTUAL, 0.007406694184014186, 1e-12),
        (distances.l_infinity_distance, [10, 20, 25, 10, 5], [11, 20, 25, 10, 10], 0.06015037593984962, 1e-12),
        # deequ, numeric values 1 to 4 against 2 to 5
        (distances.kolmogorov_smirnov_distance, [1, 1, 1, 1, 0], [0, 1, 1, 1, 1], 0.25, 1e-12),
        # evidently, test_stattests.py and test_utils.py
        (distances.hellinger_distance, DICE_REFERENCE, DICE_CURRENT, 0.06812, 1e-5),
        (distances.total_variation_distance, DICE_REFERENCE, DICE_CURRENT, 0.06818181818181819, 1e-12),
        # NannyML, test_univariate_drift_methods.py: a new category; one category for another
        (distances.l_infinity_distance, [2, 2, 2, 0], [2, 2, 2, 1], 0.14, 0.005),
        (distances.jensen_shannon_distance, [25, 25, 25, 25, 0], [25, 25, 25, 0, 25], 0.5, 1e-12),
        # tensorflow data validation, metrics_test.cc
        (distances.l_infinity_distance, [0.1, 0.9], [0.3, 0.7], 0.2, 1e-12),
        # by hand: (.5 - .25) ln 2 + (.5 - .75) ln (2/3)
        (distances.population_stability_index, [1, 1], [1, 3], 0.25 * math.log(3), 1e-12),
        (distances.kullback_leibler_divergence, [1, 1], [1, 3], 0.5 * math.log(4 / 3), 1e-12),
        # one empty cell: half a row everywhere, so that (2, 0) and (1, 1) become (2.5, .5) / 3 and (.5, .5)
        (distances.population_stability_index, [2, 0], [1, 1], math.log(5) / 3, 1e-12),
        # apart altogether
        (distances.jensen_shannon_distance, [3, 0], [0, 5], 1.0, 1e-12),
        (distances.hellinger_distance, [3, 0], [0, 5], 1.0, 1e-12),
        (distances.jensen_shannon_divergence, [3, 0], [0, 5], math.log(2), 1e-12),
    ],
)
def test_distance_matches_a_published_value(distance, reference, current, expected, tolerance):
    assert distance(reference, current) == pytest.approx(expected, abs=tolerance)


def test_jensen_shannon_divergence_matches_tensorflow_data_validation():
    """Its histograms [1,2) 2, [2,3) 2 against [2,4) 2, [4,6) 2, cut into common cells."""
    nats = distances.jensen_shannon_divergence([2, 2, 0, 0], [0, 1, 1, 2])
    assert nats / math.log(2) == pytest.approx(0.65563906222, abs=1e-9)


@given(count_arrays(2))
def test_jensen_shannon_distance_matches_scipy(sides):
    reference, current = sides
    assert distances.jensen_shannon_distance(reference, current) == pytest.approx(
        jensenshannon(reference, current, base=2), abs=1e-7
    )


@given(count_arrays(2, smallest=1))
def test_population_stability_index_without_empty_cells_matches_the_textbook(sides):
    p, q = (np.array(side) / sum(side) for side in sides)
    textbook = sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert distances.population_stability_index(*sides) == pytest.approx(textbook, abs=1e-12)


@given(count_arrays(2))
def test_population_stability_index_is_the_sum_of_both_kl_divergences(sides):
    reference, current = sides
    both = distances.kullback_leibler_divergence(reference, current)
    both += distances.kullback_leibler_divergence(current, reference)
    assert distances.population_stability_index(reference, current) == pytest.approx(both, abs=1e-12)


@given(count_arrays(2))
def test_distances_are_ordered_by_known_inequalities(sides):
    total_variation, hellinger = distances.total_variation_distance(*sides), distances.hellinger_distance(*sides)
    assert distances.l_infinity_corrected(*sides) <= distances.l_infinity_distance(*sides) <= total_variation + 1e-12
    assert distances.kolmogorov_smirnov_distance(*sides) <= total_variation + 1e-12
    assert hellinger**2 <= total_variation + 1e-12
    assert total_variation <= math.sqrt(2) * hellinger + 1e-12


@pytest.mark.parametrize("distance", SYMMETRIC)
@given(sides=count_arrays(2))
def test_distances_are_symmetric(distance, sides):
    reference, current = sides
    assert distance(reference, current) == pytest.approx(distance(current, reference), abs=1e-12)


@pytest.mark.parametrize("distance", FROM_ZERO_TO_ONE)
@given(sides=count_arrays(3))
def test_distances_are_metrics_between_zero_and_one(distance, sides):
    a, b, c = sides
    assert 0.0 <= distance(a, b) <= 1.0
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-7


@pytest.mark.parametrize("distance", ALL)
@given(sides=count_arrays(1), times=st.integers(1, 7))
def test_distance_between_multiples_is_zero(distance, sides, times):
    counts = np.array(sides[0])
    assert distance(counts, times * counts) == 0.0


@pytest.mark.parametrize("distance", ALL)
@given(sides=count_arrays(2), where=st.integers(0, 12))
def test_distances_do_not_change_with_cells_empty_on_both_sides(distance, sides, where):
    padded = (np.insert(side, min(where, len(side)), 0) for side in sides)
    assert distance(*padded) == pytest.approx(distance(*sides), abs=1e-12)


# ---- L-infinity less chance, and Cramer's V


@given(count_arrays(2))
def test_corrected_l_infinity_is_the_excess_over_chance(sides):
    n, m = (sum(side) for side in sides)
    chance = math.sqrt(math.log(2 / 0.003) / 2) * math.sqrt(1 / n + 1 / m)
    expected = max(0.0, distances.l_infinity_distance(*sides) - chance)
    assert distances.l_infinity_corrected(*sides) == pytest.approx(expected, abs=1e-12)


def test_corrected_l_infinity_approaches_the_plain_one_with_many_rows():
    few, many = ([3, 7], [6, 4]), ([3 * 10**9, 7 * 10**9], [6 * 10**9, 4 * 10**9])
    assert distances.l_infinity_corrected(*few) == 0.0
    assert distances.l_infinity_corrected(*many) == pytest.approx(0.3, abs=1e-4)


def test_corrected_l_infinity_without_change_is_rarely_above_zero():
    """At most 3 of 1,000; conservative for cells, here none or next to none."""
    sides = np.random.default_rng(2).multinomial(300, [0.1] * 10, size=(2, 2000))
    assert np.mean([distances.l_infinity_corrected(*pair) > 0 for pair in zip(*sides, strict=True)]) <= 0.003


@given(count_arrays(2))
def test_cramers_v_matches_scipys_chi_squared(sides):
    """Bergsma 2013, sec. 3: phi^2 less (k - 1)(r - 1) / (n - 1), and both sides of the table shrunk."""
    table = np.array(sides)[:, np.any(sides, axis=0)]
    rows, cells = table.sum(), table.shape[1]
    assume(cells > 1 and rows > cells)
    phi_squared = stats.chi2_contingency(table, correction=False).statistic / rows
    corrected = max(0.0, phi_squared - (cells - 1) / (rows - 1))
    smaller = min(2 - 1 / (rows - 1), cells - (cells - 1) ** 2 / (rows - 1)) - 1
    assert distances.cramers_v(*sides) == pytest.approx(min(1.0, math.sqrt(corrected / smaller)), abs=1e-6)


@given(count_arrays(2))
def test_cramers_v_is_between_zero_and_one(sides):
    assert 0.0 <= distances.cramers_v(*sides) <= 1.0


def test_cramers_v_matches_a_value_by_hand():
    """Of (30, 10) and (10, 30) chi-squared is 20; phi^2 is 1/4; V^2 is (1/4 - 1/79) / (1 - 1/79)."""
    assert distances.cramers_v([30, 10], [10, 30]) == pytest.approx(
        math.sqrt((0.25 - 1 / 79) / (1 - 1 / 79)), rel=1e-12
    )
    assert distances.cramers_v([5000, 0], [0, 5000]) == pytest.approx(1.0, abs=1e-9)
    assert distances.cramers_v([20, 20], [21, 19]) == 0.0
    assert distances.cramers_v([7], [9]) == 0.0


def test_cramers_v_of_as_many_cells_as_rows_is_zero():
    assert distances.cramers_v([1, 0], [0, 1]) == 0.0
    assert distances.cramers_v([1, 0, 0, 1], [0, 1, 1, 0]) == 0.0


# ---- Wasserstein


def points():
    """Counts of two sides over increasing points."""
    return count_arrays(2).flatmap(
        lambda sides: st.tuples(
            st.just(sides),
            st.lists(st.integers(-60, 60), min_size=len(sides[0]), max_size=len(sides[0]), unique=True).map(sorted),
        )
    )


@given(points())
def test_wasserstein_distance_matches_scipy(case):
    (reference, current), positions = case
    expected = stats.wasserstein_distance(positions, positions, reference, current)
    assert distances.wasserstein_distance(reference, current, positions) == pytest.approx(expected, abs=1e-9)


@given(points(), st.integers(-9, 9).filter(bool), st.integers(-100, 100))
def test_wasserstein_distance_scales_with_the_unit_and_ignores_the_offset(case, factor, offset):
    (reference, current), positions = case
    mapped = factor * np.array(positions) + offset
    order = np.argsort(mapped)
    found = distances.wasserstein_distance(np.take(reference, order), np.take(current, order), mapped[order])
    expected = abs(factor) * distances.wasserstein_distance(reference, current, positions)
    assert found == pytest.approx(expected, abs=1e-9)


@given(points(), st.integers(1, 50))
def test_wasserstein_distance_is_symmetric_and_below_the_range(case, times):
    (reference, current), positions = case
    found = distances.wasserstein_distance(reference, current, positions)
    assert found == pytest.approx(distances.wasserstein_distance(current, reference, positions), abs=1e-9)
    assert 0.0 <= found <= positions[-1] - positions[0] + 1e-9
    same = distances.wasserstein_distance(reference, np.multiply(reference, times), positions)
    assert same == pytest.approx(0.0, abs=1e-9)


@given(points())
def test_wasserstein_distance_is_bounded_by_mean_difference_and_variation(case):
    (reference, current), positions = case
    means = [np.average(positions, weights=side) for side in (reference, current)]
    found = distances.wasserstein_distance(reference, current, positions)
    assert abs(means[1] - means[0]) <= found + 1e-9
    span = positions[-1] - positions[0]
    assert found <= span * distances.total_variation_distance(reference, current) + 1e-9


@given(st.integers(0, 99), st.floats(0.5, 3.0))
@settings(max_examples=30)
def test_kolmogorov_smirnov_distance_depends_on_order_only(seed, power):
    """Rows and edges through one increasing map fall into the same cells."""
    rng = np.random.default_rng(seed)
    reference, current, edges = rng.exponential(1, 90), rng.exponential(1.3, 70), np.linspace(0.1, 3, 12)

    def counts(mapped):
        cells = (np.digitize(mapped(rows), mapped(edges)) for rows in (reference, current))
        return [np.bincount(cell, minlength=13) for cell in cells]

    plain, curved = (distances.kolmogorov_smirnov_distance(*counts(m)) for m in (lambda x: x, lambda x: x**power))
    assert plain == curved


def test_wasserstein_distance_without_a_position_per_cell_is_refused():
    with pytest.raises(ValueError, match="2 positions for 3 cells"):
        distances.wasserstein_distance([1, 2, 3], [3, 2, 1], [0.0, 1.0])


@given(count_arrays(2))
def test_kolmogorov_smirnov_distance_of_reversed_cells_is_unchanged(sides):
    reversed_sides = (side[::-1] for side in sides)
    assert distances.kolmogorov_smirnov_distance(*reversed_sides) == pytest.approx(
        distances.kolmogorov_smirnov_distance(*sides), abs=1e-12
    )


@pytest.mark.parametrize("distance", ALL)
@pytest.mark.parametrize(
    ("reference", "current", "side"),
    [([0, 0], [1, 2], "reference"), ([1, 2], [0, 0], "current"), ([], [], "reference")],
)
def test_distance_of_a_side_without_rows_is_undefined(distance, reference, current, side):
    with pytest.raises(UndefinedStatisticError, match=f"{side} has no rows"):
        distance(reference, current)


@pytest.mark.parametrize("distance", ALL)
@pytest.mark.parametrize(
    ("reference", "current", "message"),
    [
        ([1, 2], [1, 2, 3], "reference has 2 cells and current has 3"),
        ([1, -2], [1, 2], r"reference count of cell 1 is -2\.0"),
        ([1, 2], [math.nan, 2], "current count of cell 0 is nan"),
        ([[1, 2]], [[1, 2]], r"reference has shape \(1, 2\)"),
    ],
)
def test_distance_of_invalid_counts_is_refused(distance, reference, current, message):
    with pytest.raises(ValueError, match=message):
        distance(reference, current)


@pytest.mark.parametrize("weights", [(0.5, 0.6), (0.0, 1.0), (1.5, -0.5)])
def test_jensen_shannon_with_invalid_weights_is_refused(weights):
    with pytest.raises(ValueError, match="both must be positive and their sum 1"):
        distances.jensen_shannon_divergence([1, 2], [2, 1], weights=weights)

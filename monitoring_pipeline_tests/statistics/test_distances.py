"""Distances between count arrays: published values, identities and refusals."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon

from monitoring_pipeline.statistics import distances
from monitoring_pipeline.statistics.estimate import UndefinedStatisticError

SYMMETRIC = [
    distances.population_stability_index,
    distances.jensen_shannon_distance,
    distances.jensen_shannon_divergence,
    distances.kolmogorov_smirnov_distance,
    distances.hellinger_distance,
    distances.total_variation_distance,
    distances.l_infinity_distance,
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
def test_known_value(distance, reference, current, expected, tolerance):
    assert distance(reference, current) == pytest.approx(expected, abs=tolerance)


def test_jensen_shannon_divergence_in_base_2_as_tensorflow_data_validation():
    """Its histograms [1,2) 2, [2,3) 2 against [2,4) 2, [4,6) 2, cut into common cells."""
    nats = distances.jensen_shannon_divergence([2, 2, 0, 0], [0, 1, 1, 2])
    assert nats / math.log(2) == pytest.approx(0.65563906222, abs=1e-9)


@given(count_arrays(2))
@settings(deadline=None)
def test_jensen_shannon_distance_equals_scipy(sides):
    reference, current = sides
    assert distances.jensen_shannon_distance(reference, current) == pytest.approx(
        jensenshannon(reference, current, base=2), abs=1e-7
    )


@given(count_arrays(2, smallest=1))
@settings(deadline=None)
def test_population_stability_index_without_empty_cells_is_the_textbook_value(sides):
    p, q = (np.array(side) / sum(side) for side in sides)
    textbook = sum((a - b) * math.log(a / b) for a, b in zip(p, q, strict=True))
    assert distances.population_stability_index(*sides) == pytest.approx(textbook, abs=1e-12)


@given(count_arrays(2))
@settings(deadline=None)
def test_population_stability_index_is_both_kullback_leibler_divergences(sides):
    reference, current = sides
    both = distances.kullback_leibler_divergence(reference, current)
    both += distances.kullback_leibler_divergence(current, reference)
    assert distances.population_stability_index(reference, current) == pytest.approx(both, abs=1e-12)


@given(count_arrays(2))
@settings(deadline=None)
def test_order_of_the_distances(sides):
    total_variation, hellinger = distances.total_variation_distance(*sides), distances.hellinger_distance(*sides)
    assert distances.l_infinity_distance(*sides) <= total_variation + 1e-12
    assert distances.kolmogorov_smirnov_distance(*sides) <= total_variation + 1e-12
    assert hellinger**2 <= total_variation + 1e-12
    assert total_variation <= math.sqrt(2) * hellinger + 1e-12


@pytest.mark.parametrize("distance", SYMMETRIC)
@given(sides=count_arrays(2))
@settings(deadline=None)
def test_symmetric(distance, sides):
    reference, current = sides
    assert distance(reference, current) == pytest.approx(distance(current, reference), abs=1e-12)


@pytest.mark.parametrize("distance", FROM_ZERO_TO_ONE)
@given(sides=count_arrays(3))
@settings(deadline=None)
def test_metric_between_zero_and_one(distance, sides):
    a, b, c = sides
    assert 0.0 <= distance(a, b) <= 1.0
    assert distance(a, c) <= distance(a, b) + distance(b, c) + 1e-7


@pytest.mark.parametrize("distance", ALL)
@given(sides=count_arrays(1), times=st.integers(1, 7))
@settings(deadline=None)
def test_zero_between_multiples(distance, sides, times):
    counts = np.array(sides[0])
    assert distance(counts, times * counts) == 0.0


@pytest.mark.parametrize("distance", ALL)
@given(sides=count_arrays(2), where=st.integers(0, 12))
@settings(deadline=None)
def test_cells_empty_on_both_sides_change_nothing(distance, sides, where):
    padded = (np.insert(side, min(where, len(side)), 0) for side in sides)
    assert distance(*padded) == pytest.approx(distance(*sides), abs=1e-12)


@given(count_arrays(2))
@settings(deadline=None)
def test_kolmogorov_smirnov_distance_is_the_same_from_above(sides):
    reversed_sides = (side[::-1] for side in sides)
    assert distances.kolmogorov_smirnov_distance(*reversed_sides) == pytest.approx(
        distances.kolmogorov_smirnov_distance(*sides), abs=1e-12
    )


@pytest.mark.parametrize("distance", ALL)
@pytest.mark.parametrize(
    ("reference", "current", "side"),
    [([0, 0], [1, 2], "reference"), ([1, 2], [0, 0], "current"), ([], [], "reference")],
)
def test_a_side_without_rows_has_no_distance(distance, reference, current, side):
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
def test_wrong_counts_are_refused(distance, reference, current, message):
    with pytest.raises(ValueError, match=message):
        distance(reference, current)


@pytest.mark.parametrize("weights", [(0.5, 0.6), (0.0, 1.0), (1.5, -0.5)])
def test_wrong_weights_are_refused(weights):
    with pytest.raises(ValueError, match="both must be positive and their sum 1"):
        distances.jensen_shannon_divergence([1, 2], [2, 1], weights=weights)

"""Homogeneity tests: published values, a second implementation, identities, and the false alarms they raise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitoring_pipeline.statistics.results import Significance, UndefinedStatisticError
from monitoring_pipeline.statistics.samples import homogeneity_tests as evidence
from monitoring_pipeline.statistics.samples.distances import jensen_shannon_divergence, population_stability_index

ON_POOLED_CELLS = [
    evidence.chi_squared_homogeneity,
    evidence.g_test,
    evidence.population_stability_index_test,
]
ALL = [*ON_POOLED_CELLS, evidence.kolmogorov_smirnov_test]
OF_TWO_CELLS = [evidence.two_proportion_z_test, evidence.fisher_exact_test]

DICE_REFERENCE = [16, 18, 16, 14, 12, 12]
DICE_CURRENT = [16, 16, 16, 16, 16, 8]

two_sides = st.integers(1, 12).flatmap(
    lambda cells: st.tuples(
        st.lists(st.integers(0, 300), min_size=cells, max_size=cells).filter(any),
        st.lists(st.integers(0, 300), min_size=cells, max_size=cells).filter(any),
    )
)


def test_chi_squared_is_a_test_of_homogeneity_and_differs_from_evidently():
    """Evidently reports 0.67309 here, the same for a doubled reference: it takes the reference for the truth."""
    outcome = evidence.chi_squared_homogeneity(DICE_REFERENCE, DICE_CURRENT)
    assert outcome.p_value == pytest.approx(0.8985262394026607, abs=1e-9)
    assert outcome.degrees_of_freedom == 5
    doubled = evidence.chi_squared_homogeneity(np.multiply(DICE_REFERENCE, 2), DICE_CURRENT)
    assert doubled.p_value < outcome.p_value


def test_chi_squared_without_pooling_matches_frouros():
    """Six rows a side over three categories: 2.5 rows or fewer expected in each, so that we pool all of them."""
    outcome = evidence.chi_squared_homogeneity([4, 2, 0], [1, 1, 4], minimum_expected=0)
    assert (outcome.statistic, outcome.p_value) == pytest.approx((6.13333333, 0.04657615), abs=1e-7)
    assert evidence.chi_squared_homogeneity([4, 2, 0], [1, 1, 4]) == Significance(0.0, 1.0, 0)


def test_g_test_differs_from_evidently_by_treating_the_reference_as_a_sample():
    """Evidently reports 0.8176 for these counts; against a reference that is a sample too it is 0.904."""
    reference, current = np.array([5, 5, 8]), np.array([4, 6, 8])
    expected = stats.chi2_contingency(np.stack([reference, current]), correction=False, lambda_="log-likelihood")
    outcome = evidence.g_test(reference, current, minimum_expected=0)
    assert (outcome.statistic, outcome.p_value) == pytest.approx((expected.statistic, expected.pvalue), abs=1e-12)
    known = 2 * float(np.sum(current * np.log(current / reference)))
    assert stats.chi2.sf(known, 2) == pytest.approx(0.8176, abs=1e-3)
    assert outcome.p_value == pytest.approx(0.904, abs=1e-3)


@pytest.mark.parametrize(
    ("test", "scipy_name"), [(evidence.chi_squared_homogeneity, "pearson"), (evidence.g_test, "log-likelihood")]
)
@given(sides=two_sides)
def test_tests_on_pooled_cells_match_scipy(test, scipy_name, sides):
    table = np.stack(evidence.pool_sparse_cells(*sides))
    expected = stats.chi2_contingency(table, correction=False, lambda_=scipy_name)
    outcome = test(*sides)
    assert outcome.statistic == pytest.approx(expected.statistic, abs=1e-7)
    assert outcome.degrees_of_freedom == expected.dof


@given(two_sides)
def test_g_statistic_is_the_weighted_jensen_shannon_divergence(sides):
    reference, current = evidence.pool_sparse_cells(*sides)
    n, m = reference.sum(), current.sum()
    divergence = jensen_shannon_divergence(reference, current, weights=(n / (n + m), m / (n + m)))
    assert evidence.g_test(*sides).statistic == pytest.approx(2 * (n + m) * divergence, abs=1e-9)


def test_population_stability_index_test_matches_its_formula():
    outcome = evidence.population_stability_index_test([300, 200, 100], [90, 130, 80])
    statistic = population_stability_index([300, 200, 100], [90, 130, 80]) / (1 / 600 + 1 / 300)
    assert outcome.statistic == pytest.approx(statistic, rel=1e-12)
    assert outcome.p_value == pytest.approx(stats.chi2.sf(statistic, 2), rel=1e-9)
    assert outcome.degrees_of_freedom == 2


@given(two_sides)
def test_pooled_cells_keep_all_rows_and_expect_enough(sides):
    reference, current = evidence.pool_sparse_cells(*sides)
    assert (reference.sum(), current.sum()) == (sum(sides[0]), sum(sides[1]))
    if reference.size > 1:
        smaller = min(reference.sum(), current.sum()) / (reference.sum() + current.sum())
        assert ((reference + current) * smaller).min() >= evidence.MINIMUM_EXPECTED - 1e-9


@given(two_sides)
def test_pooling_depends_only_on_the_totals(sides):
    """A row of one cell changes sides with a row of another, which keeps all totals and so the pools."""
    reference, current = np.array([3, 7, *sides[0]]), np.array([4, 5, *sides[1]])
    exchanged = np.zeros_like(reference)
    exchanged[:2] = 1, -1
    before = np.add(*evidence.pool_sparse_cells(reference, current))
    assert np.array_equal(before, np.add(*evidence.pool_sparse_cells(reference + exchanged, current - exchanged)))


@pytest.mark.parametrize(
    ("reference", "current", "pooled_reference", "pooled_current"),
    [
        # nothing sparse
        ([50, 50], [20, 30], [50, 50], [20, 30]),
        # the two sparse cells make a pool of their own, at the place of the first
        ([8, 100, 8, 90], [4, 50, 4, 40], [16, 100, 90], [8, 50, 40]),
        # neighbours pool with neighbours; the last joins the last pool
        ([30, 30, 30, 30, 30], [3, 3, 3, 3, 3], [60, 90], [6, 9]),
        # too few for a pool: joins the smallest cell that is not sparse
        ([500, 100, 1], [500, 100, 2], [500, 101], [500, 102]),
        # too few rows for two pools
        ([5000, 4000], [3, 4], [9000], [7]),
        # empty on both sides
        ([50, 0, 50], [50, 0, 50], [50, 50], [50, 50]),
    ],
)
def test_pooling_matches_cells_by_hand(reference, current, pooled_reference, pooled_current):
    pooled = evidence.pool_sparse_cells(reference, current, 5.0)
    assert [side.tolist() for side in pooled] == [pooled_reference, pooled_current]


@pytest.mark.parametrize("test", ALL)
def test_tests_of_rows_in_one_cell_have_a_p_value_of_one(test):
    outcome = test([0, 700, 0], [0, 3, 0])
    assert (outcome.statistic, outcome.p_value) == (0.0, 1.0)


@pytest.mark.parametrize("test", ON_POOLED_CELLS)
@pytest.mark.parametrize(("reference", "current"), [([50000, 0], [470, 30]), ([25000, 25000, 0], [235, 235, 30])])
def test_first_nulls_of_a_column_are_tested_apart_from_pooled_cells(test, reference, current):
    """By hand: 30 rows on the current side by chance, at its share of rows, twice two-sided and twice Bonferroni."""
    by_chance = stats.binom.sf(29, 30, 500 / 50500)
    assert test(reference, current).p_value == pytest.approx(4 * by_chance, rel=1e-9)


@pytest.mark.parametrize("test", ON_POOLED_CELLS)
def test_single_row_of_a_new_category_is_not_significant(test):
    assert test([500, 480, 0], [490, 500, 1]).p_value > 0.5


@pytest.mark.parametrize("test", ALL)
@given(sides=two_sides)
def test_tests_are_symmetric_and_p_values_are_probabilities(test, sides):
    reference, current = sides
    outcome = test(reference, current)
    assert 0.0 <= outcome.p_value <= 1.0
    assert outcome.p_value == pytest.approx(test(current, reference).p_value, abs=1e-9)


@pytest.mark.parametrize(("reference_rows", "current_rows"), [(300, 200), (2000, 50), (1000, 10)])
def test_kolmogorov_smirnov_p_value_is_near_the_exact_one(reference_rows, current_rows):
    rng = np.random.default_rng(7)
    reference, current = rng.normal(size=reference_rows), rng.normal(0.25, size=current_rows)
    values = np.sort(np.concatenate([reference, current]))
    outcome = evidence.kolmogorov_smirnov_test(
        np.searchsorted(np.sort(reference), values, "right") - np.searchsorted(np.sort(reference), values, "left"),
        np.searchsorted(np.sort(current), values, "right") - np.searchsorted(np.sort(current), values, "left"),
    )
    exact = stats.ks_2samp(reference, current, method="exact")
    assert outcome.statistic == pytest.approx(exact.statistic, abs=1e-12)
    assert outcome.p_value == pytest.approx(exact.pvalue, rel=0.15)


@pytest.mark.parametrize(
    ("test", "cells", "lowest", "highest"),
    [
        (evidence.chi_squared_homogeneity, 10, 0.035, 0.065),
        (evidence.chi_squared_homogeneity, 60, 0.035, 0.065),
        (evidence.g_test, 10, 0.035, 0.07),
        (evidence.g_test, 60, 0.035, 0.085),
        (evidence.population_stability_index_test, 10, 0.035, 0.07),
        (evidence.population_stability_index_test, 60, 0.035, 0.075),
        (evidence.kolmogorov_smirnov_test, 60, 0.01, 0.05),
        (evidence.kolmogorov_smirnov_test, 2000, 0.03, 0.06),
    ],
)
@pytest.mark.parametrize(("reference_rows", "current_rows"), [(10_000, 200), (600, 600)])
def test_share_of_false_alarms_at_five_percent_is_in_range(test, cells, lowest, highest, reference_rows, current_rows):
    """Goodness of fit would raise about 50 % on ten cells where both sides are equally large."""
    rng = np.random.default_rng(11)
    shares = 1 / np.sqrt(np.arange(1, cells + 1))
    shares /= shares.sum()
    references = rng.multinomial(reference_rows, shares, size=1200 if cells <= 60 else 800)
    currents = rng.multinomial(current_rows, shares, size=len(references))
    p_values = np.array([test(*sides).p_value for sides in zip(references, currents, strict=True)])
    assert lowest <= np.mean(p_values < 0.05) <= highest


@pytest.mark.parametrize("test", ALL)
def test_homogeneity_tests_detect_a_shift(test):
    """A quarter of a standard deviation, 1,000 rows, deciles of the reference."""
    edges = stats.norm.ppf(np.linspace(0, 1, 11))
    current = 1000 * np.diff(stats.norm.cdf(edges - 0.25))
    assert test(np.full(10, 1000.0), np.round(current)).p_value < 1e-6


@pytest.mark.parametrize("test", ALL)
def test_tests_of_a_side_without_rows_are_undefined(test):
    with pytest.raises(UndefinedStatisticError, match="current has no rows"):
        test([1, 2], [0, 0])


@pytest.mark.parametrize("test", ALL)
def test_tests_of_different_cells_are_refused(test):
    with pytest.raises(ValueError, match="both must be counts over the same cells"):
        test([1, 2], [1, 2, 3])


# ---- two proportions

tables = st.tuples(
    *[st.lists(st.integers(0, 60), min_size=2, max_size=2).filter(any) for _ in ("reference", "current")]
)


@given(tables)
def test_squared_z_is_pearsons_chi_squared(sides):
    """And its p-value: a test of two proportions is the test of homogeneity of a 2 x 2 table."""
    outcome = evidence.two_proportion_z_test(*sides)
    if not np.any(sides, axis=0).all():
        assert outcome == Significance(0.0, 1.0)
        return
    expected = stats.chi2_contingency(np.array(sides), correction=False)
    assert outcome.statistic**2 == pytest.approx(expected.statistic, abs=1e-9)
    assert outcome.p_value == pytest.approx(expected.pvalue, abs=1e-9)


def test_z_statistic_matches_a_value_by_hand():
    """1/2 against 2/3 of 90 each, pooled 7/12: z = (1/6) / sqrt(7/12 5/12 2/90) = 2.2678; its sign is the second's."""
    outcome = evidence.two_proportion_z_test([45, 45], [30, 60])
    assert outcome.statistic == pytest.approx((1 / 6) / np.sqrt(7 / 12 * 5 / 12 * 2 / 90), rel=1e-12)
    assert outcome.statistic == pytest.approx(2.26779, abs=1e-5)
    assert outcome.p_value == pytest.approx(0.02334, abs=1e-5)
    assert evidence.two_proportion_z_test([30, 60], [45, 45]).statistic == pytest.approx(-2.26779, abs=1e-5)


@given(tables)
def test_fisher_p_value_is_the_sum_over_tables_at_most_as_likely(sides):
    """Hypergeometric, with all margins given."""
    if not np.any(sides, axis=0).all():
        assert evidence.fisher_exact_test(*sides).p_value == 1.0
        return
    (a, b), (c, d) = sides
    by_table = stats.hypergeom(a + b + c + d, a + c, a + b)
    likely = by_table.pmf(np.arange(max(0, a - d), min(a + b, a + c) + 1))
    expected = float(likely[likely <= by_table.pmf(a) * (1 + 1e-9)].sum())
    assert evidence.fisher_exact_test(*sides).p_value == pytest.approx(expected, rel=1e-6)


def test_fisher_statistic_is_the_odds_ratio_and_finite():
    assert evidence.fisher_exact_test([45, 45], [30, 60]).statistic == pytest.approx(2.0)
    apart = evidence.fisher_exact_test([6, 0], [0, 6])
    assert apart.statistic == np.finfo(np.float64).max
    assert apart.p_value == pytest.approx(2 / 924, rel=1e-9)
    assert evidence.fisher_exact_test([7], [9]) == Significance(1.0, 1.0)


@pytest.mark.parametrize("test", OF_TWO_CELLS)
@given(sides=tables, padding=st.integers(0, 2))
def test_tests_of_proportions_ignore_empty_cells(test, sides, padding):
    padded = [np.insert(side, padding, 0) for side in sides]
    outcome = test(*sides)
    assert test(*padded) == outcome
    assert 0.0 <= outcome.p_value <= 1.0
    assert test(*sides[::-1]).p_value == pytest.approx(outcome.p_value, abs=1e-9)


@pytest.mark.parametrize("test", OF_TWO_CELLS)
def test_tests_of_proportions_of_three_values_are_undefined(test):
    with pytest.raises(UndefinedStatisticError, match="3 values, a test of two proportions takes two"):
        test([5, 5, 5], [1, 2, 3])


@pytest.mark.parametrize("test", OF_TWO_CELLS)
def test_tests_of_proportions_of_no_rows_are_undefined(test):
    with pytest.raises(UndefinedStatisticError, match="current has no rows"):
        test([5, 5], [0, 0])


@pytest.mark.parametrize(
    ("test", "draws", "lowest", "highest"),
    [(evidence.two_proportion_z_test, 2000, 0.035, 0.065), (evidence.fisher_exact_test, 600, 0.01, 0.055)],
)
def test_share_of_false_alarms_of_two_proportions_is_in_range(test, draws, lowest, highest):
    """Fisher's test conditions on the margins and is conservative."""
    rng = np.random.default_rng(13)
    sides = zip(rng.binomial(1000, 0.3, draws), rng.binomial(200, 0.3, draws), strict=True)
    p_values = np.array([test([a, 1000 - a], [b, 200 - b]).p_value for a, b in sides])
    assert lowest <= np.mean(p_values < 0.05) <= highest

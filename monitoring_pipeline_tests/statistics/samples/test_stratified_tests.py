"""Tests within strata and weights: beside scipy, by hand, and how often they reject without a change."""

import numpy as np
import pytest
from scipy import stats

from monitoring_pipeline.statistics.results import UndefinedStatisticError
from monitoring_pipeline.statistics.reweighting import LARGEST_WEIGHT, density_ratio_weights
from monitoring_pipeline.statistics.samples.stratified_tests import stratified_homogeneity_test, van_elteren_test


def test_homogeneity_statistic_is_the_sum_of_pearsons_statistics() -> None:
    tables = [((200, 40), (150, 45)), ((300, 150), (100, 40))]
    expected = sum(
        stats.chi2_contingency([[hits, rows - hits] for rows, hits in table], correction=False).statistic
        for table in tables
    )
    rows, hits = ([[side[place] for side in table] for table in tables] for place in (0, 1))
    (r0, r1), (h0, h1) = (np.array(own, dtype=float).T for own in (rows, hits))
    found = stratified_homogeneity_test(r0, h0, r1, h1)
    assert found.statistic == pytest.approx(expected)
    assert found.degrees_of_freedom == 2
    assert found.p_value == pytest.approx(stats.chi2.sf(expected, 2))


def test_homogeneity_test_detects_shifts_of_opposite_sign() -> None:
    rows = np.array([500.0, 500.0])
    found = stratified_homogeneity_test(rows, np.array([100.0, 400.0]), rows, np.array([160.0, 340.0]))
    assert found.p_value < 1e-6


def test_homogeneity_test_leaves_sparse_bins_out() -> None:
    found = stratified_homogeneity_test(
        np.array([500.0, 9.0]), np.array([100.0, 9.0]), np.array([500.0, 9.0]), np.array([100.0, 0.0])
    )
    assert (found.degrees_of_freedom, found.p_value) == (1, 1.0)
    with pytest.raises(UndefinedStatisticError, match="no score bin"):
        stratified_homogeneity_test(np.array([9.0]), np.array([1.0]), np.array([9.0]), np.array([1.0]))


def test_homogeneity_test_keeps_its_level() -> None:
    rng = np.random.default_rng(1)
    rates = np.linspace(0.05, 0.6, 10)
    rows, fewer = np.full(10, 400), np.full(10, 120)
    p_values = np.array(
        [
            stratified_homogeneity_test(
                rows.astype(float),
                rng.binomial(rows, rates).astype(float),
                fewer.astype(float),
                rng.binomial(fewer, rates).astype(float),
            ).p_value
            for _ in range(3_000)
        ]
    )
    assert np.mean(p_values < 0.05) == pytest.approx(0.05, abs=0.015)
    assert np.mean(p_values < 0.01) == pytest.approx(0.01, abs=0.006)


def test_van_elteren_of_one_stratum_matches_mann_whitney() -> None:
    rng = np.random.default_rng(2)
    values = np.concatenate([rng.normal(size=80), rng.normal(0.4, 1, 60)]).round(1)
    current = np.arange(140) >= 80
    expected = stats.mannwhitneyu(
        values[current], values[~current], alternative="two-sided", method="asymptotic", use_continuity=False
    )
    found = van_elteren_test(values, current, np.zeros(140, dtype=np.int64))
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-9)


def test_van_elteren_ignores_differences_between_strata() -> None:
    rng = np.random.default_rng(3)
    strata = np.concatenate([rng.integers(0, 2, 400), rng.random(400) < 0.9]).astype(np.int64)
    current = np.arange(800) >= 400
    p_values = [van_elteren_test(strata * 5 + rng.normal(size=800), current, strata).p_value for _ in range(400)]
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.03)
    pooled = van_elteren_test(strata * 5 + rng.normal(size=800), current, np.zeros(800, dtype=np.int64))
    assert pooled.p_value < 1e-6


def test_van_elteren_without_values_of_both_sides_is_undefined() -> None:
    with pytest.raises(UndefinedStatisticError, match="both sides"):
        van_elteren_test(np.arange(4.0), np.array([True, True, False, False]), np.array([0, 0, 1, 1]))


def test_density_ratio_of_true_probabilities_is_the_true_ratio() -> None:
    # Densities N(0, 1) and N(0.5, 1): their ratio is exp(0.5 x - 0.125).
    values = np.random.default_rng(4).normal(size=20_000)
    ratio = np.exp(0.5 * values - 0.125)
    probabilities = 0.25 * ratio / (0.25 * ratio + 0.75)
    weights = density_ratio_weights(probabilities, 3_000, 1_000)
    assert weights == pytest.approx(ratio, rel=0.02)
    assert weights.mean() == pytest.approx(1.0, abs=0.02)
    assert np.average(values, weights=weights) == pytest.approx(0.5, abs=0.02)


def test_density_ratio_weight_of_certain_rows_is_bounded() -> None:
    weights = density_ratio_weights(np.array([1.0, 0.5]), 10, 10)
    assert weights[0] / weights[1] == pytest.approx(LARGEST_WEIGHT)

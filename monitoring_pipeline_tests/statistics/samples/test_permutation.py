"""Permutation tests: by hand, beside scipy, and how often they reject without a change."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from monitoring_pipeline.statistics.results import UndefinedStatisticError
from monitoring_pipeline.statistics.samples.permutation import (
    area_by_stratum,
    area_test,
    mean_difference_test,
    permutation_p_value,
)


def test_permutation_p_value_counts_the_observed_sample() -> None:
    assert permutation_p_value(2.0, [0.0, 1.0, 2.0, 3.0]) == pytest.approx(3 / 5)
    assert permutation_p_value(9.0, np.zeros(999)) == pytest.approx(1 / 1000)


def test_mean_difference_p_value_matches_all_permutations() -> None:
    reference, current = np.array([1.0, 2.0, 4.0, 7.0]), np.array([3.0, 8.0, 9.0])
    pooled = np.concatenate([reference, current])
    observed = current.mean() - reference.mean()
    differences = [
        pooled[list(own)].mean() - np.delete(pooled, list(own)).mean() for own in combinations(range(pooled.size), 3)
    ]
    exact = np.mean(np.abs(differences) >= abs(observed) - 1e-12)
    found = mean_difference_test(reference, current, np.random.default_rng(1), draws=20_000)
    assert found.statistic == pytest.approx(observed)
    assert found.p_value == pytest.approx(exact, abs=0.01)


def test_mean_difference_does_not_depend_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(2)
    reference, current = rng.normal(size=90), rng.normal(0.3, 1, 60)
    first = mean_difference_test(reference, current, np.random.default_rng(3))
    again = mean_difference_test(reference[::-1], rng.permutation(current), np.random.default_rng(3))
    assert first == again


def test_mean_difference_without_rows_of_one_side_is_undefined() -> None:
    with pytest.raises(UndefinedStatisticError, match="no rows"):
        mean_difference_test(np.zeros(3), np.zeros(0), np.random.default_rng(1))


def test_area_is_the_mean_of_the_areas_of_folds() -> None:
    rng = np.random.default_rng(4)
    scores, current, folds = rng.normal(size=90).round(1), rng.random(90) < 0.4, np.arange(90) % 3
    own = [roc_auc_score(current[folds == fold], scores[folds == fold]) for fold in range(3)]
    assert area_by_stratum(scores, current, folds) == pytest.approx(np.mean(own))


def test_area_of_one_stratum_matches_mann_whitney() -> None:
    rng = np.random.default_rng(5)
    scores = np.concatenate([rng.normal(size=120), rng.normal(0.35, 1, 100)])
    current = np.arange(220) >= 120
    expected = stats.mannwhitneyu(scores[current], scores[~current], alternative="greater").pvalue
    found = area_test(scores, current, np.zeros(220, dtype=np.int64), np.random.default_rng(6), draws=20_000)
    assert found.p_value == pytest.approx(expected, abs=0.003)


def test_area_p_value_is_the_middle_p_value_of_folds() -> None:
    current = np.tile([False] * 20 + [True] * 20, 3)
    told_apart, not_at_all = np.arange(40.0), np.zeros(40)
    folds = np.repeat([0, 1, 2], 40)
    two_of_three = area_test(
        np.concatenate([told_apart, told_apart, not_at_all]), current, folds, np.random.default_rng(7)
    )
    one_of_three = area_test(
        np.concatenate([told_apart, not_at_all, not_at_all]), current, folds, np.random.default_rng(7)
    )
    assert two_of_three.p_value == pytest.approx(1.5 / 1000)
    assert one_of_three.p_value == 1.0


def test_area_without_both_sides_in_a_fold_is_undefined() -> None:
    with pytest.raises(UndefinedStatisticError, match="one side only"):
        area_test(np.arange(4.0), np.array([True] * 4), np.zeros(4, dtype=np.int64), np.random.default_rng(1))

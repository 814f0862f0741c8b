"""Permutation tests: how often exchanging rows between the sides at random gives as large a statistic."""

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.statistics.inputs import Flags, Vector
from monitoring_pipeline.statistics.results import Significance, UndefinedStatisticError
from monitoring_pipeline.statistics.scipy_modules import scipy_module

DRAWS = 999
SAME = 1e-12
"""Relative difference below which two sums of the same numbers in another order are one."""


def permutation_p_value(observed: float, drawn: npt.ArrayLike) -> float:
    """Return (b + 1) / (m + 1), b of the m draws being at least as large (Phipson & Smyth 2010, SAGMB 9:39).

    Args:
        observed: the statistic on the rows as they are.
        drawn: the statistic after each exchange, shape (draws,).
    """
    values = np.asarray(drawn, dtype=np.float64)
    margin = SAME * max(1.0, abs(observed))
    return (int(np.sum(values >= observed - margin)) + 1) / (values.size + 1)


def area_by_stratum(scores: Vector, current: Flags, strata: npt.NDArray[np.int64]) -> float:
    """Return the area under the ROC curve of scores that separate current from reference rows, averaged over strata.

    Args:
        scores: shape (rows,).
        current: whether a row is of the current side, shape (rows,).
        strata: stratum of each row, such as its fold, shape (rows,).
    """
    return float(np.mean([_area(scores[strata == own], current[strata == own]) for own in np.unique(strata)]))


def area_test(
    scores: Vector, current: Flags, strata: npt.NDArray[np.int64], generator: np.random.Generator, draws: int = DRAWS
) -> Significance:
    """One-sided permutation test that current rows score higher; the statistic is the area averaged over the strata.

    With out-of-fold scores and folds as strata this is the classifier two-sample test (Lopez-Paz & Oquab 2017, ICLR)
    without a refit per permutation: a fold's labels do not influence the scores of that fold, so each fold's
    test is exact. The folds' tests depend on one another through the classifiers; their p-values are joined by a rule
    that is valid under any dependence, K / k times the k-th smallest of K (Rueger 1978, Metrika 25:171), k being the
    middle one. Permuting all folds at once is not valid: it rejected at 0.01 in 29 of 600 samples without a change.

    Args:
        scores: shape (rows,).
        current: whether a row is of the current side, shape (rows,).
        strata: stratum of each row, shape (rows,).
        generator: source of random numbers.
        draws: number of permutations.

    Raises:
        UndefinedStatisticError: when a stratum lacks one of the sides.
    """
    p_values = sorted(
        _area_p_value(scores[strata == own], current[strata == own], generator, draws) for own in np.unique(strata)
    )
    middle = (len(p_values) + 1) // 2
    joined = min(1.0, len(p_values) / middle * p_values[middle - 1])
    return Significance(statistic=area_by_stratum(scores, current, strata), p_value=joined)


def _area_p_value(scores: Vector, current: Flags, generator: np.random.Generator, draws: int) -> float:
    _check_sides(current)
    ranks = np.sort(_ranks(scores))
    sums = _permuted_sums(ranks, int(current.sum()), draws, generator)
    return permutation_p_value(_area(scores, current), _area_of_rank_sum(sums, current))


def mean_difference_test(
    reference: Vector, current: Vector, generator: np.random.Generator, draws: int = DRAWS
) -> Significance:
    """Two-sided permutation test of equal means; the statistic is the mean of current minus that of reference.

    Args:
        reference: shape (rows,).
        current: shape (rows,).
        generator: source of random numbers.
        draws: number of permutations.

    Raises:
        UndefinedStatisticError: when a side has no rows.
    """
    if not (reference.size and current.size):
        raise UndefinedStatisticError("a side has no rows")
    pooled = np.concatenate([np.sort(reference), np.sort(current)])
    total = float(np.sort(pooled).sum())
    sums = _permuted_sums(np.sort(pooled), current.size, draws, generator)
    drawn = sums / current.size - (total - sums) / reference.size
    observed = float(np.mean(np.sort(current)) - np.mean(np.sort(reference)))
    return Significance(statistic=observed, p_value=permutation_p_value(abs(observed), np.abs(drawn)))


def _permuted_sums(values: Vector, size: int, draws: int, generator: np.random.Generator) -> Vector:
    """Return sums of ``size`` values drawn without replacement, shape (draws,)."""
    drawn = np.tile(values, (draws, 1))
    generator.permuted(drawn, axis=1, out=drawn)
    return drawn[:, :size].sum(axis=1)


def _area(scores: Vector, current: Flags) -> float:
    _check_sides(current)
    return float(_area_of_rank_sum(np.asarray(_ranks(scores)[current].sum()), current))


def _area_of_rank_sum(rank_sum: Vector, current: Flags) -> Vector:
    count = int(current.sum())
    return (rank_sum - count * (count + 1) / 2) / (count * (current.size - count))


def _ranks(scores: Vector) -> Vector:
    return np.asarray(scipy_module("stats").rankdata(scores), dtype=np.float64)


def _check_sides(current: Flags) -> None:
    if current.all() or not current.any():
        raise UndefinedStatisticError("rows of one side only: nothing to compare")

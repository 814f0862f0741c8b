"""Two samples of single values: distances and two-sided tests that need rows and not only counts.

Every function takes ``reference`` and ``current``, finite numbers of shapes (n,) and (m,), in any order, and raises
``UndefinedStatisticError`` when a side has fewer than two of them. The distances depend on the numbers of
rows only by chance.
"""

import math
import warnings

import numpy as np
import numpy.typing as npt
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from monitoring_pipeline.statistics.inputs import Vector
from monitoring_pipeline.statistics.results import Significance, UndefinedStatisticError
from monitoring_pipeline.statistics.scipy_modules import scipy_module

PERMUTATIONS = 999
_SEED = 20_131_231
_LEVELS = np.log([0.25, 0.1, 0.05, 0.025, 0.01, 0.005, 0.001])


def anderson_darling_distance(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Root of the integral of (F - G)^2 / (H (1 - H)) dH, H the pooled distribution function.

    The Anderson-Darling statistic without its factor n m / (n + m) (Pettitt 1976, Biometrika 63:161).
    """
    difference, pooled, mass = _distribution_functions(*_samples(reference, current))
    inner = pooled < 1.0
    squared = difference[inner] ** 2 / (pooled[inner] * (1.0 - pooled[inner]))
    return math.sqrt(float(np.sum(squared * mass[inner])))


def anderson_darling_test(reference: npt.ArrayLike, current: npt.ArrayLike) -> Significance:
    """Anderson-Darling test of k = 2 samples, mid-ranks for ties (Scholz & Stephens 1987, JASA 82:918).

    The p-value is interpolated in the paper's critical values, log-linear, and extrapolated below 0.001.
    """
    samples = _samples(reference, current)
    if np.ptp(np.concatenate(samples)) == 0.0:
        return Significance(statistic=0.0, p_value=1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SciPy warns that it caps the p-value, which is not used here.
        found = scipy_module("stats").anderson_ksamp(list(samples))
    statistic, critical = float(found.statistic), np.asarray(found.critical_values, dtype=np.float64)
    slope = (_LEVELS[-1] - _LEVELS[-2]) / (critical[-1] - critical[-2])
    beyond = _LEVELS[-1] + slope * (statistic - critical[-1])
    log_p = beyond if statistic > critical[-1] else float(np.interp(statistic, critical, _LEVELS))
    # Below the smallest critical value, p is only known to exceed 0.25.
    return Significance(statistic=statistic, p_value=math.exp(log_p) if statistic >= critical[0] else 0.5)


def cramer_von_mises_distance(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Root of the integral of (F - G)^2 dH, H the pooled distribution function (Anderson 1962, Ann. Math. Stat. 33)."""
    difference, _, mass = _distribution_functions(*_samples(reference, current))
    return math.sqrt(float(np.sum(difference**2 * mass)))


def cramer_von_mises_test(reference: npt.ArrayLike, current: npt.ArrayLike) -> Significance:
    """Two-sample Cramer-von Mises test with the limiting distribution (Anderson 1962, Ann. Math. Stat. 33:1148)."""
    found = scipy_module("stats").cramervonmises_2samp(*_samples(reference, current), method="asymptotic")
    return Significance(statistic=float(found.statistic), p_value=float(found.pvalue))


def energy_distance(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """Energy distance, root of twice the integral of (F - G)^2 dx, in the root of the unit (Szekely & Rizzo 2013)."""
    pooled, from_current = _pooled(*_samples(reference, current))
    return math.sqrt(float(_energies(pooled, from_current[None, :])[0]))


def energy_test(reference: npt.ArrayLike, current: npt.ArrayLike) -> Significance:
    """Permutation test of the energy distance; p = (b + 1) / (m + 1) (Phipson & Smyth 2010, SAGMB 9:39).

    The permutations are the same for the same numbers of rows.
    """
    pooled, from_current = _pooled(*_samples(reference, current))
    observed = _energies(pooled, from_current[None, :])[0]
    generator = np.random.default_rng(_SEED)
    exceeding = 0
    for _ in range(math.ceil(PERMUTATIONS / 111)):
        shuffled = generator.permuted(np.tile(from_current, (111, 1)), axis=1)
        exceeding += int(np.sum(_energies(pooled, shuffled) >= observed * (1.0 - 1e-12)))
    return Significance(statistic=float(observed), p_value=(exceeding + 1) / (PERMUTATIONS + 1))


def rank_biserial(reference: npt.ArrayLike, current: npt.ArrayLike) -> float:
    """|P(current > reference) - P(current < reference)|, between 0 and 1 (Kerby 2014, Comprehensive Psychology 3)."""
    n, m = (sample.size for sample in _samples(reference, current))
    return abs(2.0 * mann_whitney_test(reference, current).statistic / (n * m) - 1.0)


def mann_whitney_test(reference: npt.ArrayLike, current: npt.ArrayLike) -> Significance:
    """Mann-Whitney U test, two-sided, corrected for ties and continuity (Mann & Whitney 1947, Ann. Math. Stat. 18:50).

    The statistic is U of the current sample.
    """
    reference_sample, current_sample = _samples(reference, current)
    if np.ptp(np.concatenate([reference_sample, current_sample])) == 0.0:
        return Significance(statistic=reference_sample.size * current_sample.size / 2.0, p_value=1.0)
    found = scipy_module("stats").mannwhitneyu(
        current_sample, reference_sample, alternative="two-sided", method="asymptotic"
    )
    return Significance(statistic=float(found.statistic), p_value=float(found.pvalue))


def welch_test(rows: tuple[int, int], means: tuple[float, float], variances: tuple[float, float]) -> Significance:
    """Welch's two-sided t-test of two means, from rows, means and variances (Welch 1947, Biometrika 34:28).

    Args:
        rows: of reference and current.
        means: of reference and current.
        variances: unbiased ones of reference and current.

    Raises:
        UndefinedStatisticError: when a side has fewer than two rows.
    """
    if min(rows) < 2:  # noqa: PLR2004 - a variance takes two
        raise UndefinedStatisticError(f"{min(rows)} values on one side, at least 2 needed")
    parts = [variance / count for variance, count in zip(variances, rows, strict=True)]
    if sum(parts) == 0.0:
        return Significance(statistic=0.0, p_value=1.0 if means[0] == means[1] else 0.0)
    statistic = (means[1] - means[0]) / math.sqrt(sum(parts))
    degrees = sum(parts) ** 2 / sum(part**2 / (count - 1) for part, count in zip(parts, rows, strict=True))
    return Significance(statistic=statistic, p_value=2.0 * float(special.stdtr(degrees, -abs(statistic))))


def _samples(reference: npt.ArrayLike, current: npt.ArrayLike) -> tuple[Vector, Vector]:
    first, second = np.asarray(reference, dtype=np.float64), np.asarray(current, dtype=np.float64)
    for side, sample in (("reference", first), ("current", second)):
        if sample.size < 2:  # noqa: PLR2004 - no test is defined for one value
            raise UndefinedStatisticError(f"{sample.size} values in the {side} sample, at least 2 needed")
    return np.sort(first), np.sort(second)


def _distribution_functions(reference: Vector, current: Vector) -> tuple[Vector, Vector, Vector]:
    """F - G, H and the mass of H at the distinct values of both samples, each of shape (distinct,)."""
    values, counts = np.unique(np.concatenate([reference, current]), return_counts=True)
    below_reference = np.searchsorted(reference, values, side="right") / reference.size
    below_current = np.searchsorted(current, values, side="right") / current.size
    mass = counts / counts.sum()
    return below_reference - below_current, np.cumsum(counts) / counts.sum(), mass


def _pooled(reference: Vector, current: Vector) -> tuple[Vector, npt.NDArray[np.bool_]]:
    pooled = np.concatenate([reference, current])
    order = np.argsort(pooled, kind="stable")
    return pooled[order], (order >= reference.size)


def _energies(pooled: Vector, from_current: npt.NDArray[np.bool_]) -> Vector:
    """Squared energy distances, shape (assignments,), of sorted values for each assignment to the sides."""
    below_current = np.cumsum(from_current, axis=1)[:, :-1]
    below = np.arange(1, pooled.size)
    rows_current = int(from_current[0].sum())
    difference = below_current / rows_current - (below - below_current) / (pooled.size - rows_current)
    return 2.0 * (difference**2) @ np.diff(pooled)

"""Two-sided tests of homogeneity of two samples, on counts.

The reference is a sample too. A goodness-of-fit test treats it as the true distribution; at a nominal 5 % it raises
false alarms in half of all cases once the chunk is as large as the reference.

Every test takes ``reference`` and ``current``, numbers of rows of shape (cells,). It raises ``ValueError`` for wrong
shapes or negative counts, and ``UndefinedStatisticError`` if a side has no rows.

The chi-squared approximation needs some rows in every cell, so sparse cells are pooled first (see
``pool_sparse_cells``). Rows too few for a separate pool join another cell, where they could go unnoticed (the first
nulls of a column, a new category). They are therefore also compared with all other rows by the exact conditional test
of two Poisson rates (Przyborowski & Wilenski 1940, Biometrika 31:313). The p-value is then twice the smaller one
(Bonferroni).
"""

import numpy as np
import numpy.typing as npt
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from monitoring_pipeline.statistics.inputs import Vector, count_pair
from monitoring_pipeline.statistics.results import Significance, UndefinedStatisticError
from monitoring_pipeline.statistics.samples.distances import kolmogorov_smirnov_distance, population_stability_index
from monitoring_pipeline.statistics.scipy_modules import scipy_module

MINIMUM_EXPECTED = 10.0
"""Rows expected in every cell of either side. Cochran's rule (1954, Biometrics 10:417, sec. 3) allows 5; with 100
categories and 5,000 rows, 5 gave 6.0 % false alarms at a nominal 5 % and 10 gave 5.3 %."""

MUCH_LARGER = 5.0

MINIMUM_EXPECTED_FOR_STABILITY_INDEX = 20.0
"""The PSI converges more slowly: at 5 rows a cell, its simulated false alarms at 5 % reach 12 %, at 20 rows 6 %."""


def pool_sparse_cells(
    reference: npt.ArrayLike, current: npt.ArrayLike, minimum_expected: float = MINIMUM_EXPECTED
) -> tuple[Vector, Vector]:
    """Pool cells until each expects at least ``minimum_expected`` rows on either side, if the rows suffice.

    Cells empty on both sides are dropped. Sparse cells are gathered in the order given, which keeps neighbouring bins
    together, until a pool is large enough. The rest joins the last such pool, or the smallest other cell if there is no
    such pool.

    The counts that choose the pools must not be those that the test compares. If the sides are of similar size, their
    totals choose the pools. If one side is ``MUCH_LARGER`` times larger, its shares alone do: over quantile bins its
    counts are nearly equal, so the totals would depend on the smaller side only. Pooling by the totals gave 14 % false
    alarms at a nominal 5 % there (50 rows against 10,000, 10 bins).

    Returns:
        Pooled counts, each of shape (pools,), pools in the order of their first cells; a single pool when the
        smaller side has too few rows for two.
    """
    pooled, _ = _pooled_and_stray(reference, current, minimum_expected)
    return pooled[0], pooled[1]


def chi_squared_homogeneity(
    reference: npt.ArrayLike, current: npt.ArrayLike, *, minimum_expected: float = MINIMUM_EXPECTED
) -> Significance:
    """Pearson's chi-squared test of homogeneity on pooled cells (Agresti, Categorical Data Analysis, 3.2.1).

    No Yates correction: after pooling, the uncorrected test keeps its level, and the correction only costs power.
    All rows in one cell leave nothing to compare: statistic 0, p-value 1, no degrees of freedom.
    """
    observed, stray = _pooled_and_stray(reference, current, minimum_expected)
    expected = _expected(observed)
    return _chi_squared_evidence(float(np.sum((observed - expected) ** 2 / expected)), observed, stray)


def g_test(
    reference: npt.ArrayLike, current: npt.ArrayLike, *, minimum_expected: float = MINIMUM_EXPECTED
) -> Significance:
    """Likelihood-ratio (G) test of homogeneity on pooled cells (Agresti, Categorical Data Analysis, 3.2.1).

    On the pooled cells, G = 2 (n + m) JSD in nats with weights n / (n + m) and m / (n + m). All rows in one cell
    leave nothing to compare: statistic 0, p-value 1, no degrees of freedom.
    """
    observed, stray = _pooled_and_stray(reference, current, minimum_expected)
    statistic = 2.0 * np.sum(special.xlogy(observed, observed / _expected(observed)))
    return _chi_squared_evidence(max(0.0, float(statistic)), observed, stray)


def population_stability_index_test(
    reference: npt.ArrayLike,
    current: npt.ArrayLike,
    *,
    minimum_expected: float = MINIMUM_EXPECTED_FOR_STABILITY_INDEX,
) -> Significance:
    """Test of homogeneity by the population stability index on pooled cells.

    Without drift, PSI / (1/n + 1/m) is asymptotically chi-squared with cells - 1 degrees of freedom (Yurdakul &
    Naranjo 2020, Journal of Risk Model Validation 14(4)). The PSI is that of the pooled cells, not the one
    reported. All rows in one cell leave nothing to compare: statistic 0, p-value 1, no degrees of freedom.
    """
    observed, stray = _pooled_and_stray(reference, current, minimum_expected)
    scale = float(np.sum(1.0 / observed.sum(axis=1)))
    return _chi_squared_evidence(population_stability_index(observed[0], observed[1]) / scale, observed, stray)


def kolmogorov_smirnov_test(reference: npt.ArrayLike, current: npt.ArrayLike) -> Significance:
    """Two-sample Kolmogorov-Smirnov test on ordered cells; the statistic is the distance D.

    The p-value is that of Kolmogorov's distribution at D (sqrt e + 0.12 + 0.11 / sqrt e), e = n m / (n + m)
    (Stephens 1970, JRSS B 32:115). It is exact in the limit for continuous values; rows that share a cell only
    lower D, so the fewer the cells, the fewer false alarms: of the nominal 5 %, about 3 % on 60, 1.5 % on 10.
    """
    reference_counts, current_counts = count_pair(reference, current)
    distance = kolmogorov_smirnov_distance(reference_counts, current_counts)
    root = float(np.sqrt(1.0 / (1.0 / reference_counts.sum() + 1.0 / current_counts.sum())))
    return Significance(statistic=distance, p_value=float(special.kolmogorov((root + 0.12 + 0.11 / root) * distance)))


def two_proportion_z_test(reference: npt.ArrayLike, current: npt.ArrayLike) -> Significance:
    """Two-sided z-test of two proportions with pooled variance (Agresti, Categorical Data Analysis, 3.2.1).

    The statistic is z, its square Pearson's chi-squared of the 2 x 2 table without Yates' correction.

    Raises:
        UndefinedStatisticError: when there are more than two cells with rows.
    """
    counts = _two_cells(reference, current)
    rows = counts.sum(axis=1)
    pooled = counts[:, 1].sum() / rows.sum()
    variance = pooled * (1.0 - pooled) * np.sum(1.0 / rows)
    if variance == 0.0:
        return Significance(statistic=0.0, p_value=1.0)
    z = float((counts[1, 1] / rows[1] - counts[0, 1] / rows[0]) / np.sqrt(variance))
    return Significance(statistic=z, p_value=float(2.0 * special.ndtr(-abs(z))))


def more_frequent_test(events: int, rows: int, reference_events: int, reference_rows: int) -> float:
    """Return the p-value of an event being no more frequent than in the reference, one-sided.

    Given their total, the events fall on the sides like a binomial of the sides' shares of rows: the exact conditional
    test of two Poisson rates (Przyborowski & Wilenski 1940, Biometrika 31:313).
    """
    share = rows / (rows + reference_rows)
    return float(special.bdtrc(events - 1, events + reference_events, share)) if events else 1.0


def fisher_exact_test(reference: npt.ArrayLike, current: npt.ArrayLike) -> Significance:
    """Fisher's exact test of a 2 x 2 table, two-sided (Fisher 1922, JRSS 85:87); the statistic is the odds ratio.

    The p-value is the probability of all tables with these margins that are at most as likely. Where the odds ratio
    is not a finite number the statistic is the largest float.

    Raises:
        UndefinedStatisticError: when there are more than two cells with rows.
    """
    odds_ratio, p_value = scipy_module("stats").fisher_exact(_two_cells(reference, current))
    finite = float(np.nan_to_num(odds_ratio, nan=1.0))
    return Significance(statistic=finite, p_value=float(p_value))


def _two_cells(reference: npt.ArrayLike, current: npt.ArrayLike) -> Vector:
    """Counts of shape (2, 2): sides by cells; a second cell without rows is added where there is only one."""
    counts = np.stack(count_pair(reference, current))
    counts = counts[:, counts.any(axis=0)]
    if counts.shape[1] > 2:  # noqa: PLR2004 - two is what the test is about
        raise UndefinedStatisticError(f"{counts.shape[1]} values, a test of two proportions takes two")
    return counts if counts.shape[1] > 1 else np.column_stack([counts, np.zeros(2)])


def _pooled_and_stray(
    reference: npt.ArrayLike, current: npt.ArrayLike, minimum_expected: float
) -> tuple[Vector, Vector]:
    """Pooled counts, shape (2, pools), and on each side the rows that joined a cell that is not sparse, shape (2,)."""
    counts = np.stack(count_pair(reference, current))
    counts = counts[:, counts.any(axis=0)]
    rows = counts.sum(axis=1)
    deciding = counts[int(np.argmax(rows))] if rows.max() >= MUCH_LARGER * rows.min() else counts.sum(axis=0)
    pools, stray_cells = _pools(deciding / deciding.sum() * rows.min(), minimum_expected)
    pooled = np.stack([counts[:, cells].sum(axis=1) for cells in pools], axis=1)
    return pooled, counts[:, stray_cells].sum(axis=1)


def _pools(expected: Vector, minimum_expected: float) -> tuple[list[list[int]], list[int]]:
    """Cells of each pool, and the sparse cells that joined one that is not, from the rows expected, shape (cells,)."""
    sparse = expected < minimum_expected
    dense_pools = [[int(cell)] for cell in np.flatnonzero(~sparse)]
    gathered_pools: list[list[int]] = []
    gathering: list[int] = []
    for cell in np.flatnonzero(sparse):
        gathering.append(int(cell))
        if expected[gathering].sum() >= minimum_expected:
            gathered_pools.append(gathering)
            gathering = []
    stray_cells: list[int] = []
    if gathering and gathered_pools:
        gathered_pools[-1] += gathering
    elif gathering and dense_pools:
        stray_cells = gathering
        min(dense_pools, key=lambda pool: expected[pool[0]]).extend(stray_cells)
    elif gathering:
        gathered_pools.append(gathering)
    return sorted(dense_pools + gathered_pools, key=min), stray_cells


def _expected(observed: Vector) -> Vector:
    """Expected counts of a table of shape (2, cells) if both rows share one distribution."""
    return np.outer(observed.sum(axis=1), observed.sum(axis=0)) / observed.sum()


def _chi_squared_evidence(statistic: float, observed: Vector, stray: Vector) -> Significance:
    degrees_of_freedom = observed.shape[1] - 1
    if degrees_of_freedom == 0:
        statistic, p_value = 0.0, 1.0
    else:
        p_value = float(special.chdtrc(degrees_of_freedom, statistic))
    if stray.any():
        p_value = min(1.0, 2.0 * min(p_value, _stray_p_value(stray, observed.sum(axis=1))))
    return Significance(statistic, p_value, degrees_of_freedom)


def _stray_p_value(stray: Vector, rows: Vector) -> float:
    """Two-sided: given their total, stray rows fall on the first side like a binomial of that side's share of rows."""
    share, total = rows[0] / rows.sum(), int(stray.sum())
    at_most = special.bdtr(stray[0], total, share)
    at_least = special.bdtrc(stray[0] - 1, total, share)
    return min(1.0, 2.0 * float(min(at_most, at_least)))

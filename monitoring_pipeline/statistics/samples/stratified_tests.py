"""Two samples compared within strata, such as bins of a score."""

import math

import numpy as np
import numpy.typing as npt
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from monitoring_pipeline.statistics.inputs import Flags, Vector
from monitoring_pipeline.statistics.results import Significance, UndefinedStatisticError
from monitoring_pipeline.statistics.scipy_modules import scipy_module

LEAST_EXPECTED = 5.0


def stratified_homogeneity_test(
    reference_rows: Vector, reference_positives: Vector, current_rows: Vector, current_positives: Vector
) -> Significance:
    """Chi-squared test that the share of positives is the same on both sides, in every stratum.

    The sum over strata of Pearson's statistics of the 2 x 2 tables, each with one degree of freedom (Agresti 2013,
    Categorical Data Analysis, sec. 6.3). It sees shifts of opposite sign, which Cochran-Mantel-Haenszel does not.
    Strata with an expected count below 5 (Cochran 1954) are left out.

    Args:
        reference_rows: rows per stratum, shape (strata,).
        reference_positives: positives among them, likewise.
        current_rows: likewise.
        current_positives: likewise.

    Raises:
        UndefinedStatisticError: when no stratum has enough rows.
    """
    rows = np.stack([reference_rows, current_rows])
    positives = np.stack([reference_positives, current_positives])
    total = np.maximum(rows.sum(axis=0), 1.0)
    share = positives.sum(axis=0) / total
    enough = np.minimum(share, 1.0 - share) * rows.min(axis=0) >= LEAST_EXPECTED
    if not enough.any():
        raise UndefinedStatisticError(f"no score bin in which at least {LEAST_EXPECTED:g} labels of each are expected")
    off = (positives - rows * share)[:, enough]
    kept = share[enough]
    statistic = float(np.sum(off**2 / (rows[:, enough] * kept * (1.0 - kept))))
    degrees = int(enough.sum())
    return Significance(statistic, float(special.chdtrc(degrees, statistic)), degrees)


def van_elteren_test(values: Vector, current: Flags, strata: npt.NDArray[np.int64]) -> Significance:
    """Test that values of both sides are alike within strata, two-sided (van Elteren 1960).

    Wilcoxon's rank sums weighted by 1 / (rows + 1) and added, with variances corrected for ties, by their normal
    limit (Lehmann 1975, Nonparametrics, sec. 3.3). It sees shifts that mostly have one sign.

    Args:
        values: shape (rows,).
        current: whether a row is of the current side, shape (rows,).
        strata: stratum of each row, shape (rows,).

    Raises:
        UndefinedStatisticError: when no stratum has different values of both sides.
    """
    off, variance = 0.0, 0.0
    for own in np.unique(strata):
        inside = strata == own
        side, rows = current[inside], int(inside.sum())
        count = int(side.sum())
        if count in (0, rows):
            continue
        ranks = _ranks(values[inside])
        off += float(ranks[side].sum() - count * (rows + 1) / 2) / (rows + 1)
        variance += count * (rows - count) / rows * float(ranks.var(ddof=1)) / (rows + 1) ** 2
    if variance <= 0.0:
        raise UndefinedStatisticError("no bin holds different values of both sides")
    statistic = off / math.sqrt(variance)
    return Significance(statistic, 2.0 * float(special.ndtr(-abs(statistic))))


def _ranks(values: Vector) -> Vector:
    return np.asarray(scipy_module("stats").rankdata(values), dtype=np.float64)

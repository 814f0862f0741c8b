"""Two profiles of one column in the forms that statistics take, and their moments."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.profiles.bins import (
    SPECIAL_CELLS_AFTER,
    SPECIAL_CELLS_BEFORE,
    Bins,
    CategoricalBins,
    NumericBins,
)
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile
from monitoring_pipeline.evaluation.profiles.shares import unseen_cells, vanished_cells
from monitoring_pipeline.statistics.results import Significance, UndefinedStatisticError
from monitoring_pipeline.statistics.samples import distances, row_tests

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Two profiles of one column over the same bins, and samples of both where a statistic needs single rows."""

    bins: Bins
    expected: ColumnProfile
    observed: ColumnProfile
    expected_rows: Values | None = None
    observed_rows: Values | None = None

    @cached_property
    def fine(self) -> tuple[Values, Values]:
        """Counts of expected and observed over all cells, null below every number."""
        return np.asarray(self.expected.counts, np.float64), np.asarray(self.observed.counts, np.float64)

    @cached_property
    def coarse(self) -> tuple[Values, Values]:
        """Counts over the coarser bins of a numeric column, with its special cells; else over all cells."""
        if not isinstance(self.bins, NumericBins):
            return self.fine
        return _merged(self.bins, self.fine[0]), _merged(self.bins, self.fine[1])

    @cached_property
    def tested(self) -> tuple[Values, Values]:
        """The coarse counts for tests of homogeneity, freed of the choices that the reference's counts decided.

        Sparse cells are pooled in the order given. Categories are ordered by name, because an order by frequency would
        pool the categories that are rare by chance. The outer edges are the reference's extremes, so none of its rows
        lies outside. If the other side has rows outside, one row of the reference is counted as outside: the outermost
        of n + m exchangeable rows.
        """
        return self._tested(self.coarse)

    @cached_property
    def tested_finely(self) -> tuple[Values, Values]:
        """The fine counts for tests of homogeneity, freed of the same choices."""
        return self._tested(self.fine)

    def _tested(self, counts: tuple[Values, Values]) -> tuple[Values, Values]:
        expected, observed = (side.copy() for side in counts)
        if not isinstance(self.bins, NumericBins):
            order = [0, *(1 + np.argsort(self.bins.categories, kind="stable")), expected.size - 1]
            return expected[order], observed[order]
        lowest, highest = SPECIAL_CELLS_BEFORE, expected.size - SPECIAL_CELLS_AFTER - 1
        outside = expected[lowest] + expected[highest] == 0 < observed[lowest] + observed[highest]
        if outside and expected[highest - 1] > 0:
            expected[highest - 1 : highest + 1] += (-1, 1)
        return expected, observed

    @cached_property
    def samples(self) -> tuple[Values, Values]:
        """Single values of both sides.

        Raises:
            UndefinedStatisticError: if there are only counts.
        """
        if self.expected_rows is None or self.observed_rows is None:
            raise UndefinedStatisticError("needs rows, and only counts are at hand")
        return self.expected_rows, self.observed_rows

    @property
    def numeric_bins(self) -> NumericBins:
        """The bins of a numeric column."""
        if not isinstance(self.bins, NumericBins):
            raise UndefinedStatisticError("needs a numeric column")
        return self.bins


def _merged(bins: NumericBins, fine: Values) -> Values:
    before, after = fine[:SPECIAL_CELLS_BEFORE], fine[-SPECIAL_CELLS_AFTER:]
    middle = fine[SPECIAL_CELLS_BEFORE:-SPECIAL_CELLS_AFTER]
    merged: Values = np.bincount(bins.groups, weights=middle).astype(np.float64)
    return np.concatenate([before, merged, after])


def wasserstein_in_deviations(comparison: Comparison) -> float:
    """Return the Wasserstein distance of the finite values in standard deviations of the expected side.

    Each bin stands at its middle, the open ones at the outermost edges. Values beyond these do not count as farther,
    so that a single huge value changes the distance only slightly. Infinite values count at the ends.
    """
    bins = comparison.numeric_bins
    expected, observed = (finite_cells(counts) for counts in comparison.fine)
    deviation = standard_deviation(comparison.expected)
    if deviation == 0.0 or not bins.edges:
        raise UndefinedStatisticError("the column is constant: there is no standard deviation to scale by")
    return distances.wasserstein_distance(expected, observed, positions_of(bins)) / deviation


def positions_of(bins: NumericBins) -> Values:
    """Return the place of each ordered bin: its middle, and the outermost edges for the open ones."""
    edges = np.asarray(bins.edges)
    return np.concatenate([edges[:1], (edges[:-1] + edges[1:]) / 2, edges[-1:]])


def mean_difference_in_deviations(comparison: Comparison) -> float:
    """Return the absolute difference of the means of the finite values in standard deviations of the expected side."""
    deviation = standard_deviation(comparison.expected)
    if deviation == 0.0:
        raise UndefinedStatisticError("the column is constant: there is no standard deviation to scale by")
    means = [moments(side)[1] for side in (comparison.expected, comparison.observed)]
    return abs(means[1] - means[0]) / deviation


def spread_increase(comparison: Comparison) -> float:
    """Return the difference of the variances of the finite values over their sum, in [0, 1]; 0 if it has not increased.

    It is tanh ln(s / r) of the standard deviations s and r. Every value counts with its magnitude. Less spread is a
    matter of the shape, and of ``constant``: on a dry day every hour has no rain.
    """
    before, after = (moments(side)[2] for side in (comparison.expected, comparison.observed))
    if before == 0.0:
        raise UndefinedStatisticError("the column is constant: there is no standard deviation to compare with")
    return max((after - before) / (after + before), 0.0)


def null_increase(comparison: Comparison) -> float:
    """Return by how much the share of nulls has increased, in Cohen's h; 0 if it has not."""
    return _increase(comparison, [0])


def unseen_increase(comparison: Comparison) -> float:
    """Return by how much the share of categories without a row on the expected side has increased, in Cohen's h.

    If the expected side has more categories than are counted, the share of these is compared.
    """
    if not isinstance(comparison.bins, CategoricalBins):
        raise UndefinedStatisticError("needs a categorical column")
    cells = unseen_cells(comparison.bins, comparison.expected)
    other = len(comparison.expected.counts) - 1
    return max(_increase(comparison, cells), _increase(comparison, [other]))


def vanished_increase(comparison: Comparison) -> float:
    """Return the share on the expected side of categories that have vanished, in Cohen's h from 0."""
    if not isinstance(comparison.bins, CategoricalBins):
        raise UndefinedStatisticError("needs a categorical column")
    cells = vanished_cells(comparison.bins, comparison.expected, comparison.observed)
    return 2.0 * _angle_of_share(comparison.expected, cells)


def _increase(comparison: Comparison, cells: list[int]) -> float:
    before, after = (_angle_of_share(side, cells) for side in (comparison.expected, comparison.observed))
    return max(2.0 * (after - before), 0.0)


def _angle_of_share(profile: ColumnProfile, cells: list[int]) -> float:
    return math.asin(math.sqrt(sum(profile.counts[cell] for cell in cells) / max(profile.rows, 1)))


def welch_test_of(comparison: Comparison) -> Significance:
    """Return the result of Welch's test on the sums of both sides."""
    both = [moments(side) for side in (comparison.expected, comparison.observed)]
    rows, means, variances = zip(*both, strict=True)
    return row_tests.welch_test(rows, means, variances)


def energy_in_deviations(comparison: Comparison) -> float:
    """Return the energy distance over the root of the expected sample's standard deviation."""
    deviation = float(np.std(comparison.samples[0]))
    if deviation == 0.0:
        raise UndefinedStatisticError("the column is constant: there is no standard deviation to scale by")
    return row_tests.energy_distance(*comparison.samples) / deviation**0.5


def standard_deviation(profile: ColumnProfile) -> float:
    """Return the standard deviation of the finite values of a profile.

    The sums are exact, so the result does not depend on the order of the rows.
    """
    return float(np.sqrt(moments(profile)[2]))


def moments(profile: ColumnProfile) -> tuple[int, float, float]:
    """Return the number of finite values, their mean from the bins' centre, and their unbiased variance."""
    rows = sum(profile.counts[SPECIAL_CELLS_BEFORE:-SPECIAL_CELLS_AFTER])
    if rows < 2:  # noqa: PLR2004 - a variance takes two
        raise UndefinedStatisticError(f"{rows} finite values on one side, at least 2 needed")
    mean = profile.sum_centred / rows
    variance = max(0.0, (profile.sum_squares_centred - rows * mean * mean) / (rows - 1))
    return rows, mean, variance


def finite_cells(counts: Values) -> Values:
    """Return the counts of the ordered bins, infinities joined to the outermost; null and NaN are left out."""
    cells = counts[SPECIAL_CELLS_BEFORE:-SPECIAL_CELLS_AFTER].copy()
    cells[0] += counts[2]
    cells[-1] += counts[-1]
    return cells

"""The table of ways to compare two profiles of a column; adding one is a function and a row."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.profiles.profile import Bins, ColumnProfile, NumericBins
from monitoring_pipeline.spec.model import FeatureKind, ModelSpec
from monitoring_pipeline.statistics.estimate import Evidence, UndefinedStatisticError
from monitoring_pipeline.statistics.samples import distances, row_tests
from monitoring_pipeline.statistics.samples import homogeneity_tests as evidence

Values = NDArray[np.float64]
SPECIAL_CELLS_BEFORE, SPECIAL_CELLS_AFTER = 3, 1


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
        """The coarse counts as tests of homogeneity take them, free of what the reference's own counts decided.

        Sparse cells are pooled in the order given: categories go by name, because by frequency the pools would gather
        what chance made rare. Edges at the reference's own extremes leave none of its rows outside: where the other
        side has some, one of the reference's counts as outside (of n + m exchangeable rows, the outermost).
        """
        expected, observed = (side.copy() for side in self.coarse)
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
            UndefinedStatisticError: when there are none at hand.
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


@dataclass(frozen=True)
class DriftStatistic:
    """One way to compare two profiles of a column.

    ``floor`` is the smallest effect that matters unless the spec says otherwise; ``needs_rows`` marks statistics
    that take a deterministic sample of single rows, ``bounded`` those whose effect cannot exceed 1.
    """

    name: str
    kinds: frozenset[FeatureKind]
    effect: Callable[[Comparison], float]
    test: Callable[[Comparison], Evidence]
    floor: float
    definition: str
    needs_rows: bool = False
    bounded: bool = True


def _merged(bins: NumericBins, fine: Values) -> Values:
    before, after = fine[:SPECIAL_CELLS_BEFORE], fine[-SPECIAL_CELLS_AFTER:]
    middle = fine[SPECIAL_CELLS_BEFORE:-SPECIAL_CELLS_AFTER]
    merged: Values = np.bincount(bins.groups, weights=middle).astype(np.float64)
    return np.concatenate([before, merged, after])


def _coarse(function: Callable[[Values, Values], float]) -> Callable[[Comparison], float]:
    return lambda comparison: function(*comparison.coarse)


def _fine(function: Callable[[Values, Values], float]) -> Callable[[Comparison], float]:
    return lambda comparison: function(*comparison.fine)


def _by_chi_squared(comparison: Comparison) -> Evidence:
    return evidence.chi_squared_homogeneity(*comparison.tested)


def _by_kolmogorov_smirnov(comparison: Comparison) -> Evidence:
    return evidence.kolmogorov_smirnov_test(*comparison.fine)


def wasserstein_in_deviations(comparison: Comparison) -> float:
    """Wasserstein distance of the finite values in the expected side's standard deviations.

    Each bin stands at its middle, the open ones at the outermost edges: nothing beyond these counts as farther, so
    that a single huge value changes next to nothing. Infinite values count at the ends.
    """
    bins = comparison.numeric_bins
    expected, observed = (_finite_cells(counts) for counts in comparison.fine)
    deviation = standard_deviation(comparison.expected)
    edges = np.asarray(bins.edges)
    positions = np.concatenate([edges[:1], (edges[:-1] + edges[1:]) / 2, edges[-1:]])
    if deviation == 0.0 or edges.size == 0:
        raise UndefinedStatisticError("the column is constant: there is no standard deviation to scale by")
    return distances.wasserstein_distance(expected, observed, positions) / deviation


def mean_difference_in_deviations(comparison: Comparison) -> float:
    """Absolute difference of the means of the finite values in the expected side's standard deviations."""
    deviation = standard_deviation(comparison.expected)
    if deviation == 0.0:
        raise UndefinedStatisticError("the column is constant: there is no standard deviation to scale by")
    means = [_moments(side)[1] for side in (comparison.expected, comparison.observed)]
    return abs(means[1] - means[0]) / deviation


def welch_test_of(comparison: Comparison) -> Evidence:
    """Welch's test on the sums of both sides."""
    moments = [_moments(side) for side in (comparison.expected, comparison.observed)]
    rows, means, variances = zip(*moments, strict=True)
    return row_tests.welch_test(rows, means, variances)


def energy_in_deviations(comparison: Comparison) -> float:
    """Energy distance over the root of the expected sample's standard deviation."""
    deviation = float(np.std(comparison.samples[0]))
    if deviation == 0.0:
        raise UndefinedStatisticError("the column is constant: there is no standard deviation to scale by")
    return row_tests.energy_distance(*comparison.samples) / deviation**0.5


def standard_deviation(profile: ColumnProfile) -> float:
    """Standard deviation of the finite values of a profile; sums of exact parts, so equal in any order."""
    return float(np.sqrt(_moments(profile)[2]))


def _moments(profile: ColumnProfile) -> tuple[int, float, float]:
    """Number of finite values, their mean from the bins' centre, and their unbiased variance."""
    rows = sum(profile.counts[SPECIAL_CELLS_BEFORE:-SPECIAL_CELLS_AFTER])
    if rows < 2:  # noqa: PLR2004 - a variance takes two
        raise UndefinedStatisticError(f"{rows} finite values on one side, at least 2 needed")
    mean = profile.sum_centred / rows
    variance = max(0.0, (profile.sum_squares_centred - rows * mean * mean) / (rows - 1))
    return rows, mean, variance


def _finite_cells(counts: Values) -> Values:
    """Counts of the ordered bins, infinities joined to the outermost; null and NaN left out."""
    cells = counts[SPECIAL_CELLS_BEFORE:-SPECIAL_CELLS_AFTER].copy()
    cells[0] += counts[2]
    cells[-1] += counts[-1]
    return cells


def _effect_of_rows(function: Callable[[Values, Values], float]) -> Callable[[Comparison], float]:
    return lambda comparison: function(*comparison.samples)


def _test_of_rows(function: Callable[[Values, Values], Evidence]) -> Callable[[Comparison], Evidence]:
    return lambda comparison: function(*comparison.samples)


NUMERIC, CATEGORICAL = frozenset({FeatureKind.NUMERIC}), frozenset({FeatureKind.CATEGORICAL})
BOTH = NUMERIC | CATEGORICAL
_CELLS = "10 reference bins or the reference's categories, and cells for null, NaN, infinities and other"
_CHI_SQUARED = "p: chi-squared test of homogeneity, sparse cells pooled"
_SAMPLED = "needs rows: at most 2,000 of each side, by hash of the row id"
DRIFT_STATISTICS = {
    statistic.name: statistic
    for statistic in (
        DriftStatistic(
            "jensen_shannon", BOTH, _coarse(distances.jensen_shannon_distance), _by_chi_squared, 0.1,
            f"Jensen-Shannon distance, base 2, {_CELLS}; {_CHI_SQUARED}",
        ),
        DriftStatistic(
            "psi", BOTH, _coarse(distances.population_stability_index),
            lambda comparison: evidence.population_stability_index_test(*comparison.tested), 0.1,
            f"population stability index, natural log, {_CELLS}, half a row added per cell if one is empty; "
            "p: PSI/(1/n+1/m) as chi-squared", bounded=False,
        ),
        DriftStatistic(
            "kullback_leibler", BOTH, _coarse(distances.kullback_leibler_divergence), _by_chi_squared, 0.03,
            f"KL(reference || chunk), nats, {_CELLS}, half a row added per cell if one is empty; {_CHI_SQUARED}",
            bounded=False,
        ),
        DriftStatistic(
            "hellinger", BOTH, _coarse(distances.hellinger_distance), _by_chi_squared, 0.1,
            f"Hellinger distance, {_CELLS}; {_CHI_SQUARED}",
        ),
        DriftStatistic(
            "total_variation", BOTH, _coarse(distances.total_variation_distance), _by_chi_squared, 0.1,
            f"total variation distance, {_CELLS}; {_CHI_SQUARED}",
        ),
        DriftStatistic(
            "l_infinity", BOTH, _coarse(distances.l_infinity_distance), _by_chi_squared, 0.05,
            f"largest change of one cell's share, {_CELLS}; {_CHI_SQUARED}",
        ),
        DriftStatistic(
            "l_infinity_corrected", BOTH, _coarse(distances.l_infinity_corrected), _by_chi_squared, 0.05,
            f"{distances.L_INFINITY_CORRECTED_DEFINITION}, {_CELLS}; {_CHI_SQUARED}",
        ),
        DriftStatistic(
            "cramers_v", BOTH, _coarse(distances.cramers_v), _by_chi_squared, 0.1,
            f"{distances.CRAMERS_V_DEFINITION}, {_CELLS}; {_CHI_SQUARED}",
        ),
        DriftStatistic(
            "chi_squared", BOTH, _coarse(distances.total_variation_distance), _by_chi_squared, 0.1,
            f"total variation distance, {_CELLS}; {_CHI_SQUARED}",
        ),
        DriftStatistic(
            "g_test", BOTH, _coarse(distances.jensen_shannon_distance),
            lambda comparison: evidence.g_test(*comparison.tested), 0.1,
            f"Jensen-Shannon distance, base 2, {_CELLS}; p: G-test of homogeneity, sparse cells pooled",
        ),
        DriftStatistic(
            "two_proportion_z", CATEGORICAL, _coarse(distances.total_variation_distance),
            lambda comparison: evidence.two_proportion_z_test(*comparison.coarse), 0.1,
            "difference of the proportions of a column with two values; p: two-proportion z-test, two-sided",
        ),
        DriftStatistic(
            "fisher_exact", CATEGORICAL, _coarse(distances.total_variation_distance),
            lambda comparison: evidence.fisher_exact_test(*comparison.coarse), 0.1,
            "difference of the proportions of a column with two values; p: Fisher's exact test, two-sided",
        ),
        DriftStatistic(
            "kolmogorov_smirnov", NUMERIC, _fine(distances.kolmogorov_smirnov_distance), _by_kolmogorov_smirnov, 0.1,
            "largest difference of the distribution functions at 60 reference quantiles, null below every number; "
            "p: two-sample Kolmogorov-Smirnov, conservative for bins",
        ),
        DriftStatistic(
            "wasserstein", NUMERIC, wasserstein_in_deviations, _by_kolmogorov_smirnov, 0.25,
            "Wasserstein distance over 60 reference bins, trimmed to the reference's range, in the reference's "
            "standard deviations; p: two-sample Kolmogorov-Smirnov on the same bins", bounded=False,
        ),
        DriftStatistic(
            "mean_difference", NUMERIC, mean_difference_in_deviations, welch_test_of, 0.25,
            "difference of the means in the reference's standard deviations; p: Welch's t-test", bounded=False,
        ),
        DriftStatistic(
            "anderson_darling", NUMERIC, _effect_of_rows(row_tests.anderson_darling_distance),
            _test_of_rows(row_tests.anderson_darling_test), 0.2,
            f"Anderson-Darling distance of two samples; p: Anderson-Darling k-sample test; {_SAMPLED}", needs_rows=True,
            bounded=False,
        ),
        DriftStatistic(
            "cramer_von_mises", NUMERIC, _effect_of_rows(row_tests.cramer_von_mises_distance),
            _test_of_rows(row_tests.cramer_von_mises_test), 0.08,
            f"Cramer-von Mises distance of two samples; p: Cramer-von Mises test; {_SAMPLED}", needs_rows=True,
        ),
        DriftStatistic(
            "energy", NUMERIC, energy_in_deviations, _test_of_rows(row_tests.energy_test), 0.2,
            f"energy distance over the root of the reference's standard deviation; p: 999 permutations; {_SAMPLED}",
            needs_rows=True, bounded=False,
        ),
        DriftStatistic(
            "mann_whitney", NUMERIC, _effect_of_rows(row_tests.rank_biserial),
            _test_of_rows(row_tests.mann_whitney_test), 0.15,
            f"|P(chunk > reference) - P(chunk < reference)|; p: Mann-Whitney, two-sided; {_SAMPLED}", needs_rows=True,
        ),
    )
}  # fmt: skip
DEFAULT_STATISTIC = {FeatureKind.NUMERIC: "jensen_shannon", FeatureKind.CATEGORICAL: "jensen_shannon"}


def deciding_statistic(spec: ModelSpec, kind: FeatureKind) -> str:
    """Return the name of the statistic that decides for columns of a kind."""
    return getattr(spec.drift, kind.value) or DEFAULT_STATISTIC[kind]


def effect_of(statistic: str, bins: Bins, expected: ColumnProfile, observed: ColumnProfile) -> float:
    """Return the effect of a statistic on two profiles.

    Raises:
        UndefinedStatisticError: when it has none.
    """
    return DRIFT_STATISTICS[statistic].effect(Comparison(bins, expected, observed))

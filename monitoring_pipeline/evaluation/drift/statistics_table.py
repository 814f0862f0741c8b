"""The table of drift statistics; a further statistic takes a function and a row."""

from collections.abc import Callable
from dataclasses import dataclass

from monitoring_pipeline.evaluation.drift.comparison import (
    Comparison,
    Values,
    energy_in_deviations,
    mean_difference_in_deviations,
    wasserstein_in_deviations,
    welch_test_of,
)
from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.statistics.results import Significance
from monitoring_pipeline.statistics.samples import distances, homogeneity_tests, row_tests


@dataclass(frozen=True)
class DriftStatistic:
    """One way to compare two profiles of a column.

    ``floor`` is the smallest effect that counts as drift unless the spec sets another one. ``needs_rows`` marks
    statistics that take a deterministic sample of single rows, ``bounded`` those whose effect cannot exceed 1.
    """

    name: str
    kinds: frozenset[FeatureKind]
    effect: Callable[[Comparison], float]
    test: Callable[[Comparison], Significance]
    floor: float
    definition: str
    needs_rows: bool = False
    bounded: bool = True


def _coarse(function: Callable[[Values, Values], float]) -> Callable[[Comparison], float]:
    return lambda comparison: function(*comparison.coarse)


def _fine(function: Callable[[Values, Values], float]) -> Callable[[Comparison], float]:
    return lambda comparison: function(*comparison.fine)


def _by_chi_squared(comparison: Comparison) -> Significance:
    return homogeneity_tests.chi_squared_homogeneity(*comparison.tested)


def _by_kolmogorov_smirnov(comparison: Comparison) -> Significance:
    return homogeneity_tests.kolmogorov_smirnov_test(*comparison.fine)


def _effect_of_rows(function: Callable[[Values, Values], float]) -> Callable[[Comparison], float]:
    return lambda comparison: function(*comparison.samples)


def _test_of_rows(function: Callable[[Values, Values], Significance]) -> Callable[[Comparison], Significance]:
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
            lambda comparison: homogeneity_tests.population_stability_index_test(*comparison.tested), 0.1,
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
            lambda comparison: homogeneity_tests.g_test(*comparison.tested), 0.1,
            f"Jensen-Shannon distance, base 2, {_CELLS}; p: G-test of homogeneity, sparse cells pooled",
        ),
        DriftStatistic(
            "two_proportion_z", CATEGORICAL, _coarse(distances.total_variation_distance),
            lambda comparison: homogeneity_tests.two_proportion_z_test(*comparison.coarse), 0.1,
            "difference of the proportions of a column with two values; p: two-proportion z-test, two-sided",
        ),
        DriftStatistic(
            "fisher_exact", CATEGORICAL, _coarse(distances.total_variation_distance),
            lambda comparison: homogeneity_tests.fisher_exact_test(*comparison.coarse), 0.1,
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
        UndefinedStatisticError: if the statistic is undefined for them.
    """
    return DRIFT_STATISTICS[statistic].effect(Comparison(bins, expected, observed))

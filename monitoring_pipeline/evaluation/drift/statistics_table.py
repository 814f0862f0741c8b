"""The table of drift statistics; a further statistic takes a function and a row."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from monitoring_pipeline.evaluation.drift.comparison import (
    Comparison,
    Values,
    energy_in_deviations,
    mean_difference_in_deviations,
    null_increase,
    spread_increase,
    unseen_increase,
    vanished_increase,
    wasserstein_in_deviations,
    welch_test_of,
)
from monitoring_pipeline.evaluation.profiles.shares import LARGER_SHARE
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.statistics.results import Significance
from monitoring_pipeline.statistics.samples import distances, homogeneity_tests, row_tests


class Moved(StrEnum):
    """What of a day moves a statistic."""

    CELLS = "cells"
    MEAN = "mean"
    SPREAD = "spread"
    NULLS = "nulls"
    NOTHING = "nothing"


@dataclass(frozen=True)
class DriftStatistic:
    """One way to compare two profiles of a column.

    ``floor`` is the smallest effect that counts as drift unless the spec sets another one. ``needs_rows`` marks
    statistics that take a deterministic sample of single rows, ``bounded`` those whose effect cannot exceed 1,
    ``is_two_sided`` those that changes in both directions move.
    ``moves_with`` is what of a day moves the statistic, in which the days of a reference are searched for
    autocorrelation.
    """

    name: str
    kinds: frozenset[FeatureKind]
    effect: Callable[[Comparison], float]
    test: Callable[[Comparison], Significance]
    floor: float
    definition: str
    needs_rows: bool = False
    bounded: bool = True
    moves_with: Moved = Moved.CELLS
    is_two_sided: bool = True


def _coarse(function: Callable[[Values, Values], float]) -> Callable[[Comparison], float]:
    return lambda comparison: function(*comparison.coarse)


def _fine(function: Callable[[Values, Values], float]) -> Callable[[Comparison], float]:
    return lambda comparison: function(*comparison.fine)


def _by_chi_squared(comparison: Comparison) -> Significance:
    return homogeneity_tests.chi_squared_homogeneity(*comparison.tested)


def _by_fine_chi_squared(comparison: Comparison) -> Significance:
    return homogeneity_tests.chi_squared_homogeneity(*comparison.tested_finely)


def _by_kolmogorov_smirnov(comparison: Comparison) -> Significance:
    return homogeneity_tests.kolmogorov_smirnov_test(*comparison.fine)


def _by_either_of_shift(comparison: Comparison) -> Significance:
    """Return twice the smaller p-value of Kolmogorov and Smirnov's test and Welch's (Bonferroni).

    The former sees few values far away, the latter a column of two values.
    """
    found = (_by_kolmogorov_smirnov(comparison), welch_test_of(comparison))
    smaller = min(found, key=lambda each: each.p_value)
    return replace(smaller, p_value=min(1.0, 2.0 * smaller.p_value))


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
            "cohens_h", CATEGORICAL, _coarse(distances.largest_cohens_h), _by_chi_squared, 0.1,
            f"{distances.COHENS_H_DEFINITION}, {_CELLS}; {_CHI_SQUARED}", bounded=False,
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
            "wasserstein", NUMERIC, wasserstein_in_deviations, _by_either_of_shift, 0.1,
            "Wasserstein distance over 60 reference bins, trimmed to the reference's range, in the reference's "
            "standard deviations; p: twice the smaller one of two-sample Kolmogorov-Smirnov on the same bins and "
            "Welch's t-test", bounded=False, moves_with=Moved.MEAN,
        ),
        DriftStatistic(
            "spread_increase", NUMERIC, spread_increase, _by_fine_chi_squared, 0.1,
            "difference of the variances over their sum, 0.1 if the standard deviation is a tenth larger, 0 if it is "
            "not; p: chi-squared test of homogeneity on 60 reference bins, sparse cells pooled",
            moves_with=Moved.SPREAD, is_two_sided=False,
        ),
        DriftStatistic(
            "mean_difference", NUMERIC, mean_difference_in_deviations, welch_test_of, 0.25,
            "difference of the means in the reference's standard deviations; p: Welch's t-test", bounded=False,
            moves_with=Moved.MEAN,
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
SHARE_STATISTICS = {
    statistic.name: statistic
    for statistic in (
        DriftStatistic(
            "null_share", BOTH, null_increase, _by_chi_squared, LARGER_SHARE,
            "increase of the share of nulls, in Cohen's h", bounded=False, moves_with=Moved.NULLS,
            is_two_sided=False,
        ),
        DriftStatistic(
            "unseen_share", CATEGORICAL, unseen_increase, _by_chi_squared, LARGER_SHARE,
            "increase of the share of unseen categories, in Cohen's h", bounded=False, moves_with=Moved.NOTHING,
            is_two_sided=False,
        ),
        DriftStatistic(
            "vanished_share", CATEGORICAL, vanished_increase, _by_chi_squared, LARGER_SHARE,
            "share of vanished categories, in Cohen's h", bounded=False, moves_with=Moved.NOTHING, is_two_sided=False,
        ),
    )
}  # fmt: skip
"""Shares of cells that a healthy column hardly fills, by the name under which quality measures them.

They have floors of their own, because those of a whole column hide them. They are judged as quality.
"""
DEFAULT_STATISTICS = {
    FeatureKind.NUMERIC: ("jensen_shannon", "wasserstein", "spread_increase"),
    FeatureKind.CATEGORICAL: ("jensen_shannon", "cohens_h"),
}
"""The statistics that decide by default: a distance of the shapes, and those that are sensitive to magnitude."""


def statistics_of_kind(spec: ModelSpec, kind: FeatureKind) -> tuple[str, ...]:
    """Return the names of the statistics that decide for columns of a kind: the spec's, or else the defaults."""
    chosen = getattr(spec.drift, kind.value)
    return (chosen,) if chosen else DEFAULT_STATISTICS[kind]


def learned_statistics(spec: ModelSpec, kind: FeatureKind) -> tuple[DriftStatistic, ...]:
    """Return the statistics whose floors are learned for columns of a kind."""
    shares = (statistic for statistic in SHARE_STATISTICS.values() if kind in statistic.kinds)
    return (*(DRIFT_STATISTICS[name] for name in statistics_of_kind(spec, kind)), *shares)


def deciding_statistics(spec: ModelSpec, column: str) -> tuple[str, ...]:
    """Return the names of the statistics that decide for a column.

    They are those of its kind; if the spec sets floors of the column for some of them, only these.
    """
    of_kind = statistics_of_kind(spec, spec.columns[column])
    return tuple(name for name in of_kind if f"{column}.{name}" in spec.drift.floors) or of_kind

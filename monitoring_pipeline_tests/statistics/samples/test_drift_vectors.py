"""Published drift values of other libraries: reproduced, or shown to be of another definition than ours."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import ndcg_score

from monitoring_pipeline.evaluation.drift.comparison import Comparison
from monitoring_pipeline.evaluation.drift.statistics_table import DRIFT_STATISTICS
from monitoring_pipeline.evaluation.profiles.bins import numeric_bins
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile
from monitoring_pipeline.statistics.samples import distances, row_tests
from monitoring_pipeline.statistics.samples import homogeneity_tests as evidence
from monitoring_pipeline.statistics.samples.multiple_testing import benjamini_hochberg

DICE_REFERENCE = [16, 18, 16, 14, 12, 12]
DICE_CURRENT = [16, 16, 16, 16, 16, 8]
FIRST_SAMPLE = np.array([38.7, 41.5, 43.8, 44.5, 45.5, 46.0, 47.7, 58.0])
SECOND_SAMPLE = np.array([39.2, 39.3, 39.7, 41.4, 41.8, 42.9, 43.3, 45.8])
BENJAMINI_HOCHBERG_1995 = [
    0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1.0,
]  # fmt: skip


def profiled(values: np.ndarray, edges: tuple[float, ...], centre: float) -> ColumnProfile:
    """Return the profile of finite values, its sums not rounded."""
    counts = np.bincount(np.digitize(values, edges), minlength=len(edges) + 1).tolist()
    centred = values - centre
    return ColumnProfile(
        "x",
        (0, 0, 0, *counts, 0),
        sum_centred=float(centred.sum()),
        sum_squares_centred=float((centred**2).sum()),
    )


def compared(reference: np.ndarray, current: np.ndarray) -> Comparison:
    """Return a comparison over bins frozen from the reference."""
    bins = numeric_bins(reference)
    profiles = (profiled(values, bins.edges, bins.centre) for values in (reference, current))
    return Comparison(bins, *profiles, reference, current)


# ---- the same definition


def test_anderson_darling_matches_evidently():
    outcome = row_tests.anderson_darling_test(FIRST_SAMPLE, SECOND_SAMPLE)
    assert outcome.p_value == pytest.approx(0.0635, abs=1e-3)


def test_welch_matches_the_published_value():
    moments = [
        (sample.size, float(sample.mean()), float(sample.var(ddof=1))) for sample in (FIRST_SAMPLE, SECOND_SAMPLE)
    ]
    rows, means, variances = zip(*moments, strict=True)
    assert row_tests.welch_test(rows, means, variances).p_value == pytest.approx(0.0951205647234384, abs=1e-9)


def test_energy_of_a_shift_by_five_matches_evidently():
    assert row_tests.energy_distance(FIRST_SAMPLE, FIRST_SAMPLE + 5) == pytest.approx(1.9, abs=0.1)


def test_mann_whitney_of_dice_matches_the_published_value():
    reference, current = (np.repeat(np.arange(1, 7), counts) for counts in (DICE_REFERENCE, DICE_CURRENT))
    assert row_tests.mann_whitney_test(reference, current).p_value == pytest.approx(0.962866061197499, abs=1e-9)


@pytest.mark.parametrize(("table", "p_value"), [([[45, 45], [30, 60]], 0.033), ([[6, 0], [0, 6]], 0.0021)])
def test_fisher_matches_evidently(table, p_value):
    assert evidence.fisher_exact_test(*table).p_value == pytest.approx(p_value, abs=1e-3)


def test_jensen_shannon_of_a_replaced_category_matches_nannyml():
    """Four even categories, the last replaced: shares apart by a quarter, so exactly one half in base 2."""
    rng = np.random.RandomState(1)
    drawn = (rng.choice(list(names), rows) for names, rows in (("abcd", 10_000), ("abce", 1_000)))
    sides = [[int((side == name).sum()) for name in "abcde"] for side in drawn]
    assert distances.jensen_shannon_distance(*sides) == pytest.approx(0.5, abs=0.005)


def test_corrected_l_infinity_matches_deequ():
    reference, current = [207, 20, 25, 14, 25, 0, 13], [22, 20, 25, 12, 13, 15, 0]
    found = distances.l_infinity_corrected(reference, current)
    assert found == pytest.approx(0.2726338046550349, abs=1e-12)
    plain = distances.l_infinity_distance(reference, current)
    assert plain - found == pytest.approx(1.8030 * math.sqrt(1 / 304 + 1 / 107), abs=1e-4)


def test_corrected_l_infinity_of_few_values_is_zero_as_in_deequ():
    assert distances.l_infinity_corrected([1, 1, 1, 1, 0], [0, 1, 1, 1, 1]) == 0.0


def test_benjamini_hochberg_rejects_four_and_bonferroni_three():
    assert int((benjamini_hochberg(BENJAMINI_HOCHBERG_1995) <= 0.05).sum()) == 4
    assert sum(p * len(BENJAMINI_HOCHBERG_1995) <= 0.05 for p in BENJAMINI_HOCHBERG_1995) == 3


# ---- another definition: theirs as published, ours by hand or by a second implementation


def test_evidently_tests_goodness_of_fit_and_chi_squared_homogeneity():
    """0.67309 of goodness of fit; of homogeneity 0.89853 (scipy)."""
    fit = stats.chisquare(DICE_CURRENT, np.multiply(DICE_REFERENCE, sum(DICE_CURRENT) / sum(DICE_REFERENCE)))
    assert fit.pvalue == pytest.approx(0.67309, abs=1e-5)
    ours = evidence.chi_squared_homogeneity(DICE_REFERENCE, DICE_CURRENT, minimum_expected=0)
    assert ours.p_value == pytest.approx(0.8985262394026607, abs=1e-9)


def test_wasserstein_of_a_shift_differs_from_nannyml_by_unit_and_bins():
    """1.01 of the rows, in the column's unit; ours is in reference deviations, and of rows moved to their bin's middle.

    An eighth of the chunk lies in the outermost bin, 1.9 deviations wide: 1.07. No row is moved farther than half its
    bin's width, and beyond the reference's maximum nothing counts as farther.
    """
    rng = np.random.RandomState(1)
    reference, current = rng.normal(0, 1, 10_000), rng.normal(1, 1, 1_000)
    assert stats.wasserstein_distance(reference, current) == pytest.approx(1.01, abs=0.005)
    comparison = compared(reference, current)
    trimmed = stats.wasserstein_distance(reference, np.clip(current, None, reference.max()))
    widths = np.diff(comparison.numeric_bins.edges)
    moved = sum(float(np.sum(counts[4:-2] / counts.sum() * widths / 2)) for counts in comparison.fine)
    ours = DRIFT_STATISTICS["wasserstein"].effect(comparison)
    assert ours == pytest.approx(1.0733, abs=5e-5)
    assert ours * reference.std(ddof=1) == pytest.approx(trimmed, abs=moved)


def test_jensen_shannon_of_few_values_differs_from_nannyml_by_coarse_bins():
    """0.73 of the values' shares, as ours over all cells; 0.55 over the coarse bins, in which the new 1.0 joins 1.2."""
    rng = np.random.RandomState(1)
    reference = rng.choice(np.linspace(0, 2, 6), 10_000)
    comparison = compared(reference, rng.choice(np.linspace(0, 2, 3), 1_000))
    fine = distances.jensen_shannon_distance(*comparison.fine)
    assert fine == pytest.approx(0.73, abs=0.005)
    assert fine == pytest.approx(0.7285, abs=5e-5)
    assert DRIFT_STATISTICS["jensen_shannon"].effect(comparison) == pytest.approx(0.5537, abs=5e-5)


def test_cramers_v_differs_from_deepchecks_by_yates_correction():
    """0.21 with Yates' correction; without it, as ours, 0.2149 (by hand from chi-squared)."""
    table = np.array([[200, 800], [400, 600]])
    rows = table.sum()

    def bias_corrected(*, yates: bool) -> float:
        chi_squared = stats.chi2_contingency(table, correction=yates).statistic
        corrected = max(0.0, chi_squared / rows - 1 / (rows - 1))
        return math.sqrt(corrected / (2 - 1 / (rows - 1) - 1))

    assert bias_corrected(yates=True) == pytest.approx(0.21, abs=0.01)
    assert distances.cramers_v(*table) == pytest.approx(bias_corrected(yates=False), rel=1e-12)
    assert bias_corrected(yates=True) < distances.cramers_v(*table) < bias_corrected(yates=True) + 0.005


def test_wasserstein_differs_from_deepchecks_by_the_scale():
    """0 to 99 against 50 to 149: 50 of a range of 149 in theirs; 50 in the values' unit; trimmed in a chunk."""
    cells = np.arange(150)
    reference, current = (cells < 100).astype(int), (cells >= 50).astype(int)
    found = distances.wasserstein_distance(reference, current, cells)
    assert found == pytest.approx(50, rel=1e-12)
    assert found / 149 == pytest.approx(0.33, abs=0.01)
    # beyond the reference's maximum nothing counts as farther: half the rows lie at 99 and not at 100 to 149
    comparison = compared(np.arange(100.0), np.arange(50.0, 150.0))
    by_hand = stats.wasserstein_distance(np.arange(100), np.minimum(np.arange(50, 150), 99))
    ours = DRIFT_STATISTICS["wasserstein"].effect(comparison) * np.std(np.arange(100), ddof=1)
    assert ours == pytest.approx(by_hand, abs=1.0)


def test_no_drift_statistic_ranks_attributions_as_sagemaker_does():
    """Amazon's feature-attribution drift is a rank measure of explanations; ours are of the inputs themselves.

    Its 0.69 is the normalised discounted cumulative gain with linear gains, which scikit-learn gives; what of a change
    the moved inputs explain is another question, answered by ``evaluation/explanation/by_inputs.py``.
    """
    of_reference, live_order = [[0.7, 0.5, 0.05]], [[1, 2, 3]]
    assert ndcg_score(of_reference, live_order) == pytest.approx(0.69, abs=0.01)
    assert not any("attribution" in name for name in DRIFT_STATISTICS)

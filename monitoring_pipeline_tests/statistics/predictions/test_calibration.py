"""Calibration by hand, against plain second implementations, statsmodels and scikit-learn."""

import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from sklearn.isotonic import IsotonicRegression

from monitoring_pipeline.statistics.predictions.calibration import (
    brier_parts,
    calibration_gaps,
    calibration_intercept,
    calibration_slope,
    expected_calibration_error,
)
from monitoring_pipeline.statistics.predictions.score_counts import ScoreCounts, brier_score
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError


def test_calibration_error_matches_two_bins_by_hand():
    """Two bins of two rows: rates 0.5 and 1, means 0.15 and 0.85, gaps 0.35 and 0.15."""
    assert expected_calibration_error([0, 1, 1, 1], [0.1, 0.2, 0.8, 0.9], bins=2) == Quantity(pytest.approx(0.25))


def test_calibration_error_of_one_bin_or_a_constant_score_is_the_bias():
    labels, scores = [0, 1, 1, 0, 1], [0.3] * 5
    assert expected_calibration_error(labels, scores, bins=1).value == pytest.approx(0.3)
    assert expected_calibration_error(labels, scores, bins=10).value == pytest.approx(0.3)


def test_calibration_error_without_ties_uses_bins_of_equal_mass():
    rng = np.random.default_rng(2)
    scores = rng.permutation(np.linspace(0.01, 0.99, 1000))
    labels = rng.random(1000) < scores**2
    order = np.argsort(scores)
    gaps = [abs(labels[rows].mean() - scores[rows].mean()) for rows in np.split(order, 10)]
    assert expected_calibration_error(labels, scores).value == pytest.approx(np.mean(gaps), abs=1e-12)


def test_calibration_error_is_small_if_calibrated_and_large_if_not():
    rng = np.random.default_rng(4)
    probabilities = rng.random(20_000)
    labels = rng.random(20_000) < probabilities
    assert expected_calibration_error(labels, probabilities).value < 0.015
    assert expected_calibration_error(labels, probabilities / 2).value == pytest.approx(0.25, abs=0.01)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 10)), min_size=1, max_size=40), st.integers(1, 15))
def test_calibration_error_is_bounded_and_independent_of_row_order(rows, bins):
    """Between |bias| (one bin) and the error over every distinct score; the order of rows does not matter."""
    labels = np.array([label for label, _ in rows])
    scores = np.array([tenths / 10 for _, tenths in rows])
    value = expected_calibration_error(labels, scores, bins).value
    finest = sum(abs((scores - labels)[scores == score].sum()) for score in np.unique(scores)) / len(rows)
    assert abs(np.mean(scores - labels)) - 1e-12 <= value <= finest + 1e-12
    assert expected_calibration_error(labels[::-1], scores[::-1], bins).value == value


def test_calibration_error_of_invalid_bins_or_scores_is_refused():
    with pytest.raises(ValueError, match="bins is 0"):
        expected_calibration_error([0, 1], [0.2, 0.4], bins=0)
    with pytest.raises(UndefinedStatisticError, match="scores are not probabilities"):
        expected_calibration_error([0, 1], [-0.2, 0.4])
    with pytest.raises(UndefinedStatisticError, match="no rows"):
        expected_calibration_error([], [])


# ---- slope and intercept


def _miscalibrated(rows, seed=5):
    rng = np.random.default_rng(seed)
    odds = rng.normal(-0.5, 1.4, rows)
    return (rng.random(rows) < special.expit(0.4 + 0.7 * odds)).astype(float), special.expit(odds)


def _statsmodels(labels, design, **arguments):
    with warnings.catch_warnings():
        # Weights that are no counts make statsmodels say that its likelihood is not one; the coefficients are.
        warnings.simplefilter("ignore")
        return sm.GLM(labels, design, family=sm.families.Binomial(), **arguments).fit(cov_type="HC0")


@pytest.mark.parametrize("weighted", [False, True])
def test_slope_and_intercept_match_statsmodels_with_sandwich_variance(weighted):
    labels, scores = _miscalibrated(400)
    odds = special.logit(scores)
    weights = np.random.default_rng(6).uniform(0.5, 3, 400) if weighted else np.ones(400)
    own = {"weights": weights} if weighted else {}
    slope = _statsmodels(labels, sm.add_constant(odds), freq_weights=weights)
    intercept = _statsmodels(labels, np.ones(400), offset=odds, freq_weights=weights)
    for found, fitted in ((calibration_slope(labels, scores, **own), slope),
                          (calibration_intercept(labels, scores, **own), intercept)):  # fmt: skip
        place = len(fitted.params) - 1
        chance, design = fitted.fittedvalues, fitted.model.exog
        # Each row's share of the score counts with the square of its weight: a weight is not so many rows.
        bread = np.linalg.inv((design * (weights * chance * (1 - chance))[:, None]).T @ design)
        meat = (design * ((weights * (labels - chance)) ** 2)[:, None]).T @ design
        error = np.sqrt((bread @ meat @ bread)[place, place])
        assert found.value == pytest.approx(fitted.params[place], abs=1e-7)
        assert (found.lower, found.upper) == pytest.approx(
            (found.value - 1.959964 * error, found.value + 1.959964 * error), abs=1e-6
        )
        if not weighted:
            assert error == pytest.approx(fitted.bse[place], rel=1e-6)


def test_slope_is_one_and_intercept_zero_for_a_calibrated_model():
    rng = np.random.default_rng(7)
    scores = special.expit(rng.normal(0, 1.5, 40_000))
    labels = rng.random(40_000) < scores
    assert calibration_slope(labels, scores).value == pytest.approx(1.0, abs=0.05)
    assert calibration_intercept(labels, scores).value == pytest.approx(0.0, abs=0.05)
    overfitted = special.expit(2 * special.logit(scores))
    assert calibration_slope(labels, overfitted).value == pytest.approx(calibration_slope(labels, scores).value / 2)


def test_calibration_intercept_matches_a_value_by_hand():
    """All scores 1/2, three of four labels positive: the log-odds must rise by log 3, variance 4 / 3."""
    found = calibration_intercept([1, 1, 1, 0], [0.5] * 4)
    half_width = 1.959964 * np.sqrt(4 / 3)
    assert found.value == pytest.approx(np.log(3))
    assert (found.lower, found.upper) == pytest.approx((np.log(3) - half_width, np.log(3) + half_width), rel=1e-6)


def test_slope_with_weights_of_two_matches_rows_twice_in_any_order():
    labels, scores = _miscalibrated(60)
    twice = calibration_slope(np.repeat(labels, 2), np.repeat(scores, 2))
    assert calibration_slope(labels, scores, np.full(60, 2.0)).value == pytest.approx(twice.value, abs=1e-9)
    order = np.random.default_rng(8).permutation(60)
    for metric in (calibration_slope, calibration_intercept):
        assert metric(labels[order], scores[order]) == metric(labels, scores)


@pytest.mark.parametrize(("labels", "scores", "reason"), [
    ([1, 1, 1], [0.2, 0.4, 0.6], "all 3 labels are of one class"),
    ([0, 1, 0], [0.4, 0.4, 0.4], "all scores are equal; a slope needs two"),
    ([0, 0, 1, 1], [0.1, 0.2, 0.7, 0.9], "separate the classes"),
    ([0, 1], [0.4, 1.4], "scores are not probabilities"),
    ([], [], "no rows"),
])  # fmt: skip
def test_calibration_slope_is_undefined_with_a_reason(labels, scores, reason):
    with pytest.raises(UndefinedStatisticError, match=reason):
        calibration_slope(labels, scores)


@pytest.mark.parametrize("seed", range(6))
def test_calibration_slope_of_scores_of_zero_and_one_is_finite(seed):
    rng = np.random.default_rng(seed)
    chance = rng.random(300)
    scores = rng.binomial(20, chance) / 20
    labels = (rng.random(300) < chance).astype(float)
    assert {0.0, 1.0} < set(scores)
    smallest = np.finfo(float).eps
    odds = special.logit(np.clip(scores, smallest, 1 - smallest))
    fitted = _statsmodels(labels, sm.add_constant(odds))
    assert calibration_slope(labels, scores).value == pytest.approx(fitted.params[1], abs=1e-6)
    assert _solves(calibration_intercept(labels, scores).value, labels, odds)


def _solves(intercept, labels, odds):
    """At the maximum of the likelihood the promised positives are as many as there are."""
    return special.expit(odds + intercept).sum() == pytest.approx(labels.sum(), abs=1e-6)


# ---- of counts


def _one_group_a_row(scores, labels):
    score, label = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    order = np.lexsort((label, score))
    return ScoreCounts(score[order], np.ones(score.size), label[order][None, :])


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 10)), min_size=1, max_size=40), st.integers(1, 15))
def test_calibration_error_of_counts_matches_that_of_rows(rows, bins):
    labels = np.array([label for label, _ in rows])
    scores = np.array([tenths / 10 for _, tenths in rows])
    expected = expected_calibration_error(labels, scores, bins).value
    assert calibration_gaps(_one_group_a_row(scores, labels), bins)[0] == pytest.approx(expected, abs=1e-12)
    distinct, group = np.unique(scores, return_inverse=True)
    grouped = ScoreCounts(distinct, np.bincount(group).astype(float), np.bincount(group, labels)[None, :])
    assert calibration_gaps(grouped, bins)[0] == pytest.approx(expected, abs=1e-12)


def test_calibration_error_of_each_draw_uses_the_bins_of_the_first():
    scores, rows = np.array([0.1, 0.3, 0.8]), np.array([[1.0, 1.0, 2.0], [4.0, 0.0, 0.0]])
    counts = ScoreCounts(scores, rows, np.array([[0.0, 1.0, 2.0], [4.0, 0.0, 0.0]]))
    # Two bins of two rows: gaps |1 - 0.4| and |2 - 1.6|, then |4 - 0.4|.
    assert calibration_gaps(counts, bins=2) == pytest.approx([(0.6 + 0.4) / 4, 3.6 / 4])


tenths = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 10)), min_size=1, max_size=40)


@given(tenths)
def test_brier_parts_add_up_and_match_scikit_learn(rows):
    labels = np.array([label for label, _ in rows], dtype=float)
    scores = np.array([tenths / 10 for _, tenths in rows])
    counts = _one_group_a_row(scores, labels)
    parts = brier_parts(counts)
    score, recalibrated = np.mean((scores - labels) ** 2), IsotonicRegression().fit_transform(scores, labels)
    uncertainty = labels.mean() * (1 - labels.mean())
    assert parts.uncertainty[0] == pytest.approx(uncertainty, abs=1e-12)
    assert parts.miscalibration[0] == pytest.approx(score - np.mean((recalibrated - labels) ** 2), abs=1e-9)
    assert parts.discrimination[0] == pytest.approx(uncertainty - np.mean((recalibrated - labels) ** 2), abs=1e-9)
    assert parts.miscalibration[0] >= -1e-12
    assert parts.discrimination[0] >= -1e-12
    total = parts.miscalibration - parts.discrimination + parts.uncertainty
    assert total == pytest.approx(brier_score(counts), abs=1e-12)


def test_brier_parts_of_each_draw_match_those_of_its_rows():
    labels, scores = _miscalibrated(50)
    order = np.argsort(scores)
    labels, scores = labels[order], scores[order]
    weights = np.random.default_rng(9).integers(0, 3, (4, 50)).astype(float)
    drawn = brier_parts(ScoreCounts(scores, weights, weights * labels))
    for number, own in enumerate(weights.astype(int)):
        alone = brier_parts(_one_group_a_row(np.repeat(scores, own), np.repeat(labels, own)))
        for part in ("miscalibration", "discrimination", "uncertainty"):
            assert getattr(drawn, part)[number] == pytest.approx(getattr(alone, part)[0], abs=1e-12)


def test_brier_parts_match_values_by_hand():
    """Scores .2 and .6 hold rates 0 and 1: recalibration is perfect, so all of the score is miscalibration."""
    parts = brier_parts(_one_group_a_row([0.2, 0.2, 0.6, 0.6], [0, 0, 1, 1]))
    assert (parts.miscalibration[0], parts.discrimination[0], parts.uncertainty[0]) == pytest.approx((0.1, 0.25, 0.25))

"""Calibration error by hand and against a plain second implementation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.statistics.calibration import expected_calibration_error
from monitoring_pipeline.statistics.estimate import Estimate, UndefinedStatisticError


def test_by_hand():
    """Two bins of two rows: rates 0.5 and 1, means 0.15 and 0.85, gaps 0.35 and 0.15."""
    assert expected_calibration_error([0, 1, 1, 1], [0.1, 0.2, 0.8, 0.9], bins=2) == Estimate(pytest.approx(0.25))


def test_one_bin_is_the_bias_and_a_constant_score_never_splits():
    labels, scores = [0, 1, 1, 0, 1], [0.3] * 5
    assert expected_calibration_error(labels, scores, bins=1).value == pytest.approx(0.3)
    assert expected_calibration_error(labels, scores, bins=10).value == pytest.approx(0.3)


def test_equal_mass_without_ties():
    rng = np.random.default_rng(2)
    scores = rng.permutation(np.linspace(0.01, 0.99, 1000))
    labels = rng.random(1000) < scores**2
    order = np.argsort(scores)
    gaps = [abs(labels[rows].mean() - scores[rows].mean()) for rows in np.split(order, 10)]
    assert expected_calibration_error(labels, scores).value == pytest.approx(np.mean(gaps), abs=1e-12)


def test_a_calibrated_model_shows_little_and_a_miscalibrated_one_shows_it():
    rng = np.random.default_rng(4)
    probabilities = rng.random(20_000)
    labels = rng.random(20_000) < probabilities
    assert expected_calibration_error(labels, probabilities).value < 0.015
    assert expected_calibration_error(labels, probabilities / 2).value == pytest.approx(0.25, abs=0.01)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 10)), min_size=1, max_size=40), st.integers(1, 15))
@settings(deadline=None)
def test_bounds_and_order(rows, bins):
    """Between |bias| (one bin) and the error over every distinct score; the order of rows does not matter."""
    labels = np.array([label for label, _ in rows])
    scores = np.array([tenths / 10 for _, tenths in rows])
    value = expected_calibration_error(labels, scores, bins).value
    finest = sum(abs((scores - labels)[scores == score].sum()) for score in np.unique(scores)) / len(rows)
    assert abs(np.mean(scores - labels)) - 1e-12 <= value <= finest + 1e-12
    assert expected_calibration_error(labels[::-1], scores[::-1], bins).value == value


def test_what_it_refuses():
    with pytest.raises(ValueError, match="bins is 0"):
        expected_calibration_error([0, 1], [0.2, 0.4], bins=0)
    with pytest.raises(UndefinedStatisticError, match="scores are not probabilities"):
        expected_calibration_error([0, 1], [-0.2, 0.4])
    with pytest.raises(UndefinedStatisticError, match="no rows"):
        expected_calibration_error([], [])

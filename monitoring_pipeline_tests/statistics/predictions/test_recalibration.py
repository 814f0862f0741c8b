"""Recalibration against scikit-learn's isotonic regression, and what any map must keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sklearn.isotonic import IsotonicRegression

from monitoring_pipeline.statistics.predictions.recalibration import KNOTS, Recalibration, isotonic_recalibration
from monitoring_pipeline.statistics.results import UndefinedStatisticError

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 40).map(lambda n: n / 40)), min_size=1, max_size=80)


def overconfident(rng, rows):
    """Labels, and scores whose probability is their square."""
    scores = rng.uniform(0, 1, rows)
    return (rng.uniform(size=rows) < scores**2).astype(float), scores


@given(ROWS)
def test_recalibration_of_few_scores_matches_scikit_learn(rows):
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    grid = np.linspace(-0.2, 1.2, 57)
    assert isotonic_recalibration(labels, scores)(grid) == pytest.approx(theirs.predict(grid), abs=1e-9)


def test_recalibration_matches_probabilities_by_hand():
    # The shares by score are 0, 1, 0, 1: the middle two are out of order and share one half.
    recalibration = isotonic_recalibration([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.8])
    assert recalibration == Recalibration((0.1, 0.2, 0.4, 0.8), (0.0, 0.5, 0.5, 1.0))
    assert recalibration([0.0, 0.15, 0.3, 0.6, 1.0]) == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0])


@pytest.mark.parametrize("decimals", [2, 3, 16])
def test_recalibration_of_many_scores_has_few_increasing_knots(decimals):
    labels, scores = overconfident(np.random.default_rng(1), 20_000)
    recalibration = isotonic_recalibration(labels, np.round(scores, decimals))
    knots, probabilities = np.array(recalibration.scores), np.array(recalibration.probabilities)
    assert 50 < knots.size == probabilities.size <= KNOTS
    assert (np.diff(knots) >= 0).all()
    assert (np.diff(probabilities) >= 0).all()
    assert 0.0 <= probabilities[0] <= probabilities[-1] <= 1.0
    inner = np.linspace(0.05, 0.95, 19)
    assert recalibration(inner) == pytest.approx(inner**2, abs=0.06)


def test_recalibration_with_joined_scores_is_close_to_scikit_learn():
    labels, scores = overconfident(np.random.default_rng(2), 20_000)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(scores, labels)
    difference = isotonic_recalibration(labels, scores)(scores) - theirs.predict(scores)
    assert np.abs(difference).mean() < 0.01


def test_recalibration_of_a_frequent_score_has_one_knot():
    labels, scores = overconfident(np.random.default_rng(3), 2_000)
    scores = np.where(np.arange(2_000) % 4 > 0, 0.25, scores)
    recalibration = isotonic_recalibration(labels, scores)
    alone = [knot for knot in recalibration.scores if abs(knot - 0.25) < 1e-12]
    assert len(alone) == 1


@given(ROWS)
def test_recalibration_does_not_depend_on_the_order_of_rows(rows):
    first, second = (
        isotonic_recalibration(*(np.array(column) for column in zip(*own, strict=True))) for own in (rows, rows[::-1])
    )
    assert first == second


def test_recalibration_written_as_json_is_read_back_equal():
    adapter = TypeAdapter(Recalibration)
    recalibration = isotonic_recalibration(*overconfident(np.random.default_rng(4), 500))
    assert adapter.validate_json(adapter.dump_json(recalibration)) == recalibration


@pytest.mark.parametrize(("labels", "scores", "reason"), [
    ([], [], "no rows"),
    ([0, 2], [0.1, 0.2], "neither 0 nor 1"),
    ([0, 1], [0.1, np.nan], "not usable numbers"),
])  # fmt: skip
def test_recalibration_of_unusable_rows_is_undefined_with_a_reason(labels, scores, reason):
    with pytest.raises(UndefinedStatisticError, match=reason):
        isotonic_recalibration(labels, scores)

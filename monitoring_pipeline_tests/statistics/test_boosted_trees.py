"""Boosted trees: equal to a second implementation, free of the order of rows, and able to find interactions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.statistics.boosted_trees import (
    CODES,
    MOST_ROWS,
    PENALTY,
    RATE,
    fit_trees,
    log_odds_without,
)
from monitoring_pipeline.statistics.samples.permutation import area_by_stratum


def _drawn(seed: int, rows: int = 300, columns: int = 4):
    random = np.random.default_rng(seed)
    codes = random.integers(0, CODES, (columns, rows))
    categories = np.arange(columns) == columns - 1
    chance = 1 / (1 + np.exp(-(codes[0] - 15) / 6 - 2 * (codes[-1] == 3)))
    return codes, categories, random.random(rows) < chance


def _gain(codes, categories, current, splits):
    """Return the sum over leaves of squared gradients over penalized curvatures, row by row."""
    share = current.mean()
    sums: dict[tuple[bool, ...], list[float]] = {}
    for row in range(current.size):
        leaf = tuple(
            bool(codes[column, row] != code if categories[column] else codes[column, row] > code)
            for column, code in splits
        )
        of_leaf = sums.setdefault(leaf, [0.0, 0.0])
        of_leaf[0] += current[row] - share
        of_leaf[1] += share * (1 - share)
    return sum(gradient**2 / (curvature + PENALTY) for gradient, curvature in sums.values())


@pytest.mark.parametrize("seed", range(3))
def test_splits_of_the_first_tree_are_the_best_of_all_by_a_second_implementation(seed):
    codes, categories, current = _drawn(seed, rows=80, columns=3)
    (tree, *_) = fit_trees(codes, categories, current).trees
    chosen = [(split.column, split.code) for split in tree.splits]
    for level in range(len(chosen)):
        gains = [
            _gain(codes, categories, current, [*chosen[:level], (column, code)])
            for column in range(3)
            for code in range(CODES)
        ]
        assert _gain(codes, categories, current, chosen[: level + 1]) == pytest.approx(max(gains), abs=1e-3)


def test_leaf_adds_a_penalized_newton_step():
    codes, current = np.array([[0] * 60 + [9] * 40]), np.array([True] * 10 + [False] * 50 + [True] * 30 + [False] * 10)
    model = fit_trees(codes, np.array([False]), current)
    assert model.log_odds_of_all == pytest.approx(math.log(0.4 / 0.6))
    first = model.trees[0]
    steps = [RATE * (10 - 60 * 0.4) / (60 * 0.24 + PENALTY), RATE * (30 - 40 * 0.4) / (40 * 0.24 + PENALTY)]
    assert first.log_odds(np.array([[0, 9]])) == pytest.approx(steps, abs=1e-5)


@given(st.integers(0, 2**32 - 1))
def test_trees_do_not_depend_on_the_order_of_rows(seed):
    codes, categories, current = _drawn(seed)
    order = np.random.default_rng(seed).permutation(current.size)
    model, shuffled = fit_trees(codes, categories, current), fit_trees(codes[:, order], categories, current[order])
    assert [tree.splits for tree in shuffled.trees] == [tree.splits for tree in model.trees]
    np.testing.assert_array_equal(shuffled.log_odds(codes), model.log_odds(codes))


@given(st.integers(0, 2**32 - 1))
def test_log_odds_without_columns_equal_those_of_changed_codes(seed):
    codes, categories, current = _drawn(seed)
    model = fit_trees(codes, categories, current)
    order = np.random.default_rng(seed).permutation(current.size)
    moves = [((0,), codes[[0]][:, order]), ((1, 3), codes[[1, 3]][:, order])]
    found = log_odds_without(model, codes, iter(moves))
    for (positions, others), log_odds in zip(moves, found, strict=True):
        changed = codes.copy()
        changed[list(positions)] = others
        np.testing.assert_allclose(log_odds, model.log_odds(changed), atol=1e-12)


def test_two_columns_that_separate_only_together_are_found():
    random = np.random.default_rng(4)
    codes = random.integers(0, CODES, (6, 4_000))
    current = (codes[0] > 15) == (codes[1] > 15)
    half = np.arange(4_000) < 2_000
    model = fit_trees(codes[:, half], np.zeros(6, dtype=bool), current[half])
    strata = np.zeros(2_000, dtype=np.int64)
    assert area_by_stratum(model.log_odds(codes[:, ~half]), current[~half], strata) > 0.95


def test_more_rows_than_sums_are_exact_for_are_refused():
    rows = MOST_ROWS + 1
    with pytest.raises(ValueError, match="32,769 rows; sums are exact for at most 32,768"):
        fit_trees(np.zeros((1, rows), dtype=np.int64), np.array([False]), np.arange(rows) % 2 == 0)

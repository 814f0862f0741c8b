"""Contributions along paths: they sum to the difference, and equal the Shapley values where these are known."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.statistics.path_attribution import path_contributions
from monitoring_pipeline.statistics.shared_effects import shared_effects


def _contributions(function, first, second, seed=0):
    def evaluate(numbers, replaced):
        return function(np.where(replaced, second[numbers], first[numbers]))

    return path_contributions(first.shape[0], first.shape[1], evaluate, np.random.default_rng(seed))


def _shapley(function, first, second):
    """Return the Shapley values of one pair, from all orders of its columns."""
    columns = first.size
    values = np.zeros(columns)
    orders = list(permutations(range(columns)))
    for order in orders:
        row = first.copy()
        for column in order:
            before = function(row[None])[0]
            row[column] = second[column]
            values[column] += (function(row[None])[0] - before) / len(orders)
    return values


def _tangled(rows):
    return np.tanh(rows[:, 0] * rows[:, 1]) + np.where(rows[:, -1] > 0, rows[:, 0], -2.0) + rows.sum(axis=1) ** 2 / 7


@given(seed=st.integers(0, 10_000), columns=st.integers(2, 9), pairs=st.integers(1, 40))
def test_parts_of_each_pair_sum_to_the_difference_of_its_outputs(seed, columns, pairs):
    rng = np.random.default_rng(seed)
    first, second = rng.normal(size=(2, pairs, columns))
    parts = _contributions(_tangled, first, second, seed)
    np.testing.assert_allclose(parts.sum(axis=1), _tangled(second) - _tangled(first), rtol=0, atol=1e-9)


def test_additive_function_is_split_exactly():
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 50, 3))
    weights = np.array([1.0, -2.0, 0.0])
    np.testing.assert_allclose(
        _contributions(lambda rows: rows @ weights, first, second), (second - first) * weights, atol=1e-12
    )


def test_mean_over_many_paths_is_the_shapley_value():
    rng = np.random.default_rng(2)
    first, second = rng.normal(size=(2, 4))
    pairs = 4_000
    parts = _contributions(_tangled, np.tile(first, (pairs, 1)), np.tile(second, (pairs, 1)))
    errors = parts.std(axis=0) / np.sqrt(pairs)
    assert (np.abs(parts.mean(axis=0) - _shapley(_tangled, first, second)) < 4 * errors + 1e-12).all()


def test_two_columns_that_act_together_share_their_effect_evenly():
    first, second = np.zeros((1, 2)), np.ones((1, 2))
    assert _contributions(lambda rows: rows[:, 0] * rows[:, 1], first, second).tolist() == [[0.5, 0.5]]


def test_column_that_the_function_does_not_use_has_no_part():
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(2, 30, 3))
    assert not _contributions(lambda rows: rows[:, 0] * rows[:, 2], first, second)[:, 1].any()


@pytest.mark.parametrize("causes", [1, 2, 3, 6])
def test_shared_effects_sum_to_the_joint_effect(causes):
    rng = np.random.default_rng(causes)
    numbers = rng.normal(size=(causes, 5))

    def outcome(happened):
        chosen = numbers[sorted(happened)].sum(axis=0)
        return np.tanh(chosen) + (len(happened) == causes) * 3.0

    effects = shared_effects(causes, outcome, rng)
    joint = outcome(frozenset(range(causes))) - outcome(frozenset())
    np.testing.assert_allclose(effects.sum(axis=0), joint, atol=1e-12)


def test_effect_that_needs_both_causes_is_shared_by_them_and_one_without_effect_has_none():
    def outcome(happened):
        return np.array([float({0, 1} <= happened)])

    assert shared_effects(3, outcome, np.random.default_rng(0))[:, 0].tolist() == [0.5, 0.5, 0.0]

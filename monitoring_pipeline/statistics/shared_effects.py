"""The joint effect of several causes split over them, from the outcomes of some of their combinations."""

from collections.abc import Callable, Sequence
from itertools import permutations

import numpy as np

from monitoring_pipeline.statistics.inputs import Vector

ALL_ORDERS = 3
"""Up to so many causes every order is looked at; of more, some orders and the same ones backwards."""
ORDERS = 4


def shared_effects(causes: int, outcome: Callable[[frozenset[int]], Vector], generator: np.random.Generator) -> Vector:
    """Return the effect of each cause, the mean over orders in which they happen, shape (causes, numbers).

    The effects sum to the outcome of all causes minus that of none. Over all orders they are the Shapley values
    (Shapley 1953, Contributions to the Theory of Games 2:307).

    Args:
        causes: number of causes.
        outcome: returns the numbers, shape (numbers,), if some of the causes have happened.
        generator: source of random numbers.
    """
    known: dict[frozenset[int], Vector] = {}

    def looked_up(happened: frozenset[int]) -> Vector:
        if happened not in known:
            known[happened] = outcome(happened)
        return known[happened]

    orders = _orders(causes, generator)
    effects = np.zeros((causes, looked_up(frozenset()).size))
    for order in orders:
        for place, cause in enumerate(order):
            before = frozenset(order[:place])
            effects[cause] += (looked_up(before | {cause}) - looked_up(before)) / len(orders)
    return effects


def _orders(causes: int, generator: np.random.Generator) -> list[Sequence[int]]:
    if causes <= ALL_ORDERS:
        return list(permutations(range(causes)))
    drawn = [generator.permutation(causes).tolist() for _ in range(ORDERS)]
    return [*drawn, *(order[::-1] for order in drawn)]

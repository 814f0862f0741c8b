"""The difference of two outputs of a function split over its arguments, along paths from one argument to the other."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.statistics.inputs import Flags, Vector

Evaluate = Callable[[NDArray[np.int64], Flags], Vector]
"""Returns the outputs for some mixed rows, shape (rows,): the number of the pair of each, shape (rows,), and which of
its values are those of the second side, shape (rows, columns)."""
MIXED_ROWS_OF_A_CALL = 20_000


def path_contributions(pairs: int, columns: int, evaluate: Evaluate, generator: np.random.Generator) -> Vector:
    """Return the part of each column in the difference of the outputs of two sides, shape (pairs, columns).

    On a path, the values of the first side are replaced by those of the second, one column after the other; a column's
    part is the step that its replacement makes, so that the parts of a pair sum to the difference. Each pair goes one
    random path and the same path backwards. The mean over random paths is the Shapley value (Strumbelj & Kononenko
    2014, Knowledge and Information Systems 41:647; antithetic paths: Mitchell et al. 2022, JMLR 23:43).

    Args:
        pairs: number of pairs of a row of the first and a row of the second side.
        columns: number of columns.
        evaluate: the function.
        generator: source of random numbers.
    """
    contributions = np.zeros((pairs, columns))
    places = np.argsort(generator.random((pairs, columns)), axis=1)
    at_once = max(1, MIXED_ROWS_OF_A_CALL // (columns + 1))
    for of_path in (places, columns - 1 - places):
        for first in range(0, pairs, at_once):
            rows = slice(first, min(first + at_once, pairs))
            contributions[rows] += _steps(of_path[rows], np.arange(rows.start, rows.stop), evaluate) / 2.0
    return contributions


def _steps(places: NDArray[np.int64], numbers: NDArray[np.int64], evaluate: Evaluate) -> Vector:
    """Return the step of each column, whose place on the path of each pair is given, shape (pairs, columns)."""
    pairs, columns = places.shape
    steps_taken = np.tile(np.arange(columns + 1, dtype=np.int64), pairs)
    taken = np.repeat(places, columns + 1, axis=0) < steps_taken[:, None]
    outputs = evaluate(np.repeat(numbers, columns + 1), taken)
    steps = np.diff(outputs.reshape(pairs, columns + 1), axis=1)
    return np.take_along_axis(steps, places, axis=1)

"""The weakest pair of bins of two features: found on one half of the rows, and tested on the other.

Every pair of values of every pair of features is looked at, from three additive numbers of each cell: rows, the sum of
losses, and the sum of squared losses. So a longer time is the sum of its days.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

Values = NDArray[np.float64]
Codes = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class WeakSegment:
    """The rows of one bin of a feature, or of one bin of each of two.

    Args:
        features: their names.
        bins: the number of each one's bin.
        rows: rows of the half that it was tested on.
        mean_loss: their mean loss there.
        other_loss: the mean loss of all other rows there.
        p_value: probability of at least so large a difference on the half that it was not chosen on.
    """

    features: tuple[str, ...]
    bins: tuple[int, ...]
    rows: int
    mean_loss: float
    other_loss: float
    p_value: float


def weak_segment(
    codes: Mapping[str, Codes], losses: Values, chosen_on: Flags, *, least_share: float = 0.02, least_rows: int = 20
) -> WeakSegment | None:
    """Return the segment whose mean loss lies farthest above that of the other rows, tested on the other half.

    Args:
        codes: number of the bin of each row by feature, shape (rows,).
        losses: loss of each row, shape (rows,).
        chosen_on: the half of the rows that the segment is chosen on, shape (rows,).
        least_share: the smallest share of rows that a segment has.
        least_rows: the smallest number of rows that it has on each half.
    """
    half = {name: own[chosen_on] for name, own in codes.items()}
    found = losses[chosen_on]
    least = max(least_rows, least_share * found.size)
    best: tuple[float, tuple[str, ...], tuple[int, ...]] | None = None
    for features in [*((name,) for name in codes), *combinations(codes, 2)]:
        cell, shape = _cells([half[name] for name in features])
        score = _scores(cell, math.prod(shape), found, least)
        place = int(np.argmax(score))
        if np.isfinite(score[place]) and (best is None or score[place] > best[0]):
            best = (float(score[place]), features, tuple(int(i) for i in np.unravel_index(place, shape)))
    if best is None:
        return None
    _, features, bins = best
    inside = np.logical_and.reduce([codes[name] == number for name, number in zip(features, bins, strict=True)])
    return _tested(features, bins, losses[~chosen_on], inside[~chosen_on], least_rows)


def _cells(codes: Sequence[Codes]) -> tuple[Codes, tuple[int, ...]]:
    shape = tuple(int(own.max(initial=0)) + 1 for own in codes)
    return (codes[0] if len(codes) == 1 else codes[0] * shape[1] + codes[1]), shape


def _scores(cell: Codes, cells: int, losses: Values, least: float) -> Values:
    rows = np.bincount(cell, minlength=cells).astype(np.float64)
    sums = np.bincount(cell, losses, cells)
    squares = np.bincount(cell, losses**2, cells)
    others = losses.size - rows
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, rest = sums / rows, (losses.sum() - sums) / others
        variance = squares / rows - mean**2
        of_rest = ((losses**2).sum() - squares) / others - rest**2
        score = (mean - rest) / np.sqrt(np.maximum(variance, 0.0) / rows + np.maximum(of_rest, 0.0) / others)
    return np.where((rows >= least) & (others >= least) & np.isfinite(score), score, -np.inf)


def _tested(
    features: tuple[str, ...], bins: tuple[int, ...], losses: Values, inside: Flags, least_rows: int
) -> WeakSegment | None:
    own, others = losses[inside], losses[~inside]
    if min(own.size, others.size) < least_rows:
        return None
    error = math.sqrt(float(own.var(ddof=1)) / own.size + float(others.var(ddof=1)) / others.size)
    apart = float(own.mean() - others.mean())
    p_value = float(special.ndtr(-apart / error)) if error > 0.0 else 1.0
    return WeakSegment(features, bins, own.size, float(own.mean()), float(others.mean()), p_value)

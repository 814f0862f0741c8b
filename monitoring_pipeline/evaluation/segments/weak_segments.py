"""The weakest bins of features and of pairs of features: chosen on one half of the rows, and tested on the other.

Every bin of every pair of features is looked at, from three additive numbers of each cell: rows, the sum of losses, and
the sum of squared losses.
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
Chosen = tuple[tuple[str, ...], tuple[int, ...]]
CANDIDATES = 5
"""Segments that are chosen and tested."""
PAIRED_FEATURES = 40
"""Features whose pairs are looked at; of more, those with the weakest bins of their own."""
LEAST_ROWS, LEAST_SHARE = 20, 0.02
LEAST_DAYS = 10
"""Days of each half from which on the halves are days."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class WeakSegment:
    """The rows of one bin of a feature, or of one bin of each of two, without those of segments chosen before.

    Args:
        features: their names.
        bins: the number of each one's bin.
        rows: rows of the half that it was tested on.
        mean_loss: their mean loss.
        other_loss: the mean loss of the other rows of that half, as if they were of the same days.
        lower, upper: 95 % interval of the difference of the two.
        p_value: probability of at least so large a difference by chance in any of the tested segments.
    """

    features: tuple[str, ...]
    bins: tuple[int, ...]
    rows: int
    mean_loss: float
    other_loss: float
    lower: float
    upper: float
    p_value: float


@dataclass(frozen=True, eq=False)
class Halves:
    """The rows that segments are chosen on; they are tested on the others.

    Args:
        chosen_on: shape (rows,).
        days: number of each row's day, from 0, shape (rows,).
        are_days: whether each half consists of whole days.
    """

    chosen_on: Flags
    days: Codes
    are_days: bool


def halves_of(days: Codes, generator: np.random.Generator) -> Halves:
    """Split rows into every other day; into random rows if a half would have fewer than ``LEAST_DAYS`` days.

    Args:
        days: number of each row's day, shape (rows,).
        generator: source of random numbers.
    """
    found, places = np.unique(days, return_inverse=True)
    are_days = found.size >= 2 * LEAST_DAYS
    chosen_on = places % 2 == 0 if are_days else generator.permutation(days.size) % 2 == 0
    return Halves(chosen_on, places.astype(np.int64), are_days)


def weak_segments(codes: Mapping[str, Codes], losses: Values, halves: Halves) -> tuple[WeakSegment, ...]:
    """Return the tested segments, in the order in which they were chosen.

    The segment is chosen whose mean loss lies the most standard errors above that of the other rows. Its rows are then
    left out, and the next one is chosen. P-values are corrected for all of them (Bonferroni). Rows are compared within
    their day, so that a bad day is no weakness of what was frequent on it. If the halves are days, the standard error
    is that of differences between days (Liang & Zeger 1986, Biometrika 73:13).

    Args:
        codes: number of the bin of each row by feature, shape (rows,).
        losses: loss of each row, shape (rows,).
        halves: the rows to choose on, and those to test on.
    """
    beyond_day = _beyond_day(losses, halves)
    left = np.ones(losses.size, dtype=np.bool_)
    found: list[WeakSegment] = []
    for _ in range(CANDIDATES):
        chosen = _weakest(codes, beyond_day, halves.chosen_on & left)
        if chosen is None:
            break
        features, bins = chosen
        inside = np.logical_and.reduce([codes[name] == number for name, number in zip(features, bins, strict=True)])
        tested_on = ~halves.chosen_on & left
        days = halves.days[tested_on] if halves.are_days else None
        mean_loss = float(losses[tested_on & inside].mean()) if (tested_on & inside).any() else 0.0
        tested = _tested(chosen, mean_loss, beyond_day[tested_on], inside[tested_on], days)
        found += [] if tested is None else [tested]
        left &= ~inside
    return tuple(found)


def _beyond_day(losses: Values, halves: Halves) -> Values:
    """Return the losses less the mean of their day and half."""
    groups = 2 * halves.days + halves.chosen_on
    sums, rows = np.bincount(groups, losses), np.bincount(groups)
    return losses - (sums / np.maximum(rows, 1))[groups]


def _weakest(codes: Mapping[str, Codes], losses: Values, chosen_on: Flags) -> Chosen | None:
    half = {name: own[chosen_on] for name, own in codes.items()}
    found = losses[chosen_on]
    least = max(float(LEAST_ROWS), LEAST_SHARE * found.size)
    singles = {(name,): _best_cell([own], found, least) for name, own in half.items()}
    paired = sorted(half, key=lambda name: -singles[(name,)][0])[:PAIRED_FEATURES]
    pairs = combinations([name for name in half if name in paired], 2)
    scored = {**singles, **{pair: _best_cell([half[name] for name in pair], found, least) for pair in pairs}}
    features = max(scored, key=lambda names: scored[names][0], default=None)
    return None if features is None or scored[features][0] <= 0.0 else (features, scored[features][1])


def _best_cell(codes: Sequence[Codes], losses: Values, least: float) -> tuple[float, tuple[int, ...]]:
    shape = tuple(int(own.max(initial=0)) + 1 for own in codes)
    score = _scores(codes[0] if len(codes) == 1 else codes[0] * shape[1] + codes[1], math.prod(shape), losses, least)
    place = int(np.argmax(score))
    return float(score[place]), tuple(int(number) for number in np.unravel_index(place, shape))


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


def _tested(chosen: Chosen, mean_loss: float, losses: Values, inside: Flags, days: Codes | None) -> WeakSegment | None:
    own, others = losses[inside], losses[~inside]
    if min(own.size, others.size) < LEAST_ROWS:
        return None
    error, freedom = _error_of_rows(own, others)
    if days is not None:
        error, freedom = max((error, freedom), _error_of_days(losses, inside, days))
    if error == 0.0:
        return None
    apart = float(own.mean() - others.mean())
    reach = error * float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2))
    p_value = min(1.0, CANDIDATES * float(special.stdtr(freedom, -apart / error)))
    return WeakSegment(*chosen, own.size, mean_loss, mean_loss - apart, apart - reach, apart + reach, p_value)


def _error_of_rows(own: Values, others: Values) -> tuple[float, float]:
    """Return the standard error of the difference and its degrees of freedom (Welch 1947, Biometrika 34:28)."""
    of_own, of_others = float(own.var(ddof=1)) / own.size, float(others.var(ddof=1)) / others.size
    squared = of_own**2 / (own.size - 1) + of_others**2 / (others.size - 1)
    return math.sqrt(of_own + of_others), (of_own + of_others) ** 2 / squared if squared > 0.0 else 1.0


def _error_of_days(losses: Values, inside: Flags, days: Codes) -> tuple[float, float]:
    """Return the standard error of the difference, and its degrees of freedom, if rows of one day are alike."""
    own = np.where(inside, losses - losses[inside].mean(), 0.0) / np.count_nonzero(inside)
    others = np.where(inside, 0.0, losses - losses[~inside].mean()) / np.count_nonzero(~inside)
    moved = np.bincount(days, own - others)
    count = np.unique(days).size
    return math.sqrt(float((moved**2).sum()) * count / (count - 1)), count - 1.0

"""Rates and errors of groups of rows, and the largest gap between two groups, with simultaneous intervals.

Each number is a mean of one value per row over some of the rows: the share of positive decisions among positive labels,
the mean error of all. So numbers of chunks add up to that of a longer time.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from monitoring_pipeline.statistics.intervals.paired import serial_inflation
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]
LEAST_DAYS = 7
"""The spread between fewer days is not known."""
LEAST_FREEDOM = 3
"""A group of fewer days counts as one of so many and one: its rows decide."""


@dataclass(frozen=True)
class GroupRate:
    """A number of a group.

    Args:
        within: the rows that it is a mean over, from labels and decisions, shape (rows,).
        value: the value of each row, from labels, decisions and scores, shape (rows,).
        is_share: whether the values are 0 or 1.
        needs_labels: whether labels play a part.
        definition: what it is.
    """

    within: Callable[[Values, Values], Flags]
    value: Callable[[Values, Values, Values], Values]
    is_share: bool
    needs_labels: bool
    definition: str


def _every(labels: Values, _decided: Values) -> Flags:
    return np.ones(labels.size, dtype=np.bool_)


def _decided(_labels: Values, decided: Values, _scores: Values) -> Values:
    return decided


def _label(labels: Values, _decided: Values, _scores: Values) -> Values:
    return labels


def _is_wrong(labels: Values, decided: Values, _scores: Values) -> Values:
    return (labels != decided).astype(np.float64)


def _error(labels: Values, _decided: Values, scores: Values) -> Values:
    return scores - labels


def _absolute_error(labels: Values, _decided: Values, scores: Values) -> Values:
    return np.abs(scores - labels)


_share, _mean = partial(GroupRate, is_share=True), partial(GroupRate, is_share=False, needs_labels=True)
GROUP_RATES = {
    "selection_rate": _share(_every, _decided, needs_labels=False, definition="share of positive decisions"),
    "true_positive_rate": _share(
        lambda labels, _: labels == 1.0,
        _decided,
        needs_labels=True,
        definition="share of positive decisions among positive labels",
    ),
    "false_positive_rate": _share(
        lambda labels, _: labels == 0.0,
        _decided,
        needs_labels=True,
        definition="share of positive decisions among negative labels",
    ),
    "precision": _share(
        lambda _, decided: decided == 1.0,
        _label,
        needs_labels=True,
        definition="share of positive labels among positive decisions",
    ),
    "error_rate": _share(_every, _is_wrong, needs_labels=True, definition="share of wrong decisions"),
    "mean_bias": _mean(_every, _error, definition="mean of score (or prediction) minus label"),
    "mean_absolute_error": _mean(_every, _absolute_error, definition="mean of |prediction - label|"),
}


@dataclass(frozen=True)
class GroupMean:
    """The mean of one group on one day: its rows, and the variance of the mean."""

    rows: int
    mean: float
    variance: float


def group_mean(values: Values, *, is_share: bool) -> GroupMean:
    """Return the mean of a group with its variance; of a share by two further rows (Agresti & Coull 1998).

    Raises:
        UndefinedStatisticError: without rows.
    """
    rows = values.size
    if not rows:
        raise UndefinedStatisticError("no rows")
    mean = float(values.mean())
    if is_share:
        middle = (float(values.sum()) + 2.0) / (rows + 4.0)
        return GroupMean(rows, mean, middle * (1.0 - middle) / (rows + 4.0))
    spread = float(values.var(ddof=1)) if rows > 1 else math.inf
    return GroupMean(rows, mean, spread / rows)


@dataclass(frozen=True)
class Gaps:
    """The largest gap between two groups: difference and ratio of the lower to the higher one, and which they are.

    The ratio is None where no share is above 0, or a mean is not positive.
    """

    lowest: str
    highest: str
    difference: Quantity
    ratio: Quantity | None


def largest_gaps(days: list[dict[str, GroupMean]], confidence: float) -> Gaps:
    """Return the largest gap between two groups over some days.

    The intervals hold for all pairs together (Bonferroni): the lower end is the largest of the pairs' lower ends, the
    upper end the largest of their upper ends. The variance of a pair is that of its rows, or that of leaving out one
    day at a time (Efron & Stein 1981, Annals of Statistics 9:586), if it is larger: rows of one day are alike. It is
    raised by what a day resembles the one before it (``serial_inflation``), and taken with Student's t of the days of
    the group that has fewer.

    Args:
        days: the mean of each group on each day.
        confidence: level of the intervals.

    Raises:
        UndefinedStatisticError: with fewer than two groups.
    """
    names = sorted({name for day in days for name in day})
    if len(names) < 2:  # noqa: PLR2004 - a gap lies between two
        raise UndefinedStatisticError("fewer than two groups with enough rows")
    sums = _Sums(names, days)
    pairs = list(combinations(range(len(names)), 2))
    half = float(special.ndtri(1.0 - (1.0 - confidence) / (2.0 * len(pairs))))
    whole = sums.means(None)
    left_out = np.array([sums.means(day) for day in range(len(days))]) if len(days) >= LEAST_DAYS else None
    of_pairs = [(pair, _variances(sums, left_out, pair, half)) for pair in pairs]
    differences = [_difference(whole, variances, pair, half) for pair, variances in of_pairs]
    lowest, highest = int(np.argmin(whole)), int(np.argmax(whole))
    value = float(whole[highest] - whole[lowest])
    difference = Quantity(value, max(lower for lower, _ in differences), max(upper for _, upper in differences))
    return Gaps(names[lowest], names[highest], difference, _ratio(whole, of_pairs, half))


def _variances(sums: "_Sums", left_out: Values | None, pair: tuple[int, int], half: float) -> Values:
    """Return the variances of all means, raised if days differ by more between two groups than their rows explain."""
    of_rows = sums.variances
    if left_out is None:
        return of_rows
    first, second = pair
    by_rows = float(of_rows[first] + of_rows[second])
    days = int(np.count_nonzero(sums.rows[:, pair] > 0.0, axis=0).min())
    between = _between(left_out[:, first] - left_out[:, second]) * _few_days(half, days)
    return of_rows * max(between / by_rows, 1.0) if by_rows > 0.0 else of_rows


def _few_days(half: float, days: int) -> float:
    """Return the factor of a variance that is known from so few days, with which a normal quantile is Student's t."""
    quantile = float(special.stdtrit(max(days - 1, LEAST_FREEDOM), special.ndtr(half)))
    return (quantile / half) ** 2


class _Sums:
    """Rows, sums and variances by day and group."""

    def __init__(self, names: list[str], days: list[dict[str, GroupMean]]) -> None:
        empty = GroupMean(0, 0.0, 0.0)
        table = [[day.get(name, empty) for name in names] for day in days]
        self.rows = np.array([[one.rows for one in day] for day in table], dtype=np.float64)
        self.totals = self.rows * np.array([[one.mean for one in day] for day in table])
        self.squared = np.square(self.rows) * np.array([[one.variance for one in day] for day in table])

    def means(self, without: int | None) -> Values:
        """Return the mean of each group, of all days or without one; NaN where no row is left."""
        kept = np.ones(len(self.rows), dtype=np.bool_)
        if without is not None:
            kept[without] = False
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.totals[kept].sum(axis=0) / self.rows[kept].sum(axis=0)

    @property
    def variances(self) -> Values:
        return self.squared.sum(axis=0) / np.square(self.rows.sum(axis=0))


def _difference(whole: Values, variances: Values, pair: tuple[int, int], half: float) -> tuple[float, float]:
    first, second = pair
    apart = abs(float(whole[first] - whole[second]))
    error = half * math.sqrt(float(variances[first] + variances[second]))
    return max(apart - error, 0.0), apart + error


def _ratio(whole: Values, of_pairs: list[tuple[tuple[int, int], Values]], half: float) -> Quantity | None:
    """Return the ratio of the lowest to the highest mean, with the interval of Fieller (1954, JRSS B 16:175)."""
    if whole.min() < 0.0 or whole.max() <= 0.0:
        return None
    ends = [_ratio_ends(whole, variances, pair, half) for pair, variances in of_pairs]
    value = float(whole.min() / whole.max())
    lower, upper = min(end for end, _ in ends), min(end for _, end in ends)
    return Quantity(value, min(lower, value), max(upper, value))


def _ratio_ends(whole: Values, variances: Values, pair: tuple[int, int], half: float) -> tuple[float, float]:
    low, high = sorted(pair, key=lambda group: float(whole[group]))
    below, above = float(whole[low]), float(whole[high])
    of_low, of_high = half**2 * float(variances[low]), half**2 * float(variances[high])
    scale = above**2 - of_high
    # The ratio of two means is not bounded if the denominator may be zero.
    if scale <= 0.0:
        return 0.0, 1.0
    root = math.sqrt(max((below * above) ** 2 - scale * (below**2 - of_low), 0.0))
    least, most = max((below * above - root) / scale, 0.0), (below * above + root) / scale
    # The group that is lower here may be the higher one in truth.
    return min(least, 1.0 / most if most > 1.0 else least), min(most, 1.0)


def _between(left_out: Values) -> float:
    """Return the variance by leaving out one day at a time, as that of days of which each resembles the one before."""
    known = left_out[np.isfinite(left_out)]
    if known.size <= 1:
        return 0.0
    apart = known - known.mean()
    alone = float((known.size - 1) / known.size * np.square(apart).sum())
    # A day that raises the gap lowers the one that is left without it.
    return alone * serial_inflation(-apart) ** 2 if known.size >= LEAST_DAYS else alone

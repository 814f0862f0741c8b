"""Quantiles of a column from its counts over a reference's bins."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate
from math import inf, nextafter

from monitoring_pipeline.evaluation.privacy.shown_values import about, may_show
from monitoring_pipeline.evaluation.profiles.bins import SPECIAL_CELLS_BEFORE, NumericBins
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile

SHOWN = (0.05, 0.25, 0.5, 0.75, 0.95)


def quantiles_of(
    bins: NumericBins, profile: ColumnProfile, shares: Sequence[float] = SHOWN
) -> tuple[float, ...] | None:
    """Return the values below which shares of the finite values lie; None if too few rows have one to be shown.

    The rows of a bin are spread evenly over it, so a quantile is off by at most the width of its bin. The outermost
    bins end at the smallest and the largest value, which are rounded to two digits because one row may have them.
    """
    counts = profile.counts[SPECIAL_CELLS_BEFORE : SPECIAL_CELLS_BEFORE + len(bins.edges) + 1]
    reached = list(accumulate(counts))
    if not bins.edges or not may_show(reached[-1]):
        return None
    return tuple(_quantile(bins, profile, share * reached[-1], counts, reached) for share in shares)


def _quantile(
    bins: NumericBins, profile: ColumnProfile, wanted: float, counts: Sequence[int], reached: Sequence[int]
) -> float:
    """Return the value below which so many of the values lie, given the counts of the bins and their sums."""
    # Plain Python, because a page asks for a thousand, and arrays of sixty numbers take longer to make.
    place = bisect_left(reached, wanted)
    place = place if counts[place] else next(later for later in range(place, len(counts)) if counts[later])
    low = bins.edges[place - 1] if place else _rounded(profile.minimum, bins.edges[0], min)
    high = bins.edges[place] if place < len(bins.edges) else _rounded(profile.maximum, bins.edges[-1], max)
    if nextafter(low, inf) == high:  # the bin of a heavy value
        return low
    return low + (wanted - reached[place] + counts[place]) / counts[place] * (high - low)


def _rounded(extreme: float | None, edge: float, outer: Callable[[float, float], float]) -> float:
    return edge if extreme is None else outer(float(about(extreme)), edge)

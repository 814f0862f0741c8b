"""Histograms of equal width, for people, from the counts over a reference's bins."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.profiles.bins import SPECIAL_CELLS_BEFORE, NumericBins
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile

CELLS = 24
LEAST_EDGES = 2
TAIL_SHARE = 0.002
"""Share of the reference's rows that each end of the axis may leave out, so that one outlier does not flatten it."""


@dataclass(frozen=True)
class Histogram:
    """Shares of rows over cells of equal width.

    Args:
        edges: ends of the cells, increasing, one more than cells.
        shares: share of all rows, per profile and cell, shape (profiles, cells).
        below: share of all rows below the first edge, per profile.
        above: share of all rows above the last edge, per profile.
    """

    edges: tuple[float, ...]
    shares: tuple[tuple[float, ...], ...]
    below: tuple[float, ...]
    above: tuple[float, ...]


def histograms(bins: NumericBins, reference: ColumnProfile, *others: ColumnProfile) -> Histogram | None:
    """Return the profiles over cells of equal width; None if the reference's values have no range.

    The axis spans the reference's values without its tails. Rows of a bin are spread evenly over the bin's width, so
    that a cell's share is exact where its ends are edges, and interpolated linearly elsewhere.
    """
    edges = np.array(bins.edges)
    if len(edges) < LEAST_EDGES:
        return None
    low, high = _axis(edges, _inner_counts(bins, reference))
    if not np.isfinite(high - low) or high <= low:
        return None
    cells = np.linspace(low, high, CELLS + 1)
    counted = [_below(bins, profile, cells) for profile in (reference, *others)]
    rows = [max(profile.rows, 1) for profile in (reference, *others)]
    finite = [sum(_inner_counts(bins, profile)) for profile in (reference, *others)]
    return Histogram(
        edges=tuple(map(float, cells)),
        shares=tuple(
            tuple(float(b - a) / total for a, b in pairwise(below)) for below, total in zip(counted, rows, strict=True)
        ),
        below=tuple(float(below[0]) / total for below, total in zip(counted, rows, strict=True)),
        above=tuple(
            float(count - below[-1]) / total for below, count, total in zip(counted, finite, rows, strict=True)
        ),
    )


def _inner_counts(bins: NumericBins, profile: ColumnProfile) -> tuple[int, ...]:
    """Return the counts of the ordered bins: below the first edge, between edges, from the last edge on."""
    return profile.counts[SPECIAL_CELLS_BEFORE : SPECIAL_CELLS_BEFORE + len(bins.edges) + 1]


def _axis(edges: NDArray[np.float64], counts: tuple[int, ...]) -> tuple[float, float]:
    """Return the ends of the axis: the edges that leave out no more than the tails."""
    cumulative = np.cumsum(counts[:-1])
    total = max(sum(counts), 1)
    low = int(np.searchsorted(cumulative, total * TAIL_SHARE, side="right"))
    high = int(np.searchsorted(cumulative, total * (1 - TAIL_SHARE), side="left"))
    return float(edges[max(min(low, len(edges) - 1) - 1, 0)]), float(edges[min(high, len(edges) - 1)])


def _below(bins: NumericBins, profile: ColumnProfile, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the finite values below each point; values outside the edges are spread up to the profile's extremes."""
    counts = _inner_counts(bins, profile)
    edges = np.array(bins.edges)
    cumulative = np.cumsum(counts[:-1]).astype(np.float64)
    inside = np.interp(points, edges, cumulative)
    first = edges[0] if profile.minimum is None else min(profile.minimum, edges[0])
    last = edges[-1] if profile.maximum is None else max(profile.maximum, edges[-1])
    left = np.interp(points, [first, edges[0]], [0.0, cumulative[0]]) if first < edges[0] else cumulative[0]
    right = (
        np.interp(points, [edges[-1], last], [cumulative[-1], cumulative[-1] + counts[-1]])
        if last > edges[-1]
        else cumulative[-1]
    )
    return np.where(points < edges[0], left, np.where(points > edges[-1], right, inside))

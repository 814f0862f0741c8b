"""Histograms of equal width, for people, from the counts over a reference's bins."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.profiles.bins import SPECIAL_CELLS_BEFORE, NumericBins
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile

CELLS = 20
LEAST_EDGES = 2
LEAST_EDGES_TO_TRIM = 4


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

    The axis spans the reference's values. Rows of a bin are spread evenly over the bin's width, so
    that a cell's share is exact where its ends are edges, and interpolated linearly elsewhere.
    """
    edges = np.array(bins.edges)
    if len(edges) < LEAST_EDGES:
        return None
    low, high = _axis(edges)
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


def _axis(edges: NDArray[np.float64]) -> tuple[float, float]:
    """Return the ends of the axis: the outermost edges, without an outer bin that is wider than all others together.

    Otherwise one outlier of the reference would leave a single cell to all other rows.
    """
    if len(edges) < LEAST_EDGES_TO_TRIM:
        return float(edges[0]), float(edges[-1])
    inner = edges[-2] - edges[1]
    low = edges[1] if edges[1] - edges[0] > inner else edges[0]
    high = edges[-2] if edges[-1] - edges[-2] > inner else edges[-1]
    return float(low), float(high)


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

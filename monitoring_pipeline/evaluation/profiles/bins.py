"""Bins frozen from the reference, over which every column is counted."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray

LARGEST_SUMMED = 1e100
"""Larger magnitudes are counted in their bins and left out of the sums, because their squares would overflow."""
SUM_BITS = 30
SMALLEST_REACH = 2.0**-128
MOST_CATEGORIES = 200


@dataclass(frozen=True)
class NumericBins:
    """Bins of a numeric column.

    ``edges`` are the inner cut points, strictly increasing. Bin i holds edges[i-1] <= x < edges[i]; the first and
    the last bin are open and hold the values outside the reference's range.
    ``groups`` gives each bin its place among the coarser bins that the distances quoted at 10 bins use: 0 below the
    reference's range, then the places within it, then one above it.
    ``centre`` is the value that the sums are taken around, ``reach`` a power of two above the outermost quantile's
    distance from it. Summands are rounded to 2**-SUM_BITS of reach, squares to 2**-SUM_BITS of its square. Such
    multiples of a power of two add up to the same bits in every order, engine, thread and split of the rows, as long
    as the sum is below 2**(53 - SUM_BITS) reaches.
    """

    edges: tuple[float, ...]
    groups: tuple[int, ...]
    centre: float
    reach: float = 1.0
    kind: Literal["numeric"] = "numeric"

    @property
    def cells(self) -> tuple[str, ...]:
        """Names of the cells that a profile counts; null sorts below every number."""
        bounds = ("", *(repr(edge) for edge in self.edges), "")
        return ("null", "nan", "-inf", *(f"[{a},{b})" for a, b in pairwise(bounds)), "+inf")


@dataclass(frozen=True)
class CategoricalBins:
    """Bins of a categorical column: the categories of the reference, most frequent first."""

    categories: tuple[str, ...]
    kind: Literal["categorical"] = "categorical"

    @property
    def cells(self) -> tuple[str, ...]:
        """Names of the cells that a profile counts; ``other`` holds all values outside the categories."""
        return ("null", *(f"={category}" for category in self.categories), "other")


SPECIAL_CELLS_BEFORE, SPECIAL_CELLS_AFTER = 3, 1
"""Cells for null, NaN and -infinity come before a numeric column's ordered bins, +infinity comes after them."""
Bins = NumericBins | CategoricalBins


def numeric_bins(values: NDArray[np.float64], *, bins: int = 60, coarse: int = 10) -> NumericBins:
    """Freeze bins at quantiles of the reference; a value with a bin's mass or more gets a separate bin.

    Args:
        values: the reference column; values that are not finite are left out.
        bins: quantile bins, before heavy values are set apart.
        coarse: bins after grouping, without those outside the reference's range.
    """
    finite = np.sort(values[np.isfinite(values)])
    if finite.size == 0:
        return NumericBins((), (0,), 0.0)
    quantiles = np.quantile(finite, np.arange(1, bins) / bins, method="inverted_cdf")
    distinct, repeats = np.unique(finite, return_counts=True)
    heavy = distinct[repeats * bins >= finite.size]
    after_heavy = np.nextafter(heavy[heavy < np.finfo(np.float64).max], np.inf)
    largest = finite[-1:]
    after_largest = np.nextafter(largest[largest < np.finfo(np.float64).max], np.inf)
    edges = np.unique(np.concatenate([finite[:1], quantiles, heavy, after_heavy, after_largest]))
    counts = np.diff(np.concatenate([[0], np.searchsorted(finite, edges, side="left"), [finite.size]]))
    middles = (np.cumsum(counts) - counts / 2) / finite.size
    groups = 1 + np.minimum((middles * coarse).astype(int), coarse - 1)
    # Values outside the reference's range get separate places, so that a summer day differs from a warm winter day.
    groups[0] = 0
    groups[-1] += counts[-1] == 0
    median = float(finite[finite.size // 2])
    centre = median if abs(median) <= LARGEST_SUMMED else 0.0
    summed = finite[np.abs(finite) <= LARGEST_SUMMED]
    outer = np.clip(quantiles, -LARGEST_SUMMED, LARGEST_SUMMED)
    farthest = np.max(np.abs(outer - centre), initial=0.0) or np.max(np.abs(summed - centre), initial=0.0) or 1.0
    reach = float(np.exp2(np.ceil(np.log2(np.clip(farthest, SMALLEST_REACH, LARGEST_SUMMED)))))
    return NumericBins(tuple(map(float, edges)), tuple(map(int, groups)), centre, reach)


def categorical_bins(counts: dict[str, int], *, limit: int = MOST_CATEGORIES) -> CategoricalBins:
    """Freeze the categories of the reference, the ``limit`` most frequent; the rest counts as ``other``."""
    ranked = sorted(counts, key=lambda value: (-counts[value], value))
    return CategoricalBins(tuple(ranked[:limit]))

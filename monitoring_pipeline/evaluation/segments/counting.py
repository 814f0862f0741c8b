"""Profiles of many groups of rows in one pass over each column: the same numbers as one profile of each group's rows.

A group is a segment, or a segment on one day. Groups may overlap, as segments of several segmentations do.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.profiles.bins import (
    LARGEST_SUMMED,
    SPECIAL_CELLS_BEFORE,
    SUM_BITS,
    Bins,
    CategoricalBins,
    NumericBins,
)
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, most_frequent

Codes = NDArray[np.int64]
Values = NDArray[np.float64]


def profile_groups(
    rows: pl.DataFrame, bins: Mapping[str, Bins], codes: Codes, groups: int, *, model_version: str, segment: str = ""
) -> list[ChunkProfile]:
    """Count every column of each group over its bins.

    Args:
        rows: canonical rows of one version.
        bins: bins by column.
        codes: number of each row's group, negative for none, shape (rows,).
        groups: the number of groups.
        model_version: the version.
        segment: the name of the segment that the groups are days of.
    """
    belongs = np.flatnonzero(codes >= 0)
    # In the order of the groups the extremes of each are those of one slice.
    order = belongs[np.argsort(codes[belongs], kind="stable")]
    ordered, sizes = codes[order], np.bincount(codes[belongs], minlength=groups)
    columns = [_profiles(rows[name][order], name, own, ordered, sizes) for name, own in bins.items()]
    return [
        ChunkProfile(model_version, int(sizes[group]), tuple(column[group] for column in columns), segment)
        for group in range(groups)
    ]


def _profiles(values: pl.Series, name: str, bins: Bins, codes: Codes, sizes: Codes) -> list[ColumnProfile]:
    if isinstance(bins, NumericBins):
        return _of_numbers(values.cast(pl.Float64), name, bins, codes, sizes)
    return _of_categories(values.cast(pl.String), name, bins, codes, sizes)


def _of_numbers(values: pl.Series, name: str, bins: NumericBins, codes: Codes, sizes: Codes) -> list[ColumnProfile]:
    is_null = values.is_null().to_numpy()
    numbers = values.fill_null(0.0).to_numpy()
    is_finite = np.isfinite(numbers) & ~is_null
    cells = SPECIAL_CELLS_BEFORE + np.searchsorted(bins.edges, numbers, side="right")
    last = len(bins.cells) - 1
    cells = np.select(
        [is_null, np.isnan(numbers), numbers == -np.inf, numbers == np.inf], [0, 1, 2, last], default=cells
    )
    counts = _counted(codes, cells, sizes.size, last + 1)
    unit, unit_squared = bins.reach / 2**SUM_BITS, bins.reach**2 / 2**SUM_BITS
    summed = is_finite & (np.abs(numbers) <= LARGEST_SUMMED)
    centred = np.where(summed, numbers, bins.centre) - bins.centre
    # Multiples of a power of two add up to the same sum in every order.
    sums = np.bincount(codes, np.floor(centred / unit + 0.5), sizes.size) * unit
    squares = np.bincount(codes, np.floor(centred * centred / unit_squared + 0.5), sizes.size) * unit_squared
    lowest = _extremes(np.minimum, np.where(is_finite, numbers, np.inf), sizes)
    highest = _extremes(np.maximum, np.where(is_finite, numbers, -np.inf), sizes)
    return [
        ColumnProfile(name, tuple(own), _finite(low), _finite(high), float(total), float(square))
        for own, low, high, total, square in zip(counts.tolist(), lowest, highest, sums, squares, strict=True)
    ]


def _of_categories(
    values: pl.Series, name: str, bins: CategoricalBins, codes: Codes, sizes: Codes
) -> list[ColumnProfile]:
    places = {category: place for place, category in enumerate(bins.categories, start=1)}
    last = len(bins.cells) - 1
    is_null = values.is_null().to_numpy()
    cells = np.where(
        is_null,
        0,
        values.replace_strict(places, default=last, return_dtype=pl.Int64).fill_null(last).to_numpy()
        if places
        else last,
    )
    counts = _counted(codes, cells, sizes.size, last + 1)
    unseen = cells == last
    names: list[dict[str, int]] = [{} for _ in range(sizes.size)]
    if unseen.any():
        found = pl.DataFrame({"group": codes[unseen], "value": values.filter(pl.Series(unseen))})
        for group, value, rows in found.group_by("group", "value").len().iter_rows():
            names[group][value] = rows
    return [
        ColumnProfile(name, tuple(own), unseen=most_frequent(of_group))
        for own, of_group in zip(counts.tolist(), names, strict=True)
    ]


def _counted(codes: Codes, cells: Codes, groups: int, cells_of_column: int) -> Codes:
    flat = np.bincount(codes * cells_of_column + cells, minlength=groups * cells_of_column)
    return flat.reshape(groups, cells_of_column)


def _extremes(function: np.ufunc, values: Values, sizes: Codes) -> Sequence[float]:
    filled = np.flatnonzero(sizes)
    found = np.full(sizes.size, np.nan)
    if filled.size:
        starts = (np.cumsum(sizes) - sizes)[filled]
        found[filled] = function.reduceat(values, starts)
    return found.tolist()


def _finite(number: float) -> float | None:
    return number + 0.0 if np.isfinite(number) else None

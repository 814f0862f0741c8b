"""Profiles of columns from rows that were counted elsewhere: one group per cell, or per category."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitoring_pipeline.evaluation.profiles.bins import (
    SPECIAL_CELLS_AFTER,
    SPECIAL_CELLS_BEFORE,
    SUM_BITS,
    CategoricalBins,
    NumericBins,
)
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile, most_frequent

LIMB = 2**20
"""Sums of summands are counted in two parts, of which the lower one is below it.

Each part of 8 thousand million rows is below 2**53, so that floats add it up exactly.
"""


@dataclass(frozen=True)
class CellGroup:
    """The rows of one cell: their number, extremes, and the two parts of the sums of summands and squares."""

    cell: int
    rows: int
    minimum: float | None = None
    maximum: float | None = None
    sum_high: float | None = None
    sum_low: float | None = None
    squares_high: float | None = None
    squares_low: float | None = None


def profile_of_cells(column: str, bins: NumericBins, groups: Iterable[CellGroup]) -> ColumnProfile:
    """Return the profile of a numeric column; the order of the groups does not matter."""
    counts = [0] * len(bins.cells)
    total, squares = 0, 0
    extremes: list[float] = []
    for group in groups:
        counts[group.cell] += group.rows
        if SPECIAL_CELLS_BEFORE <= group.cell < len(counts) - SPECIAL_CELLS_AFTER:
            # Adding zero removes the sign of a zero.
            extremes += [value + 0.0 for value in (group.minimum, group.maximum) if value is not None]
            total += int(group.sum_high or 0.0) * LIMB + int(group.sum_low or 0.0)
            squares += int(group.squares_high or 0.0) * LIMB + int(group.squares_low or 0.0)
    return ColumnProfile(
        column=column,
        counts=tuple(counts),
        minimum=min(extremes, default=None),
        maximum=max(extremes, default=None),
        sum_centred=float(total) * (bins.reach / 2**SUM_BITS),
        sum_squares_centred=float(squares) * (bins.reach**2 / 2**SUM_BITS),
    )


def profile_of_categories(
    column: str, bins: CategoricalBins, known: Mapping[str | None, int], unseen: Mapping[str, int], *, other: int
) -> ColumnProfile:
    """Return the profile of a categorical column.

    Args:
        column: its name.
        bins: its bins.
        known: rows by category, with None for null.
        unseen: rows of the most frequent other values.
        other: rows of all other values.
    """
    counts = (known.get(None, 0), *(known.get(category, 0) for category in bins.categories), other)
    return ColumnProfile(column, counts, unseen=most_frequent(unseen))

"""Profiles: counts of a chunk's columns over bins frozen from the reference.

They are narwhals expressions, so that Polars, DuckDB and every other engine that narwhals supports give the same
integers. On a frame of Polars the same expressions are built by Polars itself, because narwhals takes longer to build
them than Polars takes to count a small chunk. Profiles of disjoint rows add up to the profile of their union.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, reduce
from itertools import pairwise
from math import inf
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.privacy.shown_values import cut
from monitoring_pipeline.evaluation.profiles.bins import LARGEST_SUMMED, SUM_BITS, Bins, CategoricalBins, NumericBins

UNSEEN_NAMES_KEPT = 50
FEW_ROWS = 20_000
EXACT_SUM = 2.0**52
"""Up to it, whole numbers add up to the same sum in every order."""


@dataclass(frozen=True)
class Unseen:
    """A value that is not among the reference's categories, and its rows; a long value is clipped, as it is stored."""

    value: str
    rows: int


@dataclass(frozen=True)
class ColumnProfile:
    """Counts of one column, one per cell of its bins, and further numbers that can be added up.

    The sums are over values of magnitude up to LARGEST_SUMMED, around the bins' ``centre``. ``unseen`` names the
    most frequent values in the cell ``other``, at most UNSEEN_NAMES_KEPT.
    """

    column: str
    counts: tuple[int, ...]
    minimum: float | None = None
    maximum: float | None = None
    sum_centred: float = 0.0
    sum_squares_centred: float = 0.0
    unseen: tuple[Unseen, ...] = ()

    @property
    def rows(self) -> int:
        """Rows counted, nulls included."""
        return sum(self.counts)

    @property
    def null_share(self) -> float:
        """Share of rows that are null; 0 without rows."""
        return self.counts[0] / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class ChunkProfile:
    """Profiles of columns of one model version's rows in one chunk, or of a ``segment`` of those rows."""

    model_version: str
    rows: int
    columns: tuple[ColumnProfile, ...]
    segment: str = ""

    def __getitem__(self, column: str) -> ColumnProfile:
        """Return one column's profile.

        Raises:
            KeyError: if there is none; the message lists the profiled columns.
        """
        if column not in self:
            raise KeyError(f"no profile of {column!r}; known: {', '.join(self._by_column)}")
        return self._by_column[column]

    def __contains__(self, column: str) -> bool:
        """Return whether a column was profiled."""
        return column in self._by_column

    @cached_property
    def _by_column(self) -> dict[str, ColumnProfile]:
        return {profile.column: profile for profile in self.columns}


def profile_chunk(frame: nw.LazyFrame[Any], bins: dict[str, Bins], *, model_version: str) -> ChunkProfile:
    """Count every column of ``frame`` over its bins, one column at a time.

    Args:
        frame: rows of one model version; only the columns named in ``bins`` are read.
        bins: bins by column.
        model_version: the version that made the predictions.
    """
    columns = tuple(profile_column(frame.select(nw.col(name)), name, column_bins) for name, column_bins in bins.items())
    return ChunkProfile(model_version, columns[0].rows if columns else 0, columns)


def profile_column(frame: nw.LazyFrame[Any], column: str, bins: Bins) -> ColumnProfile:
    """Count one column over its bins."""
    # narwhals has a part of the interface of Polars, under the same names.
    api, rows = (pl, frame.to_native()) if frame.implementation.is_polars() else (nw, frame)
    if isinstance(bins, NumericBins):
        return _profile_numeric(api, rows, column, bins)
    return _profile_categorical(api, rows, column, bins)


def add_profiles(first: ColumnProfile, second: ColumnProfile) -> ColumnProfile:
    """Return the profile of the union of two disjoint sets of rows, counted over the same bins.

    Raises:
        ValueError: if the two are not of one column over the same cells.
    """
    if first.column != second.column or len(first.counts) != len(second.counts):
        message = f"cannot add profiles of {first.column!r} and {second.column!r}: not the same cells"
        raise ValueError(message)
    unseen: dict[str, int] = {}
    for entry in (*first.unseen, *second.unseen):
        unseen[entry.value] = unseen.get(entry.value, 0) + entry.rows
    return ColumnProfile(
        column=first.column,
        counts=tuple(a + b for a, b in zip(first.counts, second.counts, strict=True)),
        minimum=min((m for m in (first.minimum, second.minimum) if m is not None), default=None),
        maximum=max((m for m in (first.maximum, second.maximum) if m is not None), default=None),
        sum_centred=first.sum_centred + second.sum_centred,
        sum_squares_centred=first.sum_squares_centred + second.sum_squares_centred,
        unseen=most_frequent(unseen),
    )


def sum_profiles(profiles: Iterable[ChunkProfile]) -> ChunkProfile:
    """Return the profile of the union of disjoint chunks of one version, counted over the same bins.

    A column that was left out of one of the chunks is left out of their union.

    Raises:
        ValueError: if there is none, or if they are not over the same cells.
    """
    return reduce(_add_chunks, profiles)


def _add_chunks(first: ChunkProfile, second: ChunkProfile) -> ChunkProfile:
    others = {profile.column: profile for profile in second.columns}
    columns = tuple(add_profiles(a, others[a.column]) for a in first.columns if a.column in others)
    return ChunkProfile(first.model_version, first.rows + second.rows, columns, first.segment)


def with_columns_of(profile: ChunkProfile, other: ChunkProfile) -> ChunkProfile:
    """Return a profile in which some columns are those of another one, in the place that they had."""
    others = {column.column: column for column in other.columns}
    return replace(profile, columns=tuple(others.get(own.column, own) for own in profile.columns))


def is_constant(bins: Bins, column: ColumnProfile) -> bool:
    """Return whether all values that are not null are equal, as far as the counts show."""
    filled = [cell for cell, count in enumerate(column.counts) if count and cell]
    if len(filled) != 1:
        return False
    if isinstance(bins, NumericBins):
        return column.minimum == column.maximum
    return filled[0] < len(column.counts) - 1 or len(column.unseen) == 1


def _profile_numeric(api: Any, frame: Any, column: str, bins: NumericBins) -> ColumnProfile:
    if api is pl:
        values = frame.select(pl.col(column).cast(pl.Float64)).collect()
        if (profile := _few_numbers(values[column], bins)) is not None:
            return profile
        frame = values.lazy()
    cast = api.col(column).cast(api.Float64)
    # Only finite values are compared, because engines disagree on where NaN sorts. The projection is separate,
    # because Polars would otherwise compute the shared expression again for every edge.
    projected = frame.select(cast.alias("x"), api.when(cast.is_finite()).then(cast).alias("finite"))
    x, finite = api.col("x"), api.col("finite")
    centred = api.when(finite.abs() <= LARGEST_SUMMED).then(finite) - bins.centre
    unit, unit_squared = bins.reach / 2**SUM_BITS, bins.reach**2 / 2**SUM_BITS
    row = _only_row(
        projected.select(
            x.is_null().sum().alias("null"),
            x.is_nan().sum().alias("nan"),
            (x == float("-inf")).sum().alias("-inf"),
            (x == float("inf")).sum().alias("+inf"),
            finite.count().alias("n_finite"),
            finite.min().alias("minimum"),
            finite.max().alias("maximum"),
            _rounded(centred / unit).sum().alias("sum"),
            _rounded(centred * centred / unit_squared).sum().alias("sum_squares"),
            *((finite < edge).sum().alias(f"below_{i}") for i, edge in enumerate(bins.edges)),
        )
    )
    below = [_integer(row[f"below_{i}"]) for i in range(len(bins.edges))]
    cumulative = [0, *below, _integer(row["n_finite"])]
    binned = [upper - lower for lower, upper in pairwise(cumulative)]
    special = {name: _integer(row[name]) for name in ("null", "nan", "-inf", "+inf")}
    return ColumnProfile(
        column=column,
        counts=(special["null"], special["nan"], special["-inf"], *binned, special["+inf"]),
        minimum=_number(row["minimum"]),
        maximum=_number(row["maximum"]),
        sum_centred=(_number(row["sum"]) or 0.0) * unit,
        sum_squares_centred=(_number(row["sum_squares"]) or 0.0) * unit_squared,
    )


def _few_numbers(values: pl.Series, bins: NumericBins) -> ColumnProfile | None:
    """Count few numbers by numpy, which is faster than to build expressions for them; None if they are not counted.

    Counts, minimum and maximum are those of the expressions, and so are the sums, because sums that depend on the
    order of the rows are not made here.
    """
    if values.len() > FEW_ROWS:
        return None
    known = values.drop_nulls()
    numbers = known.to_numpy()
    is_finite = np.isfinite(numbers)
    is_all = bool(is_finite.all())
    finite = numbers if is_all else numbers[is_finite]
    unit, unit_squared = bins.reach / 2**SUM_BITS, bins.reach**2 / 2**SUM_BITS
    centred = finite[np.abs(finite) <= LARGEST_SUMMED] - bins.centre
    steps, squares = np.floor(centred / unit + 0.5), np.floor(centred * centred / unit_squared + 0.5)
    if not (np.abs(steps).sum() <= EXACT_SUM and squares.sum() <= EXACT_SUM):
        return None
    below = np.searchsorted(np.sort(finite), bins.edges, side="left").tolist()
    binned = [upper - lower for lower, upper in pairwise([0, *below, finite.size])]
    special = (
        (0, 0, 0) if is_all else (int(np.isnan(numbers).sum()), *(int((numbers == end).sum()) for end in (-inf, inf)))
    )
    of_finite = known if is_all else known.filter(pl.Series(is_finite))
    return ColumnProfile(
        column=values.name,
        counts=(values.null_count(), *special[:2], *binned, special[2]),
        minimum=_number(of_finite.min()),
        maximum=_number(of_finite.max()),
        sum_centred=float(steps.sum()) * unit,
        sum_squares_centred=float(squares.sum()) * unit_squared,
    )


def _profile_categorical(api: Any, frame: Any, column: str, bins: CategoricalBins) -> ColumnProfile:
    value, rows = api.col("value"), api.col("rows")
    counted = (
        frame.select(api.col(column).cast(api.String).alias("value")).group_by("value").agg(api.len().alias("rows"))
    )
    # Engines reject an empty list, or infer a wrong type for it.
    unseen = ~value.is_null() & ~value.is_in(bins.categories) if bins.categories else ~value.is_null()
    cells = (
        counted.select(api.when(~unseen).then(value).alias("value"), unseen.alias("unseen"), rows)
        .group_by("value", "unseen")
        .agg(rows.sum())
    )
    by_cell = {(row["value"], row["unseen"]): _integer(row["rows"]) for row in cells.collect().rows(named=True)}
    other = by_cell.get((None, True), 0)
    names = counted.filter(unseen).sort("rows", "value", descending=[True, False]).head(UNSEEN_NAMES_KEPT)
    return ColumnProfile(
        column=column,
        counts=(
            by_cell.get((None, False), 0),
            *(by_cell.get((category, False), 0) for category in bins.categories),
            other,
        ),
        unseen=most_frequent(_counts(names)) if other else (),
    )


def _rounded(numbers: Any) -> Any:
    # Not round(): engines round halves differently.
    return (numbers + 0.5).floor()


def _only_row(frame: Any) -> dict[str, Any]:
    return next(iter(frame.collect().rows(named=True)))


def _counts(frame: Any) -> dict[str, int]:
    return {row["value"]: _integer(row["rows"]) for row in frame.collect().rows(named=True)}


def most_frequent(counts: Mapping[str, int]) -> tuple[Unseen, ...]:
    """Return the most frequent of the values, of equal ones the first by name."""
    ranked: Sequence[tuple[str, int]] = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Unseen(cut(value), rows) for value, rows in ranked[:UNSEEN_NAMES_KEPT])


def _integer(value: Any) -> int:
    # DuckDB returns NULL, and Decimal for large sums, where Polars returns 0 and an integer.
    return 0 if value is None else int(value)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)

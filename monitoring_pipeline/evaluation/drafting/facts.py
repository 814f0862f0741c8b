"""Facts of a table: counts over all rows, and what a sample of the rows shows of each column."""

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import polars as pl

MOST_VALUES = 30
"""Values of a column that are counted by name."""
NEARLY_ALL = 0.99
WORDS_FOR_NOTHING = frozenset(
    {"", "na", "n/a", "nan", "null", "none", "nil", "?", "-", "--", ".", "missing", "unknown"}
)

_ISO_DATE = r"^\s*\d{4}-\d{2}-\d{2}\s*$"
_ISO_TIME = r"^\s*\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}"
_OFFSET = r"(?:[zZ]|[+-]\d{2}(?::?\d{2})?)\s*$"
_EPOCH_BOUNDS = ((9e8, 5e9), (9e11, 5e12), (9e14, 5e15), (9e17, 5e18))
"""Epochs of the years 1998 to 2128 in seconds, milliseconds, microseconds and nanoseconds."""


class ValueKind(StrEnum):
    """How the values of a column can be read."""

    NUMBER = "number"
    INTEGER = "whole number"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"
    INSTANT = "time with a zone"
    LOCAL_TIME = "time without a zone"
    NESTED = "nested"
    OTHER = "other"
    EMPTY = "nothing"


NUMERIC = frozenset({ValueKind.NUMBER, ValueKind.INTEGER})
TIMES = frozenset({ValueKind.DATE, ValueKind.INSTANT, ValueKind.LOCAL_TIME})


@dataclass(frozen=True)
class ColumnCounts:
    """Counts of a column over all rows of its table."""

    nulls: int
    distinct: int


@dataclass(frozen=True, kw_only=True, eq=False)
class TableSample:
    """A table as it was read.

    Args:
        name: its name as a spec would write it.
        rows: the number of its rows.
        types: the type of each column, as the warehouse names it.
        counts: counts over all rows; empty if the table is too large to count, or the column is nested.
        frame: a deterministic sample of its rows.
    """

    name: str
    rows: int
    types: Mapping[str, str]
    counts: Mapping[str, ColumnCounts]
    frame: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class ColumnFacts:
    """What is known of a column.

    Args:
        name: its name.
        position: its place in the table.
        type: its type, as the warehouse names it.
        kind: how its values can be read; text that holds numbers or ISO 8601 times is read as such.
        rows: rows of the table.
        nulls: rows without a value.
        distinct: different values.
        is_text: whether the values are text in the table.
        is_epoch: whether the numbers can be seconds, or finer units, since 1970, or dates of eight digits.
        lowest: the smallest number.
        highest: the largest number.
        values: the most frequent values of the sample, and their shares of the rows with a value.
        words: values that are no numbers in a column of numbers, such as ``NA``.
    """

    name: str
    position: int
    type: str
    kind: ValueKind
    rows: int
    nulls: int
    distinct: int
    is_text: bool = False
    is_epoch: bool = False
    lowest: float | None = None
    highest: float | None = None
    values: tuple[tuple[object, float], ...] = ()
    words: tuple[str, ...] = ()

    @property
    def filled(self) -> int:
        """Rows with a value."""
        return self.rows - self.nulls

    @property
    def is_numeric(self) -> bool:
        """Whether it holds numbers, or text that holds numbers."""
        return self.kind in NUMERIC

    @property
    def is_time(self) -> bool:
        """Whether it holds times in any form that a spec can name."""
        return self.kind in TIMES or self.is_epoch

    @property
    def is_unique(self) -> bool:
        """Whether every row has a value, and nearly all of them differ."""
        return self.rows > 0 and self.nulls == 0 and self.distinct >= NEARLY_ALL * self.rows

    @property
    def is_nearly_unique(self) -> bool:
        """Whether most values occur once."""
        return self.filled > 0 and self.distinct >= 0.9 * self.filled

    @property
    def is_constant(self) -> bool:
        """Whether it has one value or none."""
        return self.distinct <= 1

    @property
    def is_share(self) -> bool:
        """Whether all numbers lie from 0 to 1."""
        return self.is_numeric and self.lowest is not None and self.lowest >= 0 and (self.highest or 0) <= 1


@dataclass(frozen=True, eq=False)
class TableFacts:
    """What is known of a table; ``frame`` holds the sampled rows."""

    name: str
    rows: int
    columns: Mapping[str, ColumnFacts]
    frame: pl.DataFrame = field(default_factory=pl.DataFrame)

    def numbers(self, name: str) -> pl.Series:
        """Return the sampled values of a column as numbers; all else is null."""
        return as_numbers(self.frame[name])


def table_facts(table: TableSample) -> TableFacts:
    """Return the facts of a table."""
    columns = {
        name: _column_facts(table, name, position) for position, name in enumerate(table.types) if name in table.frame
    }
    return TableFacts(table.name, table.rows, columns, table.frame)


def as_numbers(values: pl.Series) -> pl.Series:
    """Return values as finite numbers; all else is null."""
    if values.dtype == pl.String:
        values = values.str.strip_chars().cast(pl.Float64, strict=False)
    elif values.dtype.is_numeric() or isinstance(values.dtype, pl.Boolean | pl.Null):
        values = values.cast(pl.Float64)
    else:
        values = pl.Series(values.name, [None] * values.len(), dtype=pl.Float64)
    return pl.select(pl.when(values.is_finite()).then(values).alias(values.name)).to_series()


def _column_facts(table: TableSample, name: str, position: int) -> ColumnFacts:
    values = table.frame[name]
    filled = values.drop_nulls()
    kind, is_epoch = _kind_of(name, filled)
    nested = kind is ValueKind.NESTED
    counted = table.counts.get(name)
    if counted is None:
        share_null = values.null_count() / values.len() if values.len() else 0.0
        nulls, distinct = round(share_null * table.rows), 0 if nested else filled.n_unique()
        if filled.len() and distinct == filled.len():
            # Every sampled value differs, so it is taken that those of all rows do.
            distinct = table.rows - nulls
    else:
        nulls, distinct = counted.nulls, counted.distinct
    numbers = as_numbers(filled) if kind in NUMERIC or is_epoch else None
    return ColumnFacts(
        name=name,
        position=position,
        type=table.types[name],
        kind=kind,
        rows=table.rows,
        nulls=nulls,
        distinct=distinct,
        is_text=filled.dtype == pl.String,
        is_epoch=is_epoch,
        lowest=_float(numbers.min()) if numbers is not None else None,
        highest=_float(numbers.max()) if numbers is not None else None,
        values=() if nested or kind is ValueKind.OTHER else _frequent(filled),
        words=_words(filled) if kind in NUMERIC and filled.dtype == pl.String else (),
    )


_KINDS: Sequence[tuple[type[pl.DataType], ValueKind]] = (
    (pl.Boolean, ValueKind.BOOLEAN),
    (pl.Date, ValueKind.DATE),
    (pl.Struct, ValueKind.NESTED),
    (pl.List, ValueKind.NESTED),
    (pl.Array, ValueKind.NESTED),
    (pl.Null, ValueKind.EMPTY),
)


def _kind_of(name: str, filled: pl.Series) -> tuple[ValueKind, bool]:
    """Return the kind of the values, and True if they are numbers that may be times."""
    dtype = filled.dtype
    if filled.is_empty():
        return ValueKind.EMPTY, False
    for its_type, kind in _KINDS:
        if isinstance(dtype, its_type):
            return kind, False
    if isinstance(dtype, pl.Datetime):
        return (ValueKind.INSTANT if dtype.time_zone else ValueKind.LOCAL_TIME), False
    if dtype.is_integer():
        return ValueKind.INTEGER, _may_be_time(name, filled)
    if dtype.is_numeric():
        return ValueKind.NUMBER, _may_be_time(name, filled)
    return (_kind_of_text(filled), False) if dtype == pl.String else (ValueKind.OTHER, False)


def _kind_of_text(filled: pl.Series) -> ValueKind:
    said = filled.filter(~filled.str.strip_chars().str.to_lowercase().is_in(list(WORDS_FOR_NOTHING)))
    if said.is_empty():
        return ValueKind.TEXT
    if _share(said.str.contains(_ISO_DATE)) >= NEARLY_ALL:
        return ValueKind.DATE
    if _share(said.str.contains(_ISO_TIME)) >= NEARLY_ALL:
        return ValueKind.INSTANT if _share(said.str.contains(_OFFSET)) >= NEARLY_ALL else ValueKind.LOCAL_TIME
    numbers = as_numbers(said)
    # A code such as 007 is text, because its zeros would be lost.
    if numbers.null_count() or said.str.contains(r"^\s*[-+]?0\d").any():
        return ValueKind.TEXT
    return ValueKind.INTEGER if bool((numbers == numbers.floor()).all()) else ValueKind.NUMBER


_TIME_WORDS = re.compile(
    r"(time|date|epoch|(^|_)ts($|_)|_at$|(?-i:[a-z](Ts|At)$)|timestamp|day|when|created|scored|observed)", re.IGNORECASE
)
_FIRST_DATE, _LAST_DATE = 19700101, 21001231


def _may_be_time(name: str, filled: pl.Series) -> bool:
    if not _TIME_WORDS.search(name):
        return False
    low, high = _float(filled.min()), _float(filled.max())
    if low is None or high is None:
        return False
    if low >= _FIRST_DATE and high <= _LAST_DATE:
        whole = filled.cast(pl.Int64)
        month, day = whole // 100 % 100, whole % 100
        return bool((month.is_between(1, 12) & day.is_between(1, 31)).all())
    return any(lower <= low and high <= upper for lower, upper in _EPOCH_BOUNDS)


def _frequent(filled: pl.Series) -> tuple[tuple[object, float], ...]:
    counts = filled.alias("value").value_counts(name="count").sort(["count", "value"], descending=[True, False])
    return tuple((value, count / filled.len()) for value, count in counts.head(MOST_VALUES).iter_rows())


def _words(filled: pl.Series) -> tuple[str, ...]:
    words = filled.filter(as_numbers(filled).is_null())
    return tuple(sorted(words.str.strip_chars().unique().to_list()))[:MOST_VALUES]


def _share(matches: pl.Series) -> float:
    return float(matches.sum()) / matches.len()


def _float(value: object) -> float | None:
    if isinstance(value, bool | int | float) and math.isfinite(value):
        return float(value)
    return None


def shown(value: object) -> str:
    """Return a value as evidence shows it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return str(value)

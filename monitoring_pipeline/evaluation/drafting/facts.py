"""Facts of a table: counts over all rows, and what a sample of the rows shows of each column."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from monitoring_pipeline.evaluation.drafting.unread_text import UnreadForm, unread_form
from monitoring_pipeline.evaluation.drafting.value_kinds import (
    NEARLY_ALL,
    NUMERIC,
    TIMES,
    ValueKind,
    as_numbers,
    finite,
    kind_of,
    vector_size,
    words_of_text,
)
from monitoring_pipeline.evaluation.rows.usual_nulls import WORDS_FOR_PENDING

TWO = 2
MOST_VALUES = 30
"""Values of a column that are counted by name."""


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
        pending: values of a label that mean "not known yet", and count as none; see ``as_label``.
        unread: the form of times or numbers that are written as text in a form that is not read.
        vector_size: how many numbers its lists have, if nearly all have as many.
        words_of_text: words of a value on average, if its values are texts that people wrote.
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
    pending: tuple[str, ...] = ()
    unread: UnreadForm | None = None
    vector_size: int | None = None
    words_of_text: float | None = None

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
    def as_label(self) -> "ColumnFacts":
        """The column without words such as ``pending`` if two other values remain, as of a binary label."""
        shares = {str(value): share for value, share in self.values}
        pending = tuple(word for word in shares if word.strip().lower() in WORDS_FOR_PENDING)
        if self.kind is not ValueKind.TEXT or not pending or self.distinct - len(pending) != TWO:
            return self
        known = 1 - sum(shares[word] for word in pending)
        return replace(
            self,
            nulls=self.nulls + round(self.filled * (1 - known)),
            distinct=TWO,
            values=tuple((value, share / known) for value, share in self.values if str(value) not in pending),
            pending=pending,
        )

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


def _column_facts(table: TableSample, name: str, position: int) -> ColumnFacts:
    values = table.frame[name]
    filled = values.drop_nulls()
    kind, is_epoch = kind_of(name, table.types[name], filled)
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
        lowest=finite(numbers.min()) if numbers is not None else None,
        highest=finite(numbers.max()) if numbers is not None else None,
        values=() if nested or kind is ValueKind.OTHER else _frequent(filled),
        words=_words(filled) if kind in NUMERIC and filled.dtype == pl.String else (),
        unread=unread_form(filled) if kind is ValueKind.TEXT else None,
        vector_size=vector_size(filled) if nested else None,
        words_of_text=words_of_text(filled) if kind is ValueKind.TEXT else None,
    )


def _frequent(filled: pl.Series) -> tuple[tuple[object, float], ...]:
    counts = filled.alias("value").value_counts(name="count").sort(["count", "value"], descending=[True, False])
    return tuple((value, count / filled.len()) for value, count in counts.head(MOST_VALUES).iter_rows())


def _words(filled: pl.Series) -> tuple[str, ...]:
    words = filled.filter(as_numbers(filled).is_null())
    return tuple(sorted(words.str.strip_chars().unique().to_list()))[:MOST_VALUES]


def shown(value: object) -> str:
    """Return a value as evidence shows it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()
    return str(value)

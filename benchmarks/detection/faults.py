"""Faults of data: each makes the rows of a bad day from those of a good one.

A fault is a function of a ``GoodDay`` and a generator of random numbers. It returns the rows of the bad day, and the
columns that it touched; none if it touched rows as a whole. A draw that changes less than ``LEAST_CHANGED`` of the
rows, such as the sign of a column of zeros, is drawn again.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

LEAST_CHANGED = 0.04
MOST_DRAWS = 100
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
BYTE_ORDER_MARK = "\ufeff"
SENTINEL = -999.0
Random = np.random.Generator


@dataclass(frozen=True)
class GoodDay:
    """The rows of a day, and what a fault needs to know about them.

    Attributes:
        rows: the rows.
        earlier: the rows of the same weekday a week before.
        numbers: numeric inputs.
        categories: inputs of text.
        id: column of ids.
        time: column of times.
        zone: time zone of the days.
    """

    rows: pl.DataFrame
    earlier: pl.DataFrame
    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    id: str
    time: str
    zone: str

    def some_number(self, random: Random) -> str:
        """Return the name of one numeric input."""
        return self.numbers[random.integers(len(self.numbers))]

    def some_category(self, random: Random) -> str:
        """Return the name of one input of text that has several values."""
        several = [name for name in self.categories if self.rows[name].n_unique() > 1]
        return several[random.integers(len(several))]

    def some_rows(self, random: Random, share: float) -> pl.Series:
        """Return whether each row belongs to a random share."""
        return pl.Series(random.random(self.rows.height) < share)

    def with_values(self, column: str, values: pl.Expr | pl.Series, where: pl.Series | None = None) -> pl.DataFrame:
        """Return the rows with other values in a column: in all rows, or where a mask is true."""
        new = pl.lit(values) if isinstance(values, pl.Series) else values
        chosen = new if where is None else pl.when(pl.lit(where)).then(new).otherwise(pl.col(column))
        return self.rows.with_columns(chosen.alias(column))


@dataclass(frozen=True)
class BadDay:
    """The rows of a bad day, and the columns that the fault touched."""

    rows: pl.DataFrame
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fault:
    """A fault: its name in tables, in words what happens, and the function that makes the bad day."""

    name: str
    what: str
    make: Callable[[GoodDay, Random], BadDay]


def _missing_at_random(day: GoodDay, random: Random) -> BadDay:
    column = [*day.numbers, *day.categories][random.integers(len(day.numbers) + len(day.categories))]
    return BadDay(day.with_values(column, pl.lit(None), day.some_rows(random, 0.3)), (column,))


def _missing_not_at_random(day: GoodDay, random: Random) -> BadDay:
    column = day.some_number(random)
    values = day.rows[column]
    highest = values.rank("ordinal", descending=True) <= 0.2 * values.count()
    return BadDay(day.with_values(column, pl.lit(None), highest.fill_null(value=False)), (column,))


def _swapped_columns(day: GoodDay, random: Random) -> BadDay:
    one, other = (day.numbers[place] for place in random.choice(len(day.numbers), 2, replace=False))
    numbers = day.rows.with_columns(pl.col(one, other).cast(pl.Float64))
    return BadDay(numbers.with_columns(pl.col(other).alias(one), pl.col(one).alias(other)), (one, other))


def _scaled(day: GoodDay, random: Random) -> BadDay:
    column, factor = day.some_number(random), float(random.choice([0.1, 10.0, 1.609344, 0.453592]))
    return BadDay(day.with_values(column, pl.col(column) * factor), (column,))


def _noise(day: GoodDay, random: Random) -> BadDay:
    column = day.some_number(random)
    spread = float(np.nan_to_num(np.asarray(day.rows[column].drop_nulls().std() or 0.0)))
    noisy = day.rows[column] + pl.Series(random.normal(0, 2 * spread, day.rows.height))
    return BadDay(day.with_values(column, noisy, day.some_rows(random, 0.5)), (column,))


def _typos(day: GoodDay, random: Random) -> BadDay:
    column = day.some_category(random)

    def mistyped(text: str | None) -> str | None:
        if not text:
            return text
        place, letter = random.integers(len(text)), LETTERS[random.integers(len(LETTERS))]
        return f"{text[:place]}{letter}{text[place + 1 :]}"

    typed = pl.Series([mistyped(text) for text in day.rows[column]], dtype=pl.String)
    return BadDay(day.with_values(column, typed, day.some_rows(random, 0.2)), (column,))


def _encoding(day: GoodDay, random: Random) -> BadDay:
    column = day.some_category(random)
    return BadDay(day.with_values(column, pl.lit(BYTE_ORDER_MARK) + pl.col(column)), (column,))


def _stale_copy(day: GoodDay, _: Random) -> BadDay:
    """Return the rows of a week before, a week later by the clock, with ids of their own."""
    local = pl.col(day.time).dt.convert_time_zone(day.zone)
    again = day.earlier.with_columns(
        local.dt.offset_by("1w").dt.convert_time_zone("UTC"), pl.concat_str(day.id, pl.lit("-again"))
    )
    return BadDay(again)


def _duplicated_rows(day: GoodDay, random: Random) -> BadDay:
    return BadDay(pl.concat([day.rows, day.rows.filter(day.some_rows(random, 0.2))]))


def _outage(day: GoodDay, random: Random) -> BadDay:
    column = day.some_category(random)
    shares = day.rows[column].value_counts().filter(pl.col("count") >= 0.1 * day.rows.height).sort(column)
    if shares.is_empty():
        return BadDay(day.rows, (column,))
    gone = shares[column][int(random.integers(shares.height))]
    return BadDay(day.rows.filter(pl.col(column).ne_missing(pl.lit(gone))), (column,))


def _sign_flip(day: GoodDay, random: Random) -> BadDay:
    column = day.some_number(random)
    return BadDay(day.with_values(column, -pl.col(column)), (column,))


def _shifted_decimal(day: GoodDay, random: Random) -> BadDay:
    column = day.some_number(random)
    return BadDay(day.with_values(column, pl.col(column) * 10, day.some_rows(random, 0.05)), (column,))


def _constant(day: GoodDay, random: Random) -> BadDay:
    column = [*day.numbers, *day.categories][random.integers(len(day.numbers) + len(day.categories))]
    first = day.rows[column].drop_nulls()[0]
    return BadDay(day.rows.with_columns(pl.lit(first, dtype=day.rows[column].dtype).alias(column)), (column,))


def _sentinel(day: GoodDay, random: Random) -> BadDay:
    column = day.some_number(random)
    return BadDay(day.with_values(column, pl.lit(SENTINEL), day.some_rows(random, 0.1)), (column,))


def _dropped_category(day: GoodDay, random: Random) -> BadDay:
    """Return the day with the most common value of a column recorded as the second most common one."""
    column = day.some_category(random)
    first, second = day.rows[column].value_counts().sort(["count", column], descending=True)[column][:2]
    return BadDay(day.with_values(column, pl.col(column).replace(first, second)), (column,))


def _truncated(day: GoodDay, random: Random) -> BadDay:
    column = day.some_category(random)
    return BadDay(day.with_values(column, pl.col(column).str.slice(0, 1)), (column,))


FAULTS = (
    Fault("missing at random", "30 % of the values of a column are null", _missing_at_random),
    Fault("missing, the highest", "the highest 20 % of a number are null", _missing_not_at_random),
    Fault("swapped columns", "two numbers stand in each other's column", _swapped_columns),
    Fault("scaled", "a number is multiplied by .1, 10, 1.609 or .4536", _scaled),
    Fault("noise", "half of a number has noise of 2 standard deviations", _noise),
    Fault("typos", "20 % of a text have another letter", _typos),
    Fault("encoding", "a byte order mark before each value of a text", _encoding),
    Fault("stale copy", "the rows of a week before, with ids and times of today", _stale_copy),
    Fault("duplicated rows", "20 % of the rows twice", _duplicated_rows),
    Fault("outage of a segment", "no rows of one value that at least 10 % have", _outage),
    Fault("sign flip", "a number is negated", _sign_flip),
    Fault("shifted decimal", "5 % of a number are ten times as large", _shifted_decimal),
    Fault("constant column", "all rows have the value of the first", _constant),
    Fault("sentinel", "10 % of a number are -999", _sentinel),
    Fault("dropped category", "the most common value of a text is recorded as the second", _dropped_category),
    Fault("truncated text", "only the first letter of a text is left", _truncated),
)


def bad_day(fault: Fault, day: GoodDay, random: Random) -> BadDay:
    """Return the bad day of a fault, which changes at least ``LEAST_CHANGED`` of the rows.

    Raises:
        ValueError: if no draw changed so much.
    """
    for _ in range(MOST_DRAWS):
        made = fault.make(day, random)
        if share_changed(day.rows, made) >= LEAST_CHANGED:
            return made
    raise ValueError(f"{fault.name}: no draw changed {LEAST_CHANGED:.0%} of the rows")


def share_changed(good: pl.DataFrame, bad: BadDay) -> float:
    """Return the share of rows that are gone, or have another value in a touched column; 1 if rows were touched."""
    if not bad.columns:
        return 1.0
    if good.height != bad.rows.height:
        return abs(good.height - bad.rows.height) / good.height
    shares = pl.select(pl.lit(good[name]).ne_missing(pl.lit(bad.rows[name])).mean().alias(name) for name in bad.columns)
    return max(shares.row(0))

"""The result of one expectation, whichever way it was answered."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass
from typing import Any

import polars as pl


@dataclass(frozen=True)
class Outcome:
    """The result of one expectation.

    ``applied`` counts the rows to which it applies, ``judged`` those with a value, and ``unexpected`` those that fail.
    All three are None for an expectation about a column or table as a whole. Such an expectation may have an
    ``observed`` value; ``undefined`` is set if that value is missing. ``examples`` are unexpected values as text with
    their counts, most frequent first. ``error`` is set if the expectation raised an error and measured nothing.
    """

    success: bool
    applied: int | None = None
    judged: int | None = None
    unexpected: int | None = None
    examples: tuple[tuple[str, int], ...] = ()
    observed: str | None = None
    undefined: bool = False
    error: str | None = None


def counted_values(rows: pl.DataFrame) -> tuple[tuple[str, int], ...]:
    """Return the distinct values (tuples for several columns) and their counts, most frequent first, without nulls."""
    shown = rows.filter(~pl.all_horizontal(pl.all().is_null()))
    counts: Counter[str] = Counter()
    for values, count in _counted_rows(shown):
        counts[value_text(values[0]) if len(values) == 1 else value_text(values)] += count
    return tuple(sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])))


def _counted_rows(rows: pl.DataFrame) -> list[tuple[tuple[Any, ...], int]]:
    """Return the distinct rows with their counts; nested values and objects are not grouped."""
    if any(kind.is_nested() or kind == pl.Object for kind in rows.dtypes):
        return [(values, 1) for values in rows.iter_rows()]
    grouped = rows.group_by(pl.all()).agg(pl.len().alias("rows of this value"))
    return [(tuple(values), count) for *values, count in grouped.iter_rows()]


def value_text(value: Any) -> str:
    """Return a value as it stands in a reason."""
    if isinstance(value, tuple):
        return "(" + ", ".join(value_text(part) for part in value) + ")"
    if isinstance(value, dt.date):
        return str(value)
    plain = value.item() if hasattr(value, "item") and getattr(value, "size", 1) == 1 else value
    # Seven digits, because the last digits of a sum depend on the order of the rows. So does the sign of a zero;
    # adding 0.0 removes it.
    return f"{plain + 0.0:.7g}" if isinstance(plain, float) else repr(plain)

"""Expectations about each value of a column."""

from collections.abc import Callable
from typing import cast

import polars as pl

from monitoring_pipeline.quality.counts.column_types import is_missing, is_number, is_text, numbers
from monitoring_pipeline.quality.counts.question import (
    Arguments,
    Ask,
    Question,
    column_of,
    is_hashable,
    number_of,
    set_of,
    shares_of,
    where_of,
)
from monitoring_pipeline.quality.expectation import Expectation

Bad = Callable[[pl.Series, Arguments], pl.Expr | None]
"""Returns which values of a column are unexpected; None if the engine has to answer."""


def by_row(bad: Bad) -> Ask:
    """Return the question of an expectation about each value that is not missing."""

    def ask(frame: pl.DataFrame, expectation: Expectation) -> Question | None:
        column, where = column_of(frame, expectation), where_of(frame, expectation)
        if where is None or not is_hashable(column.dtype):
            return None
        judged = where & ~is_missing(column)
        wrong = bad(column, expectation.kwargs) if column.null_count() < frame.height else pl.lit(value=False)
        if wrong is None:
            return None
        unexpected = judged & wrong.fill_null(value=False)
        values = (where.sum(), judged.sum(), unexpected.sum())
        return Question(values, shares_of(expectation), unexpected)

    return ask


def nulls(*, unexpected: bool) -> Ask:
    """Return the question of whether values are missing, in which all rows are judged."""

    def ask(frame: pl.DataFrame, expectation: Expectation) -> Question | None:
        column, where = column_of(frame, expectation), where_of(frame, expectation)
        if where is None or column.dtype == pl.Object:
            return None
        missing = is_missing(column)
        wrong = where & (missing if unexpected else ~missing)
        return Question((where.sum(), where.sum(), wrong.sum()), shares_of(expectation), wrong)

    return ask


def outside_bounds(column: pl.Series, kwargs: Arguments) -> pl.Expr | None:
    """Return which numbers or booleans are outside of the bounds."""
    if not is_number(column.dtype) and column.dtype != pl.Boolean:
        return None
    values = numbers(column) if is_number(column.dtype) else pl.col(column.name).cast(pl.Int64)
    bounds = [kwargs[name] for name in ("min_value", "max_value") if kwargs.get(name) is not None]
    exact = column.dtype.is_integer() and not column.null_count() and all(isinstance(bound, int) for bound in bounds)
    return ~_within(values if exact else values.cast(pl.Float64), kwargs)


def wrong_length(column: pl.Series, kwargs: Arguments) -> pl.Expr | None:
    """Return which texts have a number of characters outside of the bounds."""
    return ~_within(_lengths(column), kwargs) if is_text(column.dtype) else None


def other_length(column: pl.Series, kwargs: Arguments) -> pl.Expr | None:
    """Return which texts have another number of characters."""
    return _lengths(column) != number_of(kwargs["value"]) if is_text(column.dtype) else None


def _lengths(column: pl.Series) -> pl.Expr:
    return pl.col(column.name).cast(pl.String).str.len_chars().cast(pl.Int64)


def _within(values: pl.Expr, kwargs: Arguments) -> pl.Expr:
    lower, upper = cast("float | None", kwargs.get("min_value")), cast("float | None", kwargs.get("max_value"))
    parts: list[pl.Expr] = []
    if lower is not None:
        parts.append(values > lower if kwargs.get("strict_min") else values >= lower)
    if upper is not None:
        parts.append(values < upper if kwargs.get("strict_max") else values <= upper)
    return pl.all_horizontal(parts)


def in_set(column: pl.Series, kwargs: Arguments) -> pl.Expr | None:
    """Return which values are in the set; None if values and set are of different kinds."""
    listed = set_of(kwargs)
    if is_text(column.dtype) and isinstance(listed[0], str):
        return pl.col(column.name).cast(pl.String).is_in(listed)
    are_numbers = not isinstance(listed[0], str | bool)
    if is_number(column.dtype) and column.dtype != pl.Float32 and are_numbers:
        return numbers(column).cast(pl.Float64).is_in([float(value) for value in listed])
    if column.dtype == pl.Boolean and isinstance(listed[0], bool):
        return pl.col(column.name).is_in(listed)
    return None


def not_in_set(column: pl.Series, kwargs: Arguments) -> pl.Expr | None:
    """Return which values are not in the set; None if values and set are of different kinds."""
    inside = in_set(column, kwargs)
    return None if inside is None else ~inside


def is_unique(frame: pl.DataFrame, expectation: Expectation) -> Question | None:
    """Return the question which values occur several times among the rows that are judged."""
    column, where = column_of(frame, expectation), where_of(frame, expectation)
    if where is None or not is_hashable(column.dtype):
        return None
    judged = where & ~is_missing(column)
    # Zero and minus zero are one value.
    values = pl.col(column.name) + 0.0 if column.dtype.is_float() else pl.col(column.name)
    unexpected = judged & pl.when(judged).then(values).is_duplicated()
    return Question((where.sum(), judged.sum(), unexpected.sum()), shares_of(expectation), unexpected)

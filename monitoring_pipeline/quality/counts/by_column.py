"""Expectations about a column or the table as a whole."""

from collections.abc import Callable, Sequence

import polars as pl

from monitoring_pipeline.quality.counts.by_row import in_set
from monitoring_pipeline.quality.counts.column_types import element_type, is_missing, is_number, numbers, stored_type
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
from monitoring_pipeline.quality.outcome import Outcome, value_text


def has_type(frame: pl.DataFrame, expectation: Expectation) -> Question | None:
    """Return the question of the type: of each value for text and for booleans with nulls, else of the column."""
    column, allowed = column_of(frame, expectation), set_of(expectation.kwargs, "type_list")
    if column.null_count() == frame.height:
        return Question((), lambda _: Outcome(success=True, applied=frame.height, judged=0, unexpected=0))
    single = element_type(column)
    if single is not None:
        wrong = pl.col(column.name).is_not_null() & (single not in allowed)
        judged = pl.col(column.name).count()
        return Question((pl.len(), judged, wrong.sum()), shares_of(expectation), wrong)
    whole = stored_type(column)
    if whole is None:
        return None
    observed = value_text(whole.partition("[")[0])
    return Question((), lambda _: Outcome(success=whole in allowed, observed=observed))


def exists(frame: pl.DataFrame, expectation: Expectation) -> Question:
    """Return the question whether the column is there."""
    return Question((), lambda _: Outcome(success=expectation.kwargs["column"] in frame.columns))


def of_numbers(statistic: Callable[[pl.Expr], pl.Expr]) -> Ask:
    """Return the question whether a statistic of a column's numbers is within bounds."""

    def ask(frame: pl.DataFrame, expectation: Expectation) -> Question | None:
        column, where = column_of(frame, expectation), where_of(frame, expectation)
        is_judged = is_number(column.dtype) and column.dtype != pl.Float32 and column.null_count() < frame.height
        if where is None or not is_judged:
            return None
        values = statistic(numbers(column).filter(where).drop_nulls())
        return Question((values,), _between(expectation.kwargs))

    return ask


def median(values: pl.Expr) -> pl.Expr:
    """Return the mean of the two middle values. The median of Polars is NaN if only one of them is infinite."""
    return (values.quantile(0.5, "lower") + values.quantile(0.5, "higher")) / 2


def of_counts(statistic: Callable[[pl.Expr, pl.Expr], pl.Expr]) -> Ask:
    """Return the question whether a number from the values and from all rows of a column is within bounds."""

    def ask(frame: pl.DataFrame, expectation: Expectation) -> Question | None:
        column, where = column_of(frame, expectation), where_of(frame, expectation)
        if where is None or not is_hashable(column.dtype):
            return None
        values = numbers(column) + 0.0 if column.dtype.is_float() else pl.col(column.name)
        return Question((statistic(values.filter(where).drop_nulls(), where.sum()),), _between(expectation.kwargs))

    return ask


def _between(kwargs: Arguments) -> Callable[[Sequence[object]], Outcome]:
    def outcome(found: Sequence[object]) -> Outcome:
        (value,) = found
        if value is None or value != value:  # noqa: PLR0124 - NaN
            return Outcome(success=False, undefined=True)
        return Outcome(success=_is_within(number_of(value), kwargs), observed=value_text(value))

    return outcome


def _is_within(value: float, kwargs: Arguments) -> bool:
    lower, upper = (kwargs.get(name) for name in ("min_value", "max_value"))
    above = lower is None or value > number_of(lower) or (value == lower and not kwargs.get("strict_min"))
    return above and (upper is None or value < number_of(upper) or (value == upper and not kwargs.get("strict_max")))


def distinct_values(*, all_in: bool, contains: bool) -> Ask:
    """Return the question whether a column's distinct values are in a set, and whether it contains the whole set."""

    def ask(frame: pl.DataFrame, expectation: Expectation) -> Question | None:
        column, where = column_of(frame, expectation), where_of(frame, expectation)
        inside = in_set(column, expectation.kwargs)
        if where is None or inside is None or column.null_count() == frame.height:
            return None
        judged = where & ~is_missing(column)
        listed = set_of(expectation.kwargs)
        size = len(set(listed))
        values = pl.col(column.name) + 0.0 if column.dtype.is_float() else pl.col(column.name)
        outside, found = (judged & ~inside).sum(), values.filter(judged & inside).n_unique()

        def outcome(counts: Sequence[object]) -> Outcome:
            others, present = (number_of(value) for value in counts)
            return Outcome(success=not (all_in and others) and not (contains and present < size))

        return Question((outside, found), outcome)

    return ask


def row_count(frame: pl.DataFrame, expectation: Expectation) -> Question:
    """Return the question whether the number of rows is the wanted one, or within bounds."""
    return Question((), lambda _: outcome_of_rows(frame.height, expectation))


def outcome_of_rows(rows: int, expectation: Expectation) -> Outcome:
    """Return whether a number of rows is the wanted one, or within bounds."""
    if "value" in expectation.kwargs:
        return Outcome(success=rows == expectation.kwargs["value"], observed=value_text(rows))
    return _between(expectation.kwargs)([rows])

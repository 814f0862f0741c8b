"""Expectations that are answered by counts of all rows, where ``frame`` is only a sample of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import polars as pl

from monitoring_pipeline.evaluation.quality.conditions import Condition, ConditionCounts, CountConditions, Test
from monitoring_pipeline.quality.counts.column_types import is_number, is_text
from monitoring_pipeline.quality.counts.question import number_of, set_of, shares_of
from monitoring_pipeline.quality.counts.table import is_counted
from monitoring_pipeline.quality.expectation import Expectation
from monitoring_pipeline.quality.outcome import Outcome

Arguments = Mapping[str, object]


def _of(test: Test) -> Callable[[pl.Series, Arguments], Condition | None]:
    return lambda column, _: Condition(column.name, test)


def _outside(column: pl.Series, kwargs: Arguments) -> Condition | None:
    if not is_number(column.dtype) and column.dtype != pl.Boolean:
        return None
    bounds = [None if kwargs.get(name) is None else number_of(kwargs[name]) for name in ("min_value", "max_value")]
    strict = bool(kwargs.get("strict_min")), bool(kwargs.get("strict_max"))
    return Condition(column.name, Test.OUTSIDE, bounds[0], bounds[1], strict)


def _set(test: Test) -> Callable[[pl.Series, Arguments], Condition | None]:
    def condition(column: pl.Series, kwargs: Arguments) -> Condition | None:
        listed = set_of(kwargs, "value_set")
        if is_text(column.dtype) and isinstance(listed[0], str):
            return Condition(column.name, test, values=tuple(listed))
        if is_number(column.dtype) and column.dtype != pl.Float32 and not isinstance(listed[0], str | bool):
            return Condition(column.name, test, values=tuple(float(value) for value in listed))
        return None

    return condition


CONDITIONS: Mapping[str, Callable[[pl.Series, Arguments], Condition | None]] = {
    f"expect_column_values_to_{name}": condition
    for name, condition in (
        ("not_be_null", _of(Test.MISSING)),
        ("be_null", _of(Test.PRESENT)),
        ("be_between", _outside),
        ("be_in_set", _set(Test.NOT_IN_SET)),
        ("not_be_in_set", _set(Test.IN_SET)),
    )
}
"""Expectation types by name that counts of all rows answer, and the condition of each."""


def with_counts_of_all(
    frame: pl.DataFrame, expectations: Mapping[int, Expectation], outcomes: dict[int, Outcome], count: CountConditions
) -> dict[int, Outcome]:
    """Return the outcomes of those expectations that counts of all rows answer, with the examples of the sample.

    Args:
        frame: the sample.
        expectations: expectations by place.
        outcomes: their outcomes on the sample.
        count: counts conditions in all rows.
    """
    conditions = {
        place: condition for place in outcomes if (condition := _condition(frame, expectations[place])) is not None
    }
    counts: Sequence[ConditionCounts | None] = count(tuple(conditions.values())) if conditions else ()
    return {
        place: replace(
            shares_of(expectations[place])((found.rows, _judged(conditions[place], found), found.unexpected)),
            examples=outcomes[place].examples,
        )
        for place, found in zip(conditions, counts, strict=True)
        if found is not None
    }


def _judged(condition: Condition, found: ConditionCounts) -> int:
    """Return the number of judged values: all rows for missing values, else those that are not missing."""
    return found.rows if condition.test in {Test.MISSING, Test.PRESENT} else found.values


def _condition(frame: pl.DataFrame, expectation: Expectation) -> Condition | None:
    column, kwargs = str(expectation.kwargs.get("column")), expectation.kwargs
    condition = CONDITIONS.get(expectation.type)
    if condition is None or column not in frame.columns or not is_counted(expectation.type, kwargs):
        return None
    return condition(frame[column], kwargs) if kwargs.get("row_condition") is None else None

"""Expectations that are answered by counts of all rows, where ``frame`` is only a sample of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import polars as pl

from monitoring_pipeline.evaluation.quality.conditions import AllRows, Condition, ConditionCounts, CountConditions, Test
from monitoring_pipeline.quality.counts.by_column import outcome_of_rows
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


ROW_COUNTS = frozenset({"expect_table_row_count_to_be_between", "expect_table_row_count_to_equal"})
NEED_ALL_ROWS = frozenset({
    "expect_column_values_to_be_unique",
    "expect_column_values_to_be_increasing",
    "expect_column_values_to_be_decreasing",
})  # fmt: skip
"""Expectations about single values that hold or fail by other rows than the one."""
ESTIMATED = ("expect_column_values_", "expect_column_value_lengths_", "expect_column_pair_values_")
"""Beginnings of the names of expectations about single rows: a sample has the share of unexpected ones."""
ESTIMATED_ALSO = frozenset({
    "expect_column_to_exist",
    "expect_column_mean_to_be_between",
    "expect_column_median_to_be_between",
    "expect_column_stdev_to_be_between",
    "expect_column_quantile_values_to_be_between",
    "expect_column_proportion_of_non_null_values_to_be_between",
    "expect_multicolumn_sum_to_equal",
    "expect_select_column_values_to_be_unique_within_record",
    "expect_table_columns_to_match_set",
    "expect_table_columns_to_match_ordered_list",
    "expect_table_column_count_to_equal",
    "expect_table_column_count_to_be_between",
})  # fmt: skip
"""Expectations about a column or a table whose answer does not grow with the number of rows."""
ID_COLUMN = "row_id"
"""A sample has all rows of an id or none, so that it has the share of repeated ids."""


def reason_without_all_rows(expectation: Expectation, every: AllRows) -> str | None:
    """Return why an expectation cannot be measured on a sample, such as a sum; None if it can.

    A number of rows is known without the rows. A type that is not listed may need every row, so it is not measured.
    """
    if expectation.type in ROW_COUNTS:
        can = every.rows is not None and is_counted(expectation.type, expectation.kwargs)
    elif expectation.type in NEED_ALL_ROWS:
        can = expectation.kwargs.get("column") == ID_COLUMN and expectation.type.endswith("_unique")
    else:
        can = expectation.type.startswith(ESTIMATED) or expectation.type in ESTIMATED_ALSO
    return (
        None if can else "needs all rows, and the chunk is so large that a sample was read (pushdown: never reads all)"
    )


def with_counts_of_all(
    frame: pl.DataFrame, expectations: Mapping[int, Expectation], outcomes: dict[int, Outcome], every: AllRows
) -> dict[int, Outcome]:
    """Return the outcomes of those expectations that counts of all rows answer, with the examples of the sample.

    Args:
        frame: the sample.
        expectations: expectations by place.
        outcomes: their outcomes on the sample.
        every: all rows.
    """
    of_rows = {
        place: outcome_of_rows(every.rows, expectations[place])
        for place in outcomes
        if every.rows is not None and expectations[place].type in ROW_COUNTS
    }
    return of_rows if every.count is None else of_rows | _of_conditions(frame, expectations, outcomes, every.count)


def _of_conditions(
    frame: pl.DataFrame, expectations: Mapping[int, Expectation], outcomes: dict[int, Outcome], count: CountConditions
) -> dict[int, Outcome]:
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

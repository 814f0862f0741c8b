"""The types of expectations that counts answer.

Great Expectations defines what each type means, and answers everything that is not in ``COUNTED``, or whose arguments
or column have another form. The tests compare both ways for every type in the table.
"""

from collections.abc import Mapping

import polars as pl

from monitoring_pipeline.quality.counts.arguments import (
    BOUNDS,
    COLUMN,
    LENGTH,
    LENGTHS,
    ROWS,
    SET,
    TYPES,
    VALUES,
    are_plain,
)
from monitoring_pipeline.quality.counts.by_column import (
    distinct_values,
    exists,
    has_type,
    median,
    of_counts,
    of_numbers,
    row_count,
)
from monitoring_pipeline.quality.counts.by_row import (
    by_row,
    in_set,
    is_unique,
    not_in_set,
    nulls,
    other_length,
    outside_bounds,
    wrong_length,
)
from monitoring_pipeline.quality.counts.question import Arguments, Counted

SUMS = frozenset({"column_mean_to_be_between", "column_stdev_to_be_between", "column_sum_to_be_between"})
"""Expectations about sums of floats, whose last digits depend on the order of the rows."""

COUNTED: Mapping[str, Counted] = {
    f"expect_{name}": Counted(arguments, ask, depends_on_order=name in SUMS)
    for name, arguments, ask in (
        ("column_to_exist", COLUMN, exists),
        ("column_values_to_be_in_type_list", TYPES, has_type),
        ("column_values_to_not_be_null", VALUES, nulls(unexpected=True)),
        ("column_values_to_be_null", VALUES, nulls(unexpected=False)),
        ("column_values_to_be_unique", VALUES, is_unique),
        ("column_values_to_be_between", VALUES | BOUNDS, by_row(outside_bounds)),
        ("column_values_to_be_in_set", VALUES | SET, by_row(not_in_set)),
        ("column_values_to_not_be_in_set", VALUES | SET, by_row(in_set)),
        ("column_value_lengths_to_be_between", VALUES | LENGTHS, by_row(wrong_length)),
        ("column_value_lengths_to_equal", VALUES | LENGTH, by_row(other_length)),
        ("column_mean_to_be_between", ROWS | BOUNDS, of_numbers(pl.Expr.mean)),
        ("column_median_to_be_between", ROWS | BOUNDS, of_numbers(median)),
        ("column_stdev_to_be_between", ROWS | BOUNDS, of_numbers(pl.Expr.std)),
        ("column_sum_to_be_between", ROWS | BOUNDS, of_numbers(pl.Expr.sum)),
        ("column_min_to_be_between", ROWS | BOUNDS, of_numbers(pl.Expr.min)),
        ("column_max_to_be_between", ROWS | BOUNDS, of_numbers(pl.Expr.max)),
        ("column_unique_value_count_to_be_between", ROWS | LENGTHS, of_counts(lambda values, _: values.n_unique())),
        (
            "column_proportion_of_unique_values_to_be_between",
            ROWS | BOUNDS,
            of_counts(lambda values, _: (values.n_unique() / values.len()).fill_nan(0.0)),
        ),
        (
            "column_proportion_of_non_null_values_to_be_between",
            ROWS | BOUNDS,
            of_counts(lambda values, rows: (values.len() / rows).fill_nan(0.0)),
        ),
        ("column_distinct_values_to_be_in_set", ROWS | SET, distinct_values(all_in=True, contains=False)),
        ("column_distinct_values_to_contain_set", ROWS | SET, distinct_values(all_in=False, contains=True)),
        ("column_distinct_values_to_equal_set", ROWS | SET, distinct_values(all_in=True, contains=True)),
        ("table_row_count_to_be_between", LENGTHS, row_count),
        ("table_row_count_to_equal", LENGTH, row_count),
    )
}
"""Expectation types by name; whatever is not here is answered by Great Expectations."""


def is_counted(expectation_type: str, kwargs: Arguments) -> bool:
    """Return whether an expectation is valid, and is answered by counts where the types of its columns allow it."""
    counted = COUNTED.get(expectation_type)
    return counted is not None and are_plain(kwargs, counted.arguments)

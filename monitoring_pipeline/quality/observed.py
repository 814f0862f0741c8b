"""What an expectation about a whole column has observed, without values that few rows have."""

import polars as pl

from monitoring_pipeline.evaluation.privacy.shown_values import about, clipped, may_show
from monitoring_pipeline.evaluation.rows.readable import number_of_text
from monitoring_pipeline.quality.expectation import Expectation
from monitoring_pipeline.quality.outcome import value_text

_EXTREMES = frozenset({"expect_column_max_to_be_between", "expect_column_min_to_be_between"})
_OF_ALL_ROWS = frozenset(
    {
        "expect_column_kl_divergence_to_be_less_than", "expect_column_mean_to_be_between",
        "expect_column_median_to_be_between", "expect_column_proportion_of_non_null_values_to_be_between",
        "expect_column_proportion_of_unique_values_to_be_between", "expect_column_stdev_to_be_between",
        "expect_column_sum_to_be_between", "expect_column_unique_value_count_to_be_between",
        "expect_column_values_to_be_in_type_list", "expect_column_values_to_be_of_type",
    }
)  # fmt: skip
_OF_TABLES = ("expect_table_", "expect_multicolumn_sum")
_MOST = 5


def observed_in_words(expectation: Expectation, frame: pl.DataFrame, observed: str) -> str | None:
    """Return the observed value; None if few rows have it.

    Args:
        expectation: an expectation about a column or a table as a whole.
        frame: the rows that it was asked about.
        observed: the observed value as text.
    """
    if expectation.type in _OF_ALL_ROWS or expectation.type.startswith(_OF_TABLES):
        return clipped(observed)
    if expectation.type in _EXTREMES:
        number = number_of_text(observed)
        return f"about {about(number)}" if number is not None and may_show(frame.height) else None
    return _frequent_values(frame, expectation.subject)


def _frequent_values(frame: pl.DataFrame, column: str) -> str | None:
    """Return the most frequent values of a column that have enough rows to be quoted."""
    if column not in frame.columns or frame[column].dtype.is_nested() or frame[column].dtype == pl.Object:
        return None
    counts = frame.group_by(column).agg(pl.len().alias("rows of this value")).drop_nulls(column)
    ranked = counts.sort("rows of this value", column, descending=[True, False]).head(_MOST)
    shown = [f"{clipped(value_text(value))} ({rows} times)" for value, rows in ranked.rows() if may_show(rows)]
    return ", ".join(shown) or None

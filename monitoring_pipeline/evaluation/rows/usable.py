"""Rows that an estimate or a metric can use."""

import polars as pl

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.inputs import LARGEST_MAGNITUDE


def usable(spec: ModelSpec, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose output, and whose label if there is one, can be compared."""
    kinds = spec.columns
    outputs = [name for name in spec.output_columns if kinds[name] == "numeric"]
    has_numbers = "label" in rows.columns and rows["label"].dtype.is_numeric()
    labels = [_is_small(pl.col("label")).fill_null(value=True)] if has_numbers else []
    return rows.filter(_is_small(pl.col(outputs)), pl.col("prediction").is_not_null(), *labels)


def _is_small(column: pl.Expr) -> pl.Expr:
    """Return whether numbers are finite, and so small that their squares can be computed with."""
    return column.abs() <= LARGEST_MAGNITUDE

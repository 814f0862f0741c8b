"""Rows that an estimate or a metric can use."""

import polars as pl

from monitoring_pipeline.spec.model import ModelSpec


def usable(spec: ModelSpec, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose output can be compared with a label."""
    numbers = [name for name, kind in spec.columns.items() if name in spec.output_columns and kind == "numeric"]
    return rows.filter(pl.all_horizontal(pl.col(numbers).is_finite()) & pl.col("prediction").is_not_null())

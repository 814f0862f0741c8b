"""The times of labels whose source has none: when the monitoring first saw each of them."""

import datetime as dt

import polars as pl


def with_time_first_seen(labels: pl.DataFrame, before: pl.DataFrame | None, as_of: dt.datetime) -> pl.DataFrame:
    """Return labels with the time at which each was first seen; labels first seen after ``as_of`` are left out.

    A label has the time of the stored labels if they have the same value for its id, else ``as_of``.

    Args:
        labels: canonical labels, whose ``known_at`` is null.
        before: the labels of the chunk as they were stored last; None if there are none.
        as_of: the time as of which the labels were read.
    """
    now = pl.lit(as_of.astimezone(dt.UTC)).cast(pl.Datetime("us", "UTC"))
    if before is None or before.schema != labels.schema:
        return labels.with_columns(now.alias("known_at"))
    kept = labels.drop("known_at").join(before, on=["row_id", "label"], how="left", maintain_order="left")
    return kept.with_columns(pl.col("known_at").fill_null(now)).filter(pl.col("known_at") <= now).select(labels.columns)

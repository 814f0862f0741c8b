"""Rows joined to their labels, without a join if both have the same ids in the same order."""

import polars as pl


def with_labels(rows: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that have a label, with the columns of ``labels``, in an order that is not defined.

    Args:
        rows: canonical predictions, without a column of ``labels`` but ``row_id``.
        labels: canonical labels, one row for each ``row_id``.
    """
    if rows["row_id"].equals(labels["row_id"]):
        return rows.hstack(labels.drop("row_id"))
    return rows.join(labels, on="row_id")


def by_id(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows sorted by ``row_id``."""
    ids = rows["row_id"]
    is_sorted = int((ids > ids.shift()).sum()) == max(ids.len() - 1, 0)
    return rows if is_sorted else rows.sort("row_id")


def rows_with_label(rows: pl.DataFrame, labels: pl.DataFrame) -> int:
    """Return the number of predictions that have a label."""
    return with_labels(rows.select("row_id"), labels.select("row_id")).height

"""The days of a reference: their rows, and their profiles, which every learned threshold is made of."""

import datetime as dt

import narwhals as nw
import polars as pl

from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, profile_chunk
from monitoring_pipeline.spec.model import ModelSpec

ROWS_KEPT = 100_000
"""Rows of a reference that are kept: enough for every test that needs rows, few enough to be read each night."""


def local_days(spec: ModelSpec, predicted_at: pl.Series) -> pl.Series:
    """Return the day of each prediction in the model's own time zone."""
    return predicted_at.dt.convert_time_zone(spec.timezone).dt.date().alias("day")


def profile_days(
    spec: ModelSpec, bins: dict[str, Bins], rows: pl.DataFrame, *, model_version: str
) -> dict[dt.date, ChunkProfile]:
    """Profile every day of the reference by itself, over the reference's bins; days without rows are left out.

    Args:
        spec: the model.
        bins: bins by column.
        rows: canonical predictions of one version.
        model_version: that version.
    """
    by_day = rows.with_columns(local_days(spec, rows["predicted_at"])).partition_by("day", as_dict=True)
    return {
        day: profile_chunk(nw.from_native(own.lazy()), bins, model_version=model_version)
        for (day,), own in sorted(by_day.items())
    }


def rows_to_keep(rows: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that stay at hand beside the counts, with their labels: a sample by hash where there are many.

    Canonical rows are in the order of their ids' keyed hashes, so the first ones are a sample that depends on
    nothing but the ids. A row without a label has null in ``label`` and ``known_at``.
    """
    return rows.head(ROWS_KEPT).join(labels, on="row_id", how="left", maintain_order="left")

"""The chunks of a reference: their rows, and the profiles that learned thresholds are computed from."""

import datetime as dt

import narwhals as nw
import polars as pl

from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, profile_chunk
from monitoring_pipeline.spec.calendar import Calendar
from monitoring_pipeline.spec.model import ModelSpec

ROWS_KEPT = 100_000
"""Rows of a reference that are kept: enough for every test that needs rows, few enough to be read each night."""


def chunk_keys(calendar: Calendar, predicted_at: pl.Series) -> pl.Series:
    """Return the key of the chunk of each prediction, under the name ``chunk``; null where the time is null."""
    times = predicted_at.cast(pl.Datetime("us", "UTC"))
    earliest, latest = times.min(), times.max()
    if not isinstance(earliest, dt.datetime) or not isinstance(latest, dt.datetime):
        return pl.Series("chunk", [None] * times.len(), dtype=pl.String)
    chunks = calendar.range(calendar.chunk_at(earliest), calendar.chunk_at(latest))
    starts = pl.Series([chunk.start for chunk in chunks], dtype=times.dtype)
    keys = pl.Series("chunk", [chunk.key for chunk in chunks])
    places = starts.search_sorted(times.fill_null(earliest), side="right") - 1
    return keys.gather(places).set(times.is_null(), None)


def profile_by_chunk(
    spec: ModelSpec, bins: dict[str, Bins], rows: pl.DataFrame, *, model_version: str
) -> dict[str, ChunkProfile]:
    """Profile every chunk of the reference over the reference's bins, by key; chunks without rows are left out.

    Args:
        spec: the model.
        bins: bins by column.
        rows: canonical predictions of one version.
        model_version: that version.
    """
    return {
        key: profile_chunk(nw.from_native(chunk_rows.lazy()), bins, model_version=model_version)
        for key, chunk_rows in rows_by_chunk(spec.calendar, rows).items()
    }


def rows_by_chunk(calendar: Calendar, rows: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return canonical rows by the key of their chunk, in the order of the chunks."""
    by_key = rows.with_columns(chunk_keys(calendar, rows["predicted_at"])).partition_by("chunk", as_dict=True)
    return {key: chunk_rows.drop("chunk") for (key,), chunk_rows in sorted(by_key.items())}


def rows_to_keep(rows: pl.DataFrame, labels: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that are kept beside the counts, with their labels; of many rows a sample by hash.

    Canonical rows are in the order of their IDs' keyed hashes, so the first ones are a sample that depends only on the
    IDs. A row without a label has null in ``label`` and ``known_at``.
    """
    return rows.head(ROWS_KEPT).join(labels, on="row_id", how="left", maintain_order="left")

"""What a warehouse returns."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.rows.canonical import LabelAccounting


@dataclass(frozen=True)
class PredictionsRead:
    """A chunk's predictions with canonical column names and the warehouse's types.

    ``frame`` has row_id (text), predicted_at (UTC), then, as far as the spec names them and they exist,
    model_version, the features by their names in the spec, scores and prediction; ``missing_columns`` are the
    canonical names of those that do not exist; ``rows_without_time`` counts rows of the whole table;
    ``table_columns`` has the types of all columns of the table, by name.
    """

    frame: pl.DataFrame
    missing_columns: tuple[str, ...]
    rows_without_time: int
    table_columns: Mapping[str, str]


@dataclass(frozen=True)
class LabelsRead:
    """The label rows of a chunk's predictions: row_id (text), label (the warehouse's type), known_at (UTC)."""

    frame: pl.DataFrame
    accounting: LabelAccounting


@dataclass(frozen=True)
class LabelCount:
    """How many label rows of a chunk are known, and when the last of them became known (UTC)."""

    rows: int
    latest_at: dt.datetime | None

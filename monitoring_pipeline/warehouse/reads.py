"""The results of reading a warehouse."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.rows.accounting import LabelAccounting


@dataclass(frozen=True)
class PredictionsRead:
    """A chunk's predictions with canonical column names and the warehouse's types.

    ``frame`` has row_id (text) and predicted_at (UTC). Then follow model_version, the features by their names in the
    spec, scores and prediction, each if the spec names it and it exists. ``missing_columns`` are the canonical names
    of columns that the spec names and that do not exist. ``rows_without_time`` counts rows of the whole table.
    ``table_columns`` has the types of all columns of the table, by name.
    """

    frame: pl.DataFrame
    missing_columns: tuple[str, ...]
    rows_without_time: int
    table_columns: Mapping[str, str]


@dataclass(frozen=True)
class PredictionState:
    """How many predictions of a chunk are in the warehouse, and the time of the last one (UTC)."""

    rows: int = 0
    latest_at: dt.datetime | None = None


@dataclass(frozen=True)
class LabelState:
    """The state of a chunk's known labels: number of rows, the time at which the last became known (UTC), their hashes.

    ``hash_sum`` does not depend on the order of the rows. Ids, labels and times enter it.
    """

    rows: int = 0
    latest_at: dt.datetime | None = None
    hash_sum: str = "0"

    @property
    def fingerprint(self) -> str:
        """The state as text: two states have the same text if their rows are equal."""
        return f"{self.rows}:{self.hash_sum}"


@dataclass(frozen=True)
class LabelsRead:
    """The label rows of a chunk's predictions: row_id (text), label (the warehouse's type), known_at (UTC)."""

    frame: pl.DataFrame
    accounting: LabelAccounting
    state: LabelState

"""The users' warehouse, read only."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import polars as pl

from monitoring_pipeline.evaluation.rows.accounting import LabelAccounting
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.declaration import RowsElsewhere
from monitoring_pipeline.spec.model import ModelSpec

if TYPE_CHECKING:
    from monitoring_pipeline.ports.counting import Counting


class PredictionsRead(Protocol):
    """A chunk's predictions under canonical names, with the warehouse's types."""

    @property
    def frame(self) -> pl.DataFrame:
        """The rows; columns that the table lacks are absent."""
        ...

    @property
    def missing_columns(self) -> tuple[str, ...]:
        """Canonical names of columns that the spec names and that do not exist."""
        ...

    @property
    def rows_without_time(self) -> int:
        """Rows of the whole table whose time is null."""
        ...

    @property
    def table_columns(self) -> Mapping[str, str]:
        """Types of all columns of the table, by name."""
        ...


class PredictionState(Protocol):
    """How many predictions a chunk has in the warehouse, and the time of the last one (UTC)."""

    @property
    def rows(self) -> int: ...
    @property
    def latest_at(self) -> dt.datetime | None: ...


class LabelState(Protocol):
    """The state of a chunk's labels: number of rows, when the newest became known, and a fingerprint of all rows."""

    @property
    def rows(self) -> int: ...
    @property
    def latest_at(self) -> dt.datetime | None: ...
    @property
    def fingerprint(self) -> str: ...


class LabelsRead(Protocol):
    """The labels of a chunk's predictions that were known at a given time."""

    @property
    def frame(self) -> pl.DataFrame:
        """Columns row_id, label and known_at."""
        ...

    @property
    def accounting(self) -> LabelAccounting:
        """Label rows that the join could not use."""
        ...

    @property
    def state(self) -> LabelState:
        """The state of the rows in ``frame``."""
        ...


class Warehouse(Protocol):
    """The users' database of predictions and labels. It is never written."""

    def with_predictions_of(self, rows: RowsElsewhere) -> "Warehouse":
        """Return this warehouse with other rows in place of the table of predictions."""
        ...

    def read_predictions(self, spec: ModelSpec, chunk: Chunk) -> PredictionsRead: ...
    def read_labels(self, spec: ModelSpec, chunk: Chunk, as_of: dt.datetime) -> LabelsRead:
        """Read the labels of a chunk's predictions that were known at ``as_of``."""
        ...

    def business_metric(self, spec: ModelSpec, sql_text: str, chunk: Chunk, model_version: str) -> float | None:
        """Run a user's query for a chunk; return its single number, None if it is null."""
        ...

    def counting(self, spec: ModelSpec) -> "Counting | None":
        """Return the counting of a model's rows in the warehouse; None if they can only be read."""
        ...

    def prediction_states(self, spec: ModelSpec, chunks: Sequence[Chunk]) -> Mapping[str, PredictionState]:
        """Return number and latest time of the predictions of each chunk, by chunk key, with one query."""
        ...

    def label_states(self, spec: ModelSpec, chunks: Sequence[Chunk], as_of: dt.datetime) -> Mapping[str, LabelState]:
        """Return the states of the labels known at ``as_of``, by chunk key."""
        ...

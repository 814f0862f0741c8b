"""Reads of predictions and labels through the templates, for every engine whose rows come by SQL."""

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager

from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.reads import LabelsRead, LabelState, PredictionsRead, PredictionState
from monitoring_pipeline.warehouse.sql.counting.counting import SqlCounting
from monitoring_pipeline.warehouse.sql.open_source import (
    OpenSource,
    label_join_of,
    label_states_of,
    read_labels_where,
    read_predictions_where,
)
from monitoring_pipeline.warehouse.sql.queries import prediction_states_query


class SqlReads(ABC):
    """The reads of a warehouse that is opened for some queries."""

    @abstractmethod
    def open(self) -> AbstractContextManager[OpenSource]:
        """Open it; errors are those of the warehouse."""

    def read_predictions(self, spec: ModelSpec, chunk: Chunk) -> PredictionsRead:
        """Read a chunk's predictions, only the columns that the spec names.

        Columns of outputs and features that do not exist are left out and listed.

        Raises:
            MissingColumnError: when the column of the id or of the time does not exist.
            WrongTimeTypeError: when the time is neither timestamp nor date.
        """
        with self.open() as source:
            return read_predictions_where(source, spec, chunk)

    def read_labels(self, spec: ModelSpec, chunk: Chunk, as_of: dt.datetime) -> LabelsRead:
        """Read the label rows of a chunk's predictions that are known at ``as_of``, duplicates included.

        A label row whose known_at is null is not yet known.

        Raises:
            MissingColumnError: when a column of ids, times or labels does not exist.
            WrongTimeTypeError: when a time is neither timestamp nor date.
            ValueError: when ``as_of`` has no time zone.
        """
        with self.open() as source:
            return read_labels_where(source, spec, chunk, as_of)

    def prediction_states(self, spec: ModelSpec, chunks: Sequence[Chunk]) -> dict[str, PredictionState]:
        """Return by chunk key, from one query, how many predictions there are, and the time of the last one.

        Raises:
            MissingColumnError: when the column of the time does not exist.
            WrongTimeTypeError: when the time is neither timestamp nor date.
        """
        if not chunks:
            return {}
        with self.open() as source:
            found = source.frame(prediction_states_query(spec, source.predictions(spec), chunks)).rows()
        absent = dict.fromkeys((chunk.key for chunk in chunks), PredictionState())
        return absent | {key: PredictionState(*row) for key, *row in found}

    def label_states(self, spec: ModelSpec, chunks: Sequence[Chunk], as_of: dt.datetime) -> dict[str, LabelState]:
        """Return by chunk key, from one query, the states of the label rows that ``read_labels`` would return.

        Raises:
            MissingColumnError: when a column of ids, times or labels does not exist.
            WrongTimeTypeError: when a time is neither timestamp nor date.
            ValueError: when ``as_of`` has no time zone.
        """
        if not chunks:
            return {}
        with self.open() as source:
            return label_states_of(source, label_join_of(source, spec), chunks, as_of)

    def counting(self, spec: ModelSpec) -> SqlCounting:  # noqa: ARG002 - a deployment with several warehouses chooses by it
        """Return the counting of a model's rows in the warehouse."""
        return SqlCounting(self)

    def columns(self, table: str) -> dict[str, str]:
        """Return the types of a table's columns, by column."""
        with self.open() as source:
            return dict(source.table(table, "table").types)

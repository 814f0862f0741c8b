"""A source that is open for some queries, and the reads of predictions and labels from it."""

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

import polars as pl

from monitoring_pipeline.evaluation.rows.accounting import LabelAccounting
from monitoring_pipeline.evaluation.rows.readable import readable_predictions
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.reads import LabelsRead, LabelState, PredictionsRead
from monitoring_pipeline.warehouse.sql.catalogue import ListedTable, Table
from monitoring_pipeline.warehouse.sql.label_queries import (
    LabelJoin,
    label_accounting_query,
    label_join,
    label_states_query,
    labels_query,
)
from monitoring_pipeline.warehouse.sql.queries import Query, predictions_query, predictions_without_time_query

HALF_OF_A_HASH = 2**30


class OpenSource(Protocol):
    """A source that is open for some queries."""

    def frame(self, query: Query) -> pl.DataFrame:
        """Return the result of a query."""
        ...

    def listed(self) -> Sequence[ListedTable]:
        """Return all tables and views."""
        ...

    def table(self, name: str, place: str) -> Table:
        """Return the table that a spec names."""
        ...

    def predictions(self, spec: ModelSpec) -> Table:
        """Return the table of predictions, or the rows that replace it."""
        ...


def label_join_of(source: OpenSource, spec: ModelSpec) -> LabelJoin:
    """Return the join of labels to the table of predictions, or to the rows that replace it.

    Raises:
        MissingTableError: when a table does not exist.
        MissingColumnError: when a column of ids, times or labels does not exist.
        WrongTimeTypeError: when a time is neither timestamp nor date.
    """
    predictions, name = source.predictions(spec), spec.declared_labels.table
    labels = predictions if name is None else source.table(name, f"{spec.name}: labels.table")
    return label_join(spec, predictions, labels)


def read_predictions_where(source: OpenSource, spec: ModelSpec, chunk: Chunk, drawn: str = "") -> PredictionsRead:
    """Read a chunk's predictions for which a condition holds, only the columns that the spec names.

    Columns of outputs and features that do not exist are left out and listed.
    """
    table = source.predictions(spec)
    wanted = predictions_query(spec, table, chunk, drawn)
    frame = source.frame(wanted.query)
    without_time = source.frame(predictions_without_time_query(spec, table)).item()
    frame.columns = list(wanted.names)
    return PredictionsRead(readable_predictions(spec, frame), wanted.missing_columns, without_time, dict(table.types))


def read_labels_where(
    source: OpenSource, spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, drawn: str = ""
) -> LabelsRead:
    """Read the label rows of a chunk's predictions that are known at ``as_of``, duplicates included.

    If ``drawn`` is given, only those of predictions for which this condition holds are read. Accounting and state are
    those of all.
    """
    join = label_join_of(source, spec)
    frame = source.frame(labels_query(join, chunk, as_of, drawn))
    counts = source.frame(label_accounting_query(join, chunk, as_of)).row(0, named=True)
    has_every_row = join.has_one_row_per_label and not drawn
    state = _state_of(frame) if has_every_row else label_states_of(source, join, [chunk], as_of)[chunk.key]
    return LabelsRead(frame.drop("row_hash"), LabelAccounting(**counts), state)


def _state_of(labels: pl.DataFrame) -> LabelState:
    """Return the state of a chunk's labels from its label rows, as the query of states counts it."""
    hashes, latest = labels["row_hash"].cast(pl.Int64), labels["known_at"].max()
    # A sum of 60 bits overflows an integer of 64; that of either half does not.
    high, low = (int(half.sum()) for half in (hashes // HALF_OF_A_HASH, hashes % HALF_OF_A_HASH))
    return LabelState(
        rows=labels.height,
        latest_at=latest if isinstance(latest, dt.datetime) else None,
        hash_sum=str(high * HALF_OF_A_HASH + low),
    )


def label_states_of(
    source: OpenSource, join: LabelJoin, chunks: Sequence[Chunk], as_of: dt.datetime
) -> dict[str, LabelState]:
    """Return by chunk key, from one query, the states of the label rows that ``read_labels`` would return."""
    rows = source.frame(label_states_query(join, chunks, as_of)).rows()
    return dict.fromkeys((chunk.key for chunk in chunks), LabelState()) | {key: LabelState(*row) for key, *row in rows}

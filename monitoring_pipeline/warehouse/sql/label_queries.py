"""The queries of labels: their join to predictions, what is known, and their states.

Every query has bounds in time, so that its cost does not grow with the history of the tables. Labels of a chunk are
looked for among those known from ``labels.reach`` before it, and predictions of a label within ``labels.reach``.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from monitoring_pipeline.shipped_files import read_sql
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import LabelSource
from monitoring_pipeline.warehouse.sql.catalogue import Table
from monitoring_pipeline.warehouse.sql.columns import has_value_of, id_text, join_keys, readable, within
from monitoring_pipeline.warehouse.sql.dialect import Dialect, Kind
from monitoring_pipeline.warehouse.sql.queries import (
    PREDICTIONS_ALIAS,
    Query,
    id_columns,
    prediction_time,
    with_used_values,
)
from monitoring_pipeline.warehouse.sql.times import TimeColumn, moved, span_values, time_column, utc

LABELS_ALIAS = "l"


@dataclass(frozen=True, kw_only=True)
class LabelJoin:
    """The tables and columns that join a model's labels to its predictions, as SQL.

    ``known_at`` is None if the source has no such column. ``label_predicted_at`` is the time of the prediction in a
    label row if labels and predictions are the same rows, else None. ``reach`` is the longest time between a
    prediction and its label. ``is_pending`` is the condition that a label row has a value that means "not known yet";
    None if no value means it.
    """

    dialect: Dialect
    predictions: str
    labels: str
    predicted_at: TimeColumn
    known_at: TimeColumn | None
    label_predicted_at: TimeColumn | None
    prediction_key: str
    label_key: str
    prediction_id: str
    label_id: str
    label: str
    version: str
    reach: dt.timedelta
    is_pending: str | None

    @property
    def placeholders(self) -> dict[str, str]:
        """The placeholders that all templates about labels share."""
        return {
            "predictions": self.predictions,
            "labels": self.labels,
            "known_at_instant": self.known_at_instant,
            "prediction_key": self.prediction_key,
            "label_key": self.label_key,
            "is_known": self.is_known,
            "integer": self.dialect.types.integer,
        }

    @property
    def known_at_instant(self) -> str:
        """The time at which a label became known; null if the source has none, or one that no calendar has."""
        if self.known_at is None:
            return f"CAST(NULL AS {self.dialect.types.instant})"
        return within(self.known_at.instant, self.dialect.bounds[Kind.INSTANT])

    @property
    def is_known(self) -> str:
        """The condition that a label row is known at ``$as_of``."""
        dated = [f"{self.known_at.sql} <= {self.known_at.comparable('$as_of')}"] if self.known_at else []
        # Elsewhere, a row with a null label withdraws the label.
        filled = [f"{self.label} IS NOT NULL"] if self.label_predicted_at or not self.known_at else []
        decided = [f"NOT {self.is_pending}"] if self.is_pending else []
        return " AND ".join((*dated, *filled, *decided))

    @property
    def is_within_reach(self) -> str:
        """The condition that a label row may belong to a chunk by its time, with bounds on the bare column.

        Rows that are predictions have the time of the prediction.
        """
        if self.known_at is None or self.label_predicted_at is not None:
            return "TRUE"
        return self.known_at.between("known_from", "as_of", end_included=True)

    def of_chunk(self, start: str = "chunk_start", end: str = "chunk_end") -> str:
        """Return the condition that a label row is a prediction of a chunk, true if labels are other rows."""
        return self.label_predicted_at.between(start, end) if self.label_predicted_at else "TRUE"

    @property
    def has_one_row_per_label(self) -> bool:
        """Whether the query of labels returns each label row once, so that the state of labels follows from its rows.

        If labels are predictions, rows of several versions with the same label are returned as one.
        """
        return self.label_predicted_at is None

    @property
    def row_hash(self) -> str:
        """The hash of a label row, a number of 60 bits."""
        return self.dialect.hash_60(self.row_text)

    @property
    def row_text(self) -> str:
        """Id, label and time of a label row as one text; two rows have the same text only if all three are equal."""
        # Without the equals sign, a null and an empty text would be the same.
        parts = (self.label_id, self.label, self.known_at_instant)
        text = self.dialect.types.text
        return " || chr(10) || ".join(f"coalesce('=' || CAST({part} AS {text}), '')" for part in parts)


def label_join(spec: ModelSpec, predictions: Table, labels: Table) -> LabelJoin:
    """Return the tables and columns that join labels to predictions.

    Raises:
        MissingColumnError: when a column of ids, times or labels does not exist.
        WrongTimeTypeError: when a time is neither timestamp nor date.
    """
    source = spec.declared_labels
    prediction_ids = id_columns(predictions, spec.predictions.id_columns, f"{spec.name}: predictions.id")
    label_ids = id_columns(labels, source.id_columns or spec.predictions.id_columns, f"{spec.name}: labels.id")
    label = labels.required_column(source.label, f"{spec.name}: labels.label")
    pending = has_value_of(label, LABELS_ALIAS, source.null_values) if source.null_values else None
    read_label = readable(label, LABELS_ALIAS, as_number=True)
    version = predictions.column(spec.predictions.model_version) if spec.predictions.model_version else None
    are_same_rows = (labels.listed, label_ids) == (predictions.listed, prediction_ids)
    prediction_key, label_key = join_keys(prediction_ids, PREDICTIONS_ALIAS, label_ids, LABELS_ALIAS)
    return LabelJoin(
        dialect=predictions.listed.dialect,
        predictions=predictions.listed.sql,
        labels=labels.listed.sql,
        predicted_at=prediction_time(spec, predictions),
        known_at=_known_at(spec, labels, source),
        label_predicted_at=prediction_time(spec, labels, LABELS_ALIAS) if are_same_rows else None,
        prediction_key=prediction_key,
        label_key=label_key,
        prediction_id=id_text(prediction_ids, PREDICTIONS_ALIAS),
        label_id=label_ids[0].of(LABELS_ALIAS) if len(label_ids) == 1 else label_key,
        label=read_label if pending is None else f"CASE WHEN NOT {pending} THEN {read_label} END",
        version=version.of(PREDICTIONS_ALIAS) if version else "''",
        reach=max(source.reach, source.delay),
        is_pending=pending,
    )


def labels_query(join: LabelJoin, chunk: Chunk, as_of: dt.datetime, drawn: str = "") -> Query:
    """Return the query for the label rows of a chunk's predictions known at ``as_of``.

    ``drawn`` is a further condition on the predictions.
    """
    time = join.predicted_at
    sql = read_sql("warehouse/labels.sql").format(
        # Versions that scored the same rows repeat the label.
        distinct="" if join.has_one_row_per_label else "DISTINCT",
        row_hash=join.row_hash if join.has_one_row_per_label else f"CAST(NULL AS {join.dialect.types.integer})",
        may_be_elsewhere="FALSE" if join.label_predicted_at else "TRUE",
        label=join.label,
        prediction_id=join.prediction_id,
        version=join.version,
        predicted_at=time.sql,
        of_chunk=join.of_chunk(),
        in_chunk=" AND ".join(filter(None, (time.between("chunk_start", "chunk_end"), drawn))),
        is_near=time.between("near_start", "near_end"),
        outside=f"{time.sql} < {time.comparable('$chunk_start')} OR {time.sql} >= {time.comparable('$chunk_end')}",
        is_within_reach=join.is_within_reach,
        **join.placeholders,
    )
    return with_used_values(join.dialect, sql, _values(join, chunk, as_of))


def label_accounting_query(join: LabelJoin, chunk: Chunk, as_of: dt.datetime) -> Query:
    """Return the query for the numbers of ``LabelAccounting``.

    Label rows without a time, and those that are predictions, belong to no other chunk. Only unknown ones are counted.
    """
    values = _values(join, chunk, as_of)
    in_chunk = join.predicted_at.between("chunk_start", "chunk_end")
    if join.known_at is None or join.label_predicted_at is not None:
        template = read_sql("warehouse/labels_not_yet_known.sql")
        sql = template.format(of_chunk=join.of_chunk(), in_chunk=in_chunk, **join.placeholders)
        return with_used_values(join.dialect, sql, values)
    sql = read_sql("warehouse/label_accounting.sql").format(
        in_chunk=in_chunk,
        is_near=join.predicted_at.between("near_start", "near_end"),
        without_time=join.predicted_at.is_absent,
        known_in_chunk=join.known_at.between("chunk_start", "chunk_end"),
        known_later=join.known_at.since("as_of", included=False),
        known_never=join.known_at.is_absent,
        **join.placeholders,
    )
    return with_used_values(join.dialect, sql, values)


def label_states_query(join: LabelJoin, chunks: Sequence[Chunk], as_of: dt.datetime) -> Query:
    """Return the query for the states of chunks' labels: number of rows, their latest instant, the sum of their hashes.

    ``chunks`` must not be empty.
    """
    dialect, time, known_at = join.dialect, join.predicted_at, join.known_at
    is_bounded = known_at is not None and join.label_predicted_at is None
    rows, values = list[tuple[str, ...]](), dict[str, object]()
    for n, chunk in enumerate(chunks):
        values |= {f"key_{n}": chunk.key, f"start_{n}": utc(chunk.start), f"end_{n}": utc(chunk.end)}
        values[f"from_{n}"] = moved(chunk.start, -join.reach)
        known_from = known_at.comparable(f"$from_{n}") if known_at is not None and is_bounded else "NULL"
        key = f"CAST($key_{n} AS {dialect.types.text})"
        rows.append((key, time.comparable(f"$start_{n}"), time.comparable(f"$end_{n}"), known_from))
    earliest, latest = min(chunk.start for chunk in chunks), max(chunk.end for chunk in chunks)
    values |= span_values(
        earliest_start=earliest, latest_end=latest, known_from=moved(earliest, -join.reach), as_of=as_of
    )
    made_at = join.label_predicted_at
    sql = read_sql("warehouse/label_states.sql").format(
        hash_sum=dialect.hash_sum(join.row_hash),
        of_chunk=f"{made_at.sql} >= c.chunk_start AND {made_at.sql} < c.chunk_end" if made_at else "TRUE",
        of_all_chunks=join.of_chunk("earliest_start", "latest_end"),
        chunks=dialect.rows(("chunk_key", "chunk_start", "chunk_end", "known_from"), rows),
        predicted_at=time.sql,
        in_all_chunks=time.between("earliest_start", "latest_end"),
        is_within_reach=join.is_within_reach,
        is_within_reach_of_chunk=f"{known_at.sql} >= c.known_from" if known_at is not None and is_bounded else "TRUE",
        **join.placeholders,
    )
    return with_used_values(join.dialect, sql, values)


def _known_at(spec: ModelSpec, labels: Table, source: LabelSource) -> TimeColumn | None:
    if source.known_at is None:
        return None
    place = f"{spec.name}: labels.known_at"
    column = labels.required_column(source.known_at, place)
    return time_column(column, LABELS_ALIAS, place, day_zone=spec.timezone, naive_zone=source.time_zone)


def _values(join: LabelJoin, chunk: Chunk, as_of: dt.datetime) -> dict[str, object]:
    return span_values(
        chunk_start=chunk.start,
        chunk_end=chunk.end,
        as_of=as_of,
        known_from=moved(chunk.start, -join.reach),
        near_start=moved(chunk.start, -join.reach),
        near_end=moved(chunk.end, join.reach),
    )

"""The queries to a warehouse, from the templates in ``sql/warehouse/``; the same for every engine.

SQL injection is impossible by construction. Every value (instants, keys of chunks) is bound as ``$name`` and never part
of the text. The ``{placeholders}`` of a template receive only SQL of this package, and quoted identifiers from the
catalogue. The text of a spec is compared with the catalogue and does not reach a query, except that keys inside of maps
and JSON are quoted texts (``nested.py``). Columns are selected as ``c0``, ``c1``, ... and named afterwards.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitoring_pipeline.shipped_files import read_sql
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind, LabelSource
from monitoring_pipeline.warehouse.errors import WrongTimeTypeError
from monitoring_pipeline.warehouse.sql.catalogue import Column, ListedTable, Table
from monitoring_pipeline.warehouse.sql.columns import (
    AS_NUMBER,
    AS_TEXT,
    BOUNDS_OF_INSTANTS,
    TimeColumn,
    id_text,
    join_keys,
    qualified,
    readable,
    time_column,
    within,
)

PREDICTIONS_ALIAS = "p"
LABELS_ALIAS = "l"
SHORTEST_DAY = dt.timedelta(hours=22)
"""No zone skips more than two hours of a day."""


@dataclass(frozen=True)
class Query:
    """The text of a query, and the values bound to its ``$names``."""

    sql: str
    values: Mapping[str, object]


@dataclass(frozen=True)
class PredictionsQuery:
    """A query of predictions; its n-th column is to be named ``names[n]``."""

    query: Query
    names: tuple[str, ...]
    missing_columns: tuple[str, ...]


def tables_query() -> Query:
    """Return the query for all tables: catalog, schema, name, whether it is in the default schema."""
    return Query(read_sql("warehouse/tables.sql"), {})


def columns_query(table: ListedTable) -> Query:
    """Return the query for the columns of a table: name and type."""
    names = {"table_catalog": table.catalog, "table_schema": table.schema, "table_name": table.name}
    return Query(read_sql("warehouse/columns.sql"), names)


def predictions_query(spec: ModelSpec, table: Table, chunk: Chunk) -> PredictionsQuery:
    """Return the query for a chunk's predictions.

    Raises:
        MissingColumnError: when the column of the id or of the time does not exist.
        WrongTimeTypeError: when the time is neither timestamp nor date.
    """
    ids = _id_columns(table, spec.predictions.id_columns, f"{spec.name}: predictions.id")
    time = prediction_time(spec, table)
    _require_time_of_day(spec, time, chunk)
    selected = {"row_id": id_text(ids, PREDICTIONS_ALIAS), "predicted_at": time.instant}
    missing: list[str] = []
    for name, (column_name, decimals) in _optional_columns(spec).items():
        if column := table.column(column_name):
            selected[name] = readable(column, PREDICTIONS_ALIAS, decimals=decimals)
        else:
            missing.append(name)
    sql = read_sql("warehouse/predictions.sql").format(
        selected=", ".join(f"{expression} AS c{n}" for n, expression in enumerate(selected.values())),
        predictions=table.listed.sql,
        **chunk_window(time),
    )
    query = Query(sql, {"chunk_start": _utc(chunk.start), "chunk_end": _utc(chunk.end)})
    return PredictionsQuery(query, tuple(selected), tuple(missing))


def predictions_without_time_query(spec: ModelSpec, table: Table) -> Query:
    """Return the query for the number of predictions without a time."""
    time = prediction_time(spec, table)
    template = read_sql("warehouse/predictions_without_time.sql")
    return Query(template.format(predictions=table.listed.sql, predicted_at=time.sql), {})


@dataclass(frozen=True)
class LabelJoin:
    """The tables and columns that join a model's labels to its predictions, as SQL.

    ``known_at`` is None if the source has no such column. ``label_predicted_at`` is the time of the prediction in a
    label row if labels and predictions are the same rows, else None.
    """

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

    @property
    def placeholders(self) -> dict[str, str]:
        """The placeholders that all templates about labels share."""
        return {
            "predictions": self.predictions,
            "labels": self.labels,
            "predicted_at": self.predicted_at.sql,
            "known_at_instant": self.known_at_instant,
            "prediction_key": self.prediction_key,
            "label_key": self.label_key,
            "is_known": self.is_known,
        }

    @property
    def known_at_instant(self) -> str:
        """The time at which a label became known; null if the source has none, or one that no calendar has."""
        return within(self.known_at.instant, BOUNDS_OF_INSTANTS) if self.known_at else "CAST(NULL AS TIMESTAMPTZ)"

    @property
    def is_known(self) -> str:
        """The condition that a label row is known at ``$as_of``."""
        dated = [f"{self.known_at.sql} <= {self.known_at.comparable('$as_of')}"] if self.known_at else []
        # Elsewhere, a row with a null label withdraws the label.
        filled = [f"{self.label} IS NOT NULL"] if self.label_predicted_at or not self.known_at else []
        return " AND ".join((*dated, *filled))

    def of_chunk(self, start: str, end: str) -> str:
        """Return the condition that a label row is a prediction of a chunk, true if labels are other rows."""
        made_at = self.label_predicted_at
        return f"{made_at.sql} >= {start} AND {made_at.sql} < {end}" if made_at else "TRUE"

    @property
    def row_text(self) -> str:
        """Id, label and time of a label row as one text; two rows have the same text only if all three are equal."""
        # Without the equals sign, a null and an empty text would be the same.
        parts = (self.label_id, self.label, self.known_at_instant)
        return " || chr(10) || ".join(f"coalesce('=' || CAST({part} AS {AS_TEXT}), '')" for part in parts)


def label_join(spec: ModelSpec, predictions: Table, labels: Table) -> LabelJoin:
    """Return the tables and columns that join labels to predictions.

    Raises:
        MissingColumnError: when a column of ids, times or labels does not exist.
        WrongTimeTypeError: when a time is neither timestamp nor date.
    """
    source = spec.declared_labels
    prediction_ids = _id_columns(predictions, spec.predictions.id_columns, f"{spec.name}: predictions.id")
    label_ids = _id_columns(labels, source.id_columns or spec.predictions.id_columns, f"{spec.name}: labels.id")
    label = labels.required_column(source.label, f"{spec.name}: labels.label")
    version = predictions.column(spec.predictions.model_version) if spec.predictions.model_version else None
    are_same_rows = (labels.listed, label_ids) == (predictions.listed, prediction_ids)
    prediction_key, label_key = join_keys(prediction_ids, PREDICTIONS_ALIAS, label_ids, LABELS_ALIAS)
    return LabelJoin(
        predictions=predictions.listed.sql,
        labels=labels.listed.sql,
        predicted_at=prediction_time(spec, predictions),
        known_at=_known_at(spec, labels, source),
        label_predicted_at=prediction_time(spec, labels, LABELS_ALIAS) if are_same_rows else None,
        prediction_key=prediction_key,
        label_key=label_key,
        prediction_id=id_text(prediction_ids, PREDICTIONS_ALIAS),
        label_id=qualified(label_ids[0], LABELS_ALIAS) if len(label_ids) == 1 else label_key,
        label=readable(label, LABELS_ALIAS, decimals=AS_NUMBER),
        version=qualified(version, PREDICTIONS_ALIAS) if version else "''",
    )


def labels_query(join: LabelJoin, chunk: Chunk, as_of: dt.datetime) -> Query:
    """Return the query for the label rows of a chunk's predictions known at ``as_of``."""
    window = chunk_window(join.predicted_at)
    sql = read_sql("warehouse/labels.sql").format(
        # Versions that scored the same rows repeat the label.
        distinct="DISTINCT" if join.label_predicted_at else "",
        may_be_elsewhere="FALSE" if join.label_predicted_at else "TRUE",
        label=join.label,
        prediction_id=join.prediction_id,
        version=join.version,
        of_chunk=join.of_chunk(window["chunk_start"], window["chunk_end"]),
        **join.placeholders | window,
    )
    return _with_used_values(sql, _chunk_values(chunk, as_of))


def label_accounting_query(join: LabelJoin, chunk: Chunk, as_of: dt.datetime) -> Query:
    """Return the query for the numbers of ``LabelAccounting``.

    Label rows without a time, and those that are predictions, belong to no other chunk. Only unknown ones are counted.
    """
    window = chunk_window(join.predicted_at)
    values = _chunk_values(chunk, as_of)
    if join.known_at is None or join.label_predicted_at is not None:
        of_chunk = join.of_chunk(window["chunk_start"], window["chunk_end"])
        sql = read_sql("warehouse/labels_not_yet_known.sql").format(of_chunk=of_chunk, **join.placeholders | window)
        return _with_used_values(sql, values)
    sql = read_sql("warehouse/label_accounting.sql").format(
        known_at=join.known_at.sql,
        known_from=join.known_at.comparable("$chunk_start"),
        known_before=join.known_at.comparable("$chunk_end"),
        **join.placeholders | window,
    )
    return Query(sql, values)


def label_states_query(join: LabelJoin, chunks: Sequence[Chunk], as_of: dt.datetime) -> Query:
    """Return the query for the states of chunks' labels: number of rows, their latest instant, the sum of their hashes.

    ``chunks`` must not be empty.
    """
    comparable = join.predicted_at.comparable
    rows = [
        f"(CAST($key_{n} AS {AS_TEXT}), {comparable(f'$start_{n}')}, {comparable(f'$end_{n}')})"
        for n in range(len(chunks))
    ]
    values: dict[str, object] = {"as_of": _utc(as_of)}
    for n, chunk in enumerate(chunks):
        values |= {f"key_{n}": chunk.key, f"start_{n}": _utc(chunk.start), f"end_{n}": _utc(chunk.end)}
    values |= {
        "earliest_start": _utc(min(chunk.start for chunk in chunks)),
        "latest_end": _utc(max(chunk.end for chunk in chunks)),
    }
    sql = read_sql("warehouse/label_states.sql").format(
        row_text=join.row_text,
        of_chunk=join.of_chunk("c.chunk_start", "c.chunk_end"),
        chunks=", ".join(rows),
        earliest_start=comparable("$earliest_start"),
        latest_end=comparable("$latest_end"),
        **join.placeholders,
    )
    return _with_used_values(sql, values)


def prediction_time(spec: ModelSpec, table: Table, alias: str = PREDICTIONS_ALIAS) -> TimeColumn:
    """Return the time of predictions as SQL.

    Raises:
        MissingColumnError: when the column does not exist.
        WrongTimeTypeError: when it holds no times.
    """
    place = f"{spec.name}: predictions.time"
    column = table.required_column(spec.predictions.time, place)
    return time_column(column, alias, place, day_zone=spec.timezone, naive_zone=spec.predictions.time_zone)


def _known_at(spec: ModelSpec, labels: Table, source: LabelSource) -> TimeColumn | None:
    if source.known_at is None:
        return None
    place = f"{spec.name}: labels.known_at"
    column = labels.required_column(source.known_at, place)
    return time_column(column, LABELS_ALIAS, place, day_zone=spec.timezone, naive_zone=source.time_zone)


def _id_columns(table: Table, names: Sequence[str], place: str) -> list[Column]:
    return [table.required_column(name, place) for name in names]


def _require_time_of_day(spec: ModelSpec, time: TimeColumn, chunk: Chunk) -> None:
    if time.by_day and chunk.end - chunk.start < SHORTEST_DAY:
        message = (
            f"{spec.name}: predictions.time: column {spec.predictions.time} is a date, which has no time of day; "
            f"with cadence: {spec.cadence} it must be a timestamp"
        )
        raise WrongTimeTypeError(message)


def _with_used_values(sql: str, values: Mapping[str, object]) -> Query:
    """Return a query with the values that its text names, because an engine refuses others."""
    return Query(sql, {name: value for name, value in values.items() if f"${name}" in sql})


def _optional_columns(spec: ModelSpec) -> dict[str, tuple[str, str]]:
    """Return, by canonical name, the column in the spec and the type that its decimals get."""
    source = spec.predictions
    scores = {spec.score_columns[name]: column for name, column in source.scores.items()}
    outputs = {"score": source.score, **scores, "prediction": source.prediction}
    carried = {"horizon": source.horizon, "naive": source.naive}
    columns = {} if source.model_version is None else {"model_version": (source.model_version, AS_TEXT)}
    for name, feature in spec.features.items():
        decimals = AS_NUMBER if feature.kind is FeatureKind.NUMERIC else AS_TEXT
        columns[name] = (feature.column or name, decimals)
    for name, column in (outputs | carried).items():
        if column is not None:
            columns[name] = (column, AS_NUMBER)
    return columns


def chunk_window(predicted_at: TimeColumn) -> dict[str, str]:
    """Return the placeholders of a condition on the time of predictions."""
    return {
        "predicted_at": predicted_at.sql,
        "chunk_start": predicted_at.comparable("$chunk_start"),
        "chunk_end": predicted_at.comparable("$chunk_end"),
    }


def _chunk_values(chunk: Chunk, as_of: dt.datetime) -> dict[str, object]:
    return {"chunk_start": _utc(chunk.start), "chunk_end": _utc(chunk.end), "as_of": _utc(as_of)}


def _utc(moment: dt.datetime) -> dt.datetime:
    if moment.tzinfo is None:
        message = f"{moment} has no time zone"
        raise ValueError(message)
    return moment.astimezone(dt.UTC)

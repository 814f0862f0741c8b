"""The queries to a warehouse, from the templates in ``sql/warehouse/``; the same for every engine.

SQL injection is impossible by construction. Every value (instants, keys of chunks) is bound as ``$name`` and never part
of the text. The ``{placeholders}`` of a template receive only SQL of this package, and quoted identifiers from the
catalogue. The text of a spec is compared with the catalogue and does not reach a query. Columns are selected as ``c0``,
``c1``, ... and named afterwards.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitoring_pipeline.shipped_files import read_sql
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.warehouse.errors import WrongTimeTypeError
from monitoring_pipeline.warehouse.sql.catalogue import Column, ListedTable, Table
from monitoring_pipeline.warehouse.sql.columns import (
    AS_NUMBER,
    AS_TEXT,
    TimeColumn,
    id_text,
    join_keys,
    qualified,
    readable,
    time_column,
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
    time = _prediction_time(spec, table)
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
        **_chunk_window(time),
    )
    query = Query(sql, {"chunk_start": _utc(chunk.start), "chunk_end": _utc(chunk.end)})
    return PredictionsQuery(query, tuple(selected), tuple(missing))


def predictions_without_time_query(spec: ModelSpec, table: Table) -> Query:
    """Return the query for the number of predictions without a time."""
    time = _prediction_time(spec, table)
    template = read_sql("warehouse/predictions_without_time.sql")
    return Query(template.format(predictions=table.listed.sql, predicted_at=time.sql), {})


@dataclass(frozen=True)
class LabelJoin:
    """The tables and columns that join a model's labels to its predictions, as SQL."""

    predictions: str
    labels: str
    predicted_at: TimeColumn
    known_at: TimeColumn
    prediction_key: str
    label_key: str
    prediction_id: str
    label_id: str
    label: str

    @property
    def placeholders(self) -> dict[str, str]:
        """The placeholders that all templates about labels share."""
        return {
            "predictions": self.predictions,
            "labels": self.labels,
            "predicted_at": self.predicted_at.sql,
            "known_at": self.known_at.sql,
            "known_at_instant": self.known_at.instant,
            "prediction_key": self.prediction_key,
            "label_key": self.label_key,
            "as_of": self.known_at.comparable("$as_of"),
        }

    @property
    def row_text(self) -> str:
        """Id, label and time of a label row as one text; two rows have the same text only if all three are equal."""
        # Without the equals sign, a null and an empty text would be the same.
        parts = (self.label_id, self.label, self.known_at.instant)
        return " || chr(10) || ".join(f"coalesce('=' || CAST({part} AS {AS_TEXT}), '')" for part in parts)


def label_join(spec: ModelSpec, predictions: Table, labels: Table) -> LabelJoin:
    """Return the tables and columns that join labels to predictions.

    Raises:
        MissingColumnError: when a column of ids, times or labels does not exist.
        WrongTimeTypeError: when a time is neither timestamp nor date.
    """
    prediction_ids = _id_columns(predictions, spec.predictions.id_columns, f"{spec.name}: predictions.id")
    label_ids = _id_columns(labels, spec.labels.id_columns, f"{spec.name}: labels.id")
    label = labels.required_column(spec.labels.label, f"{spec.name}: labels.label")
    known_at_place = f"{spec.name}: labels.known_at"
    known_at = labels.required_column(spec.labels.known_at, known_at_place)
    prediction_key, label_key = join_keys(prediction_ids, PREDICTIONS_ALIAS, label_ids, LABELS_ALIAS)
    return LabelJoin(
        predictions=predictions.listed.sql,
        labels=labels.listed.sql,
        predicted_at=_prediction_time(spec, predictions),
        known_at=time_column(
            known_at, LABELS_ALIAS, known_at_place, day_zone=spec.timezone, naive_zone=spec.labels.time_zone
        ),
        prediction_key=prediction_key,
        label_key=label_key,
        prediction_id=id_text(prediction_ids, PREDICTIONS_ALIAS),
        label_id=qualified(label_ids[0], LABELS_ALIAS) if len(label_ids) == 1 else label_key,
        label=readable(label, LABELS_ALIAS, decimals=AS_NUMBER),
    )


def labels_query(join: LabelJoin, chunk: Chunk, as_of: dt.datetime) -> Query:
    """Return the query for the label rows of a chunk's predictions known at ``as_of``."""
    placeholders = (
        join.placeholders
        | _chunk_window(join.predicted_at)
        | {"label": join.label, "prediction_id": join.prediction_id}
    )
    return Query(read_sql("warehouse/labels.sql").format(**placeholders), _chunk_values(chunk, as_of))


def label_accounting_query(join: LabelJoin, chunk: Chunk, as_of: dt.datetime) -> Query:
    """Return the query for the numbers of ``LabelAccounting``."""
    sql = read_sql("warehouse/label_accounting.sql").format(
        known_from=join.known_at.comparable("$chunk_start"),
        known_before=join.known_at.comparable("$chunk_end"),
        **join.placeholders | _chunk_window(join.predicted_at),
    )
    return Query(sql, _chunk_values(chunk, as_of))


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
        chunks=", ".join(rows),
        earliest_start=comparable("$earliest_start"),
        latest_end=comparable("$latest_end"),
        **join.placeholders,
    )
    return Query(sql, values)


def _prediction_time(spec: ModelSpec, table: Table) -> TimeColumn:
    place = f"{spec.name}: predictions.time"
    column = table.required_column(spec.predictions.time, place)
    return time_column(column, PREDICTIONS_ALIAS, place, day_zone=spec.timezone, naive_zone=spec.predictions.time_zone)


def _id_columns(table: Table, names: Sequence[str], place: str) -> list[Column]:
    return [table.required_column(name, place) for name in names]


def _require_time_of_day(spec: ModelSpec, time: TimeColumn, chunk: Chunk) -> None:
    if time.by_day and chunk.end - chunk.start < SHORTEST_DAY:
        message = (
            f"{spec.name}: predictions.time: column {spec.predictions.time} is a date, which has no time of day; "
            f"with cadence: {spec.cadence} it must be a timestamp"
        )
        raise WrongTimeTypeError(message)


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


def _chunk_window(predicted_at: TimeColumn) -> dict[str, str]:
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

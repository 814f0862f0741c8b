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
from monitoring_pipeline.spec.rules.operations import LATENCY
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.warehouse.errors import WrongTimeTypeError
from monitoring_pipeline.warehouse.sql.catalogue import Column, ListedTable, Table
from monitoring_pipeline.warehouse.sql.columns import id_text, readable
from monitoring_pipeline.warehouse.sql.dialect import Dialect
from monitoring_pipeline.warehouse.sql.duckdb_dialect import DUCKDB
from monitoring_pipeline.warehouse.sql.times import TimeColumn, span_values, time_column, utc

PREDICTIONS_ALIAS = "p"
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


def tables_query(dialect: Dialect = DUCKDB) -> Query:
    """Return the query for all tables: catalog, schema, name, whether it is in the default schema."""
    sql = read_sql(f"warehouse/catalogue/{dialect.catalogue}_tables.sql")
    return Query(sql.format(**dialect.catalogue_parts) if dialect.catalogue_parts else sql, {})


def columns_query(table: ListedTable) -> Query:
    """Return the query for the columns of a table: name and type."""
    dialect = table.dialect
    names = {"table_catalog": table.catalog, "table_schema": table.schema, "table_name": table.name}
    places = {"catalog": dialect.quoted(table.catalog), "schema": dialect.quoted(table.schema)}
    sql = read_sql(f"warehouse/catalogue/{dialect.catalogue}_columns.sql").format(**places)
    return with_used_values(dialect, sql, names)


def predictions_query(spec: ModelSpec, table: Table, chunk: Chunk, drawn: str = "") -> PredictionsQuery:
    """Return the query for a chunk's predictions; ``drawn`` is a further condition on them.

    Raises:
        MissingColumnError: when the column of the id or of the time does not exist.
        WrongTimeTypeError: when the time is neither timestamp nor date.
    """
    ids = id_columns(table, spec.predictions.id_columns, f"{spec.name}: predictions.id")
    time = prediction_time(spec, table)
    _require_time_of_day(spec, time, chunk)
    selected = {"row_id": id_text(ids, PREDICTIONS_ALIAS), "predicted_at": time.instant}
    missing: list[str] = []
    for name, (column_name, as_number) in _optional_columns(spec).items():
        if column := table.column(column_name):
            selected[name] = readable(column, PREDICTIONS_ALIAS, as_number=as_number)
        else:
            missing.append(name)
    sql = read_sql("warehouse/predictions.sql").format(
        selected=", ".join(f"{expression} AS c{n}" for n, expression in enumerate(selected.values())),
        predictions=table.listed.sql,
        in_chunk=" AND ".join(filter(None, (time.between("chunk_start", "chunk_end"), drawn))),
    )
    query = with_used_values(table.listed.dialect, sql, span_values(chunk_start=chunk.start, chunk_end=chunk.end))
    return PredictionsQuery(query, tuple(selected), tuple(missing))


def predictions_without_time_query(spec: ModelSpec, table: Table) -> Query:
    """Return the query for the number of predictions without a time."""
    time = prediction_time(spec, table)
    template = read_sql("warehouse/predictions_without_time.sql")
    return Query(template.format(predictions=table.listed.sql, without_time=time.is_absent), {})


def prediction_states_query(spec: ModelSpec, table: Table, chunks: Sequence[Chunk]) -> Query:
    """Return the query for the number of predictions of chunks, and their last time; ``chunks`` must not be empty.

    Raises:
        MissingColumnError: when the column of the time does not exist.
        WrongTimeTypeError: when the time is neither timestamp nor date.
    """
    dialect, time = table.listed.dialect, prediction_time(spec, table)
    _require_time_of_day(spec, time, chunks[0])
    rows, values = list[tuple[str, ...]](), dict[str, object]()
    for n, chunk in enumerate(chunks):
        values |= {f"key_{n}": chunk.key, f"start_{n}": utc(chunk.start), f"end_{n}": utc(chunk.end)}
        key = f"CAST($key_{n} AS {dialect.types.text})"
        rows.append((key, time.comparable(f"$start_{n}"), time.comparable(f"$end_{n}")))
    earliest, latest = min(chunk.start for chunk in chunks), max(chunk.end for chunk in chunks)
    sql = read_sql("warehouse/prediction_states.sql").format(
        chunks=dialect.rows(("chunk_key", "chunk_start", "chunk_end"), rows),
        instant=time.instant,
        predictions=table.listed.sql,
        predicted_at=time.sql,
        in_all_chunks=time.between("earliest_start", "latest_end"),
    )
    return with_used_values(dialect, sql, values | span_values(earliest_start=earliest, latest_end=latest))


def prediction_time(spec: ModelSpec, table: Table, alias: str = PREDICTIONS_ALIAS) -> TimeColumn:
    """Return the time of predictions as SQL.

    Raises:
        MissingColumnError: when the column does not exist.
        WrongTimeTypeError: when it holds no times.
    """
    place = f"{spec.name}: predictions.time"
    column = table.required_column(spec.predictions.time, place)
    return time_column(column, alias, place, day_zone=spec.timezone, naive_zone=spec.predictions.time_zone)


def id_columns(table: Table, names: Sequence[str], place: str) -> list[Column]:
    """Return the columns of an id.

    Raises:
        MissingColumnError: when one does not exist.
    """
    return [table.required_column(name, place) for name in names]


def _require_time_of_day(spec: ModelSpec, time: TimeColumn, chunk: Chunk) -> None:
    if time.by_day and chunk.end - chunk.start < SHORTEST_DAY:
        message = (
            f"{spec.name}: predictions.time: column {spec.predictions.time} is a date, which has no time of day; "
            f"with cadence: {spec.cadence} it must be a timestamp"
        )
        raise WrongTimeTypeError(message)


def with_used_values(dialect: Dialect, sql: str, values: Mapping[str, object]) -> Query:
    """Return a query with the values that its text names, because an engine refuses others."""
    used = dialect.names_in(sql)
    return Query(sql, {name: value for name, value in values.items() if name in used})


def _optional_columns(spec: ModelSpec) -> dict[str, tuple[str, bool]]:
    """Return, by canonical name, the column in the spec and whether its decimals become numbers."""
    numbers = {name for name, feature in spec.features.items() if feature.kind is FeatureKind.NUMERIC}
    numbers |= {"score", *spec.score_columns.values(), "prediction", "horizon", "naive", LATENCY} - spec.features.keys()
    return {name: (column, name in numbers) for name, column in spec.columns_in_table.items()}

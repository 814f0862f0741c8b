"""The cost of a chunk does not grow with the history of its tables: rows and pages that an engine scans are counted."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import duckdb
import psycopg2
import pytest

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.engines.postgresql.dialect import POSTGRESQL
from monitoring_pipeline.warehouse.sql.catalogue import ListedTable, Table
from monitoring_pipeline.warehouse.sql.dialect import Dialect
from monitoring_pipeline.warehouse.sql.duckdb_dialect import DUCKDB
from monitoring_pipeline.warehouse.sql.label_queries import (
    label_accounting_query,
    label_join,
    label_states_query,
    labels_query,
)
from monitoring_pipeline.warehouse.sql.queries import Query, predictions_query, predictions_without_time_query
from monitoring_pipeline_tests.warehouse.conftest import SpecMaker
from monitoring_pipeline_tests.warehouse.server_builders import with_database

END = dt.date(2015, 1, 1)
TWO_MONTHS, TWO_YEARS = 61, 730
ROW_GROUP = 2_048
"""Rows of which DuckDB keeps the least and greatest values, and which it scans or skips together (default 122,880)."""
ROWS_A_DAY = 96

TIMES = {
    "TIMESTAMPTZ": "moment",
    "TIMESTAMP": "CAST(moment AS TIMESTAMP)",
    "DATE": "CAST(moment AS DATE)",
}
NAMES = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE", "TIMESTAMP": "TIMESTAMP WITHOUT TIME ZONE"}


def queries(spec: ModelSpec, dialect: Dialect, catalog: str, schema: str, kind: str) -> dict[str, Query]:
    """Return every query of one chunk, the last day of the tables."""
    kind = NAMES.get(kind, kind)
    predictions = Table(
        ListedTable(catalog, schema, "scores", in_default_schema=True, dialect=dialect),
        {"id": "BIGINT", "made_at": kind, "age": "INTEGER", "score": "DOUBLE PRECISION"},
    )
    labels = Table(
        ListedTable(catalog, schema, "truths", in_default_schema=True, dialect=dialect),
        {"id": "BIGINT", "churned": "BOOLEAN", "known_at": kind},
    )
    chunk = spec.calendar.chunk((END - dt.timedelta(days=3)).isoformat())
    as_of = dt.datetime(END.year, END.month, END.day, tzinfo=dt.UTC)
    join = label_join(spec, predictions, labels)
    return {
        "predictions": predictions_query(spec, predictions, chunk).query,
        "without time": predictions_without_time_query(spec, predictions),
        "labels": labels_query(join, chunk, as_of),
        "accounting": label_accounting_query(join, chunk, as_of),
        "states": label_states_query(join, [chunk], as_of),
    }


def statements(kind: str, days: int, series: str) -> Iterator[str]:
    """Yield the statements that make tables of so many days."""
    first = END - dt.timedelta(days=days)
    moment = f"TIMESTAMPTZ '{first} 00:00:00+00' + INTERVAL '1 second' * CAST(n * {86_400 // ROWS_A_DAY} AS BIGINT)"
    rows = f"(SELECT n, {moment} AS moment FROM {series.format(days * ROWS_A_DAY)}) AS given"
    yield (
        f"CREATE TABLE scores AS SELECT CAST(n AS BIGINT) AS id, {TIMES[kind]} AS made_at, CAST(n % 90 AS INTEGER) "
        f"AS age, CAST(0.5 AS DOUBLE PRECISION) AS score FROM {rows}"
    )
    later = rows.replace(" AS moment FROM", " + INTERVAL '1 hour' AS moment FROM")
    columns = f"CAST(n AS BIGINT) AS id, n % 2 = 0 AS churned, {TIMES[kind]} AS known_at"
    yield f"CREATE TABLE truths AS SELECT {columns} FROM {later}"


def scanned_by_duckdb(path: Path, spec: ModelSpec, kind: str) -> dict[str, int]:
    scanned = {}
    with duckdb.connect(path) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET enable_profiling = 'no_output'")
        connection.execute(
            'SET custom_profiling_settings = \'{"OPERATOR_ROWS_SCANNED": "true", "OPERATOR_TYPE": "true"}\''
        )
        for name, query in queries(spec, DUCKDB, path.stem, "main", kind).items():
            connection.execute(query.sql, dict(query.values)).fetchall()
            scanned[name] = _sum(
                json.loads(connection.get_profiling_information(format="json")), "operator_rows_scanned"
            )
    return scanned


def pages_of_postgresql(server: str, database: str, spec: ModelSpec, kind: str) -> dict[str, int]:
    pages = {}
    connection = psycopg2.connect(f"{server}/{database}")
    cursor = connection.cursor()
    cursor.execute("SET TimeZone = 'UTC'; SET max_parallel_workers_per_gather = 0; SET jit = off")
    for name, query in queries(spec, POSTGRESQL, database, "public", kind).items():
        text = POSTGRESQL.bind(query.sql, query.values).sql
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + text)
        plan = cursor.fetchone()[0][0]["Plan"]
        pages[name] = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
    connection.close()
    return pages


def _sum(node: dict, name: str) -> int:
    return int(node.get(name, 0) or 0) + sum(_sum(child, name) for child in node.get("children", []))


@pytest.mark.parametrize(("kind", "zone"), [
    ("TIMESTAMPTZ", "UTC"), ("TIMESTAMP", "UTC"), ("TIMESTAMP", "America/New_York"), ("DATE", "America/New_York"),
])  # fmt: skip
def test_rows_that_duckdb_scans_for_a_chunk_are_the_same_with_two_years(
    tmp_path: Path, make_spec: SpecMaker, kind: str, zone: str
) -> None:
    spec = make_spec(
        predictions={"time_zone": zone}, labels={"reach": "10d", "time_zone": zone}, start="2013-01-01", timezone=zone
    )
    scanned = {}
    for days in (TWO_MONTHS, TWO_YEARS):
        path = tmp_path / f"warehouse_{days}.duckdb"
        with duckdb.connect() as connection:
            connection.execute(f"SET TimeZone = 'UTC'; ATTACH '{path}' AS made (ROW_GROUP_SIZE {ROW_GROUP}); USE made")
            for statement in statements(kind, days, "(SELECT range AS n FROM range({}))"):
                connection.execute(statement)
        scanned[days] = scanned_by_duckdb(path, spec, kind)
    for name, rows in scanned[TWO_YEARS].items():
        assert rows <= scanned[TWO_MONTHS][name] + 2 * ROW_GROUP, name


@pytest.mark.parametrize("kind", TIMES)
def test_pages_that_postgresql_reads_for_a_chunk_are_the_same_with_two_years(
    postgresql_server: str, make_spec: SpecMaker, kind: str
) -> None:
    spec = make_spec(labels={"reach": "10d"})
    pages = {}
    for days in (TWO_MONTHS, TWO_YEARS):
        database = f"flat_{kind.lower()}_{days}"
        with_database(postgresql_server, database)
        connection = psycopg2.connect(f"{postgresql_server}/{database}")
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        for statement in statements(kind, days, "(SELECT n FROM generate_series(0, {} - 1) AS n)"):
            cursor.execute(statement)
        cursor.execute("CREATE INDEX ON scores (made_at); CREATE INDEX ON truths (known_at)")
        cursor.execute("VACUUM ANALYZE")
        connection.close()
        pages[days] = pages_of_postgresql(postgresql_server, database, spec, kind)
    for name, read in pages[TWO_YEARS].items():
        assert read <= 1.2 * pages[TWO_MONTHS][name] + 20, name

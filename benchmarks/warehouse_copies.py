"""The tables of a DuckDB file, copied to warehouses of other kinds. The copies have their rows in another order."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import duckdb
import snowflake.connector
from adbc_driver_postgresql import dbapi

from monitoring_pipeline_tests.postgresql_server import running_postgresql
from monitoring_pipeline_tests.warehouse.snowflake_builder import URL, in_snowflake, open_fake_account

SHUFFLED = "SELECT * FROM {table} AS rows ORDER BY md5(CAST(rows AS VARCHAR))"


@dataclass(frozen=True)
class Places:
    """Where the rows come from and where copies go: a DuckDB file, a folder, the URL of a PostgreSQL database.

    Without the URL, a server is started.
    """

    source: Path
    folder: Path
    postgresql: str | None = None


def _itself(places: Places) -> AbstractContextManager[str]:
    return nullcontext(str(places.source))


@contextmanager
def _parquet_files(places: Places) -> Iterator[str]:
    lake = places.folder / "lake"
    lake.mkdir(parents=True)
    with _opened(places.source) as source:
        for table in _tables(source):
            source.execute(f"COPY ({SHUFFLED.format(table=table)}) TO '{lake / table}.parquet'")
    yield f"files://{quote(str(lake))}"


@contextmanager
def _postgresql(places: Places) -> Iterator[str]:
    given = places.postgresql
    with nullcontext(given) if given else running_postgresql() as server:
        url = given or f"{server}/postgres"
        _copy_to_postgresql(places.source, url)
        yield url


def _copy_to_postgresql(path: Path, url: str) -> None:
    with _opened(path) as source, dbapi.connect(url) as connection, connection.cursor() as cursor:
        for table in _tables(source):
            cursor.adbc_ingest(table, source.execute(SHUFFLED.format(table=table)).to_arrow_reader(), mode="create")
        connection.commit()


@contextmanager
def _fakesnow(places: Places) -> Iterator[str]:
    with _opened(places.source) as source:
        statements = source.execute("SELECT sql FROM duckdb_tables()").fetchall()
        tables = _tables(source)
    with open_fake_account():
        with snowflake.connector.connect(database="DB", schema="PUBLIC") as connection:
            for (statement,) in statements:
                for translated in in_snowflake(statement):
                    connection.cursor().execute(translated)
            # The rows take the way below the connector, which has no statement that reads a DuckDB file.
            rows = connection._duck_conn  # noqa: SLF001
            rows.execute(f"ATTACH '{places.source}' AS source (READ_ONLY)")
            for table in tables:
                select = SHUFFLED.format(table=f"source.main.{table}")
                rows.execute(f"INSERT INTO DB.PUBLIC.{table.upper()} BY NAME {select}")
            rows.execute("DETACH source")
        yield URL


WAREHOUSES: dict[str, Callable[[Places], AbstractContextManager[str]]] = {
    "duckdb": _itself,
    "files": _parquet_files,
    "postgresql": _postgresql,
    "fakesnow": _fakesnow,
}
"""By kind of warehouse, what fills one and yields its URL. A further kind takes a row."""


@contextmanager
def _opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(duckdb.connect(path, read_only=True)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def _tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]

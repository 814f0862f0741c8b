"""Databases of one PostgreSQL server, made for one test, and psql as an administrator runs it."""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
import psycopg2
from adbc_driver_postgresql import dbapi

from monitoring_pipeline_tests.postgresql_server import psql_program


def execute(url: str, *statements: str) -> list[tuple]:
    """Execute statements, each in a transaction of its own, and return the rows of the last."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


@contextmanager
def new_databases(server: str, *names: str) -> Iterator[list[str]]:
    """Make databases whose names begin so, yield their URLs, and drop them."""
    made = [f"{name}_{time.time_ns()}" for name in names]
    for name in made:
        execute(f"{server}/postgres", f"CREATE DATABASE {name}")
    try:
        yield [f"{server}/{name}" for name in made]
    finally:
        for name in made:
            with suppress(psycopg2.OperationalError):
                execute(f"{server}/postgres", f"DROP DATABASE {name} WITH (FORCE)")


def as_role(url: str, role: str) -> str:
    """Return the URL of a database for another role."""
    return url.replace("postgres@", f"{role}@")


def run_psql(url: str, file: Path, **variables: str) -> None:
    """Run a file by psql, which stops at the first error."""
    options = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
    command = [str(psql_program()), "-X", "-q", "-v", "ON_ERROR_STOP=1", *options, "-f", str(file), url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": os.environ["PATH"]})
    assert done.returncode == 0, done.stderr


def copy_tables(source: Path, url: str, *tables: str) -> None:
    """Copy tables of a DuckDB file into a database, as an administrator."""
    with duckdb.connect(source, read_only=True) as connection, dbapi.connect(url) as target, target.cursor() as cursor:
        connection.execute("SET TimeZone = 'UTC'")
        for table in tables:
            cursor.adbc_ingest(table, connection.execute(f'FROM "{table}"').to_arrow_reader(), mode="create")
        target.commit()

"""Builds warehouses on servers from the statements of the contract suite, which are written for DuckDB."""

import hashlib
from pathlib import Path

import psycopg2
import sqlglot
from sqlglot import exp

from monitoring_pipeline.warehouse.engines.postgresql.session import PostgreSQLServer
from monitoring_pipeline.warehouse.engines.server.warehouse import ServerWarehouse

ONLY_IN_DUCKDB = {"HUGEINT": "NUMERIC(38, 0)", "TIMESTAMP_S": "TIMESTAMP(0)", "TIMESTAMP_MS": "TIMESTAMP(3)"}
FUNCTIONS = """
CREATE FUNCTION error(message TEXT) RETURNS INTEGER LANGUAGE plpgsql STABLE AS $$ BEGIN RAISE '%', message; END $$;
"""


def build_postgresql(server: str, folder: Path, statements: tuple[str, ...]) -> ServerWarehouse:
    """Return a warehouse in a database of its own for each folder."""
    name = f"test_{hashlib.sha256(str(folder).encode()).hexdigest()[:16]}"
    with_database(server, name)
    url = f"{server}/{name}"
    connection = psycopg2.connect(url)
    connection.autocommit = True
    try:
        cursor = connection.cursor()
        cursor.execute("SET TimeZone = 'UTC'")
        for statement in statements:
            for translated in in_postgresql(statement):
                cursor.execute(translated)
    finally:
        connection.close()
    return ServerWarehouse(PostgreSQLServer(url, url))


def with_database(server: str, name: str) -> None:
    """Create a database if it does not exist."""
    connection = psycopg2.connect(f"{server}/postgres")
    connection.autocommit = True
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {name}")
            other = psycopg2.connect(f"{server}/{name}")
            other.autocommit = True
            other.cursor().execute(FUNCTIONS)
            other.close()
    finally:
        connection.close()


def in_postgresql(statement: str) -> list[str]:
    """Return statements of DuckDB in PostgreSQL's SQL."""
    for name, instead in ONLY_IN_DUCKDB.items():
        statement = statement.replace(name, instead)
    parsed = [tree for tree in sqlglot.parse(statement, read="duckdb") if tree is not None]
    return [part for tree in parsed for part in _in_postgresql(tree)]


def _in_postgresql(tree: exp.Expression) -> list[str]:
    if isinstance(tree, exp.Create) and tree.args.get("replace") and tree.kind == "TABLE":
        # The new rows come from the old table.
        target, select = tree.this.sql("postgres"), tree.expression.sql("postgres")
        return [
            f"CREATE TABLE replacement AS {select}",
            f"DROP TABLE {target}",
            f"ALTER TABLE replacement RENAME TO {target}",
        ]
    return [tree.sql("postgres")]

"""Binds the values of a query by SQL, because a value that is bound in Python makes DuckDB import pandas."""

import datetime as dt

import duckdb

from monitoring_pipeline.warehouse.sql.queries import Query

PREPARED = "monitoring_pipeline_query"
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def run_bound(connection: duckdb.DuckDBPyConnection, query: Query) -> duckdb.DuckDBPyConnection:
    """Return the connection with the result of a query."""
    if not query.values:
        return connection.execute(query.sql)
    connection.execute(f"PREPARE {PREPARED} AS {query.sql}")
    bound = ", ".join(f"{name} := {constant(value)}" for name, value in query.values.items())
    return connection.execute(f"EXECUTE {PREPARED}({bound})")


def constant(value: object) -> str:
    """Return a value as SQL in which a text is hexadecimal, so that no character of it can be read as SQL.

    Raises:
        TypeError: for a type that no query binds.
    """
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case int():
            return str(value)
        case str():
            return f"decode(from_hex('{value.encode().hex()}'))"
        case dt.datetime() if value.tzinfo is not None:
            return f"make_timestamptz({(value - _EPOCH) // _MICROSECOND})"
        case _:
            message = f"{type(value).__name__} cannot be bound to a query"
            raise TypeError(message)

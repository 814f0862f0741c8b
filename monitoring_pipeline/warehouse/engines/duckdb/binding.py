"""Binds the values of a query by SQL, because a value that is bound in Python makes DuckDB import pandas."""

import datetime as dt
import re

import duckdb

from monitoring_pipeline.warehouse.sql.queries import Query

_TOKENS = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|\$(?P<name>[A-Za-z_][A-Za-z0-9_]*)", re.DOTALL
)
"""Comments, texts and quoted names, in which nothing is a parameter, and parameters."""
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)


def run_bound(connection: duckdb.DuckDBPyConnection, query: Query) -> duckdb.DuckDBPyConnection:
    """Return the connection with the result of a query."""
    return connection.execute(with_constants(query))


def with_constants(query: Query) -> str:
    """Return the text of a query with constants in place of its parameters.

    DuckDB knows them when it plans the query, so that a bound of time is applied before a column is computed, and files
    without matching rows are not read. A statement that is prepared without its values has neither.
    """
    values = query.values

    def put(token: re.Match[str]) -> str:
        name = token["name"]
        return constant(values[name]) if name in values else token[0]

    return _TOKENS.sub(put, query.sql) if values else query.sql


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

"""Connections to Snowflake: statements end at a time limit, and rows arrive as Arrow.

Snowflake has no transactions that only read. Therefore every query is a SELECT, users' SQL stands between brackets, and
the docs ask for a role that may only read.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import polars as pl
import pyarrow as pa
import snowflake.connector
from snowflake.connector.constants import FIELD_ID_TO_NAME
from snowflake.connector.errors import Error

from monitoring_pipeline.warehouse.engines.server.session import BusinessValues, Cause, StatementError
from monitoring_pipeline.warehouse.engines.server.values import PlacedValues, unique_names
from monitoring_pipeline.warehouse.engines.snowflake.dialect import SNOWFLAKE, as_bound
from monitoring_pipeline.warehouse.sql.dialect import Dialect, Statement

ABOUT_SQL = ("42", "02000")
_TIMEOUT = "57014"
_NAMES = {"FIXED": "NUMBER", "REAL": "FLOAT"}


class SnowflakeValues(PlacedValues):
    """Values in the order of their use; times are bound as text and converted."""

    def placeholder(self, name: str) -> str:
        """Return the placeholder of a parameter."""
        place = super().placeholder(name)
        return f"CAST({place} AS TIMESTAMP_TZ)" if name.startswith("chunk_") else place

    def bound(self, values: Mapping[str, object]) -> tuple[object, ...]:
        """Return the values of the placeholders that were written."""
        return tuple(as_bound(values[name]) for name in self.names)


@dataclass(frozen=True)
class SnowflakeServer:
    """An account by its URL: ``snowflake://user:password@account/database/schema?warehouse=w&role=r``.

    Further parameters are those of the connector, such as ``authenticator`` or ``private_key_file``.
    """

    url: str = field(repr=False)
    shown: str
    name: str = "Snowflake"
    dialect: Dialect = field(default=SNOWFLAKE, repr=False)
    business_values: Callable[[], BusinessValues] = SnowflakeValues

    @contextmanager
    def connect(self, seconds: float) -> Iterator["SnowflakeSession"]:
        """Open a connection whose statements end after so many seconds.

        Raises:
            StatementError: when the account cannot be reached.
        """
        session_parameters = {
            "TIMEZONE": "UTC",
            "QUERY_TAG": "monitoring_pipeline",
            "STATEMENT_TIMEOUT_IN_SECONDS": max(int(seconds), 1),
        }
        try:
            connection = snowflake.connector.connect(
                **connection_options(self.url), paramstyle="qmark", session_parameters=session_parameters
            )
        except Error as error:
            # Nothing has been read. The text is about account, user and database.
            raise StatementError(Cause.UNREACHABLE, " ".join(str(error).split())) from None
        try:
            yield SnowflakeSession(connection)
        finally:
            with suppress(Error):
                connection.close()


@dataclass(frozen=True)
class SnowflakeSession:
    """An open connection."""

    connection: Any

    def frame(self, statement: Statement) -> pl.DataFrame:
        """Return the result of a statement.

        Raises:
            StatementError: when it fails.
        """
        values = tuple(statement.values)
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(statement.sql, values or None)
                table = cursor.fetch_arrow_all(force_return_table=True)
        except Error as error:
            raise self._failed(error, statement.sql, values) from None
        return _frame(table)

    def types(self, select: str) -> dict[str, str]:
        """Return the types of a query's columns by name, as the catalogue names them, without running it.

        Raises:
            StatementError: when it fails.
        """
        try:
            with self.connection.cursor() as cursor:
                return {column.name: _type_name(column) for column in cursor.describe(select)}
        except Error as error:
            raise self._failed(error, select, ()) from None

    def _failed(self, error: Error, sql: str, values: tuple[object, ...]) -> StatementError:
        code = str(error.sqlstate or "")
        if code == _TIMEOUT:
            return StatementError(Cause.TIMEOUT, "it was stopped at the time limit")
        if code.startswith(ABOUT_SQL):
            return StatementError(Cause.REFUSED, f"the statement is wrong ({code})", self._text_about(sql, values))
        if code.startswith("22") or code == "100038":
            return StatementError(
                Cause.REFUSED, f"a value cannot be computed; run the query by hand to see the value (SQLSTATE {code})"
            )
        return StatementError(Cause.UNREACHABLE, f"the account cannot answer (error {error.errno}, SQLSTATE {code})")

    def _text_about(self, sql: str, values: tuple[object, ...]) -> str | None:
        """Return the text of an error of the compiler, which reads no rows."""
        try:
            with self.connection.cursor() as cursor:
                cursor.describe(sql, values or None)
        except Error as error:
            return " ".join(str(error.msg or error).split())[:1000]
        return None


def connection_options(url: str) -> dict[str, str]:
    """Return the arguments of the connector that a URL stands for."""
    parts = urlsplit(url)
    database, _, schema = parts.path.strip("/").partition("/")
    named = {
        "account": parts.netloc.rpartition("@")[2],
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": unquote(database),
        "schema": unquote(schema),
    }
    return {name: value for name, value in named.items() if value} | dict(parse_qsl(parts.query))


def _type_name(column: Any) -> str:
    name = FIELD_ID_TO_NAME[column.type_code]
    name = _NAMES.get(name, name)
    return f"NUMBER({column.precision},{column.scale})" if name == "NUMBER" else name


def _frame(table: pa.Table) -> pl.DataFrame:
    """Return rows with the names of the templates, which Snowflake writes in capitals, and times in microseconds."""
    names = unique_names([name.lower() for name in table.column_names])
    frame = pl.DataFrame(table.rename_columns(names))
    return frame.with_columns(
        [
            column.cast(pl.Datetime("us")) if kind.time_zone is None else column.cast(pl.Datetime("us", "UTC"))
            for column in frame
            if isinstance(kind := column.dtype, pl.Datetime)
        ]
    )

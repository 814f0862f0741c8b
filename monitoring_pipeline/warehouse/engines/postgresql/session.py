"""Connections to PostgreSQL: read-only transactions whose statements end at a time limit, rows in Arrow batches."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa
from adbc_driver_manager import Error
from adbc_driver_postgresql import dbapi

from monitoring_pipeline.warehouse.engines.postgresql.dialect import POSTGRESQL
from monitoring_pipeline.warehouse.engines.postgresql.errors import (
    INSUFFICIENT_PRIVILEGE,
    SYNTAX_OR_ACCESS,
    cause_of,
    short,
)
from monitoring_pipeline.warehouse.engines.server.session import BusinessValues, Cause, StatementError
from monitoring_pipeline.warehouse.engines.server.values import NumberedValues, unique_names
from monitoring_pipeline.warehouse.sql.dialect import Dialect, Statement

CONNECT_SECONDS = 30
_TYPES: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (pa.types.is_boolean, "BOOLEAN"),
    (pa.types.is_int16, "SMALLINT"),
    (pa.types.is_int32, "INTEGER"),
    (pa.types.is_int64, "BIGINT"),
    (pa.types.is_float32, "REAL"),
    (pa.types.is_float64, "DOUBLE PRECISION"),
    (pa.types.is_date, "DATE"),
    (pa.types.is_string, "TEXT"),
)


@dataclass(frozen=True)
class PostgreSQLServer:
    """A PostgreSQL server by its URL, which libpq reads: also a service, a certificate, or several hosts."""

    url: str = field(repr=False)
    shown: str
    name: str = "PostgreSQL"
    dialect: Dialect = field(default=POSTGRESQL, repr=False)
    business_values: Callable[[], BusinessValues] = NumberedValues

    @contextmanager
    def connect(self, seconds: float) -> Iterator["PostgreSQLSession"]:
        """Open a connection whose statements end after so many seconds.

        Raises:
            StatementError: when the server cannot be reached.
        """
        try:
            connection = dbapi.connect(_with_defaults(self.url))
        except Error as error:
            # Nothing has been read. The text is about host, port, user and database.
            raise StatementError(Cause.UNREACHABLE, " ".join(str(error).split())) from None
        session = PostgreSQLSession(connection, seconds)
        try:
            session.begin()
            yield session
        finally:
            with suppress(Error):
                connection.rollback()
            connection.close()


@dataclass(frozen=True)
class PostgreSQLSession:
    """An open connection in one read-only transaction, so that all queries read the same rows."""

    connection: dbapi.Connection
    seconds: float

    def begin(self) -> None:
        """Begin the transaction."""
        for setting in (
            "TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
            f"LOCAL statement_timeout = {max(int(self.seconds * 1000), 1)}",
            "LOCAL TIME ZONE 'UTC'",
            "LOCAL datestyle = 'ISO, YMD'",
            "LOCAL intervalstyle = 'postgres'",
            "LOCAL standard_conforming_strings = on",
            "LOCAL extra_float_digits = 1",
        ):
            self._run(f"SET {setting}", (), lambda _: None)

    def frame(self, statement: Statement) -> pl.DataFrame:
        """Return the result of a statement, read in batches.

        Raises:
            StatementError: when it fails.
        """
        values = tuple(statement.values) if isinstance(statement.values, tuple) else ()
        table = self._run(statement.sql, values, lambda cursor: cursor.fetch_arrow_table())
        return pl.DataFrame(_without_extensions(table).rename_columns(unique_names(table.column_names)))

    def types(self, select: str) -> dict[str, str]:
        """Return the types of a query's columns by name, as the catalogue names them, without running it.

        Raises:
            StatementError: when it fails.
        """
        schema = self._run(f"SELECT * FROM (\n{select}\n) AS given LIMIT 0", (), _schema)
        return {column.name: _type_name(column) for column in schema}

    def _run(self, sql: str, values: tuple[object, ...], read: Callable[[dbapi.Cursor], Any]) -> Any:
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(sql, values or None)
                return read(cursor)
        except Error as error:
            code = _code(error)
            cause, sentence = cause_of(code)
            if code == INSUFFICIENT_PRIVILEGE:
                raise StatementError(cause, sentence, short(str(error))) from None
            text = self._text_about(sql, values) if (code or "").startswith(SYNTAX_OR_ACCESS) else None
            raise StatementError(cause, sentence, text) from None

    def _text_about(self, sql: str, values: tuple[object, ...]) -> str | None:
        """Return the text of an error about a statement; None if the error occurred while rows were read.

        A function may raise any error with values of rows in its text. So the text comes from EXPLAIN, which reads no
        rows.
        """
        with suppress(Error):
            self.connection.rollback()
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", values or None)
                cursor.fetchall()
        except Error as error:
            return short(str(error)) if (_code(error) or "").startswith(SYNTAX_OR_ACCESS) else None
        return None


def _with_defaults(url: str) -> str:
    """Return a URL with the name of this program and a time limit for connecting, unless it has its own."""
    scheme, _, rest = url.partition("://")
    for name, value in (
        ("connect_timeout", str(CONNECT_SECONDS)),
        ("fallback_application_name", "monitoring_pipeline"),
    ):
        if f"{name}=" not in rest:
            rest += f"{'&' if '?' in rest else '?'}{name}={value}"
    # SQLAlchemy's name of a driver means nothing to libpq.
    return f"{scheme.partition('+')[0]}://{rest}"


def _schema(cursor: dbapi.Cursor) -> pa.Schema:
    return cursor.fetch_record_batch().schema


def _code(error: Error) -> str | None:
    code = getattr(error, "sqlstate", None)
    return code if code and code.strip("\0") else None


def _type_name(column: pa.Field) -> str:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP WITH TIME ZONE" if kind.tz else "TIMESTAMP WITHOUT TIME ZONE"
    if isinstance(kind, pa.BaseExtensionType):
        return str(getattr(kind, "type_name", "OTHER")).upper()
    return next((name for is_kind, name in _TYPES if is_kind(kind)), "OTHER")


def _without_extensions(table: pa.Table) -> pa.Table:
    """Return a table whose numbers of any precision, which ADBC gives as text, are floats."""
    for place, column in enumerate(table.schema):
        if isinstance(column.type, pa.BaseExtensionType):
            stored = table.column(place).cast(column.type.storage_type)
            is_number = getattr(column.type, "type_name", None) == "numeric"
            table = table.set_column(place, column.name, stored.cast(pa.float64()) if is_number else stored)
    return table

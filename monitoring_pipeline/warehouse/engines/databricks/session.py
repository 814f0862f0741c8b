"""Connections to Databricks SQL: statements end at a time limit, and rows arrive as Arrow.

Databricks has no transactions that only read. Therefore every query is a SELECT, users' SQL stands between brackets,
and the docs ask for privileges that only read.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa
from databricks import sql  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]
from databricks.sql.exc import Error  # pyright: ignore[reportMissingImports]

from monitoring_pipeline.warehouse.engines.databricks.dialect import DATABRICKS, MARK
from monitoring_pipeline.warehouse.engines.databricks.errors import cause_of
from monitoring_pipeline.warehouse.engines.server.session import BusinessValues, Cause, StatementError
from monitoring_pipeline.warehouse.engines.server.values import NamedValues, unique_names
from monitoring_pipeline.warehouse.sql.dialect import Dialect, Statement

_MOST_LETTERS = 1000


def _values() -> BusinessValues:
    return NamedValues(MARK)


@dataclass(frozen=True)
class DatabricksServer:
    """A SQL warehouse of Databricks, by the arguments of its connector."""

    options: Mapping[str, str] = field(repr=False)
    shown: str
    name: str = "Databricks"
    dialect: Dialect = field(default=DATABRICKS, repr=False)
    business_values: Callable[[], BusinessValues] = _values

    @contextmanager
    def connect(self, seconds: float) -> Iterator["DatabricksSession"]:
        """Open a connection whose statements end after so many seconds.

        Raises:
            StatementError: when the SQL warehouse cannot be reached.
        """
        try:
            connection = sql.connect(**self.options, user_agent_entry="monitoring_pipeline")
        except (Error, OSError, ValueError) as error:
            # Nothing has been read. The text is about host, path and token.
            raise StatementError(Cause.UNREACHABLE, " ".join(str(error).split())[:_MOST_LETTERS]) from None
        session = DatabricksSession(connection)
        try:
            session.begin(seconds)
            yield session
        finally:
            with suppress(Error):
                connection.close()


@dataclass(frozen=True)
class DatabricksSession:
    """An open connection."""

    connection: Any

    def begin(self, seconds: float) -> None:
        """Set what the dialect needs, and the limit of time."""
        for setting in ("TIME ZONE 'UTC'", "ANSI_MODE = true", f"STATEMENT_TIMEOUT = {max(int(seconds), 1)}"):
            self._run(f"SET {setting}", {})

    def frame(self, statement: Statement) -> pl.DataFrame:
        """Return the result of a statement.

        Raises:
            StatementError: when it fails.
        """
        values = dict(statement.values) if isinstance(statement.values, Mapping) else {}
        return _frame(self._run(statement.sql, values))

    def types(self, select: str) -> dict[str, str]:
        """Return the types of a query's columns by name, as the catalogue names them, without running it.

        Raises:
            StatementError: when it fails.
        """
        described = _frame(self._run(f"DESCRIBE QUERY {select}", {}))
        return dict(described.select("col_name", "data_type").rows())

    def _run(self, text: str, values: dict[str, object]) -> pa.Table:
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(text, values or None)
                return cursor.fetchall_arrow()
        except Error as error:
            cause, sentence, is_about_statement = cause_of(str(error))
            about = self._text_about(text, values) if is_about_statement else None
            raise StatementError(cause, sentence, about) from None

    def _text_about(self, text: str, values: dict[str, object]) -> str | None:
        """Return the text of an error about a statement, which is described without reading rows."""
        described = text if text.startswith("DESCRIBE QUERY") else f"DESCRIBE QUERY {text}"
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(described, values or None)
        except Error as error:
            return " ".join(str(error).split())[:_MOST_LETTERS]
        return None


def _frame(table: pa.Table) -> pl.DataFrame:
    """Return rows with instants in UTC, whatever the name of the zone in Arrow."""
    frame = pl.DataFrame(table.rename_columns(unique_names(table.column_names)))
    zoned = [column.name for column in frame if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone]
    return frame.with_columns(pl.col(zoned).dt.convert_time_zone("UTC")) if zoned else frame

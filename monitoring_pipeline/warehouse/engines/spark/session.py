"""Sessions of Spark: statements end at a time limit, and rows arrive as Arrow.

A session has no transactions that only read. Therefore every query is a SELECT, and users' SQL stands between brackets.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from pyspark.errors import PySparkException  # pyright: ignore[reportMissingImports]
from pyspark.sql import SparkSession  # pyright: ignore[reportMissingImports]

from monitoring_pipeline.warehouse.engines.databricks.dialect import MARK
from monitoring_pipeline.warehouse.engines.databricks.errors import cause_of
from monitoring_pipeline.warehouse.engines.server.session import BusinessValues, Cause, StatementError
from monitoring_pipeline.warehouse.engines.server.values import NamedValues, unique_names
from monitoring_pipeline.warehouse.engines.spark.address import SparkAddress
from monitoring_pipeline.warehouse.engines.spark.dialect import SPARK
from monitoring_pipeline.warehouse.sql.catalogue import ListedTable
from monitoring_pipeline.warehouse.sql.dialect import Dialect, Statement

TAG = "monitoring_pipeline"
_MOST_LETTERS = 1000
_SETTINGS = {"spark.sql.session.timeZone": "UTC", "spark.sql.ansi.enabled": "true"}


def _values() -> BusinessValues:
    return NamedValues(MARK)


@dataclass(frozen=True)
class SparkServer:
    """A Spark session, by its address."""

    address: SparkAddress = field(repr=False)
    shown: str
    name: str = "Spark"
    dialect: Dialect = field(default=SPARK, repr=False)
    business_values: Callable[[], BusinessValues] = _values

    @contextmanager
    def connect(self, seconds: float) -> Iterator["SparkTables"]:
        """Return the session, with the settings that the dialect needs; they are set back at the end.

        Raises:
            StatementError: when there is no session.
        """
        try:
            session = _session(self.address)
            before = {name: session.conf.get(name, None) for name in _SETTINGS}
            for name, value in _SETTINGS.items():
                session.conf.set(name, value)
        except (PySparkException, OSError, RuntimeError) as error:
            raise StatementError(Cause.UNREACHABLE, " ".join(str(error).split())[:_MOST_LETTERS]) from None
        try:
            yield SparkTables(session, self.address.schema, seconds)
        finally:
            for name, value in before.items():
                session.conf.unset(name) if value is None else session.conf.set(name, value)


def _session(address: SparkAddress) -> Any:
    if address.is_databricks:
        from databricks.connect import DatabricksSession  # pyright: ignore[reportMissingImports]

        return DatabricksSession.builder.getOrCreate()
    builder = SparkSession.builder
    if address.remote is not None:
        return builder.remote(address.remote).getOrCreate()
    for name, value in address.settings.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


@dataclass(frozen=True)
class SparkTables:
    """A session and the schema of tables without one."""

    session: Any
    schema: str | None
    seconds: float

    def listed(self) -> list[ListedTable]:
        """Return the tables and views of all schemas of the catalogue, and the temporary views of the session.

        Raises:
            StatementError: when the catalogue cannot be read.
        """
        catalog = self.session.catalog
        try:
            default = self.schema or catalog.currentDatabase()
            return [
                _listed(table, catalog.currentCatalog(), default)
                for schema in catalog.listDatabases()
                for table in catalog.listTables(schema.name)
                if not table.isTemporary or schema.name == default
            ]
        except PySparkException as error:
            raise _failed(error) from None

    def frame(self, statement: Statement) -> pl.DataFrame:
        """Return the result of a statement.

        Raises:
            StatementError: when it fails.
        """
        values = dict(statement.values) if isinstance(statement.values, Mapping) else {}
        with self._limited() as is_over:
            try:
                table = self.session.sql(statement.sql, args=values or None).toArrow()
            except PySparkException as error:
                if is_over.is_set():
                    raise StatementError(Cause.TIMEOUT, "it was stopped at the time limit") from None
                raise _failed(error) from None
        frame = pl.DataFrame(table.rename_columns(unique_names(table.column_names)))
        zoned = [column.name for column in frame if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone]
        return frame.with_columns(pl.col(zoned).dt.convert_time_zone("UTC")) if zoned else frame

    def types(self, select: str) -> dict[str, str]:
        """Return the types of a query's columns by name, without running it.

        Raises:
            StatementError: when it fails.
        """
        try:
            return {field.name: field.dataType.simpleString() for field in self.session.sql(select).schema.fields}
        except PySparkException as error:
            raise _failed(error) from None

    @contextmanager
    def _limited(self) -> Iterator[threading.Event]:
        """Interrupt the statements of this thread at the time limit."""
        is_over = threading.Event()

        def stop() -> None:
            is_over.set()
            self.session.interruptTag(TAG)

        timer = threading.Timer(self.seconds, stop)
        timer.daemon = True
        self.session.addTag(TAG)
        timer.start()
        try:
            yield is_over
        finally:
            timer.cancel()
            self.session.removeTag(TAG)


def _listed(table: Any, catalog: str, default: str) -> ListedTable:
    if table.isTemporary:
        select = f"SELECT * FROM {SPARK.quoted(table.name)}"
        return ListedTable("", "", table.name, in_default_schema=True, select=select, dialect=SPARK)
    (schema,) = table.namespace
    return ListedTable(table.catalog or catalog, schema, table.name, schema == default, dialect=SPARK)


def _failed(error: Any) -> StatementError:
    cause, sentence, is_about_statement = cause_of(f"{error} SQLSTATE: {error.getSqlState() or ''}")
    # The texts of errors about a statement have names and parts of the SQL, and no values of rows.
    text = " ".join(str(error).split())[:_MOST_LETTERS] if is_about_statement else None
    return StatementError(cause, sentence.replace("the SQL warehouse", "Spark"), text)

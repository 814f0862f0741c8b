"""The embedded warehouse: a DuckDB file, opened read-only and briefly for each call.

A process that writes a DuckDB file excludes all readers, and readers exclude writers
(https://duckdb.org/docs/stable/connect/concurrency). Therefore a reader waits for the lock, up to a timeout.
"""

import datetime as dt
import hashlib
import logging
import math
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

from monitoring_pipeline.evaluation.business.business_metrics import BusinessQueryError, parse_business_query
from monitoring_pipeline.evaluation.rows.canonical import LabelAccounting
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.errors import (
    UnreadableWarehouseError,
    WarehouseFailedError,
    WarehouseLockedError,
    WarehouseMissingError,
)
from monitoring_pipeline.warehouse.reads import LabelsRead, LabelState, PredictionsRead
from monitoring_pipeline.warehouse.sql.catalogue import ListedTable, Table, find_table
from monitoring_pipeline.warehouse.sql.queries import (
    LabelJoin,
    Query,
    columns_query,
    label_accounting_query,
    label_join,
    label_states_query,
    labels_query,
    predictions_query,
    predictions_without_time_query,
    tables_query,
)

PATH_VARIABLE = "MONITORING_PIPELINE_WAREHOUSE"
LOCK_MESSAGES = ("Could not set lock on file", "it is being used by another process")
REFUSALS = (duckdb.DataError, duckdb.ProgrammingError, duckdb.NotSupportedError)
"""Errors about the rows or the statement (PEP 249). All others are about the source: its file, disk or network."""
FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 1.0
SECONDS_BETWEEN_LOGS = 10.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DuckDBWarehouse:
    """A warehouse in a DuckDB file.

    Every method raises WarehouseMissingError when there is no file, WarehouseLockedError when another process
    keeps it locked for longer than ``lock_timeout_seconds``, WarehouseFailedError when DuckDB cannot reach the
    rows, UnreadableWarehouseError when it refuses them, and MissingTableError when a table does not exist.
    """

    path: Path
    lock_timeout_seconds: float = 60.0
    business_timeout_seconds: float = 300.0

    def read_predictions(self, spec: ModelSpec, chunk: Chunk) -> PredictionsRead:
        """Read a chunk's predictions, only the columns that the spec names.

        Columns of outputs and features that do not exist are left out and listed.

        Raises:
            MissingColumnError: when the column of the id or of the time does not exist.
            WrongTimeTypeError: when the time is neither timestamp nor date.
        """
        with _connection(self.path, self.lock_timeout_seconds) as connection:
            table = _table(connection, spec.predictions.table, f"{spec.name}: predictions.table")
            wanted = predictions_query(spec, table, chunk)
            frame = _frame(connection, wanted.query)
            without_time = _frame(connection, predictions_without_time_query(spec, table)).item()
        frame.columns = list(wanted.names)
        return PredictionsRead(frame, wanted.missing_columns, without_time, dict(table.types))

    def read_labels(self, spec: ModelSpec, chunk: Chunk, as_of: dt.datetime) -> LabelsRead:
        """Read the label rows of a chunk's predictions that are known at ``as_of``, duplicates included.

        A label row whose known_at is null is not yet known.

        Raises:
            MissingColumnError: when a column of ids, times or labels does not exist.
            WrongTimeTypeError: when a time is neither timestamp nor date.
            ValueError: when ``as_of`` has no time zone.
        """
        with _connection(self.path, self.lock_timeout_seconds) as connection:
            join = _label_join(connection, spec)
            frame = _frame(connection, labels_query(join, chunk, as_of))
            counts = _frame(connection, label_accounting_query(join, chunk, as_of)).row(0, named=True)
            states = _label_states(connection, join, [chunk], as_of)
        return LabelsRead(frame, LabelAccounting(**counts), states[chunk.key])

    def label_states(self, spec: ModelSpec, chunks: Sequence[Chunk], as_of: dt.datetime) -> dict[str, LabelState]:
        """Return by chunk key, from one query, the states of the label rows that ``read_labels`` would return.

        Raises:
            MissingColumnError: when a column of ids, times or labels does not exist.
            WrongTimeTypeError: when a time is neither timestamp nor date.
            ValueError: when ``as_of`` has no time zone.
        """
        if not chunks:
            return {}
        with _connection(self.path, self.lock_timeout_seconds) as connection:
            return _label_states(connection, _label_join(connection, spec), chunks, as_of)

    def business_metric(self, sql_text: str, chunk: Chunk, model_version: str) -> float | None:
        """Return the number that a user's SELECT computes; None for NULL.

        Args:
            sql_text: one SELECT; it may refer to :chunk_start, :chunk_end (timestamps with time zone) and
                :model_version (text), which are bound.
            chunk: the chunk.
            model_version: the version.

        Raises:
            BusinessQueryError: when the text is not one SELECT, DuckDB refuses it, it takes longer than
                ``business_timeout_seconds``, or its result is not one number.
        """
        query = parse_business_query(sql_text)
        values = {"chunk_start": chunk.start, "chunk_end": chunk.end, "model_version": model_version}
        with _connection(self.path, self.lock_timeout_seconds) as connection:
            try:
                _require_one_select(connection, query.sql, query.parameters)
                bound = {name: values[name] for name in query.parameters}
                with _interrupted_after(connection, self.business_timeout_seconds):
                    answer = connection.execute(query.sql, bound)
                    columns, rows = len(answer.description), answer.fetchmany(2)
            except duckdb.InterruptException as error:
                message = f"interrupted after {self.business_timeout_seconds:g} seconds"
                raise BusinessQueryError(message) from error
            except duckdb.DataError as error:
                # DuckDB's messages about data contain values of rows.
                message = f"DuckDB cannot compute it: {type(error).__name__}; run it by hand to see the value"
                raise BusinessQueryError(message) from error
            except duckdb.Error as error:
                message = f"DuckDB refuses it: {' '.join(str(error).split())}"
                raise BusinessQueryError(message) from error
        return _one_number(columns, rows)

    def columns(self, table: str) -> dict[str, str]:
        """Return the DuckDB types of a table's columns, by column."""
        with _connection(self.path, self.lock_timeout_seconds) as connection:
            return dict(_table(connection, table, str(self.path)).types)


@contextmanager
def _connection(path: Path, lock_timeout_seconds: float) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        with _connect(path, lock_timeout_seconds) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            yield connection
    except duckdb.Error as error:
        message = f"{path}: DuckDB cannot read it: {error}"
        # A catalogue error means that the source of a view is missing: _table finds tables by the catalogue.
        is_refusal = isinstance(error, REFUSALS) and not isinstance(error, duckdb.CatalogException)
        raise (UnreadableWarehouseError if is_refusal else WarehouseFailedError)(message) from error


def _connect(path: Path, lock_timeout_seconds: float) -> duckdb.DuckDBPyConnection:
    begun = time.monotonic()
    wait, next_log = FIRST_WAIT_SECONDS, 0.0
    while True:
        if not path.is_file():
            message = f"{path}: no such DuckDB file; the environment variable {PATH_VARIABLE} says where it is"
            raise WarehouseMissingError(message)
        try:
            return duckdb.connect(path, read_only=True, config={"temp_directory": _spill_directory(path)})
        except duckdb.IOException as error:
            if not any(text in str(error) for text in LOCK_MESSAGES):
                raise
            waited = time.monotonic() - begun
            if waited >= lock_timeout_seconds:
                message = (
                    f"{path}: locked by another process, waited {waited:.1f} seconds; let the writer finish or close "
                    f"its connection between writes, or wait longer (lock_timeout_seconds). DuckDB says: {error}"
                )
                raise WarehouseLockedError(message) from error
        if waited >= next_log:
            _logger.warning("%s: locked by another process, waited %.0f of %.0f s", path, waited, lock_timeout_seconds)
            next_log = waited + SECONDS_BETWEEN_LOGS
        time.sleep(min(wait, max(lock_timeout_seconds - waited, 0.0)))
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)


def _spill_directory(path: Path) -> str:
    """Return the folder for data that exceed memory, because DuckDB would write them beside the user's file.

    Each process and file has its own folder, because DuckDB always uses the same names in it.
    """
    file_hash = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:12]
    return str(Path(tempfile.gettempdir()) / f"monitoring_pipeline-{os.getpid()}-{file_hash}")


def _table(connection: duckdb.DuckDBPyConnection, text: str, place: str) -> Table:
    listed = find_table(text, [ListedTable(*row) for row in _frame(connection, tables_query()).rows()], place)
    return Table(listed, dict(_frame(connection, columns_query(listed)).rows()))


def _label_join(connection: duckdb.DuckDBPyConnection, spec: ModelSpec) -> LabelJoin:
    predictions = _table(connection, spec.predictions.table, f"{spec.name}: predictions.table")
    labels = _table(connection, spec.labels.table, f"{spec.name}: labels.table")
    return label_join(spec, predictions, labels)


def _label_states(
    connection: duckdb.DuckDBPyConnection, join: LabelJoin, chunks: Sequence[Chunk], as_of: dt.datetime
) -> dict[str, LabelState]:
    rows = _frame(connection, label_states_query(join, chunks, as_of)).rows()
    return dict.fromkeys((chunk.key for chunk in chunks), LabelState()) | {key: LabelState(*row) for key, *row in rows}


@contextmanager
def _interrupted_after(connection: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _require_one_select(connection: duckdb.DuckDBPyConnection, sql: str, parameters: frozenset[str]) -> None:
    statements = connection.extract_statements(sql)
    kinds = [statement.type.name for statement in statements]
    if kinds != ["SELECT"]:
        message = f"one SELECT is needed, got {' and '.join(kinds) or 'no statement'}"
        raise BusinessQueryError(message)
    if unknown := sorted(statements[0].named_parameters - parameters):
        message = f"parameters are written as :name; got {', '.join(f'${name}' for name in unknown)}"
        raise BusinessQueryError(message)


def _one_number(columns: int, rows: list[tuple[object, ...]]) -> float | None:
    if columns != 1 or len(rows) != 1:
        count = "no row" if not rows else "more than one row" if len(rows) > 1 else "one row"
        message = (
            f"one row with one column is needed, got {count} with {columns} {'column' if columns == 1 else 'columns'}"
        )
        raise BusinessQueryError(message)
    (value,) = rows[0]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        message = f"a number is needed, got a value of type {type(value).__name__}"
        raise BusinessQueryError(message)
    if not math.isfinite(number := float(value)):
        message = f"a finite number is needed, got {number}"
        raise BusinessQueryError(message)
    return number


def _frame(connection: duckdb.DuckDBPyConnection, query: Query) -> pl.DataFrame:
    return pl.DataFrame(connection.execute(query.sql, dict(query.values)).to_arrow_table())

"""The embedded warehouse: a DuckDB file, opened read-only and briefly for each call.

A process that writes a DuckDB file excludes all readers, and readers exclude writers
(https://duckdb.org/docs/stable/connect/concurrency). Therefore a reader waits for the lock, up to a timeout.
"""

import logging
import math
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb

from monitoring_pipeline.evaluation.business.business_metrics import BusinessQueryError, parse_business_query
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.declaration import RowsElsewhere
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.engines.duckdb.errors import kind_named, sentence
from monitoring_pipeline.warehouse.engines.duckdb.outside import OutsideTables
from monitoring_pipeline.warehouse.engines.duckdb.process import QueryProcessError, QueryTimeoutError, run_query
from monitoring_pipeline.warehouse.engines.duckdb.reader import OpenFile
from monitoring_pipeline.warehouse.engines.duckdb.rows import REFUSALS, DuckDBSource, StatementError, ask_of
from monitoring_pipeline.warehouse.engines.duckdb.session import CLOSED, IN_MEMORY, Access, connect_locked
from monitoring_pipeline.warehouse.errors import (
    UnreadableWarehouseError,
    WarehouseFailedError,
    WarehouseLockedError,
    WarehouseMissingError,
)
from monitoring_pipeline.warehouse.sql.reading import SqlReads

PATH_VARIABLE = "MONITORING_PIPELINE_WAREHOUSE"
LOCK_MESSAGES = ("Could not set lock on file", "it is being used by another process")
MAGIC, MAGIC_OFFSET = b"DUCK", 8
"""A DuckDB file begins with a checksum of 8 bytes and these (https://duckdb.org/docs/stable/internals/storage)."""
FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 1.0
SECONDS_BETWEEN_LOGS = 10.0

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DuckDBWarehouse(SqlReads):
    """A warehouse in a DuckDB file.

    Every method raises WarehouseMissingError when there is no file, WarehouseLockedError when another process
    keeps it locked for longer than ``lock_timeout_seconds``, WarehouseFailedError when DuckDB cannot reach the
    rows, UnreadableWarehouseError when it refuses them, and MissingTableError when a table does not exist.
    ``rows`` replace the table of predictions. ``outside`` are tables that are read instead of those of the file, such
    as the files of the folder ``path``.
    """

    path: Path = field(repr=False)
    lock_timeout_seconds: float = 60.0
    business_timeout_seconds: float = 300.0
    read_timeout_seconds: float = 3600.0
    access: Access = CLOSED
    rows: RowsElsewhere | None = None
    outside: OutsideTables | None = None

    def with_predictions_of(self, rows: RowsElsewhere) -> "DuckDBWarehouse":
        """Return this warehouse with other rows in place of the table of predictions."""
        return replace(self, rows=rows)

    @contextmanager
    def open(self) -> Iterator[DuckDBSource]:
        """Open the file for some queries; errors are those of this class."""
        with connection_to(self) as connection:
            yield DuckDBSource(connection, self.rows)

    def business_metric(
        self,
        spec: ModelSpec,  # noqa: ARG002 - a deployment with several warehouses chooses by it
        sql_text: str,
        chunk: Chunk,
        model_version: str,
    ) -> float | None:
        """Return the number that a user's SELECT computes; None for NULL.

        Args:
            spec: the model; DuckDB needs nothing of it.
            sql_text: one SELECT; it may refer to :chunk_start, :chunk_end (timestamps with time zone) and
                :model_version (text), which are bound.
            chunk: the chunk.
            model_version: the version.

        Raises:
            BusinessQueryError: when the text is not one SELECT, DuckDB refuses it, it takes longer than
                ``business_timeout_seconds``, or its result is not one number.
        """
        query = parse_business_query(sql_text)
        request: dict[str, object] = {
            "path": IN_MEMORY if self.outside else str(self.path),
            "sql": query.sql,
            "parameters": sorted(query.parameters),
            "values": {
                "chunk_start": chunk.start.isoformat(),
                "chunk_end": chunk.end.isoformat(),
                "model_version": model_version,
            },
            "times": ["chunk_start", "chunk_end"],
            "folders": self.access.readable(str(self.path)),
            "extensions": self.access.extensions,
            "memory": self.access.memory,
            "stores": self.access.stores,
        }
        # While this connection is open, no writer can lock the file before the other process opens it.
        with connection_to(self) as connection:
            if self.outside is not None:
                found = self.outside.in_sql(query.sql, ask_of(connection))
                request["views"] = {table.name: table.select for table in found}
            try:
                answer = run_query(request, self.business_timeout_seconds)
            except QueryTimeoutError:
                message = f"interrupted after {self.business_timeout_seconds:g} seconds"
                raise BusinessQueryError(message) from None
            except QueryProcessError:
                message = "the process that ran it was killed, as the system does if memory is short"
                raise BusinessQueryError(message) from None
        return _one_number(answer)


@contextmanager
def connection_to(warehouse: DuckDBWarehouse) -> Iterator[OpenFile]:
    """Open the file read-only for some queries; errors are those of ``DuckDBWarehouse``."""
    outside = warehouse.outside
    place = str(warehouse.path) if outside is None else outside.place
    source = place if warehouse.rows is None else f"{warehouse.rows.place} in {place}"
    try:
        with closing(OpenFile(_connect(warehouse), warehouse.read_timeout_seconds, outside)) as connection:
            yield connection
    except duckdb.Error as error:
        # Without its cause, because DuckDB's texts contain values of rows, and Dagster stores the texts of causes.
        raise _reduced(source, type(error), None) from None
    except StatementError as error:
        raise _reduced(source, error.kind, error.text) from None


def _reduced(source: str, kind: type[duckdb.Error], text: str | None) -> UnreadableWarehouseError:
    # A catalogue error means that the source of a view is missing: table_named finds tables by the catalogue.
    is_refusal = issubclass(kind, REFUSALS) and not issubclass(kind, duckdb.CatalogException)
    message = f"{source}: DuckDB cannot read it: {sentence(kind, text)}"
    return (UnreadableWarehouseError if is_refusal else WarehouseFailedError)(message)


def _connect(warehouse: DuckDBWarehouse) -> duckdb.DuckDBPyConnection:
    if warehouse.outside is not None:
        warehouse.outside.check()
        return connect_locked(IN_MEMORY, warehouse.access)
    path, lock_timeout_seconds = warehouse.path, warehouse.lock_timeout_seconds
    begun = time.monotonic()
    wait, next_log = FIRST_WAIT_SECONDS, 0.0
    while True:
        if not path.is_file():
            message = f"{path}: no such DuckDB file; the environment variable {PATH_VARIABLE} says where it is"
            hint = f"; a folder of files is written files://{path}" if path.is_dir() else ""
            raise WarehouseMissingError(message + hint)
        _check_file(path)
        try:
            return connect_locked(str(path), warehouse.access)
        except duckdb.IOException as error:
            text = " ".join(str(error).split())
            if not any(words in text for words in LOCK_MESSAGES):
                # No row has been read; the text is about the file itself.
                raise StatementError(type(error), text) from None
            waited = time.monotonic() - begun
            if waited >= lock_timeout_seconds:
                message = (
                    f"{path}: locked by another process, waited {waited:.1f} seconds; let the writer finish or close "
                    f"its connection between writes, or wait longer (lock_timeout_seconds). DuckDB says: {text}"
                )
                raise WarehouseLockedError(message) from None
        if waited >= next_log:
            _logger.warning("%s: locked by another process, waited %.0f of %.0f s", path, waited, lock_timeout_seconds)
            next_log = waited + SECONDS_BETWEEN_LOGS
        time.sleep(min(wait, max(lock_timeout_seconds - waited, 0.0)))
        wait = min(2 * wait, LONGEST_WAIT_SECONDS)


def _check_file(path: Path) -> None:
    """Raise WarehouseFailedError if the file is not a DuckDB database (DuckDB opens some other formats as views)."""
    try:
        with path.open("rb") as file:
            head = file.read(MAGIC_OFFSET + len(MAGIC))
    except OSError:
        return  # DuckDB cannot open it either, and says so.
    if head and head[MAGIC_OFFSET:] != MAGIC:
        problem = f"{path}: DuckDB cannot read it: it is not a valid DuckDB database"
        raise WarehouseFailedError(f"{problem}; a file of rows, such as Parquet, is written files://{path}")


def _one_number(answer: Mapping[str, Any]) -> float | None:
    """Return the number in the answer of the other process."""
    if problem := _problem_of(answer):
        raise BusinessQueryError(problem)
    return answer["value"]


def _problem_of(answer: Mapping[str, Any]) -> str | None:
    if "error" in answer:
        verb = "cannot compute" if answer["text"] is None else "refuses"
        return f"DuckDB {verb} it: {sentence(kind_named(answer['error']), answer['text'])}"
    if "statements" in answer:
        return f"one SELECT is needed, got {' and '.join(answer['statements']) or 'no statement'}"
    if "unknown" in answer:
        return f"parameters are written as :name; got {', '.join(f'${name}' for name in answer['unknown'])}"
    return _problem_of_result(answer["columns"], answer["rows"], answer["type"], answer["value"])


def _problem_of_result(columns: int, rows: int, kind: str | None, value: float | None) -> str | None:
    if columns != 1 or rows != 1:
        count = {0: "no row", 1: "one row"}.get(rows, "more than one row")
        words = "column" if columns == 1 else "columns"
        return f"one row with one column is needed, got {count} with {columns} {words}"
    if value is None:
        return None if kind is None else f"a number is needed, got a value of type {kind}"
    return None if math.isfinite(value) else f"a finite number is needed, got {value}"

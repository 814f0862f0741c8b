"""A warehouse on a database server: one connection for each call, which reads only and ends at a time limit."""

import datetime as dt
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal

from monitoring_pipeline.evaluation.business.business_metrics import BusinessQueryError, parse_business_query
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.declaration import RowsElsewhere
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.engines.server.session import Cause, Server, Session, StatementError
from monitoring_pipeline.warehouse.engines.server.source import ServerSource
from monitoring_pipeline.warehouse.errors import UnreadableWarehouseError, WarehouseFailedError
from monitoring_pipeline.warehouse.sql.dialect import Statement
from monitoring_pipeline.warehouse.sql.reading import SqlReads
from monitoring_pipeline.warehouse.sql.statements import one_select
from monitoring_pipeline.warehouse.traffic import counted

SECONDS_VARIABLE = "MONITORING_PIPELINE_WAREHOUSE_READ_SECONDS"


@dataclass(frozen=True)
class ServerWarehouse(SqlReads):
    """A warehouse on a database server.

    Every method raises WarehouseFailedError when the server or the rows cannot be reached, UnreadableWarehouseError
    when the server refuses a query, and MissingTableError when a table does not exist. ``rows`` replace the table of
    predictions.
    """

    server: Server = field(repr=False)
    business_timeout_seconds: float = 300.0
    read_timeout_seconds: float = 3600.0
    rows: RowsElsewhere | None = None

    def with_predictions_of(self, rows: RowsElsewhere) -> "ServerWarehouse":
        """Return this warehouse with other rows in place of the table of predictions."""
        return replace(self, rows=rows)

    @contextmanager
    def open(self) -> Iterator[ServerSource]:
        """Open a connection for some queries; errors are those of this class."""
        with self._session(self.read_timeout_seconds) as session:
            yield ServerSource(session, self.server.dialect, self.rows, self.server.shown)

    def business_metric(self, spec: ModelSpec, sql_text: str, chunk: Chunk, model_version: str) -> float | None:
        """Return the number that a user's SELECT computes; None for NULL.

        Args:
            spec: the model.
            sql_text: one SELECT; it may refer to :chunk_start, :chunk_end (timestamps with time zone) and
                :model_version (text), which are bound.
            chunk: the chunk.
            model_version: the version.

        Raises:
            BusinessQueryError: when the text is not one SELECT, the server refuses it, it takes longer than
                ``business_timeout_seconds``, or its result is not one number.
        """
        del spec
        written = self.server.business_values()
        query = parse_business_query(sql_text, written.placeholder)
        select = one_select(query.sql, BusinessQueryError)
        values = {
            "chunk_start": chunk.start.astimezone(dt.UTC),
            "chunk_end": chunk.end.astimezone(dt.UTC),
            "model_version": model_version,
        }
        # A query between brackets cannot be anything but a query. Two rows are enough to see that one is too many.
        statement = Statement(f"SELECT * FROM (\n{select}\n) AS answer LIMIT 2", written.bound(values))
        with self._session(self.business_timeout_seconds) as session:
            try:
                answer = counted(session.frame(statement))
            except StatementError as error:
                if error.cause is not Cause.UNREACHABLE:
                    raise BusinessQueryError(self._problem(error)) from None
                raise
        return _one_number(answer.width, answer.rows())

    @contextmanager
    def _session(self, seconds: float) -> Iterator[Session]:
        shown = self.server.shown
        place = shown if self.rows is None else f"{self.rows.place} in {shown}"
        try:
            with self.server.connect(seconds) as session:
                yield session
        except StatementError as error:
            # Without its cause, because texts of drivers contain values of rows, and Dagster stores texts of causes.
            kind = UnreadableWarehouseError if error.cause is Cause.REFUSED else WarehouseFailedError
            words = error.text or error.sentence
            if error.cause is Cause.TIMEOUT:
                words = f"it takes longer than {SECONDS_VARIABLE} allows"
            raise kind(f"{place}: {self.server.name} cannot read it: {words}") from None

    def _problem(self, error: StatementError) -> str:
        if error.cause is Cause.TIMEOUT:
            return f"interrupted after {self.business_timeout_seconds:g} seconds"
        if error.text is not None:
            return f"{self.server.name} refuses it: {error.text}"
        return f"{self.server.name} cannot compute it: {error.sentence}"


def _one_number(columns: int, rows: Sequence[tuple[object, ...]]) -> float | None:
    if columns != 1 or len(rows) != 1:
        count = {0: "no row", 1: "one row"}.get(len(rows), "more than one row")
        words = "column" if columns == 1 else "columns"
        message = f"one row with one column is needed, got {count} with {columns} {words}"
        raise BusinessQueryError(message)
    value = rows[0][0]
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        message = f"a number is needed, got a value of type {type(value).__name__}"
        raise BusinessQueryError(message)
    number = _float(value)
    if not math.isfinite(number):
        message = f"a finite number is needed, got {number}"
        raise BusinessQueryError(message)
    return number


def _float(value: float | Decimal) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf

"""Queries to BigQuery: each is a job that ends at a time limit, and rows arrive as Arrow.

BigQuery has no transactions that only read. Therefore every query is a SELECT, users' SQL stands between brackets, and
the docs ask for roles that may only read.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from google.api_core.exceptions import GoogleAPIError  # pyright: ignore[reportMissingImports]
from google.auth.exceptions import GoogleAuthError
from google.cloud import bigquery  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]

from monitoring_pipeline.warehouse.engines.bigquery.address import BigQueryAddress
from monitoring_pipeline.warehouse.engines.bigquery.dialect import MARK, bigquery_dialect
from monitoring_pipeline.warehouse.engines.bigquery.results import Failure, failure_of, type_name
from monitoring_pipeline.warehouse.engines.server.session import BusinessValues, Cause, StatementError
from monitoring_pipeline.warehouse.engines.server.values import NamedValues, unique_names
from monitoring_pipeline.warehouse.sql.dialect import Dialect, Statement

_TYPES: tuple[tuple[type, str], ...] = ((dt.datetime, "TIMESTAMP"), (str, "STRING"), (int, "INT64"))
_LABELS = {"application": "monitoring_pipeline"}
_MOST_LETTERS = 1000
_ERRORS: tuple[type[Exception], ...] = (GoogleAPIError, GoogleAuthError, OSError)


def _values() -> BusinessValues:
    return NamedValues(MARK)


@dataclass(frozen=True)
class BigQueryServer:
    """A project of BigQuery."""

    address: BigQueryAddress = field(repr=False)
    shown: str
    name: str = "BigQuery"
    business_values: Callable[[], BusinessValues] = _values

    @property
    def dialect(self) -> Dialect:
        """The SQL of the project."""
        return bigquery_dialect(self.address.project, self.address.dataset, self.address.location or "")

    @contextmanager
    def connect(self, seconds: float) -> Iterator["BigQuerySession"]:
        """Make a client whose queries end after so many seconds.

        Raises:
            StatementError: when there are no credentials.
        """
        try:
            client = _client(self.address)
        except (GoogleAuthError, OSError, ValueError) as error:
            # Nothing has been read. The text is about credentials and their file.
            raise StatementError(Cause.UNREACHABLE, " ".join(str(error).split())) from None
        try:
            yield BigQuerySession(client, self.address, seconds)
        finally:
            client.close()


@dataclass(frozen=True)
class BigQuerySession:
    """A client with a limit of time."""

    client: Any
    address: BigQueryAddress
    seconds: float

    def frame(self, statement: Statement) -> pl.DataFrame:
        """Return the result of a statement.

        Raises:
            StatementError: when it fails.
        """
        values = dict(statement.values) if isinstance(statement.values, Mapping) else {}
        job: Any = None
        try:
            job = self.client.query(statement.sql, job_config=self._config(values))
            table = job.result(timeout=self.seconds).to_arrow()
        except TimeoutError:
            with suppress(*_ERRORS):
                job.cancel()
            raise StatementError(Cause.TIMEOUT, "it was stopped at the time limit") from None
        except _ERRORS as error:
            failure = _failure(error)
            text = self._text_about(statement.sql, values) if failure.is_about_statement else None
            raise StatementError(failure.cause, failure.sentence, text) from None
        return pl.DataFrame(table.rename_columns(unique_names(table.column_names)))

    def types(self, select: str) -> dict[str, str]:
        """Return the types of a query's columns by name, as the catalogue names them, without running it.

        Raises:
            StatementError: when it fails.
        """
        try:
            job = self.client.query(select, job_config=self._config({}, dry_run=True))
        except _ERRORS as error:
            failure = _failure(error)
            raise StatementError(failure.cause, failure.sentence, _short(error)) from None
        return {column.name: type_name(column) for column in job.schema}

    def _config(self, values: Mapping[str, object], *, dry_run: bool = False) -> Any:
        address = self.address
        config = bigquery.QueryJobConfig(
            default_dataset=f"{address.project}.{address.dataset}",
            query_parameters=[
                bigquery.ScalarQueryParameter(name, _type_of(value), value) for name, value in values.items()
            ],
            labels=_LABELS,
            dry_run=dry_run,
            use_query_cache=not dry_run,
            use_legacy_sql=False,
            job_timeout_ms=max(int(self.seconds * 1000), 1),
        )
        if address.maximum_bytes_billed is not None:
            config.maximum_bytes_billed = address.maximum_bytes_billed
        return config

    def _text_about(self, sql: str, values: Mapping[str, object]) -> str | None:
        """Return the text of an error of a dry run, which reads no rows; None if it has none."""
        try:
            self.client.query(sql, job_config=self._config(values, dry_run=True))
        except _ERRORS as error:
            return _short(error)
        return None


def _client(address: BigQueryAddress) -> Any:
    options: dict[str, Any] = {"project": address.billing_project, "location": address.location}
    if address.credentials_path is not None:
        return bigquery.Client.from_service_account_json(address.credentials_path, **options)
    return bigquery.Client(**options)


def _type_of(value: object) -> str:
    return next(name for kind, name in _TYPES if isinstance(value, kind))


def _failure(error: Exception) -> Failure:
    errors: Any = getattr(error, "errors", None) or [{}]
    return failure_of(str(errors[0].get("reason", "")))


def _short(error: Exception) -> str:
    return " ".join(str(getattr(error, "message", error)).split())[:_MOST_LETTERS]

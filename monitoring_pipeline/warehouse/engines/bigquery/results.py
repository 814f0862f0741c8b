"""What the API of BigQuery answers: the types of columns, and the reasons of errors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from monitoring_pipeline.warehouse.engines.bigquery.dialect import quoted
from monitoring_pipeline.warehouse.engines.server.session import Cause

_STANDARD_NAMES = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "RECORD": "STRUCT"}
"""The names of types in the catalogue, where the API has others."""


class Field(Protocol):
    """A column or a field of one, as the API describes it."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def field_type(self) -> str: ...  # noqa: D102
    @property
    def mode(self) -> str: ...  # noqa: D102
    @property
    def fields(self) -> "Sequence[Field]": ...  # noqa: D102


def type_name(field: Field) -> str:
    """Return the type of a column as the catalogue names it."""
    name = _STANDARD_NAMES.get(field.field_type, field.field_type)
    if name == "STRUCT":
        name = f"STRUCT<{', '.join(f'{quoted(inner.name)} {type_name(inner)}' for inner in field.fields)}>"
    return f"ARRAY<{name}>" if field.mode == "REPEATED" else name


@dataclass(frozen=True)
class Failure:
    """A kind of error.

    Args:
        cause: why the statement failed.
        sentence: kind and remedy, without values of rows.
        is_about_statement: whether a dry run of the statement has the same error, so that its text has no values.
    """

    cause: Cause
    sentence: str
    is_about_statement: bool = False


_REFUSED = "a value cannot be computed; run the query by hand to see the value"
_FAILURES = {
    "invalidQuery": Failure(Cause.REFUSED, _REFUSED, is_about_statement=True),
    "invalid": Failure(Cause.REFUSED, "the statement is wrong", is_about_statement=True),
    "notFound": Failure(Cause.REFUSED, "a table, dataset or location does not exist", is_about_statement=True),
    "bytesBilledLimitExceeded": Failure(Cause.REFUSED, "it would read more bytes than maximum_bytes_billed allows"),
    "responseTooLarge": Failure(Cause.REFUSED, "its result is too large"),
    "resourcesExceeded": Failure(Cause.REFUSED, "it needs more resources than BigQuery gives to a query"),
    "accessDenied": Failure(Cause.UNREACHABLE, "the account may not read the table, or not run queries"),
    "timeout": Failure(Cause.TIMEOUT, "it was stopped at the time limit"),
    "stopped": Failure(Cause.TIMEOUT, "it was stopped at the time limit"),
}


def failure_of(reason: str) -> Failure:
    """Return the kind of an error by the reason in the API's answer."""
    return _FAILURES.get(reason) or Failure(Cause.UNREACHABLE, f"BigQuery cannot answer ({reason or 'no reason'})")

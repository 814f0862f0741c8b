"""SQL that reads and compares columns of each type, for PostgreSQL and DuckDB alike."""

import re
from dataclasses import dataclass

from monitoring_pipeline.warehouse.errors import WrongTimeTypeError
from monitoring_pipeline.warehouse.sql.catalogue import Column, quoted

AS_NUMBER = "DOUBLE PRECISION"
AS_TEXT = "VARCHAR"


@dataclass(frozen=True)
class TimeType:
    """SQL that reads and compares one type of time; ``{}`` stands for the column or the bound instant.

    A comparison converts the instant and not the column, so that the warehouse can skip rows by its statistics.
    """

    instant: str
    comparable: str


_WITH_ZONE = TimeType("{}", "CAST({} AS TIMESTAMPTZ)")
_WITHOUT_ZONE = TimeType("CAST({} AS TIMESTAMP) AT TIME ZONE 'UTC'", "CAST({} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'")

TIME_TYPES = {
    "TIMESTAMP WITH TIME ZONE": _WITH_ZONE,
    "TIMESTAMP": _WITHOUT_ZONE,
    "TIMESTAMP WITHOUT TIME ZONE": _WITHOUT_ZONE,
    "TIMESTAMP_S": _WITHOUT_ZONE,
    "TIMESTAMP_MS": _WITHOUT_ZONE,
    "TIMESTAMP_NS": _WITHOUT_ZONE,
    "DATE": _WITHOUT_ZONE,
}
"""Types of time by their name in the catalogue. A time without a zone is in UTC, and a date is its midnight."""

_DECIMAL = re.compile(r"(DECIMAL|NUMERIC)(\(\d+, ?\d+\))?|U?HUGEINT", re.IGNORECASE)
_READ_AS_TEXT = re.compile(r"(UUID|ENUM|USER-DEFINED|INTERVAL|BIT|TIME)\b.*", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class TimeColumn:
    """A time column as SQL: ``sql`` to compare, ``instant`` to read."""

    sql: str
    type: TimeType

    @property
    def instant(self) -> str:
        """The column as a timestamp with time zone."""
        return self.type.instant.format(self.sql)

    def comparable(self, placeholder: str) -> str:
        """Return a bound instant as SQL, converted to the type of the column."""
        return self.type.comparable.format(placeholder)


def time_column(column: Column, alias: str, place: str) -> TimeColumn:
    """Return a time column as SQL.

    Raises:
        WrongTimeTypeError: when it is neither a timestamp nor a date.
    """
    if (time_type := TIME_TYPES.get(column.type.upper())) is None:
        message = f"{place}: column {column.name} is {column.type}, expected a timestamp or a date"
        raise WrongTimeTypeError(message)
    return TimeColumn(qualified(column, alias), time_type)


def qualified(column: Column, alias: str) -> str:
    """Return a column as SQL, with the alias of its table."""
    return f"{alias}.{quoted(column.name)}"


def readable(column: Column, alias: str, *, decimals: str) -> str:
    """Return a column as SQL in a type that Arrow and Polars share; most types stay unchanged.

    Args:
        column: the column.
        alias: the alias of its table.
        decimals: the type that decimals get: AS_NUMBER or AS_TEXT.
    """
    sql = qualified(column, alias)
    if _DECIMAL.fullmatch(column.type):
        return f"CAST({sql} AS {decimals})"
    if _READ_AS_TEXT.fullmatch(column.type):
        return f"CAST({sql} AS {AS_TEXT})"
    return sql


def join_keys(left: Column, left_alias: str, right: Column, right_alias: str) -> tuple[str, str]:
    """Return two id columns as comparable SQL; both are text if their types differ."""
    keys = qualified(left, left_alias), qualified(right, right_alias)
    if left.type == right.type:
        return keys
    return f"CAST({keys[0]} AS {AS_TEXT})", f"CAST({keys[1]} AS {AS_TEXT})"

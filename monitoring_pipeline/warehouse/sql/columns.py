"""How columns of the warehouse's types are read and compared, in SQL that Postgres and DuckDB share."""

import re
from dataclasses import dataclass

from monitoring_pipeline.warehouse.errors import WrongTimeTypeError
from monitoring_pipeline.warehouse.sql.catalogue import Column, quoted

AS_NUMBER = "DOUBLE PRECISION"
AS_TEXT = "VARCHAR"


@dataclass(frozen=True)
class TimeType:
    """How a type of time is read and compared; ``{}`` stands for the column or the bound instant.

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
"""By the catalogue's name of the type; without a zone means UTC, and a date its midnight."""

_DECIMAL = re.compile(r"(DECIMAL|NUMERIC)(\(\d+, ?\d+\))?|U?HUGEINT", re.IGNORECASE)
_TEXT_IN_EFFECT = re.compile(r"(UUID|ENUM|USER-DEFINED|INTERVAL|BIT|TIME)\b.*", re.IGNORECASE | re.DOTALL)


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
        """Return a bound instant in the column's own type."""
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
    """Return a column as SQL in a type that Arrow and Polars share; most stay as they are.

    Args:
        column: the column.
        alias: of its table.
        decimals: what decimals become: AS_NUMBER or AS_TEXT.
    """
    sql = qualified(column, alias)
    if _DECIMAL.fullmatch(column.type):
        return f"CAST({sql} AS {decimals})"
    if _TEXT_IN_EFFECT.fullmatch(column.type):
        return f"CAST({sql} AS {AS_TEXT})"
    return sql


def join_keys(left: Column, left_alias: str, right: Column, right_alias: str) -> tuple[str, str]:
    """Return two id columns as SQL that can be compared: as text where their types differ."""
    keys = qualified(left, left_alias), qualified(right, right_alias)
    if left.type == right.type:
        return keys
    return f"CAST({keys[0]} AS {AS_TEXT})", f"CAST({keys[1]} AS {AS_TEXT})"

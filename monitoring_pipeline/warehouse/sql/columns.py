"""SQL that reads and compares columns of each type, for PostgreSQL and DuckDB alike."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from monitoring_pipeline.warehouse.errors import WrongTimeTypeError
from monitoring_pipeline.warehouse.sql.catalogue import Column

AS_NUMBER = "DOUBLE PRECISION"
AS_TEXT = "VARCHAR"


_ZONED = frozenset({"TIMESTAMP WITH TIME ZONE"})
_NAIVE = frozenset(
    {"TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATETIME"}
)
_TEXT = frozenset({"VARCHAR", "TEXT", "CHARACTER VARYING"})
_NUMBER = re.compile(
    r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DOUBLE( PRECISION)?|FLOAT|REAL|(DECIMAL|NUMERIC)(\(\d+, ?\d+\))?",
    re.IGNORECASE,
)
_OFFSET = "([zZ]|[+-][0-9]{2}(:?[0-9]{2})?)$"
_LONGEST_DATE = 10
_EPOCH_UNITS = ((1e11, "1"), (1e14, "1e3"), (1e17, "1e6"), (1e20, "1e9"))
"""Upper bound of an epoch's number, and its units per second: seconds, milliseconds, microseconds, nanoseconds.

The bound of seconds is in the year 5138, and the same number of milliseconds is in 1973.
"""

_LARGEST_EXACT = {
    "FLOAT": "16777216",
    "REAL": "16777216",
    "DOUBLE": "9007199254740992",
    "DOUBLE PRECISION": "9007199254740992",
}
"""A float above this stands for several integers, so it identifies none of them."""
_DECIMAL = re.compile(r"(DECIMAL|NUMERIC)(\(\d+, ?\d+\))?|U?HUGEINT", re.IGNORECASE)
_READ_AS_TEXT = re.compile(
    r"(UUID|ENUM|USER-DEFINED|INTERVAL|BIT|TIME|BLOB|JSON|STRUCT|MAP|UNION)\b.*|.*\[\d*\]", re.IGNORECASE | re.DOTALL
)


BOUNDS_OF_INSTANTS = ("TIMESTAMPTZ '0001-01-02 00:00:00+00'", "TIMESTAMPTZ '9999-12-30 00:00:00+00'")
"""Times beyond, infinity among them, do not exist for Python, and Polars panics at them."""
_BOUNDS_OF_LOCAL_TIMES = ("TIMESTAMP '0001-01-02 00:00:00'", "TIMESTAMP '9999-12-30 00:00:00'")
_BOUNDS_OF_TIMES = {
    "TIMESTAMP WITH TIME ZONE": BOUNDS_OF_INSTANTS,
    "DATE": ("DATE '0001-01-01'", "DATE '9999-12-31'"),
    **dict.fromkeys(_NAIVE - {"TIMESTAMP_NS"}, _BOUNDS_OF_LOCAL_TIMES),
}


@dataclass(frozen=True)
class TimeColumn:
    """A time column as SQL.

    Args:
        sql: the expression that is compared with a bound instant.
        instant: the expression that is read, a timestamp with time zone.
        bound: SQL of a bound instant in the type of ``sql``; ``{}`` stands for its placeholder.
        by_day: whether it holds calendar dates, which have no time of day.
    """

    sql: str
    instant: str
    bound: str
    by_day: bool = False

    def comparable(self, placeholder: str) -> str:
        """Return a bound instant as SQL, converted to the type of the column."""
        return self.bound.format(placeholder)


def time_column(column: Column, alias: str, place: str, *, day_zone: str, naive_zone: str) -> TimeColumn:
    """Return a time column as SQL. Zones are names of the IANA database.

    A comparison converts the instant and not the column where it can, so that the warehouse can skip rows by its
    statistics.

    Args:
        column: a timestamp, a date, a number (seconds, milliseconds, microseconds or nanoseconds since 1970, or a date
            of eight digits such as 20250131), or text (ISO 8601).
        alias: the alias of its table.
        place: the model and field that name it.
        day_zone: the zone of calendar dates.
        naive_zone: the zone of times without a zone.

    Raises:
        WrongTimeTypeError: when it has another type.
    """
    sql, kind = qualified(column, alias), column.type.upper()
    if kind in _ZONED:
        return TimeColumn(sql, sql, "CAST({} AS TIMESTAMPTZ)")
    if kind == "DATE":
        bound = f"CAST(CAST({{}} AS TIMESTAMPTZ) AT TIME ZONE '{day_zone}' AS DATE)"
        return TimeColumn(sql, _midnight(sql, day_zone), bound, by_day=True)
    if kind in _NAIVE and naive_zone == "UTC":
        instant = f"CAST({sql} AS TIMESTAMP) AT TIME ZONE 'UTC'"
        return TimeColumn(sql, instant, "CAST({} AS TIMESTAMPTZ) AT TIME ZONE 'UTC'")
    if kind in _NAIVE:
        # Compared as an instant, because the hour that a zone repeats in autumn belongs to one chunk only.
        instant = f"CAST({sql} AS TIMESTAMP) AT TIME ZONE '{naive_zone}'"
    elif kind in _TEXT:
        instant = _instant_of_text(sql, day_zone, naive_zone)
    elif _NUMBER.fullmatch(kind):
        instant = _instant_of_number(f"CAST({sql} AS DOUBLE PRECISION)", day_zone)
    else:
        message = f"{place}: column {column.name} is {column.type}, expected a timestamp, a date, a number or text"
        raise WrongTimeTypeError(message)
    return TimeColumn(instant, instant, "CAST({} AS TIMESTAMPTZ)")


def _midnight(date: str, zone: str) -> str:
    return f"CAST({date} AS TIMESTAMP) AT TIME ZONE '{zone}'"


def _instant_of_text(sql: str, day_zone: str, naive_zone: str) -> str:
    """Return ISO 8601 text as an instant; what is no time is NULL."""
    text = f"trim({sql})"
    return (
        f"CASE WHEN length({text}) <= {_LONGEST_DATE} THEN {_midnight(f'TRY_CAST({text} AS DATE)', day_zone)} "
        f"WHEN regexp_matches({text}, '{_OFFSET}') THEN TRY_CAST({text} AS TIMESTAMPTZ) "
        f"ELSE TRY_CAST({text} AS TIMESTAMP) AT TIME ZONE '{naive_zone}' END"
    )


def _instant_of_number(number: str, day_zone: str) -> str:
    """Return an epoch or a date of eight digits as an instant; what is neither is NULL."""
    whole = f"CAST({number} AS BIGINT)"
    digits = f"substr(CAST({whole} AS VARCHAR), "
    date = f"TRY_CAST({digits}1, 4) || '-' || {digits}5, 2) || '-' || {digits}7, 2) AS DATE)"
    units = " ".join(
        f"WHEN {number} < {bound:.0e} THEN to_timestamp({number} / {unit})" for bound, unit in _EPOCH_UNITS
    )
    return (
        f"CASE WHEN {number} BETWEEN 19000101 AND 22001231 THEN {_midnight(date, day_zone)} "
        f"WHEN {number} < 0 THEN NULL {units} ELSE NULL END"
    )


def qualified(column: Column, alias: str) -> str:
    """Return a column as SQL, with the alias of its table."""
    return column.of(alias)


def readable(column: Column, alias: str, *, decimals: str) -> str:
    """Return a column as SQL in a type that Arrow and Polars share; most types stay unchanged.

    Args:
        column: the column.
        alias: the alias of its table.
        decimals: the type that decimals get: AS_NUMBER or AS_TEXT.
    """
    sql = qualified(column, alias)
    if (bounds := _BOUNDS_OF_TIMES.get(column.type.upper())) is not None:
        return within(sql, bounds)
    if _DECIMAL.fullmatch(column.type):
        return f"CAST({sql} AS {decimals})"
    if _READ_AS_TEXT.fullmatch(column.type):
        return f"CAST({sql} AS {AS_TEXT})"
    return sql


def within(sql: str, bounds: tuple[str, str]) -> str:
    """Return a time as SQL that is null outside of bounds."""
    return f"CASE WHEN {sql} BETWEEN {bounds[0]} AND {bounds[1]} THEN {sql} END"


def id_text(columns: Sequence[Column], alias: str) -> str:
    """Return the id of a row as text. Several columns become one text that no other combination of values has."""
    if len(columns) == 1:
        return f"CAST({qualified(columns[0], alias)} AS {AS_TEXT})"
    return _combined([_comparable_text(column, alias) for column in columns])


def join_keys(left: Sequence[Column], left_alias: str, right: Sequence[Column], right_alias: str) -> tuple[str, str]:
    """Return two ids as comparable SQL. Columns of different types are compared as text in one form.

    In that form, an integral number is the same in every numeric type, a time at midnight is its date, and a UUID has
    small letters.
    """
    if len(left) == 1 and left[0].type == right[0].type:
        return qualified(left[0], left_alias), qualified(right[0], right_alias)
    keys = [
        [_comparable_text(column, alias, case=not is_uuid) for column, is_uuid in zip(columns, uuids, strict=True)]
        for columns, alias in ((left, left_alias), (right, right_alias))
        for uuids in [[_is_uuid(a) or _is_uuid(b) for a, b in zip(left, right, strict=True)]]
    ]
    return _combined(keys[0]), _combined(keys[1])


def _is_uuid(column: Column) -> bool:
    return column.type.upper() == "UUID"


def _combined(texts: list[str]) -> str:
    """Return several texts as one; each has its length in front, so that no other texts give the same one."""
    if len(texts) == 1:
        return texts[0]
    return " || ".join(f"CAST(length({text}) AS {AS_TEXT}) || ':' || {text}" for text in texts)


def _comparable_text(column: Column, alias: str, *, case: bool = True) -> str:
    sql, kind = qualified(column, alias), column.type.upper()
    if kind in _ZONED or kind in _NAIVE or kind == "DATE":
        time = f"{sql} AT TIME ZONE 'UTC'" if kind in _ZONED else f"CAST({sql} AS TIMESTAMP)"
        return (
            f"CASE WHEN {time} = date_trunc('day', {time}) THEN CAST(CAST({time} AS DATE) AS {AS_TEXT}) "
            f"ELSE CAST({time} AS {AS_TEXT}) END"
        )
    if (largest := _LARGEST_EXACT.get(kind)) is not None:
        return (
            f"CASE WHEN {sql} = floor({sql}) AND abs({sql}) < {largest} THEN CAST(CAST({sql} AS BIGINT) AS {AS_TEXT}) "
            f"WHEN abs({sql}) < {largest} THEN CAST({sql} AS {AS_TEXT}) END"
        )
    if _NUMBER.fullmatch(kind) and "INT" not in kind:
        return (
            f"CASE WHEN {sql} = floor({sql}) AND abs({sql}) < 1e18 THEN CAST(CAST({sql} AS BIGINT) AS {AS_TEXT}) "
            f"ELSE CAST({sql} AS {AS_TEXT}) END"
        )
    text = f"CAST({sql} AS {AS_TEXT})"
    return text if case else f"lower({text})"

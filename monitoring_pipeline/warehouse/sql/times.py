"""Columns of times as SQL: what is compared, what is read, and bounds that let a warehouse skip rows."""

import datetime as dt
from dataclasses import dataclass

from monitoring_pipeline.warehouse.errors import WrongTimeTypeError
from monitoring_pipeline.warehouse.sql.catalogue import Column
from monitoring_pipeline.warehouse.sql.dialect import LONGEST_DATE, OFFSET, Dialect, Kind

MARGIN = dt.timedelta(days=2)
"""The local times of a span lie within this distance of its bounds, whatever the zone does meanwhile."""

_EPOCH_UNITS = ((1e11, "1"), (1e14, "1e3"), (1e17, "1e6"), (1e20, "1e9"))
"""Upper bound of an epoch's number, and its units per second: seconds, milliseconds, microseconds, nanoseconds.

The bound of seconds is in the year 5138, and the same number of milliseconds is in 1973.
"""
_EARLIEST, _LATEST = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (1000, 9000))
_LOCAL = frozenset({Kind.LOCAL_TIME, Kind.LOCAL_NANOSECONDS})


@dataclass(frozen=True, kw_only=True)
class TimeColumn:
    """A time column as SQL.

    Args:
        dialect: the SQL of its engine.
        bare: the column.
        sql: the expression that is compared with a bound instant.
        instant: the expression that is read, a timestamp with time zone.
        bound: SQL of a bound instant in the type of ``sql``; ``{}`` stands for its placeholder.
        by_day: whether it holds calendar dates, which have no time of day.
        kind: what the column holds.
        zone: the zone of its local times.
    """

    dialect: Dialect
    bare: str
    sql: str
    instant: str
    bound: str
    by_day: bool = False
    kind: Kind
    zone: str = "UTC"

    def comparable(self, placeholder: str) -> str:
        """Return a bound instant as SQL, converted to the type of the column."""
        return self.bound.format(placeholder)

    def between(self, start: str, end: str, *, end_included: bool = False) -> str:
        """Return the condition of a time in [start, end); both are names of values, see ``span_values``."""
        before = "<=" if end_included else "<"
        exact = (f"{self.sql} >= {self.comparable(f'${start}')}", f"{self.sql} {before} {self.comparable(f'${end}')}")
        return _all_of(*exact, self._around(start, end))

    def since(self, start: str, *, included: bool = True) -> str:
        """Return the condition of a time from a bound on, or after it."""
        exact = f"{self.sql} {'>=' if included else '>'} {self.comparable(f'${start}')}"
        return _all_of(exact, self._around(start, None))

    @property
    def is_absent(self) -> str:
        """The condition that a row has no time."""
        may_be_no_time = self.kind is Kind.TEXT or self.kind.is_number
        return f"{self.instant if may_be_no_time else self.bare} IS NULL"

    def _around(self, start: str, end: str | None) -> str:
        """Return a wider condition on a bare local time, if the exact one is on an expression; else nothing."""
        if self.sql == self.bare:
            return ""
        if self.kind not in _LOCAL:
            return ""
        until = f"{self.bare} <= {self._local(f'$after_{end}')}" if end else ""
        return _all_of(f"{self.bare} >= {self._local(f'$before_{start}')}", until)

    def _local(self, placeholder: str) -> str:
        instant = f"CAST({placeholder} AS {self.dialect.types.instant})"
        return self.dialect.times.to_local(instant, self.zone)


def span_values(**bounds: dt.datetime) -> dict[str, object]:
    """Return the values of the names of bounds: each instant, and those of wider conditions on a bare column.

    Raises:
        ValueError: when an instant has no time zone.
    """
    values: dict[str, object] = {}
    for name, moment in bounds.items():
        instant = utc(moment)
        values |= {name: instant, f"before_{name}": instant - MARGIN, f"after_{name}": instant + MARGIN}
    return values


def moved(moment: dt.datetime, by: dt.timedelta) -> dt.datetime:
    """Return an instant moved by a span, but not beyond the years that every engine has."""
    try:
        return min(max(utc(moment) + by, _EARLIEST), _LATEST)
    except OverflowError:
        return _EARLIEST if by < dt.timedelta(0) else _LATEST


def utc(moment: dt.datetime) -> dt.datetime:
    """Return an instant in UTC.

    Raises:
        ValueError: when it has no time zone.
    """
    if moment.tzinfo is None:
        message = f"{moment} has no time zone"
        raise ValueError(message)
    return moment.astimezone(dt.UTC)


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
    dialect, sql, kind = column.dialect, column.of(alias), column.kind
    of_instant = f"CAST({{}} AS {dialect.types.instant})"

    def made(compared: str, instant: str, bound: str, *, by_day: bool = False) -> TimeColumn:
        return TimeColumn(
            dialect=dialect, bare=sql, sql=compared, instant=instant, bound=bound, by_day=by_day, kind=kind,
            zone=naive_zone,
        )  # fmt: skip

    if kind is Kind.INSTANT:
        return made(sql, sql, of_instant)
    if kind is Kind.DATE:
        bound = f"CAST({dialect.times.to_local(of_instant, day_zone)} AS {dialect.types.date})"
        return made(sql, _midnight(dialect, sql, day_zone), bound, by_day=True)
    if kind in _LOCAL:
        instant = dialect.times.to_instant(f"CAST({sql} AS {dialect.types.local_time})", naive_zone)
        if naive_zone == "UTC":
            return made(sql, instant, dialect.times.to_local(of_instant, "UTC"))
        # Compared as an instant, because the hour that a zone repeats in autumn belongs to one chunk only.
    elif kind is Kind.TEXT:
        instant = _instant_of_text(dialect, sql, day_zone, naive_zone)
    elif kind.is_number:
        instant = _instant_of_number(dialect, f"CAST({sql} AS {dialect.types.number})", day_zone)
    else:
        message = f"{place}: column {column.name} is {column.type}, expected a timestamp, a date, a number or text"
        raise WrongTimeTypeError(message)
    return made(instant, instant, of_instant)


def _midnight(dialect: Dialect, date: str, zone: str) -> str:
    return dialect.times.to_instant(f"CAST({date} AS {dialect.types.local_time})", zone)


def _instant_of_text(dialect: Dialect, sql: str, day_zone: str, naive_zone: str) -> str:
    """Return ISO 8601 text as an instant; what is no time is NULL."""
    text, times = f"trim({sql})", dialect.times
    return (
        f"CASE WHEN length({text}) <= {LONGEST_DATE} THEN {_midnight(dialect, times.date_of_text(text), day_zone)} "
        f"WHEN {dialect.matches(text, OFFSET)} THEN {times.instant_of_text(text)} "
        f"ELSE {times.to_instant(times.local_of_text(text), naive_zone)} END"
    )


def _instant_of_number(dialect: Dialect, number: str, day_zone: str) -> str:
    """Return an epoch or a date of eight digits as an instant; what is neither is NULL."""
    whole = f"CAST({number} AS {dialect.types.integer})"
    digits = f"substr(CAST({whole} AS {dialect.types.text}), "
    date = dialect.times.date_of_text(f"({digits}1, 4) || '-' || {digits}5, 2) || '-' || {digits}7, 2))")
    units = " ".join(
        f"WHEN {number} < {bound:.0e} THEN {dialect.times.of_epoch(f'{number} / {unit}')}"
        for bound, unit in _EPOCH_UNITS
    )
    return (
        f"CASE WHEN {number} BETWEEN 19000101 AND 22001231 THEN {_midnight(dialect, date, day_zone)} "
        f"WHEN {number} < 0 THEN NULL {units} ELSE NULL END"
    )


def _all_of(*conditions: str) -> str:
    return " AND ".join(condition for condition in conditions if condition)

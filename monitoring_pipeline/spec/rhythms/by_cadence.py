"""The rhythm of every cadence of a spec."""

import datetime as dt
from collections.abc import Callable, Mapping
from types import MappingProxyType
from zoneinfo import ZoneInfo

from monitoring_pipeline.spec.rhythms.dates import Dates
from monitoring_pipeline.spec.rhythms.hours import Hours
from monitoring_pipeline.spec.rhythms.rhythm import Rhythm

DAYS_OF_A_WEEK = 7
MONTHS_OF_A_YEAR = 12
DAYS_OF_A_MONTH = 365.2425 / MONTHS_OF_A_YEAR
DAYS_OF_THE_LONGEST_MONTH = 31


def _month_number(date: dt.date) -> int:
    return date.year * MONTHS_OF_A_YEAR + date.month - 1


def _month_begin(number: int) -> dt.date:
    return dt.date(number // MONTHS_OF_A_YEAR, number % MONTHS_OF_A_YEAR + 1, 1)


def _days(zone: ZoneInfo) -> Rhythm:
    return Dates(
        zone, "day", "2013-04-22", "0 0 * * *", "%Y-%m-%d",
        read=dt.date.fromisoformat, number_of=dt.date.toordinal, first_date_of=dt.date.fromordinal, is_weekly=True,
    )  # fmt: skip


def _weeks(zone: ZoneInfo) -> Rhythm:
    # 1 January of the year 1, which has the ordinal 1, is a Monday.
    return Dates(
        zone, "week", "2013-04-22", "0 0 * * 1", "%Y-%m-%d",
        read=dt.date.fromisoformat,
        number_of=lambda date: (date.toordinal() - 1) // DAYS_OF_A_WEEK,
        first_date_of=lambda number: dt.date.fromordinal(number * DAYS_OF_A_WEEK + 1),
        length=DAYS_OF_A_WEEK, longest_days=DAYS_OF_A_WEEK,
    )  # fmt: skip


def _months(zone: ZoneInfo) -> Rhythm:
    return Dates(
        zone, "month", "2013-04", "0 0 1 * *", "%Y-%m",
        read=lambda key: dt.date.fromisoformat(f"{key}-01"), number_of=_month_number, first_date_of=_month_begin,
        length=DAYS_OF_A_MONTH, longest_days=DAYS_OF_THE_LONGEST_MONTH,
    )  # fmt: skip


def _hours(hours: int) -> Callable[[ZoneInfo], Rhythm]:
    noun, cron = ("hour", "0 * * * *") if hours == 1 else ("chunk", f"0 */{hours} * * *")
    example = f"2013-04-22T{24 - hours if hours > 1 else 14:02d}:00"
    return lambda zone: Hours(zone, noun, example, cron, "%Y-%m-%dT%H:%M", hours=hours)


RHYTHMS: Mapping[str, Callable[[ZoneInfo], Rhythm]] = MappingProxyType(
    {
        "hour": _hours(1),
        **{f"{hours} hours": _hours(hours) for hours in (2, 3, 4, 6, 8, 12)},
        "day": _days,
        "week": _weeks,
        "month": _months,
    }
)
"""Every cadence of a spec, and its rhythm in a time zone."""

"""Moves the year of the demo, so that its April ends on a given day: by whole weeks, which keep the weekday.

Times move by the clock in New York, so that each flight stays in its day and hour, although the clocks change on other
days of another year. The ids of flights contain their dates of 2013, and stay.
"""

import datetime as dt
import re
from pathlib import Path

import polars as pl

from monitoring_pipeline.demo.flights import NEW_YORK, at_wall_clock

LAST_DAY = dt.date(2013, 4, 30)
"""The last day that the demo monitors in the flights' own time."""
_DATE = re.compile(r"\b201[34]-\d\d-\d\d\b")
_SPECS = ("*.yaml", "*.json")


def weeks_until(day: dt.date) -> int:
    """Return the number of weeks by which April moves to end on a day, or up to six days before it.

    Raises:
        ValueError: when the day is before the end of April 2013.
    """
    weeks = (day - LAST_DAY).days // 7
    if weeks < 0:
        message = f"{day}: the flights of April 2013 can be moved to a later day only"
        raise ValueError(message)
    return weeks


def moved_day(day: dt.date, weeks: int) -> dt.date:
    """Return a day, moved."""
    return day + dt.timedelta(weeks=weeks)


def last_monitored_day(weeks: int, last_day: dt.date) -> dt.date:
    """Return the last day that is monitored: the wanted one, within the six days after the moved end of April."""
    end_of_april = moved_day(LAST_DAY, weeks)
    return min(max(last_day, end_of_april), end_of_april + dt.timedelta(days=6))


def moved_times(table: pl.DataFrame, weeks: int) -> pl.DataFrame:
    """Return a table with all its times moved.

    A time that the clock in New York skips on its new day moves an hour on; one that occurs twice is the first.
    """
    times = [name for name, kind in table.schema.items() if isinstance(kind, pl.Datetime)]
    return table.with_columns(_moved(pl.col(name), weeks).alias(name) for name in times)


def moved_dates(text: str, weeks: int) -> str:
    """Return a text with all its dates of 2013 and 2014 moved, such as 2013-04-30."""
    return _DATE.sub(lambda found: moved_day(_day(found[0]), weeks).isoformat(), text)


def write_moved_specs(source: Path, folder: Path, weeks: int) -> None:
    """Write specs and suites with moved dates to a folder; a file that is there already stays, with its changes."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in (path for pattern in _SPECS for path in source.glob(pattern)):
        if not (folder / path.name).exists():
            text = moved_dates(path.read_text(encoding="utf-8"), weeks)
            (folder / path.name).write_text(text, encoding="utf-8")


def _moved(time: pl.Expr, weeks: int) -> pl.Expr:
    wall = time.dt.convert_time_zone(NEW_YORK).dt.replace_time_zone(None) + pl.duration(weeks=weeks)
    return at_wall_clock(wall, NEW_YORK, "earliest")


def _day(text: str) -> dt.date:
    return dt.datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=dt.UTC).date()

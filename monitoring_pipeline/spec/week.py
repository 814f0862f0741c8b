"""A week of the calendar, from Monday to Sunday, whatever the cadence of a model."""

import datetime as dt
import re
from dataclasses import dataclass
from typing import Self

DAYS = 7
FORM = "2013-W16 or a day such as 2013-04-22"
_WEEK = re.compile(r"(\d{4})-W(\d{2})")
_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})")


class UnknownWeekError(ValueError):
    """A text names no week; the message quotes it and shows the form."""


@dataclass(frozen=True, order=True)
class Week:
    """The seven local days from a Monday on; weeks are ordered in time.

    Args:
        monday: its first day.
    """

    monday: dt.date

    @classmethod
    def of(cls, day: dt.date) -> Self:
        """Return the week that contains a day."""
        return cls(day - dt.timedelta(days=day.weekday()))

    @classmethod
    def named(cls, text: str) -> Self:
        """Return the week that a text names: the week of ISO 8601, such as ``2013-W16``, or a day of it.

        Raises:
            UnknownWeekError: when the text names none.
        """
        try:
            if week := _WEEK.fullmatch(text):
                return cls(dt.date.fromisocalendar(int(week[1]), int(week[2]), 1))
            if day := _DAY.fullmatch(text):
                return cls.of(dt.date(*map(int, day.groups())))
        except (ValueError, OverflowError) as error:
            raise UnknownWeekError(f"{text!r} is not a week such as {FORM}: {error}") from error
        raise UnknownWeekError(f"{text!r} is not a week such as {FORM}")

    @property
    def key(self) -> str:
        """Its name, such as ``2013-W16``."""
        return f"{self.monday:%G-W%V}"

    @property
    def days(self) -> tuple[dt.date, ...]:
        """Its days, Monday first."""
        return tuple(self.monday + dt.timedelta(days=number) for number in range(DAYS))

    @property
    def sunday(self) -> dt.date:
        """Its last day."""
        return self.days[-1]

    def earlier(self, weeks: int = 1) -> "Week":
        """Return the week that is so many weeks before this one; after it if negative."""
        return Week(self.monday - dt.timedelta(weeks=weeks))

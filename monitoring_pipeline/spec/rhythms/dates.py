"""Chunks of whole local days: days, weeks and months."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from monitoring_pipeline.spec.rhythms.rhythm import DAY, NoKeyError, Rhythm, Span


@dataclass(frozen=True)
class Dates(Rhythm):
    """Spans of whole local days, which are numbered without a gap.

    Args:
        read: returns the first date of a key.
        number_of: returns the number of the span with a date in it.
        first_date_of: returns the first date of the span with a number.
        length: mean length in days.
        longest_days: length of the longest one.
        is_weekly: whether spans on the same weekday are expected to be alike.
    """

    read: Callable[[str], dt.date]
    number_of: Callable[[dt.date], int]
    first_date_of: Callable[[int], dt.date]
    length: float = 1.0
    longest_days: int = 1
    is_weekly: bool = False

    def of_key(self, key: str) -> Span:
        """Return the span of a key."""
        try:
            span = self._numbered(self.number_of(self.read(key)))
        except (ValueError, OverflowError) as error:
            raise NoKeyError(str(error)) from error
        if span.key != key:
            raise NoKeyError(f"write {span.key}")
        return span

    def at(self, moment: dt.datetime) -> Span:
        """Return the span that contains a moment."""
        return self._numbered(self.number_of(moment.astimezone(self.zone).date()))

    def later(self, span: Span, count: int) -> Span:
        """Return the span that is so many places later."""
        return self._numbered(self._number(span) + count)

    def days_before(self, span: Span, days: int) -> Span:
        """Return the span so many days earlier, rounded to whole spans."""
        return self.later(span, -round(days / self.length))

    def in_days(self, days: int) -> int:
        """Return the number of spans that stand for so many days."""
        return max(1, round(days / self.length))

    @property
    def longest(self) -> dt.timedelta:
        """The length of the longest span."""
        return self.longest_days * DAY

    def slot(self, span: Span) -> tuple[int, ...]:
        """Return the weekday if the spans are days; all weeks are alike, and all months."""
        return (self.read(span.key).weekday(),) if self.is_weekly else ()

    def _numbered(self, number: int) -> Span:
        date = self.first_date_of(number)
        key = f"{date:{self.key_format}}"
        return Span(key, self.begin_of(date), self.begin_of(self.first_date_of(number + 1)))

    def _number(self, span: Span) -> int:
        return self.number_of(self.read(span.key))

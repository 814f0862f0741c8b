"""Chunks of one or several hours."""

import datetime as dt
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from monitoring_pipeline.spec.rhythms.rhythm import DAY, HOUR, NoKeyError, Rhythm, Span

HOURS_OF_A_DAY = 24
LAST_YEAR_OF_ZONES = 2037
"""Later clock changes repeat the last rule of a zone."""


@dataclass(frozen=True)
class Hours(Rhythm):
    """Spans of one or several hours, which begin when the clocks of the zone show a multiple of that number.

    If the clocks skip that time, the span begins when they have moved. An hour that the clocks show
    twice is two spans of one hour, and the key of the second carries its offset. It lengthens the span before it if
    spans are longer than an hour. These are the rules of Dagster's time windows.

    Args:
        hours: length of a span; a divisor of 24.
    """

    hours: int = 1

    def of_key(self, key: str) -> Span:
        """Return the span of a key."""
        try:
            day = dt.date.fromisoformat(key[: len("2013-04-22")])
        except ValueError as error:
            raise NoKeyError(str(error)) from error
        starts = self._starts(day)
        keys = [self._key(start) for start in starts]
        if key not in keys:
            listed = f"{keys[0]}, {keys[1]}, ... {keys[-1]}" if len(keys) > 1 else "none"
            raise NoKeyError(f"the {self.noun}s of {day} are {listed}")
        return self._span(starts[keys.index(key)])

    def at(self, moment: dt.datetime) -> Span:
        """Return the span that contains a moment."""
        day = moment.astimezone(self.zone).date()
        while not (begun := [start for start in self._starts(day) if start <= moment]):
            day -= DAY
        return self._span(begun[-1])

    def later(self, span: Span, count: int) -> Span:
        """Return the span that is so many places later."""
        if abs(count) <= 1:
            return span if count == 0 else self._next(span) if count == 1 else self._previous(span)
        # A jump by full hours is at most a few places off, because clocks seldom change.
        guess = self.at(span.start + count * self.hours * HOUR)
        place = self._place(span, guess)
        while place != count:
            guess = self._next(guess) if place < count else self._previous(guess)
            place += 1 if place < count else -1
        return guess

    def days_before(self, span: Span, days: int) -> Span:
        """Return the span with the same local time so many days earlier."""
        local = span.start.astimezone(self.zone)
        earlier = dt.datetime.combine(local.date() - days * DAY, local.time(), self.zone)
        return self.at(earlier.astimezone(dt.UTC))

    def in_days(self, days: int) -> int:
        """Return the number of spans of so many days of 24 hours."""
        return days * HOURS_OF_A_DAY // self.hours

    @property
    def longest(self) -> dt.timedelta:
        """The length of a span without a clock change."""
        return self.hours * HOUR

    def slot(self, span: Span) -> tuple[int, ...]:
        """Return weekday and hour."""
        local = span.start.astimezone(self.zone)
        return local.weekday(), local.hour // self.hours

    def begin_of(self, day: dt.date) -> dt.datetime:
        """Return the first start of a span on or after a local day."""
        while not (starts := self._starts(day)):
            day += DAY
        return starts[0]

    def _place(self, span: Span, other: Span) -> int:
        """Return the number of places from one span to another."""
        first, last = sorted((span.start, other.start))
        day, end = first.astimezone(self.zone).date(), last.astimezone(self.zone).date()
        days = (day + n * DAY for n in range((end - day).days + 1))
        between = sum(first < start <= last for each in days for start in self._starts(each))
        return between if other.start >= span.start else -between

    def _next(self, span: Span) -> Span:
        return self._span(span.end)

    def _previous(self, span: Span) -> Span:
        return self.at(span.start - dt.timedelta(microseconds=1))

    def _span(self, start: dt.datetime) -> Span:
        day = start.astimezone(self.zone).date()
        later = [other for other in self._starts(day) if other > start]
        end = later[0] if later else self.begin_of(day + DAY)
        return Span(self._key(start), start, end)

    def _key(self, start: dt.datetime) -> str:
        local = start.astimezone(self.zone)
        if local.fold and self.hours == 1:
            return f"{local:{self.key_format}%z}"
        # Dagster names a chunk of several hours by the midnight even if the clocks skip it.
        if self.hours > 1 and start == Rhythm.begin_of(self, local.date()):
            local = dt.datetime.combine(local.date(), dt.time())
        return f"{local:{self.key_format}}"

    def _starts(self, day: dt.date) -> tuple[dt.datetime, ...]:
        return _starts_on(day, self.hours, self.zone)


@lru_cache(maxsize=4096)
def _starts_on(day: dt.date, hours: int, zone: ZoneInfo) -> tuple[dt.datetime, ...]:
    """Return the instants at which the spans of a local day begin, in order."""
    folds = (0, 1) if hours == 1 else (1,)
    starts: set[dt.datetime] = set()
    for hour in range(0, HOURS_OF_A_DAY, hours):
        times = [dt.datetime.combine(day, dt.time(hour, fold=fold), zone).astimezone(dt.UTC) for fold in folds]
        shown = [time for time in times if time.astimezone(zone).replace(tzinfo=None) == _wall(day, hour)]
        skipped = dt.datetime.combine(day, dt.time(hour), zone).astimezone(dt.UTC)
        starts.update(shown or [skipped])
    return tuple(sorted(start for start in starts if start.astimezone(zone).date() == day))


def _wall(day: dt.date, hour: int) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour))


def has_distinct_hours(zone: ZoneInfo, since: dt.date) -> bool:
    """Return whether the clocks of a zone only move by whole hours, and back by one at most, from a date on.

    Otherwise the hours of the zone are not those of Dagster, or their keys do not sort.
    """
    years = range(since.year, max(since.year + 2, LAST_YEAR_OF_ZONES + 1))
    noons = (dt.datetime(year, month, 28, 12, tzinfo=zone) for year in years for month in range(1, 13))
    offsets = [noon.utcoffset() or dt.timedelta() for noon in noons]
    moves = [after - before for before, after in pairwise(offsets)]
    return all(move % HOUR == dt.timedelta() and move >= -HOUR for move in moves)

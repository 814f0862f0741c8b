"""What every rhythm knows: keys and instants. The rest is in :mod:`monitoring_pipeline.spec.calendar`."""

import datetime as dt
from abc import ABC, abstractmethod
from dataclasses import dataclass
from zoneinfo import ZoneInfo

DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


class NoKeyError(ValueError):
    """A text is not the key of a chunk."""


@dataclass(frozen=True)
class Span:
    """A chunk without its model: its key, and the half-open window [start, end) in UTC."""

    key: str
    start: dt.datetime
    end: dt.datetime


@dataclass(frozen=True)
class Rhythm(ABC):
    """A partition of the time line of a zone into spans, one per chunk.

    Args:
        zone: the time zone.
        noun: word for a chunk in sentences.
        example: a key, for messages.
        cron: the times at which spans begin, in the zone.
        key_format: form of the keys.
    """

    zone: ZoneInfo
    noun: str
    example: str
    cron: str
    key_format: str

    @abstractmethod
    def of_key(self, key: str) -> Span:
        """Return the span of a key; raise NoKeyError if there is none."""

    @abstractmethod
    def at(self, moment: dt.datetime) -> Span:
        """Return the span that contains a moment."""

    @abstractmethod
    def later(self, span: Span, count: int) -> Span:
        """Return the span that is ``count`` places later; earlier if negative."""

    @abstractmethod
    def days_before(self, span: Span, days: int) -> Span:
        """Return the span ``days`` local days earlier, at the same place of its day; weeks and months are rounded."""

    @abstractmethod
    def in_days(self, days: int) -> int:
        """Return the number of spans that stand for so many days, at least one."""

    @property
    @abstractmethod
    def longest(self) -> dt.timedelta:
        """The length of a span; of a month the longest one."""

    @abstractmethod
    def slot(self, span: Span) -> tuple[int, ...]:
        """Return the place of a span among the spans that are expected to be alike."""

    def begin_of(self, day: dt.date) -> dt.datetime:
        """Return the first instant of a local day, in UTC, also if a clock change skips midnight."""
        return dt.datetime.combine(day, dt.time(), self.zone).astimezone(dt.UTC)

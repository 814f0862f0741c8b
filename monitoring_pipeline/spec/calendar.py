"""The calendar of a model: its chunks, and all arithmetic with them.

A chunk is a local day. A further cadence (hours, weeks, months) belongs here and nowhere else, because every other
module treats a chunk's key as opaque text. Keys sort as text in the order of time, so that the store can compare them.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.sources import ReferenceWindow

DAY = dt.timedelta(days=1)
MONTH = "month"
PERIODS: Mapping[str, str] = {"day": "%Y-%m-%d", MONTH: "%Y-%m", "year": "%Y"}
"""Periods by which results are summed up, and the form of their names."""
CHUNK_PERIOD = "day"
"""The period that is a single chunk."""


class UnknownChunkError(ValueError):
    """A text is not the key of a chunk, or not a local day; the message names it and shows the form."""


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The chunks of one model.

    A day of a clock change has 23 or 25 hours. A day that a zone left out (Samoa, 30 December 2011) is an empty chunk.

    Args:
        model: name of the model.
        zone: time zone whose midnights bound a chunk.
        start: first day that is monitored.
        end: day after the last one; None for a model in use.
        schedule: local time at which the chunk that ended last is due.
    """

    model: str
    zone: ZoneInfo
    start: dt.date
    end: dt.date | None
    schedule: dt.time

    @property
    def first(self) -> Chunk:
        """The first chunk that is monitored."""
        return self._chunk_of(self.start)

    def chunk(self, key: str) -> Chunk:
        """Return the chunk of a key, whether or not it is monitored.

        Raises:
            UnknownChunkError: when the text is no key.
        """
        return self._chunk_of(self.day(key))

    def chunk_at(self, moment: dt.datetime) -> Chunk:
        """Return the chunk that contains a moment."""
        return self._chunk_of(self.day_at(moment))

    def last_complete(self, now: dt.datetime) -> Chunk:
        """Return the newest chunk that has ended."""
        return self.previous(self.chunk_at(now))

    def next(self, chunk: Chunk) -> Chunk:
        """Return the chunk after this one."""
        return self._chunk_of(_day_of(chunk) + DAY)

    def previous(self, chunk: Chunk) -> Chunk:
        """Return the chunk before this one."""
        return self._chunk_of(_day_of(chunk) - DAY)

    def range(self, first: Chunk, last: Chunk) -> tuple[Chunk, ...]:
        """Return the chunks from the first to the last, both included; none if the last is earlier."""
        return self.chunks_of_days(_day_of(first), _day_of(last))

    def chunks_of_days(self, first: dt.date, last: dt.date) -> tuple[Chunk, ...]:
        """Return the chunks of the local days from the first to the last, both included; none if it is earlier."""
        return tuple(self._chunk_of(first + n * DAY) for n in range((last - first).days + 1))

    def ends(self, first: dt.date, last: dt.date) -> tuple[Chunk, Chunk]:
        """Return the first chunk of one local day and the last chunk of another, in whichever order the days are."""
        return self._chunk_of(first), self._chunk_of(last)

    def chunks_of(self, window: ReferenceWindow) -> tuple[Chunk, ...]:
        """Return the chunks that a reference window consists of."""
        return self.chunks_of_days(window.start, window.last)

    def window(self, window: ReferenceWindow) -> Chunk:
        """Return a reference window in the form of a chunk, with the key ``<start>/<end>``."""
        key = f"{window.start.isoformat()}/{window.end.isoformat()}"
        return Chunk(self.model, key, self._midnight(window.start), self._midnight(window.end))

    def days_before(self, chunk: Chunk, days: int) -> Chunk:
        """Return the chunk ``days`` local days earlier (later if negative), at the same place of its day."""
        return self._chunk_of(_day_of(chunk) - days * DAY)

    def chunks_before(self, chunk: Chunk, days: int) -> tuple[Chunk, ...]:
        """Return the chunks of the ``days`` local days that end where this one begins, oldest first."""
        return self.range(self.days_before(chunk, days), self.previous(chunk))

    def first_of_days(self, chunk: Chunk, days: int) -> Chunk:
        """Return the first chunk of the ``days`` local days that end with this one."""
        return self.next(self.days_before(chunk, days))

    def count(self, duration: dt.timedelta) -> int:
        """Return the number of whole chunks that fit into a duration, with 24 hours per day."""
        return duration // DAY

    def slot(self, chunk: Chunk) -> int:
        """Return the weekday of a chunk; chunks in the same slot are expected to be alike."""
        return _day_of(chunk).weekday()

    def same_slot(self, chunk: Chunk, other: Chunk) -> bool:
        """Return whether two chunks have the same place in their weeks."""
        return self.slot(chunk) == self.slot(other)

    def due_at(self, chunk: Chunk) -> dt.datetime:
        """Return the time in UTC at which the run of a chunk starts: the scheduled local time on the day it ends."""
        return dt.datetime.combine(self.day_at(chunk.end), self.schedule, self.zone).astimezone(dt.UTC)

    def boundary_from(self, moment: dt.datetime) -> dt.datetime:
        """Return the first start of a chunk that is not before a moment."""
        chunk = self.chunk_at(moment)
        return chunk.start if chunk.start == moment else chunk.end

    def is_monitored(self, chunk: Chunk) -> bool:
        """Return whether a chunk is on or after the first monitored day and before the end, if there is one."""
        day = _day_of(chunk)
        return self.start <= day and (self.end is None or day < self.end)

    def by_period(self, chunks: Iterable[Chunk], period: str) -> dict[str, list[str]]:
        """Return the keys of some chunks by the day, month or year (one of PERIODS) in which they start."""
        keys: dict[str, list[str]] = {}
        for chunk in chunks:
            keys.setdefault(self.period_of(chunk.key, period), []).append(chunk.key)
        return keys

    def period_of(self, key: str, period: str) -> str:
        """Return the name of the day, month or year (one of PERIODS) in which a chunk starts."""
        return self.day(key).strftime(PERIODS[period])

    def label(self, chunk: Chunk) -> str:
        """Return the name of a chunk for people."""
        return chunk.key

    def day(self, text: str) -> dt.date:
        """Return the local day that a text such as ``2013-04-22`` names.

        Raises:
            UnknownChunkError: when it names no day, or has another form.
        """
        try:
            day = dt.date.fromisoformat(text)
        except ValueError as error:
            raise UnknownChunkError(f"{self.model}: {text!r} is not a day such as 2013-04-22: {error}") from error
        if day.isoformat() != text:
            raise UnknownChunkError(f"{self.model}: {text!r} is not a day such as 2013-04-22: write {day}")
        return day

    def day_at(self, moment: dt.datetime) -> dt.date:
        """Return the local day that contains a moment."""
        return moment.astimezone(self.zone).date()

    def window_of_days(self, days: int, end: dt.date) -> ReferenceWindow:
        """Return the window of ``days`` local days up to ``end``, which is not included."""
        return ReferenceWindow(start=end - days * DAY, end=end)

    def window_through(self, start: dt.date, moment: dt.datetime) -> ReferenceWindow:
        """Return the window from a local day to the day of a moment, both included."""
        return ReferenceWindow(start=start, end=self.day_at(moment) + DAY)

    def _chunk_of(self, day: dt.date) -> Chunk:
        return Chunk(self.model, day.isoformat(), self._midnight(day), self._midnight(day + DAY))

    def _midnight(self, day: dt.date) -> dt.datetime:
        """Return the instant, in UTC, at which a day begins, also if a clock change skips midnight."""
        return dt.datetime.combine(day, dt.time(), self.zone).astimezone(dt.UTC)


def _day_of(chunk: Chunk) -> dt.date:
    return dt.date.fromisoformat(chunk.key)

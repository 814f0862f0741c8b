"""The calendar of a model: its chunks, and all arithmetic with them.

A chunk is a local hour, several hours, a day, a week or a month (:mod:`monitoring_pipeline.spec.rhythms`). Every other
module treats a chunk's key as opaque text. Keys sort as text in the order of time, so that the store can compare them.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.periods import CHUNK_PERIOD, PERIODS
from monitoring_pipeline.spec.rhythms.by_cadence import RHYTHMS
from monitoring_pipeline.spec.rhythms.hours import Hours
from monitoring_pipeline.spec.rhythms.rhythm import DAY, NoKeyError, Rhythm, Span
from monitoring_pipeline.spec.sources import ReferenceWindow

"""Periods by which results are summed up, and the form of their names."""
DAILY = "day"
FORM_OF_A_DAY = "2013-04-22"


class UnknownChunkError(ValueError):
    """A text is not the key of a chunk, or not a local day; the message names it and shows the form."""


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """The chunks of one model.

    A day of a clock change has 23 or 25 hours. A day that a zone left out (Samoa, 30 December 2011) is an empty chunk.

    Args:
        model: name of the model.
        zone: time zone whose clocks bound a chunk.
        start: the first day that is monitored; the first chunk begins on it or after it.
        end: day after the last one; None for a model in use.
        schedule: local time at which the chunk that ended last is due; cadences of hours ignore it.
        cadence: length of a chunk, one of RHYTHMS.
        delay: cadences of hours: time from the end of a chunk until it is due.
    """

    model: str
    zone: ZoneInfo
    start: dt.date
    end: dt.date | None
    schedule: dt.time
    cadence: str = DAILY
    delay: dt.timedelta = dt.timedelta()

    @cached_property
    def rhythm(self) -> Rhythm:
        """The rhythm of the chunks."""
        return RHYTHMS[self.cadence](self.zone)

    @property
    def noun(self) -> str:
        """The word for a chunk in sentences: hour, day, week or month; chunk if it is several hours."""
        return self.rhythm.noun

    @property
    def length(self) -> dt.timedelta:
        """The length of a chunk without a clock change; of a month the longest."""
        return self.rhythm.longest

    @property
    def has_hours(self) -> bool:
        """Whether a chunk is one or several hours of a day."""
        return isinstance(self.rhythm, Hours)

    @property
    def first(self) -> Chunk:
        """The first chunk that is monitored."""
        return self._chunk_from(self._midnight(self.start))

    def chunk(self, key: str) -> Chunk:
        """Return the chunk of a key, whether or not it is monitored.

        Raises:
            UnknownChunkError: when the text is no key.
        """
        try:
            return self._of(self.rhythm.of_key(key))
        except NoKeyError as error:
            form = f"{'an' if self.noun == 'hour' else 'a'} {self.noun} such as {self.rhythm.example}"
            raise UnknownChunkError(f"{self.model}: {key!r} is not {form}: {error}") from error

    def chunk_at(self, moment: dt.datetime) -> Chunk:
        """Return the chunk that contains a moment."""
        return self._of(self.rhythm.at(moment))

    def last_complete(self, now: dt.datetime) -> Chunk:
        """Return the newest chunk that has ended."""
        return self.previous(self.chunk_at(now))

    def next(self, chunk: Chunk) -> Chunk:
        """Return the chunk after this one."""
        return self.earlier(chunk, -1)

    def previous(self, chunk: Chunk) -> Chunk:
        """Return the chunk before this one."""
        return self.earlier(chunk, 1)

    def earlier(self, chunk: Chunk, count: int) -> Chunk:
        """Return the chunk that is ``count`` chunks before this one."""
        return self._of(self.rhythm.later(_span(chunk), -count))

    def range(self, first: Chunk, last: Chunk) -> tuple[Chunk, ...]:
        """Return the chunks from the first to the last, both included; none if the last is earlier."""
        chunks: list[Chunk] = []
        chunk = first
        while chunk.key <= last.key:
            chunks.append(chunk)
            chunk = self.next(chunk)
        return tuple(chunks)

    def chunks_of_days(self, first: dt.date, last: dt.date) -> tuple[Chunk, ...]:
        """Return the chunks that lie within the local days from the first to the last, both included, if any."""
        begin, end = self._chunk_from(self._midnight(first)), self._midnight(last + DAY)
        if last < first or begin.end > end:
            return ()
        until = self.chunk_at(end)
        # A day that a zone left out ends where it begins.
        return tuple(chunk for chunk in self.range(begin, until) if chunk.end <= end and chunk.key < until.key)

    def chunks_named(self, first: str, last: str) -> tuple[Chunk, ...]:
        """Return the chunks from one key or day to another, both included; a day stands for all chunks within it.

        Raises:
            UnknownChunkError: when a text is neither a key nor a day, or no chunk lies within them.
        """
        chunks = self.range(self._first_named(first), self._last_named(last))
        if not chunks:
            raise UnknownChunkError(f"{self.model}: no {self.noun} lies within {first} to {last}")
        return chunks

    def chunks_of(self, window: ReferenceWindow) -> tuple[Chunk, ...]:
        """Return the chunks that lie within a reference window."""
        return self.chunks_of_days(window.start, window.last)

    def window(self, window: ReferenceWindow) -> Chunk:
        """Return a reference window in the form of a chunk, with the key ``<start>/<end>``."""
        key = f"{window.start.isoformat()}/{window.end.isoformat()}"
        return Chunk(self.model, key, self._midnight(window.start), self._midnight(window.end))

    def is_within(self, chunk: Chunk, window_key: str) -> bool:
        """Return whether a whole chunk lies within the reference window with this key."""
        start, _, end = window_key.partition("/")
        return self._midnight(self.day(start)) <= chunk.start and chunk.end <= self._midnight(self.day(end))

    def days_before(self, chunk: Chunk, days: int) -> Chunk:
        """Return the chunk ``days`` local days earlier (later if negative), at the same place of its day.

        If chunks are weeks or months, the days are rounded to whole chunks.
        """
        return self._of(self.rhythm.days_before(_span(chunk), days))

    def chunks_before(self, chunk: Chunk, days: int) -> tuple[Chunk, ...]:
        """Return the chunks of the ``days`` local days that end where this one begins, oldest first; at least one."""
        return self.range(self._begin_of_days(chunk, days), self.previous(chunk))

    def first_of_days(self, chunk: Chunk, days: int) -> Chunk:
        """Return the first chunk of the ``days`` local days that end with this one."""
        return self.next(self._begin_of_days(chunk, days))

    def chunks_in_days(self, days: int) -> int:
        """Return the number of chunks that so many days have, at least one."""
        return self.rhythm.in_days(days)

    def count(self, duration: dt.timedelta) -> int:
        """Return the number of whole chunks that fit into a duration, with 24 hours per day."""
        return duration // self.length

    def slot(self, chunk: Chunk) -> tuple[int, ...]:
        """Return the place of a chunk in its week: weekday, and hour; chunks in the same slot are expected to be alike.

        All weeks have the same slot, and all months.
        """
        return self.rhythm.slot(_span(chunk))

    def same_slot(self, chunk: Chunk, other: Chunk) -> bool:
        """Return whether two chunks have the same place in their weeks."""
        return self.slot(chunk) == self.slot(other)

    def due_at(self, chunk: Chunk) -> dt.datetime:
        """Return the time in UTC at which the run of a chunk starts.

        It is the scheduled local time on the day on which the chunk ends; for hours the end and the delay.
        """
        if self.has_hours:
            return chunk.end + self.delay
        return dt.datetime.combine(self.day_at(chunk.end), self.schedule, self.zone).astimezone(dt.UTC)

    def due_between(self, after: dt.datetime, until: dt.datetime) -> tuple[Chunk, ...]:
        """Return the chunks that are due later than one moment, and not later than another."""
        chunk = self.last_complete(until)
        due: list[Chunk] = []
        while self.due_at(chunk) > after:
            due.append(chunk)
            chunk = self.previous(chunk)
        return tuple(each for each in reversed(due) if self.due_at(each) <= until)

    def boundary_from(self, moment: dt.datetime) -> dt.datetime:
        """Return the first start of a chunk that is not before a moment."""
        chunk = self.chunk_at(moment)
        return chunk.start if chunk.start == moment else chunk.end

    def is_monitored(self, chunk: Chunk) -> bool:
        """Return whether a chunk lies on or after the first monitored day and before the end, if there is one."""
        return self._midnight(self.start) <= chunk.start and (self.end is None or chunk.end <= self._midnight(self.end))

    def is_chunk(self, period: str) -> bool:
        """Return whether a period, ``chunk`` or one of PERIODS, is a single chunk."""
        return period in {CHUNK_PERIOD, self.cadence}

    def by_period(self, chunks: Iterable[Chunk], period: str) -> dict[str, list[str]]:
        """Return the keys of some chunks by the period (one of PERIODS, or ``chunk``) in which they start."""
        keys: dict[str, list[str]] = {}
        for chunk in chunks:
            keys.setdefault(self.period_of(chunk.key, period), []).append(chunk.key)
        return keys

    def period_of(self, key: str, period: str) -> str:
        """Return the name of the period (one of PERIODS, or ``chunk``) in which a chunk starts."""
        if self.is_chunk(period):
            return key
        return self.chunk(key).start.astimezone(self.zone).strftime(PERIODS[period])

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
            form = f"a day such as {FORM_OF_A_DAY}"
            raise UnknownChunkError(f"{self.model}: {text!r} is not {form}: {error}") from error
        if day.isoformat() != text:
            raise UnknownChunkError(f"{self.model}: {text!r} is not a day such as {FORM_OF_A_DAY}: write {day}")
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

    def _first_named(self, text: str) -> Chunk:
        named = self._key_or_day(text)
        return named if isinstance(named, Chunk) else self._chunk_from(self._midnight(named))

    def _last_named(self, text: str) -> Chunk:
        named = self._key_or_day(text)
        return named if isinstance(named, Chunk) else self.previous(self.chunk_at(self._midnight(named + DAY)))

    def _key_or_day(self, text: str) -> Chunk | dt.date:
        try:
            return self.chunk(text)
        except UnknownChunkError as error:
            try:
                return self.day(text)
            except UnknownChunkError:
                raise error from None

    def _begin_of_days(self, chunk: Chunk, days: int) -> Chunk:
        if self.has_hours:
            return self.days_before(chunk, days)
        return self.earlier(chunk, self.chunks_in_days(days))

    def _chunk_from(self, moment: dt.datetime) -> Chunk:
        """Return the first chunk that begins at a moment or later."""
        chunk = self.chunk_at(moment)
        return chunk if chunk.start == moment else self.next(chunk)

    def _of(self, span: Span) -> Chunk:
        return Chunk(self.model, span.key, span.start, span.end)

    def _midnight(self, day: dt.date) -> dt.datetime:
        """Return the instant, in UTC, at which the chunks of a day begin, also if a clock change skips midnight."""
        return self.rhythm.begin_of(day)


def _span(chunk: Chunk) -> Span:
    return Span(chunk.key, chunk.start, chunk.end)

"""One model's rows of one day: which instants belong to it."""

import datetime as dt
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import ReferenceWindow


@dataclass(frozen=True)
class Chunk:
    """The half-open window [start, end) in UTC that belongs to ``key`` in the model's own time zone.

    ``key`` is the chunk's local date (``2013-04-22``); a day of a clock change has 23 or 25 hours.
    """

    model: str
    key: str
    start: dt.datetime
    end: dt.datetime


def local_midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return the instant, in UTC, at which ``day`` begins in ``zone``.

    Where a clock change skips midnight, that is the first instant of the day that exists.
    """
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC)


def chunk_of_day(spec: ModelSpec, day: dt.date) -> Chunk:
    """Return the chunk of one local day."""
    return _window(spec, day.isoformat(), day, day + dt.timedelta(days=1))


def chunk_of_key(spec: ModelSpec, key: str) -> Chunk:
    """Return the chunk of a key such as ``2013-04-22``.

    Raises:
        ValueError: when the key is not a date.
    """
    return chunk_of_day(spec, dt.date.fromisoformat(key))


def chunk_of_reference(spec: ModelSpec, window: ReferenceWindow) -> Chunk:
    """Return a reference window in the form of a chunk."""
    return _window(spec, f"{window.start.isoformat()}/{window.end.isoformat()}", window.start, window.end)


def days_of(window: ReferenceWindow) -> list[dt.date]:
    """Return the local days of a reference window."""
    return [window.start + dt.timedelta(days=n) for n in range((window.end - window.start).days)]


def _window(spec: ModelSpec, key: str, first: dt.date, after: dt.date) -> Chunk:
    return Chunk(spec.name, key, local_midnight(first, spec.zone), local_midnight(after, spec.zone))

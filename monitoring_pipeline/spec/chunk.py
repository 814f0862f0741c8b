"""A chunk: the rows of one model in one span of time. The model's calendar makes the chunks."""

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitoring_pipeline.spec.model import ModelSpec
    from monitoring_pipeline.spec.sources import ReferenceWindow


@dataclass(frozen=True)
class Chunk:
    """The half-open window [start, end) in UTC that belongs to ``key``.

    A key is opaque: only :class:`~monitoring_pipeline.spec.calendar.Calendar` makes keys and takes them apart. The
    keys of a model's chunks sort as text in the order of time.
    """

    model: str
    key: str
    start: dt.datetime
    end: dt.datetime


def chunk_of_key(spec: "ModelSpec", key: str) -> Chunk:
    """Return ``spec.calendar.chunk(key)``; the old way to write it."""
    return spec.calendar.chunk(key)


def chunk_of_day(spec: "ModelSpec", day: dt.date) -> Chunk:
    """Return ``spec.calendar.chunk(str(day))``; the old way to write it."""
    return spec.calendar.chunk(str(day))


def chunk_of_reference(spec: "ModelSpec", window: "ReferenceWindow") -> Chunk:
    """Return ``spec.calendar.window(window)``; the old way to write it."""
    return spec.calendar.window(window)

"""A chunk: the rows of one model in one span of time. The model's calendar makes the chunks."""

import datetime as dt
from dataclasses import dataclass


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

"""Which chunks are young enough to alert anybody."""

import datetime as dt

from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec


def is_within_horizon(spec: ModelSpec, chunk: Chunk, now: dt.datetime, *, by_labels: bool = False) -> bool:
    """Whether a chunk is young enough for anybody to be told about it.

    What only labels tell is as young as its labels: it may be told as much later as they take (``labels.delay``).
    """
    age = now - chunk.end - (spec.labels.delay if by_labels else dt.timedelta())
    return age <= spec.incidents.horizon

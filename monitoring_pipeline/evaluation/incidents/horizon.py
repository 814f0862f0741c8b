"""Which chunks are young enough to alert anybody."""

import datetime as dt

from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec


def is_within_horizon(spec: ModelSpec, chunk: Chunk, now: dt.datetime, *, by_labels: bool = False) -> bool:
    """Return whether a chunk is young enough to cause alerts.

    Measurements that need labels may cause alerts later, by the label delay (``labels.delay``).
    """
    age = now - chunk.end - (spec.label_delay if by_labels else dt.timedelta())
    return age <= spec.incidents.horizon

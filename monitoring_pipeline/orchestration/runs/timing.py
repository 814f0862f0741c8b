"""Steps whose effort is measured."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from monitoring_pipeline.records.effort import Effort
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.warehouse.traffic import bytes_read


@dataclass(frozen=True)
class Timed:
    """What a step returned, and what it took."""

    outcome: Any
    effort: Effort


def run_timed(step: Callable[[Chunk], Any], chunk: Chunk) -> Timed:
    """Run a step on a chunk, in this process, which does nothing else meanwhile."""
    cpu, wall, already_read = time.process_time(), time.perf_counter(), bytes_read()
    outcome = step(chunk)
    read = bytes_read() - already_read
    return Timed(outcome, Effort(time.process_time() - cpu, time.perf_counter() - wall, bytes_read=read or None))

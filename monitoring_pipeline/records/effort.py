"""What it took to measure a chunk."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """What the step of an asset took on a chunk. It is no result: it differs whenever a chunk is measured again.

    Args:
        cpu_seconds: CPU time of the process, that of its threads included.
        wall_seconds: time that passed.
        rows: rows that were read from the warehouse; None if the step reads none there.
        bytes_read: bytes of the warehouse's answers, as columns in memory; None if it was not asked.
    """

    cpu_seconds: float
    wall_seconds: float
    rows: int | None = None
    bytes_read: int | None = None

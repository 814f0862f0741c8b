"""The windows of a model that end with a chunk."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitoring_pipeline.spec.calendar import Calendar
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec

LEAST_CHUNKS = 2
DAYS = " days"


@dataclass(frozen=True)
class Window:
    """The chunks of some days that end with a chunk, oldest first.

    ``units`` is the length in the unit in which chunks vary: whole days if a chunk is hours, otherwise chunks.
    """

    days: int
    keys: tuple[str, ...]
    units: int

    @property
    def words(self) -> str:
        """The words for the window, which are part of the names of its numbers."""
        return f"{self.days}{DAYS}"


def windows_of(spec: ModelSpec, chunk: Chunk) -> tuple[Window, ...]:
    """Return the windows that the spec names, the shortest one first; those of a single chunk are left out."""
    calendar = spec.calendar
    found: list[Window] = []
    for days in sorted(set(spec.windows)):
        if calendar.chunks_in_days(days) >= LEAST_CHUNKS:
            keys = tuple(each.key for each in calendar.range(calendar.first_of_days(chunk, days), chunk))
            found.append(Window(days, keys, days if calendar.has_hours else len(keys)))
    return tuple(found)


def units_of(calendar: Calendar, keys: Sequence[str]) -> list[int]:
    """Return the place of each chunk in the unit in which chunks vary, up to 0 for that of the last chunk.

    Args:
        calendar: the calendar.
        keys: chunks in a row, oldest first.
    """
    per_unit = calendar.chunks_in_days(1) if calendar.has_hours else 1
    return [-((len(keys) - 1 - place) // per_unit) for place in range(len(keys))]

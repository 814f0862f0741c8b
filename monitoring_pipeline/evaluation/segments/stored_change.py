"""The stored split of changes over segments read back, for tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from monitoring_pipeline.evaluation.segments.change import BY_MIX, CHANGE, ELSEWHERE, SUBJECT, WITHIN
from monitoring_pipeline.records.measurement import Kind, Measurement

OTHERS = "other rows"


@dataclass(frozen=True)
class SegmentPart:
    """What one segment brings to a change, or all other rows of its segmentation.

    Args:
        name: the words for it.
        value: the whole part.
        rows: its rows.
        mix: the part by its share of the rows; None for the other rows.
        within: the part by its level; None for the other rows.
    """

    name: str
    value: float
    rows: int
    mix: Measurement | None = None
    within: Measurement | None = None


@dataclass(frozen=True)
class SegmentSplit:
    """The change of one number on a chunk, and its parts: those of each segmentation sum to it.

    Args:
        change: the whole change; its reason names the segment that brings most of it.
        parts: the parts, none if chance explains the change.
    """

    change: Measurement
    parts: tuple[SegmentPart, ...]


def is_of_change(measurement: Measurement) -> bool:
    """Return whether a measurement is of the split of a change over segments."""
    return measurement.kind is Kind.SEGMENT and measurement.subject == SUBJECT


def stored_changes(measurements: Sequence[Measurement]) -> list[SegmentSplit]:
    """Return the splits of a chunk, in the order in which they were measured."""
    own = [m for m in measurements if is_of_change(m) and m.value is not None]
    return [SegmentSplit(change, tuple(_parts(change, own))) for change in own if change.name == CHANGE]


def _parts(change: Measurement, measurements: Sequence[Measurement]) -> Iterator[SegmentPart]:
    own = [m for m in measurements if (m.of, m.model_version) == (change.of, change.model_version)]
    within = {m.segment: m for m in own if m.name == WITHIN}
    for m in own:
        level = within.get(m.segment)
        if m.name == BY_MIX and level is not None:
            yield SegmentPart(m.segment, (m.value or 0.0) + (level.value or 0.0), m.rows, m, level)
        elif m.name == ELSEWHERE:
            yield SegmentPart(f"{OTHERS} by {m.segment}", m.value or 0.0, m.rows)

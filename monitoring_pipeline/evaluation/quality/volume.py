"""The number of predictions of a chunk: whether any are expected, and which numbers are usual.

Both are learned from the chunks of the reference in the same slot, such as the same weekday.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated

import numpy as np
from pydantic import Field

from monitoring_pipeline.evaluation.rows.expected_gap import ROWS
from monitoring_pipeline.records.measurement import Measurement, Severity, Status
from monitoring_pipeline.spec.calendar import Calendar
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.threshold import Threshold

VOLUME_RATIO = "volume_ratio"
"""Definition of the number of predictions by which an expected gap is recognized."""
LEAST_CHUNKS_OF_A_SLOT = 2
"""A slot without predictions in so many chunks of the reference expects none."""
SHARE_OF_EMPTY_HOURS = 0.05
"""If a larger share of the reference's chunks at the same hour are empty, an empty one is nothing unusual."""
FEW = 7
"""Of fewer usual predictions, chance alone leaves more than one hour in 1000 without any."""
LEAST_DEVIATIONS = 8
"""Limits are not learned from fewer chunks."""
STANDARD_DEVIATIONS = 3.5
SIMILAR_SIZE = 2.0
"""Slots are of similar size if their usual numbers differ by this factor at most."""
SMALL = 30
"""Up to so many predictions, chance alone can double their number."""
LIMITS_NOT_LEARNED = (0.55, 1.8)
NARROWEST, WIDEST = (0.65, 1.45), (0.55, 1.9)
"""Chunks that are loaded twice, by half twice, or by half, have 2, 1.5 and 0.5 times the usual number."""
WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


@dataclass(frozen=True)
class ReferenceChunk:
    """Rows of one chunk of the reference, and the hours from its newest prediction to its end."""

    chunk: Annotated[str, Field(alias="day")]
    """Key of the chunk; named ``day`` in stored references."""
    rows: int
    gap_hours: float


@dataclass(frozen=True)
class _SlotWords:
    """Words for the slot of a chunk, by the word for a chunk."""

    same: str
    usual: str


_OF_HOURS = _SlotWords("weekday and hour", "at this hour of the weekday")
_WORDS: Mapping[str, _SlotWords] = MappingProxyType(
    {
        "day": _SlotWords("weekday", "on this weekday"),
        "week": _SlotWords("week", "in a week"),
        "month": _SlotWords("month", "in a month"),
    }
)

Slots = Mapping[tuple[int, ...], tuple[int, ...]]
"""By slot, the rows of each of its chunks between the first and the last chunk of a reference."""


@lru_cache(maxsize=32)
def rows_by_slot(calendar: Calendar, chunks: tuple[ReferenceChunk, ...], window: str = "") -> Slots:
    """Return the rows of the reference's chunks by slot, with 0 for the chunks between them that have none.

    Weeks and months that lie only partly within the window are left out.
    """
    if not chunks:
        return {}
    rows = {learned.chunk: learned.rows for learned in chunks}
    by_slot: dict[tuple[int, ...], list[int]] = {}
    for chunk in calendar.range(calendar.chunk(min(rows)), calendar.chunk(max(rows))):
        if not window or calendar.is_within(chunk, window):
            by_slot.setdefault(calendar.slot(chunk), []).append(rows.get(chunk.key, 0))
    return {slot: tuple(counts) for slot, counts in by_slot.items()}


def why_none_expected(calendar: Calendar, chunk: Chunk, slots: Slots) -> str | None:
    """Return the reason why a chunk may be without predictions, or None if it has to have some."""
    slot = calendar.slot(chunk)
    own = slots.get(slot, ())
    name = _name_of(slot, chunk, calendar)
    if len(own) >= LEAST_CHUNKS_OF_A_SLOT and not any(own):
        return f"no predictions are expected: the reference has none on {name}"
    if not calendar.has_hours:
        return None
    of_hour = [rows for other, counts in slots.items() if other[1:] == slot[1:] and any(counts) for rows in counts]
    if len(of_hour) < LEAST_DEVIATIONS:
        return None
    empty, usual = sum(rows == 0 for rows in of_hour), float(np.median(of_hour))
    if usual < FEW or empty > SHARE_OF_EMPTY_HOURS * len(of_hour):
        return (
            f"there may be no predictions: {empty} of {len(of_hour)} chunks of the reference at this hour have none, "
            f"and {usual:g} are usual"
        )
    return None


def measure_volume(
    spec: ModelSpec, chunk: Chunk, slots: Slots, blank: Measurement, repeated: Callable[[], int]
) -> Measurement:
    """Return the number of predictions of a chunk as a multiple of the usual number.

    Args:
        spec: the model. If it has no limits, they are learned.
        chunk: the chunk.
        slots: rows of the reference by slot.
        blank: measurement with the number of predictions.
        repeated: counts the predictions that equal another one in everything but the id.
    """
    words = _WORDS.get(spec.calendar.noun, _OF_HOURS)
    counts = [rows for rows in slots.get(spec.calendar.slot(chunk), ()) if rows]
    usual = float(np.median(counts)) if counts else 0.0
    limits = _limits(spec, slots, usual)
    measurement = replace(
        blank,
        name=VOLUME_RATIO,
        threshold_lower=limits.lower,
        threshold_upper=limits.upper,
        severity=Severity(limits.severity or Severity.WARNING),
        definition=f"predictions over the median of the same {words.same}'s in the reference",
    )
    if not counts:
        return measurement.skipped(f"the reference has no such {words.same}")
    ratio = blank.rows / usual
    beyond = (limits.lower is not None and ratio < limits.lower) or (limits.upper is not None and ratio > limits.upper)
    measured = replace(measurement, value=ratio, reference_value=1.0)
    if not beyond:
        return measured
    copies = repeated() if ratio > 1 else 0
    more = f"; {copies} equal another one in everything but the id" if copies else ""
    return measured.breached(f"{blank.rows} predictions, {usual:g} are usual {words.usual}{more}")


def learned_limits(slots: Slots, usual: float) -> tuple[float, float]:
    """Return the lowest and the highest usual multiple of a slot's median, learned from the reference's own chunks.

    The spread is that of the logarithms around the medians of their slots, robust against outliers. It is taken from
    slots of similar size if there are enough, because small numbers vary more.
    """
    deviations = [(math.log(median), each) for median, each in _deviations(slots)]
    similar = [each for size, each in deviations if abs(size - math.log(max(usual, 1.0))) <= math.log(SIMILAR_SIZE)]
    values = similar if len(similar) >= LEAST_DEVIATIONS else [each for _, each in deviations]
    if len(values) < LEAST_DEVIATIONS:
        return LIMITS_NOT_LEARNED
    # Median and 90th percentile of the size of a normal deviation, as multiples of the standard deviation.
    spread = max(float(np.median(values)) / 0.6745, float(np.quantile(values, 0.9)) / 1.6449)
    lower, upper = math.exp(-STANDARD_DEVIATIONS * spread), math.exp(STANDARD_DEVIATIONS * spread)
    lower, upper = min(lower, NARROWEST[0]), max(upper, NARROWEST[1])
    if usual >= SMALL:
        lower, upper = max(lower, WIDEST[0]), min(upper, WIDEST[1])
    return round(lower, 3), round(upper, 3)


def without_least_rows(measurements: Iterable[Measurement]) -> tuple[Measurement, ...]:
    """Return the measurements of a chunk that has predictions and needs none: few of them are no breach."""
    return tuple(
        replace(m, status=Status.OK, reason=None, threshold_lower=None) if m.name == ROWS else m for m in measurements
    )


def _limits(spec: ModelSpec, slots: Slots, usual: float) -> Threshold:
    rules = spec.quality
    if "volume_ratio" in rules.model_fields_set:
        return rules.volume_ratio
    lower, upper = learned_limits(slots, usual)
    return Threshold(lower=lower, upper=upper)


def _deviations(slots: Slots) -> list[tuple[float, float]]:
    """Return, for every chunk with predictions in a slot with several, the slot's median and the size of the deviation.

    The deviation is corrected for the few chunks that the median is of.
    """
    found: list[tuple[float, float]] = []
    for counts in slots.values():
        rows: Sequence[int] = [each for each in counts if each]
        if len(rows) >= LEAST_CHUNKS_OF_A_SLOT:
            median, correction = float(np.median(rows)), math.sqrt(len(rows) / (len(rows) - 1))
            found += [(median, abs(math.log(each / median)) * correction) for each in rows]
    return found


def _name_of(slot: tuple[int, ...], chunk: Chunk, calendar: Calendar) -> str:
    if not slot:
        return f"{calendar.noun}s"
    hour = f" at {chunk.start.astimezone(calendar.zone):%H:%M}" if calendar.has_hours else ""
    return f"{WEEKDAYS[slot[0]]}{hour}"

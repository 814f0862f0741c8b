"""The limit that a number keeps on the next healthy chunk, learned from the chunks before it.

Positive numbers are compared as logarithms, because latencies and sizes change by factors; numbers that are 0 on some
chunks as square roots, as counts of events are.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.statistics.inputs import Vector
from monitoring_pipeline.statistics.samples.usual_levels import LEAST_OF_A_SLOT, LEVEL, NARROWEST
from monitoring_pipeline.statistics.scipy_modules import scipy_module

Slot = tuple[int, ...]
Slots = Sequence[Slot]
LEAST_OF_A_WHOLE_SLOT = 4
"""With fewer chunks of the same weekday and hour, the effects of both are learned apart."""
_ORDER: Mapping[int, tuple[int, ...]] = {0: (), 1: (0,), 2: (1, 0)}
LEAST_EFFECTIVE = 4.0
"""No quantile is taken with fewer degrees of freedom."""
SPARSE, BEYOND_SPARSE = 0.5, 3.0
"""Where fewer chunks than this share have any event, only a multiple of the largest number is beyond it."""
_QUARTILE, _TAIL, _TAIL_SHARE = 0.6745, 1.6449, 0.9


@dataclass(frozen=True)
class UsualNumber:
    """What is usual on the next chunk: the middle of its slot, and the upper limit."""

    middle: float
    upper: float


@dataclass(frozen=True, eq=False)
class _Around:
    """Numbers without what is usual in their slots, what is usual on the next chunk, and how many chunks show it."""

    deviations: Vector
    middle: float
    of_slot: int


def usual_next(slots: Slots, numbers: Sequence[float], slot: Slot, level: float = LEVEL) -> UsualNumber | None:
    """Return middle and upper limit of the next chunk, learned from healthy ones.

    Return None if there is no number, if all are 0, or if one is negative or not finite.

    The middle is the median of the chunks of the same slot. The spread is that of the numbers around the medians of
    their slots, robust against outliers. The quantile is Student's, with degrees of freedom for dependent chunks.
    It is wider where neighbouring chunks are alike, because the middle of few such chunks is uncertain.

    Args:
        slots: the slot of each chunk, such as its weekday, or weekday and hour.
        numbers: the number on each chunk, in their order.
        slot: the slot of the next chunk.
        level: share of healthy chunks beyond the limit, if the numbers are normal on their scale.
    """
    values = np.asarray(numbers, dtype=np.float64)
    if not values.size or not np.isfinite(values).all() or values.min() < 0 or values.max() <= 0:
        return None
    is_positive = bool(values.min() > 0)
    scaled = np.log(values) if is_positive else np.sqrt(values)
    around = _around_slots(scaled, slots, slot)
    deviations, middle = around.deviations, around.middle
    phi = _resemblance(deviations)
    # Of dependent values, the middle has the information of fewer ones than the spread has (Bartlett 1946).
    of_middle = max(values.size * (1.0 - phi) / (1.0 + phi), 1.0)
    of_spread = max(values.size * (1.0 - phi**2) / (1.0 + phi**2), LEAST_EFFECTIVE)
    quantile = float(scipy_module("stats").t.isf(level, of_spread - 1.0))
    uncertain = math.sqrt(1.0 + (1.0 / of_middle + 1.0 / around.of_slot) * 0.5 * math.pi)
    beyond = quantile * _spread(deviations, robust=is_positive) * uncertain
    if is_positive:
        usual = math.exp(middle)
        return UsualNumber(usual, max(math.exp(min(middle + beyond, 700.0)), usual * NARROWEST))
    share = float((values > 0).mean())
    least = (BEYOND_SPARSE if share < SPARSE else NARROWEST) * float(values.max())
    return UsualNumber(middle**2, max((middle + beyond) ** 2, least))


def _around_slots(values: Vector, slots: Slots, slot: Slot) -> "_Around":
    """Return the deviations from what is usual in the slots, and what is usual in one of them.

    With few chunks of the same slot, the effects of the weekday and of the hour are taken one after the other.
    """
    whole = float(np.median(values))
    own = sum(each == slot for each in slots)
    parts: list[Sequence[object]] = [slots]
    wanted: list[object] = [slot]
    if own < LEAST_OF_A_WHOLE_SLOT:
        parts = [[each[place] for each in slots] for place in _ORDER[len(slot)]]
        wanted = [slot[place] for place in _ORDER[len(slot)]]
    deviations, middle, count = values - whole, whole, values.size
    for labels, label in zip(parts, wanted, strict=True):
        deviations, effect, of_label = _without_effects(deviations, labels, label)
        middle, count = middle + effect, min(count, of_label)
    return _Around(deviations, middle, max(count, 1))


def _without_effects(values: Vector, labels: Sequence[object], wanted: object) -> tuple[Vector, float, int]:
    """Return values less the medians of their labels, the median of one label, and how many values have it."""
    places: dict[object, list[int]] = {}
    for place, label in enumerate(labels):
        places.setdefault(label, []).append(place)
    left = values.copy()
    effect = 0.0
    for label, own in places.items():
        if len(own) < LEAST_OF_A_SLOT:
            continue
        median = float(np.median(values[own]))
        # The median of few chunks is near to each of them.
        left[own] = (values[own] - median) * math.sqrt(len(own) / (len(own) - 1.0))
        effect = median if label == wanted else effect
    return left, effect, len(places.get(wanted, ()))


def _resemblance(deviations: Vector) -> float:
    """Return the correlation of neighbours, corrected for its bias (Kendall 1954), between 0 and 0.9."""
    variance = float(np.dot(deviations, deviations))
    found = float(np.dot(deviations[1:], deviations[:-1])) / variance if variance else 0.0
    return float(np.clip(found + (1.0 + 3.0 * found) / deviations.size, 0.0, 0.9))


def _spread(deviations: Vector, *, robust: bool) -> float:
    sizes = np.abs(deviations)
    spread = max(float(np.median(sizes)) / _QUARTILE, float(np.quantile(sizes, _TAIL_SHARE)) / _TAIL)
    return spread if robust else max(spread, float(np.sqrt(np.mean(deviations**2))))

"""The usual level of a positive number on chunks, and the limits that a healthy chunk keeps.

Levels are compared as logarithms, because latencies and sizes change by factors.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.statistics.inputs import Vector
from monitoring_pipeline.statistics.scipy_modules import scipy_module

LEAST_CHUNKS = 8
"""No limits are learned from fewer chunks."""
LEAST_OF_A_SLOT = 2
NARROWEST = 1.3
"""A level within this factor of the usual one is never beyond it."""
LEVEL = 1e-4
"""Share of healthy chunks beyond a limit, if their logarithms are normal."""
_QUARTILE, _TAIL, _TAIL_SHARE = 0.6745, 1.6449, 0.9
_CAUTION = 3.0
"""The variance of the middle is counted so many times: for itself, and for the spread that is too small by as much."""


@dataclass(frozen=True)
class UsualLevel:
    """The usual level of a number: the median of all chunks, of each slot, and the factor beyond which none strays."""

    middle: float
    by_slot: Mapping[str, float]
    factor: float
    chunks: int

    def of(self, slot: str) -> float:
        """Return the usual level of a slot; that of all chunks if the slot is unknown."""
        return self.by_slot.get(slot, self.middle)

    def upper(self, slot: str) -> float:
        """Return the upper limit of a slot."""
        return self.of(slot) * self.factor


def learn_level(slots: Sequence[str], levels: Sequence[float]) -> UsualLevel | None:
    """Learn the usual level from healthy chunks in their order; None if they are too few, or not positive.

    The spread is that of the logarithms around the medians of their slots, robust against outliers. The factor is
    Student's quantile for ``LEVEL``, widened where neighbouring chunks are alike, because the middle of few such chunks
    is itself uncertain.

    Args:
        slots: the slot of each chunk, such as its weekday.
        levels: the number on each chunk.
    """
    values = np.asarray(levels, dtype=np.float64)
    if values.size < LEAST_CHUNKS or not (np.isfinite(values) & (values > 0)).all():
        return None
    logs, named = np.log(values), np.asarray(slots)
    middle = float(np.median(logs))
    by_slot = {
        slot: float(np.median(logs[named == slot]))
        for slot in dict.fromkeys(slots)
        if (named == slot).sum() >= LEAST_OF_A_SLOT
    }
    deviations = logs - np.array([by_slot.get(slot, middle) for slot in slots])
    counts = np.array([max(int((named == slot).sum()), LEAST_OF_A_SLOT) for slot in slots])
    deviations *= np.sqrt(counts / (counts - 1.0))
    around = logs - middle
    spread = _spread(deviations)
    quantile = float(scipy_module("stats").t.isf(LEVEL, values.size - 1))
    factor = max(math.exp(quantile * spread * widened(around)), NARROWEST)
    return UsualLevel(
        math.exp(middle), {slot: math.exp(each) for slot, each in by_slot.items()}, factor, int(values.size)
    )


def _spread(deviations: Vector) -> float:
    sizes = np.abs(deviations)
    return max(float(np.median(sizes)) / _QUARTILE, float(np.quantile(sizes, _TAIL_SHARE)) / _TAIL)


def widened(around: Vector) -> float:
    """Return the factor for the error of the middle of dependent values, shape (rows,), in their order.

    The values follow a first-order autoregression.
    """
    rows = around.size
    variance = float(np.dot(around, around))
    found = float(np.dot(around[1:], around[:-1])) / variance if variance else 0.0
    # Kendall 1954: the estimate is too low by about (1 + 3 phi) / n.
    phi = float(np.clip(found + (1.0 + 3.0 * found) / rows, 0.0, 0.9))
    return math.sqrt(1.0 + _CAUTION * (1.0 + phi) / (1.0 - phi) / rows)

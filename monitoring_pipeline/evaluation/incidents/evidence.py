"""The evidence of a breach: as how many breached chunks it counts when an incident is to be opened.

A breach counts at least once. It counts more often the farther it lies beyond its limit, in standard deviations between
chunks: ``AT_ONCE`` of them open an incident on one chunk, and of half of them each counts half as much. The error of a
chunk's own rows is too small a measure, because days differ by more than their rows explain.

The spread is that of the same number on earlier chunks, so that folding again gives the same. A distance also has the
one that its floor implies. Without either, a breach counts once.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from monitoring_pipeline.evaluation.business.burn_rates import BURN_RATE
from monitoring_pipeline.evaluation.business.money import COST, COST_FORECAST
from monitoring_pipeline.evaluation.judgement.excess import excess
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.statistics.results import NORMAL_QUANTILE

AT_ONCE = 10.0
"""So many standard deviations beyond its limit, one breach opens an incident."""
LEAST_CHUNKS = 14
"""The spread between fewer earlier chunks is not known."""
CHUNKS_LOOKED_AT = 28
_OF_MODEL = frozenset({Kind.PERFORMANCE, Kind.ESTIMATED_PERFORMANCE, Kind.BUSINESS})
_ALL_INPUTS = "features"
_DEVIATIONS_BELOW_A_FLOOR = 2.0
"""The floor of a distance is learned as at least so many standard deviations of healthy chunks above their mean."""
_ROUNDING = 1e-9


@dataclass(frozen=True, order=True)
class Evidence:
    """How much a breach counts.

    Args:
        chunks: as how many breached chunks it counts.
        deviations: how many standard deviations it lies beyond its limit; 0 if that is not known.
    """

    chunks: int = 1
    deviations: float = 0.0


ONCE = Evidence()


def lasts_already(measurement: Measurement) -> bool:
    """Return whether a breach has lasted over a window, so that it need not last over further chunks."""
    if measurement.kind is Kind.BUSINESS and (measurement.subject, measurement.name) == (COST, COST_FORECAST):
        return True
    return measurement.kind is Kind.WINDOW or (measurement.kind is Kind.OBJECTIVE and measurement.name == BURN_RATE)


@dataclass
class Earlier:
    """The values of one number on the last chunks, oldest first."""

    values: deque[float] = field(default_factory=lambda: deque[float](maxlen=CHUNKS_LOOKED_AT))

    def add(self, measurements: Sequence[Measurement]) -> None:
        """Add the value of a chunk; of several versions, that of the first."""
        value = next((m.value for m in measurements if m.status is not Status.SKIPPED), None)
        if value is not None:
            self.values.append(value)

    @property
    def spread(self) -> float:
        """The standard deviation between the chunks; 0 if all are equal but for rounding, or if they are too few."""
        if len(self.values) < LEAST_CHUNKS or np.allclose(self.values, self.values[0], rtol=_ROUNDING, atol=0.0):
            return 0.0
        return float(np.std(self.values, ddof=1))


def evidence_of(measurement: Measurement, earlier: Earlier, needed: int) -> Evidence:
    """Return the evidence of a breach.

    Args:
        measurement: the breach.
        earlier: the same number on earlier chunks.
        needed: breached chunks that open an incident. One breach counts as at most so many.
    """
    m = measurement
    spread = _spread_of_distance(m, earlier) if m.kind is Kind.DRIFT else _spread_of_metric(m, earlier)
    if not spread:
        return ONCE
    deviations = excess(m.value, m.threshold_lower, m.threshold_upper) / spread
    return Evidence(min(needed, 1 + math.floor((needed - 1) * deviations / AT_ONCE)), deviations)


def _spread_of_metric(measurement: Measurement, earlier: Earlier) -> float:
    """Return the spread between chunks, at least the error of the chunk's own rows; 0 if it is not known."""
    m = measurement
    if m.kind not in _OF_MODEL or not (between := earlier.spread):
        return 0.0
    own = (m.upper - m.lower) / (2 * NORMAL_QUANTILE) if m.upper is not None and m.lower is not None else 0.0
    return max(between, own)


def _spread_of_distance(measurement: Measurement, earlier: Earlier) -> float:
    """Return the spread that the floor implies, at least that between chunks; 0 for what is no distance.

    A distance is not negative, and its floor lies at least two standard deviations above the mean of healthy chunks. So
    the standard deviation is at most half of the floor. A comparison of all inputs has no scale that begins at zero.
    """
    floor = measurement.threshold_upper
    if measurement.subject == _ALL_INPUTS or measurement.threshold_lower is not None or not floor:
        return 0.0
    return max(floor / _DEVIATIONS_BELOW_A_FLOOR, earlier.spread)

"""Whether a chunk's attribution shows that moved inputs, or a moved score, explain the change of a metric."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.records.names import MetricName

SUBJECT = "relation"
ATTRIBUTING = (Kind.PERFORMANCE, Kind.SEGMENT)
"""Kinds of the measurements that attribute a change."""
METRIC_CHANGE, FAULT_OF = "metric_change", "{}_by_fault"
"""Names of the change of a metric, and of the part of it that a broken column brings."""
LEAST_SHARE = 0.5
"""Least share of a metric's change that a part must make up to explain it."""


class _Names(NamedTuple):
    """Names of the measurements of a split: the part that is explained, and the rest of the change."""

    explained: str
    rest: str


class Part(Enum):
    """The two splits of a metric's change."""

    INPUTS = _Names("change_by_inputs", "change_of_relation")
    SCORE = _Names("change_by_score", "change_given_score")


@dataclass(frozen=True, kw_only=True)
class MetricChange:
    """A metric of a version that has left its allowed range; ``direction``: 1 above it, -1 below, 0 not known."""

    metric: str
    model_version: str
    direction: int = 0


def is_attribution(measurement: Measurement) -> bool:
    """Return whether a measurement is of the attribution: it explains a metric and is no breach of its own."""
    m = measurement
    return m.kind in ATTRIBUTING and (m.subject, m.severity) == (SUBJECT, Severity.INFO)


def explains_change(part: Part, change: MetricChange, attribution: Sequence[Measurement]) -> bool:
    """Return whether a part explains a change: its interval excludes 0 and it makes up at least half of the change.

    Args:
        part: the part.
        change: the metric, whose change against the reference must have the direction of the breach.
        attribution: measurements of the chunk's attribution; without those of the metric nothing is explained.
    """
    explained = _of(attribution, part.value.explained, change)
    rest = _of(attribution, part.value.rest, change)
    if explained is None or rest is None or explained.value is None or rest.value is None:
        return False
    total = explained.value + rest.value
    return (
        _excludes_zero(explained)
        and total * change.direction >= 0.0
        and total != 0.0
        and explained.value / total >= LEAST_SHARE
    )


def is_share_of_faults(columns: Collection[str], change: MetricChange, attribution: Sequence[Measurement]) -> bool:
    """Return whether broken columns explain a change: their faults make up at least half of it.

    Args:
        columns: the broken columns.
        change: the metric, whose change against the reference must have the direction of the breach.
        attribution: measurements of the chunk's attribution.
    """
    total = _of(attribution, METRIC_CHANGE, change)
    faults = [
        m
        for m in attribution
        if m.name == FAULT_OF.format(change.metric)
        and m.of in columns
        and m.model_version == change.model_version
        and m.value is not None
    ]
    if total is None or total.value is None or total.value == 0.0 or not any(map(_excludes_zero, faults)):
        return False
    share = sum(m.value or 0.0 for m in faults) / total.value
    return total.value * change.direction >= 0.0 and share >= LEAST_SHARE


def _of(attribution: Sequence[Measurement], name: str, change: MetricChange) -> Measurement | None:
    wanted = (MetricName(name, change.metric), change.model_version)
    return next((m for m in attribution if (m.metric, m.model_version) == wanted), None)


def _excludes_zero(measurement: Measurement) -> bool:
    lower, upper = measurement.lower, measurement.upper
    return lower is not None and upper is not None and (lower > 0.0 or upper < 0.0)

"""Floors of columns that would have met the declared share of false alarms in the stored history."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from monitoring_pipeline.evaluation.drift.healthy_chunks import LARGEST_BOUNDED
from monitoring_pipeline.evaluation.drift.statistics_table import DRIFT_STATISTICS, deciding_statistics
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements
from monitoring_pipeline.records.incident import Outcome, StoredIncident
from monitoring_pipeline.records.measurement import Kind, Measurement, Role, Status
from monitoring_pipeline.spec.model import ModelSpec

STEPS = 1_000
"""Floors are rounded up to this part of 1."""


def suggest_floors(
    spec: ModelSpec, chunks: Sequence[ChunkMeasurements], stored: Sequence[StoredIncident]
) -> dict[str, float | None]:
    """Return floors by ``column.statistic`` for each column that is flagged on more chunks than the spec allows.

    Chunks within incidents that were recorded as real are left out. The floor of a statistic is just above its flagged
    effects, but for as many of the largest as the share ``drift.false_alarm_share`` allows. As floors of a column name
    its deciding statistics, those that are not flagged too often are returned with the highest floor that they had. A
    floor is None if a statistic that is at most 1 would need one that hardly anything reaches.
    """
    share = spec.drift.false_alarm_share
    suggested: dict[str, float | None] = {}
    for column, by_statistic in _healthy(spec, chunks, stored).items():
        flagged = {m_chunk for of in by_statistic.values() for m_chunk, m in of if m.status is Status.BREACHED}
        measured = {m_chunk for of in by_statistic.values() for m_chunk, _ in of}
        if len(flagged) <= share * len(measured):
            continue
        suggested |= {f"{column}.{name}": _reachable(name, _floor(of, share)) for name, of in by_statistic.items()}
    return suggested


OfChunks = list[tuple[str, Measurement]]


def _healthy(
    spec: ModelSpec, chunks: Sequence[ChunkMeasurements], stored: Sequence[StoredIncident]
) -> Mapping[str, Mapping[str, OfChunks]]:
    """Return the deciding measurements of the champions outside real incidents, by column and statistic."""
    real = [s.incident for s in stored if s.handling.outcome is Outcome.REAL]
    found: defaultdict[str, defaultdict[str, OfChunks]] = defaultdict(lambda: defaultdict(list))
    for chunk in chunks:
        if any(incident.since <= chunk.chunk <= incident.last_breached for incident in real):
            continue
        for m in _deciding(spec, chunk.measurements):
            found[m.subject][m.name].append((chunk.chunk, m))
    return found


def _deciding(spec: ModelSpec, measurements: Sequence[Measurement]) -> Iterator[Measurement]:
    for m in measurements:
        is_column = m.kind is Kind.DRIFT and m.subject in spec.columns and not spec.is_ignored(m.subject)
        is_measured = m.role is Role.CHAMPION and m.value is not None and not m.segment
        if is_column and is_measured and m.name in deciding_statistics(spec, m.subject):
            yield m


def _reachable(statistic: str, floor: float) -> float | None:
    return None if DRIFT_STATISTICS[statistic].bounded and floor > LARGEST_BOUNDED else floor


def _floor(of: OfChunks, share: float) -> float:
    """Return a floor that as many flagged effects reach as the share allows, not below the highest that there was."""
    flagged = sorted((m.value or 0.0 for _, m in of if m.status is Status.BREACHED), reverse=True)
    allowed = math.floor(share * len(of))
    highest = math.ceil(max(m.threshold_upper or 0.0 for _, m in of) * STEPS) / STEPS
    return highest if len(flagged) <= allowed else max((math.floor(flagged[allowed] * STEPS) + 1) / STEPS, highest)

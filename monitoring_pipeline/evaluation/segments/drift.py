"""Drift within segments, judged against the same segment of the reference."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from monitoring_pipeline.evaluation.drift.columns import (
    Counterpart,
    beyond_floors,
    judge_drift,
    with_q_values,
)
from monitoring_pipeline.evaluation.drift.comparison import Comparison
from monitoring_pipeline.evaluation.drift.statistics_table import DRIFT_STATISTICS
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.segments.learned import LearnedSegment
from monitoring_pipeline.evaluation.segments.membership import Flags, Part
from monitoring_pipeline.evaluation.segments.of_chunk import SegmentsOfChunk
from monitoring_pipeline.evaluation.segments.own_faults import Suspected, with_their_own
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.statistics.results import UndefinedStatisticError


def measure_drift_of_segments(of: SegmentsOfChunk, profiles: Sequence[ChunkProfile]) -> tuple[Measurement, ...]:
    """Return the drift of columns within segments, for information, with one family of q-values over all of them.

    What has not drifted is not returned, because segments times columns would be too many numbers each night.
    """
    return with_their_own(_one_of_each(_drifted(of, profiles)))


def _drifted(of: SegmentsOfChunk, profiles: Sequence[ChunkProfile]) -> Iterator[Suspected]:
    family: list[tuple[Part, LearnedSegment, ChunkProfile, Counterpart, Measurement]] = []
    for (part, usual), profile in zip(of.shown, profiles, strict=True):
        # Without floors of its own the variation from day to day is unknown.
        if usual.floors.reason is not None:
            continue
        against = Counterpart(of.bins, usual.profile, "the same segment of the reference", usual.floors.floor)
        family.extend((part, usual, profile, against, m) for m in beyond_floors(of.spec, against, profile))
    with_q = with_q_values([m for *_, m in family])
    for (part, usual, profile, against, _), measured in zip(family, with_q, strict=True):
        m = judge_drift(of.spec, against, measured, profile)
        if m.status is Status.BREACHED and m.value is not None and m.threshold_upper:
            yield Suspected(
                about=m.subject,
                part=part,
                measurement=_as_segment(m, Severity.INFO, f"{m.subject} where {part.name}: {m.reason}"),
                change=m.value,
                strength=(m.value / m.threshold_upper * m.rows**0.5,),
                elsewhere=partial(_effect, of, m, of.learned.whole),
                change_in=partial(_effect, of, m, usual),
            )


def _effect(of: SegmentsOfChunk, measurement: Measurement, usual: LearnedSegment, rows: Flags) -> float | None:
    """Return the distance of some rows from what is usual."""
    name = measurement.subject
    column = of.column(name, rows)
    if column is None:
        return None
    try:
        return DRIFT_STATISTICS[measurement.name].effect(Comparison(of.bins[name], usual.profile[name], column))
    except UndefinedStatisticError:
        return None


def _as_segment(measurement: Measurement, severity: Severity, reason: str) -> Measurement:
    return replace(measurement, kind=Kind.SEGMENT, severity=severity, reason=reason)


def _one_of_each(suspected: Iterator[Suspected]) -> list[Suspected]:
    """Return one breach of each column and segment: the strongest of its statistics."""
    best: dict[tuple[object, str], Suspected] = {}
    for one in suspected:
        key = (one.about, one.part.name)
        if key not in best or one.strength > best[key].strength:
            best[key] = one
    return list(best.values())

"""Chunks of the reference on which quality or volume would open an incident, although the reference is healthy."""

from collections.abc import Sequence
from dataclasses import replace

from monitoring_pipeline.evaluation.quality.columns import ColumnFacts, measure_columns
from monitoring_pipeline.evaluation.quality.volume import measure_volume
from monitoring_pipeline.evaluation.rule_check.held_out_days import HeldOutDay, ReferenceDays
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status


def broken_days(days: ReferenceDays, held_out: Sequence[HeldOutDay]) -> dict[str, bool]:
    """Return whether a held-out chunk has broken columns or an unusual number of rows, by key."""
    return {held.key: _has_broken_columns(days, held) or _has_unusual_volume(days, held) for held in held_out}


def _has_broken_columns(days: ReferenceDays, held: HeldOutDay) -> bool:
    against = held.against
    facts = ColumnFacts(
        against.bins, against.profile, days.reference.constant_columns, against.learned, days.reference.columns.parts
    )
    return any(map(_opens, measure_columns(facts, held.profile)))


def _has_unusual_volume(days: ReferenceDays, held: HeldOutDay) -> bool:
    spec, rows = days.spec, held.profile.rows
    blank = replace(days.blank, kind=Kind.QUALITY, value=float(rows), rows=rows)
    slots = days.reference.table.slots(spec)
    return _opens(measure_volume(spec, spec.calendar.chunk(held.key), slots, blank, lambda: 0))


def _opens(measurement: Measurement) -> bool:
    return measurement.status is Status.BREACHED and measurement.severity is not Severity.INFO

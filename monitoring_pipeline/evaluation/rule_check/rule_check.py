"""The rule check: the rate of false alarms and the power of the rules, on held-out days of the reference.

Held-out days are judged by the other days, with floors learned from these. They are real days, so the share of flagged
days is the rate of false alarms to expect as long as the future resembles the reference. Changes of known size are
then injected into such days, and the share of days on which they are detected is the power of the rules.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from monitoring_pipeline.evaluation.drift.baselines import baseline_words
from monitoring_pipeline.evaluation.drift.columns import measure_drift
from monitoring_pipeline.evaluation.profiles.by_chunk import profile_by_chunk
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.rule_check.broken_data import broken_days
from monitoring_pipeline.evaluation.rule_check.changes_found import HealthyDay, measure_power
from monitoring_pipeline.evaluation.rule_check.expected_openings import expect_openings
from monitoring_pipeline.evaluation.rule_check.held_out_days import (
    DAYS_JUDGED,
    LEAST_DAYS,
    LEAST_DAYS_SPLIT,
    RATE,
    HeldOutDay,
    ReferenceDays,
    evenly_spread,
    hold_out,
    hold_out_days,
    share_of_days,
)
from monitoring_pipeline.evaluation.rule_check.thresholds_breached import days_beyond_thresholds, replay_thresholds
from monitoring_pipeline.records.measurement import Measurement, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.drift import Against

SAMPLING, IN_ORDER = "sampling", "in_order"

Judged = Sequence[tuple[str, Sequence[Measurement]]]


def replay(
    spec: ModelSpec, reference: Reference, chunks: Mapping[str, ChunkProfile], rows: pl.DataFrame
) -> tuple[Measurement, ...]:
    """Measure how often the spec's rules flag healthy days, and how often they detect changes of known size.

    Every rate is a share of days with Wilson's interval; ``rows`` is the number of days.

    Args:
        spec: the model.
        reference: the reference of one version.
        chunks: profiles of the reference's chunks by key.
        rows: the reference's kept rows of that version, canonical, with ``label`` (null where unknown).

    Returns:
        For subject "chunk", the rates of drift in any watched column: on real days; ``[sampling]`` with the rows
        assigned to days at random; ``[in_order]`` of the last third, judged by the first two thirds. For each watched
        column, its rate, and the share of days on which each change is detected. For subject "model", the same
        numbers for the thresholds of performance, if the spec has any. Then the incidents that open in a month and
        become critical in a quarter, by cause and together.
    """
    deciding = spec.model_copy(update={"drift": spec.drift.model_copy(update={"statistics": ()})})
    enough = {key: profile for key, profile in sorted(chunks.items()) if profile.rows >= spec.drift.minimum_rows}
    replayed = ReferenceDays(deciding, reference, enough, rows.sort("row_id"))
    breached = days_beyond_thresholds(replayed)
    held_out = _held_out(replayed)
    expected = expect_openings(
        replayed,
        reference.floors,
        model={key: bool(metrics) for key, metrics in breached.items()},
        data=broken_days(replayed, held_out),
    )
    return (*_drift(replayed, held_out), *replay_thresholds(replayed, breached), *expected)


def _needed(spec: ModelSpec) -> int:
    return LEAST_DAYS_SPLIT if spec.drift.against is Against.REFERENCE else LEAST_DAYS


def _held_out(days: ReferenceDays) -> Sequence[HeldOutDay]:
    return hold_out(days) if len(days.profiles) >= _needed(days.spec) else []


def _drift(days: ReferenceDays, held_out: Sequence[HeldOutDay]) -> Iterator[Measurement]:
    spec = days.spec
    needed = _needed(spec)
    if len(held_out) < needed:
        comparable = len(held_out) or len(days.profiles)
        reason = (
            f"{comparable} {days.noun}s of the reference with at least {spec.drift.minimum_rows} rows can be compared "
            f"with {baseline_words(spec.drift)}, at least {needed} needed"
        )
        yield replace(days.blank, name=RATE).skipped(reason)
        return
    judged = [(held.key, _watched(spec, held)) for held in held_out]
    blank = replace(days.blank, name=RATE, definition=_words(spec))
    yield _judge(spec, _any_column(judged, blank))
    yield from _sampled(days)
    yield from _in_order(days)
    yield from _by_column(judged, blank)
    healthy = [HealthyDay(held, measured) for held, (_, measured) in zip(held_out, judged, strict=True)]
    yield from measure_power(days, healthy)


def _watched(spec: ModelSpec, held: HeldOutDay) -> list[Measurement]:
    measured = measure_drift(spec, held.against, held.profile)
    return [m for m in measured if m.subject in spec.columns and not spec.is_ignored(m.subject)]


def _any_column(judged: Judged, blank: Measurement) -> Measurement:
    return share_of_days(blank, {key: any(m.status is Status.BREACHED for m in measured) for key, measured in judged})


def _by_column(judged: Judged, blank: Measurement) -> Iterator[Measurement]:
    flags: dict[str, dict[str, bool]] = {}
    for key, measured in judged:
        for m in measured:
            by_day = flags.setdefault(m.subject, {})
            by_day[key] = by_day.get(key, False) or m.status is Status.BREACHED
    return (share_of_days(replace(blank, subject=column), flags_by_day) for column, flags_by_day in flags.items())


def _judge(spec: ModelSpec, rate: Measurement) -> Measurement:
    """Judge a rate of false alarms by the share that the spec allows."""
    allowed = spec.drift.false_alarm_share
    bounded = replace(rate, threshold_upper=allowed)
    if rate.value is None or rate.lower is None or rate.lower <= allowed:
        return bounded
    reason = (
        f"{rate.value:.1%} of healthy {spec.calendar.noun}s, surely more than drift.false_alarm_share = {allowed:g}"
    )
    return bounded.breached(reason)


def _sampled(days: ReferenceDays) -> Iterator[Measurement]:
    """Yield the rate of false alarms by chance alone, on days that the kept rows are assigned to at random."""
    generator = days.generator(str(MetricName(RATE, SAMPLING)))
    kept = [days.rows_of[key] for key in evenly_spread(list(days.rows_of), DAYS_JUDGED)]
    rows = pl.concat(kept) if kept else days.rows
    rows = rows.with_columns(rows["predicted_at"].gather(generator.permutation(rows.height)))
    version, minimum = days.reference.model_version, days.spec.drift.minimum_rows
    profiles = profile_by_chunk(days.spec, days.reference.bins, rows, model_version=version)
    enough = {key: profile for key, profile in profiles.items() if profile.rows >= minimum}
    dealt = ReferenceDays(days.spec, days.reference, enough, rows)
    judged = [(held.key, _watched(days.spec, held)) for held in hold_out(dealt)] if enough else []
    if judged:
        at_random = f"assigned to {days.noun}s at random"
        words = f"the same, with the reference's kept rows {at_random}: the rate by chance alone"
        blank = replace(days.blank, name=RATE, of=SAMPLING, definition=words)
        yield _judge(days.spec, _any_column(judged, blank))


def _in_order(days: ReferenceDays) -> Iterator[Measurement]:
    """Yield the share of the last third that is flagged by the days before, as in production.

    It has no threshold, because trends are real changes.
    """
    if days.spec.drift.against is not Against.REFERENCE:
        return
    later = sorted(days.profiles)[len(days.profiles) * 2 // 3 :]
    judged = [(held.key, _watched(days.spec, held)) for held in hold_out_days(days, later)]
    words = (
        f"share of the last third of the reference's {days.noun}s that are flagged when judged by the first two thirds"
    )
    yield _any_column(judged, replace(days.blank, name=RATE, of=IN_ORDER, definition=words))


def _words(spec: ModelSpec) -> str:
    if spec.drift.against is not Against.REFERENCE:
        return f"share of the reference's {spec.calendar.noun}s that are flagged beside {baseline_words(spec.drift)}"
    noun = spec.calendar.noun
    return (
        f"share of the reference's {noun}s that are flagged when judged by its other {noun}s, floors included: a fifth "
        f"of neighbouring {noun}s held out at a time"
    )

"""The rules replayed on the reference's own days: how often they are wrong, and which changes they would find.

Days are held out and judged by what the other days say, floors included. They are real days, so the share of them
that is flagged is the rate of false alarms to expect as long as the future resembles the reference. Changes of known
size are then made to such days, and the share of days on which they are found is the power of the rules.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import polars as pl

from monitoring_pipeline.evaluation.drift.baselines import baseline_words
from monitoring_pipeline.evaluation.drift.columns import measure_drift
from monitoring_pipeline.evaluation.profiles.by_chunk import profile_by_chunk
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.rule_check.changes_found import HealthyDay, measure_power
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
from monitoring_pipeline.evaluation.rule_check.thresholds_breached import replay_thresholds
from monitoring_pipeline.records.measurement import Measurement, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.drift import Against

SPLITS = 2
SAMPLING, IN_ORDER = "sampling", "in_order"

Judged = Sequence[tuple[str, Sequence[Measurement]]]


def replay(
    spec: ModelSpec, reference: Reference, chunks: Mapping[str, ChunkProfile], rows: pl.DataFrame
) -> tuple[Measurement, ...]:
    """Measure how often the spec's rules flag healthy days, and how often they find changes of known size.

    Every rate is a share of days with Wilson's interval; ``rows`` is the number of days.

    Args:
        spec: the model.
        reference: the reference of one version.
        chunks: profiles of the reference's chunks by key.
        rows: the reference's kept rows of that version, canonical, with ``label`` (null where unknown).

    Returns:
        Of subject "chunk" the rates of drift in any watched column: on real days; ``[sampling]`` with the rows dealt
        anew to the days; ``[in_order]`` of the last third by what the first two thirds say. Of each watched column
        its own rate, and the share of days on which each change is found. Of subject "model" the same for the
        thresholds of performance, where the spec has some.
    """
    deciding = spec.model_copy(update={"drift": spec.drift.model_copy(update={"statistics": ()})})
    enough = {key: own for key, own in sorted(chunks.items()) if own.rows >= spec.drift.minimum_rows}
    replayed = ReferenceDays(deciding, reference, enough, rows.sort("row_id"))
    return (*_drift(replayed), *replay_thresholds(replayed))


def _drift(days: ReferenceDays) -> Iterator[Measurement]:
    spec = days.spec
    needed = LEAST_DAYS_SPLIT if spec.drift.against is Against.REFERENCE else LEAST_DAYS
    first = hold_out(days, days.generator("split 0")) if len(days.profiles) >= needed else []
    if len(first) < needed:
        found = len(first) or len(days.profiles)
        reason = (
            f"{found} days of the reference with at least {spec.drift.minimum_rows} rows can be compared with "
            f"{baseline_words(spec.drift)}, at least {needed} needed"
        )
        yield replace(days.blank, name=RATE).skipped(reason)
        return
    splits = [first, *(hold_out(days, days.generator(f"split {number}")) for number in _further_splits(days))]
    judged = [(held.key, _watched(spec, held)) for split in splits for held in split]
    blank = replace(days.blank, name=RATE, definition=_words(spec))
    yield _judge(spec, _any_column(judged, blank))
    yield from _sampled(days)
    yield from _in_order(days)
    yield from _by_column(judged, blank)
    healthy = [HealthyDay(held, own) for held, (_, own) in zip(first, judged, strict=False)]
    yield from measure_power(days, healthy)


def _further_splits(days: ReferenceDays) -> range:
    """Another split says little where there are many days, and nothing where days are compared with earlier ones."""
    alike = days.spec.drift.against is not Against.REFERENCE or len(days.profiles) > DAYS_JUDGED
    return range(1, 1 if alike else SPLITS)


def _watched(spec: ModelSpec, held: HeldOutDay) -> list[Measurement]:
    measured = measure_drift(spec, held.against, held.profile)
    return [m for m in measured if m.subject in spec.columns and m.subject not in spec.drift.ignore]


def _any_column(judged: Judged, blank: Measurement) -> Measurement:
    flags: dict[str, list[bool]] = {}
    for key, measured in judged:
        flags.setdefault(key, []).append(any(m.status is Status.BREACHED for m in measured))
    return share_of_days(blank, flags)


def _by_column(judged: Judged, blank: Measurement) -> Iterator[Measurement]:
    flags: dict[str, dict[str, list[bool]]] = {}
    for key, measured in judged:
        for m in measured:
            flags.setdefault(m.subject, {}).setdefault(key, []).append(m.status is Status.BREACHED)
    return (share_of_days(replace(blank, subject=column), own) for column, own in flags.items())


def _judge(spec: ModelSpec, rate: Measurement) -> Measurement:
    """Judge a rate of false alarms by the share of them that the spec allows."""
    allowed = spec.drift.false_alarm_share
    bounded = replace(rate, threshold_upper=allowed)
    if rate.value is None or rate.lower is None or rate.lower <= allowed:
        return bounded
    reason = f"{rate.value:.1%} of healthy days, surely more than drift.false_alarm_share = {allowed:g}"
    return bounded.breached(reason)


def _sampled(days: ReferenceDays) -> Iterator[Measurement]:
    """Deal the kept rows to the days anew: what is flagged then is chance alone, and not that days differ."""
    generator = days.generator(str(MetricName(RATE, SAMPLING)))
    kept = [days.rows_of[key] for key in evenly_spread(list(days.rows_of), DAYS_JUDGED)]
    rows = pl.concat(kept) if kept else days.rows
    rows = rows.with_columns(rows["predicted_at"].gather(generator.permutation(rows.height)))
    version, minimum = days.reference.model_version, days.spec.drift.minimum_rows
    profiles = profile_by_chunk(days.spec, days.reference.bins, rows, model_version=version)
    enough = {key: profile for key, profile in profiles.items() if profile.rows >= minimum}
    dealt = ReferenceDays(days.spec, days.reference, enough, rows)
    judged = [(held.key, _watched(days.spec, held)) for held in hold_out(dealt, generator)] if enough else []
    if judged:
        words = "the same, with the reference's kept rows dealt to the days at random: what chance alone does"
        blank = replace(days.blank, name=RATE, of=SAMPLING, definition=words)
        yield _judge(days.spec, _any_column(judged, blank))


def _in_order(days: ReferenceDays) -> Iterator[Measurement]:
    """Judge the last third by the days before, as production does; it is not judged: trends are real changes."""
    if days.spec.drift.against is not Against.REFERENCE:
        return
    later = sorted(days.profiles)[len(days.profiles) * 2 // 3 :]
    judged = [(held.key, _watched(days.spec, held)) for held in hold_out_days(days, later)]
    words = "share of the last third of the reference's days that are flagged by what the first two thirds say"
    yield _any_column(judged, replace(days.blank, name=RATE, of=IN_ORDER, definition=words))


def _words(spec: ModelSpec) -> str:
    if spec.drift.against is not Against.REFERENCE:
        return f"share of the reference's days that are flagged beside {baseline_words(spec.drift)}"
    return (
        "share of the reference's days that are flagged by what its other days say, floors included: a fifth held "
        f"out at random at a time, split up to {SPLITS} times"
    )

"""The rules replayed on the reference's own days: how often they are wrong, and which changes they would find.

Days are held out and judged by what the other days say, floors included. They are real days, so the share of them
that is flagged is the rate of false alarms to expect as long as the future resembles the reference. Changes of known
size are then made to such days, and the share of days on which they are found is the power of the rules.
"""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import narwhals as nw
import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.baselines import baseline_words
from monitoring_pipeline.evaluation.drift import measure_drift
from monitoring_pipeline.evaluation.drift_statistics import standard_deviation
from monitoring_pipeline.evaluation.held_out import HeldOutDay, ReferenceDays, hold_out, hold_out_days
from monitoring_pipeline.evaluation.injected_changes import COLUMN_CHANGES, LABEL_CHANGES, ColumnChange
from monitoring_pipeline.evaluation.performance import measure_performance
from monitoring_pipeline.evaluation.profile import ChunkProfile, ColumnProfile, profile_column
from monitoring_pipeline.evaluation.reference import Reference
from monitoring_pipeline.evaluation.reference_days import profile_days
from monitoring_pipeline.spec.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.model import Against, ModelSpec
from monitoring_pipeline.statistics.estimate import UndefinedStatisticError
from monitoring_pipeline.statistics.intervals import wilson
from monitoring_pipeline.statistics.multiple_testing import benjamini_hochberg
from monitoring_pipeline.statistics.seeding import generator_of

SPLITS = 2
LEAST_DAYS = 10
DAYS_CHANGED = 30
CHANGES_JUDGED = 3_000
"""Wide models are judged on fewer changed days, at least LEAST_DAYS."""
RATE, FOUND = "false_alarm_rate", "found"
SAMPLING, IN_ORDER = f"{RATE}[sampling]", f"{RATE}[in_order]"

Flags = Mapping[dt.date, Sequence[bool]]
Judged = Sequence[tuple[dt.date, Sequence[Measurement]]]


@dataclass(frozen=True)
class _HealthyDay:
    """A held-out day, what was measured of its watched columns, and its rows; to be changed."""

    held: HeldOutDay
    measured: Sequence[Measurement]
    rows: pl.DataFrame


def replay(
    spec: ModelSpec, reference: Reference, days: Mapping[dt.date, ChunkProfile], rows: pl.DataFrame
) -> tuple[Measurement, ...]:
    """Measure how often the spec's rules flag healthy days, and how often they find changes of known size.

    Every rate is a share of days with Wilson's interval, whose trials are the distinct days: judging a day twice
    says nothing new about other days. ``rows`` of a measurement is the number of those days.

    Args:
        spec: the model.
        reference: the reference of one version.
        days: profiles of the reference's days.
        rows: the reference's kept rows of that version, canonical, with ``label`` (null where unknown).

    Returns:
        Of subject "chunk" the rates of drift in any watched column: on real days; ``[sampling]`` with the rows dealt
        anew to the days; ``[in_order]`` of the last third by what the first two thirds say. Of each watched column
        its own rate, and the share of days on which each change is found. Of subject "model" the same for the
        thresholds of performance, where the spec has some.
    """
    deciding = spec.model_copy(update={"drift": spec.drift.model_copy(update={"statistics": ()})})
    enough = {day: own for day, own in sorted(days.items()) if own.rows >= spec.drift.minimum_rows}
    replayed = ReferenceDays(deciding, reference, enough, rows)
    return (*_drift(replayed), *_performance(replayed))


# ---- drift on healthy days


def _drift(days: ReferenceDays) -> Iterator[Measurement]:
    blank, spec = _blank(days.reference), days.spec
    splits = [hold_out(days, _generator(days, f"split {number}")) for number in range(SPLITS)] if days.profiles else []
    found = len(splits[0]) if splits else 0
    if found < LEAST_DAYS:
        reason = (
            f"{found} days with at least {spec.drift.minimum_rows} rows can be compared with "
            f"{baseline_words(spec.drift)}, at least {LEAST_DAYS} needed"
        )
        yield replace(blank, name=RATE, value=None, status=Status.SKIPPED, reason=reason)
        return
    judged = [(held.date, _watched(spec, held)) for split in splits for held in split]
    blank = replace(blank, name=RATE, definition=_words(spec))
    yield _judge(spec, _any_column(judged, blank))
    yield from _sampled(days)
    yield from _in_order(days)
    yield from _by_column(judged, blank)
    healthy = [
        _HealthyDay(held, measured, days.rows_of[held.date])
        for held, (_, measured) in zip(splits[0], judged, strict=False)
        if held.date in days.rows_of
    ]
    yield from _columns_changed(days, _spread(spec, healthy))


def _watched(spec: ModelSpec, held: HeldOutDay) -> list[Measurement]:
    measured = measure_drift(spec, held.against, held.profile)
    return [m for m in measured if m.subject in spec.columns and m.subject not in spec.drift.ignore]


def _any_column(judged: Judged, blank: Measurement) -> Measurement:
    flags: dict[dt.date, list[bool]] = {}
    for day, measured in judged:
        flags.setdefault(day, []).append(any(m.status is Status.BREACHED for m in measured))
    return _rate(blank, flags)


def _by_column(judged: Judged, blank: Measurement) -> Iterator[Measurement]:
    flags: dict[str, dict[dt.date, list[bool]]] = {}
    for day, measured in judged:
        for m in measured:
            flags.setdefault(m.subject, {}).setdefault(day, []).append(m.status is Status.BREACHED)
    return (_rate(replace(blank, subject=column), own) for column, own in flags.items())


def _judge(spec: ModelSpec, rate: Measurement) -> Measurement:
    """Judge a rate of false alarms by the share of them that the spec allows."""
    allowed = spec.drift.false_alarm_share
    bounded = replace(rate, threshold_upper=allowed)
    if rate.value is None or rate.lower is None or rate.lower <= allowed:
        return bounded
    reason = f"{rate.value:.1%} of healthy days, surely more than drift.false_alarm_share = {allowed:g}"
    return replace(bounded, status=Status.BREACHED, reason=reason)


def _sampled(days: ReferenceDays) -> Iterator[Measurement]:
    """Deal the kept rows to the days anew: what is flagged then is chance alone, and not that days differ."""
    generator = _generator(days, SAMPLING)
    places = generator.permutation(days.rows.height)
    rows = days.rows.with_columns(days.rows["predicted_at"].gather(places))
    version, minimum = days.reference.model_version, days.spec.drift.minimum_rows
    profiles = profile_days(days.spec, days.reference.bins, rows, model_version=version)
    enough = {day: profile for day, profile in profiles.items() if profile.rows >= minimum}
    dealt = ReferenceDays(days.spec, days.reference, enough, rows)
    judged = [(held.date, _watched(days.spec, held)) for held in hold_out(dealt, generator)] if enough else []
    if judged:
        words = "the same, with the reference's kept rows dealt to the days at random: what chance alone does"
        blank = replace(_blank(days.reference), name=SAMPLING, definition=words)
        yield _judge(days.spec, _any_column(judged, blank))


def _in_order(days: ReferenceDays) -> Iterator[Measurement]:
    """Judge the last third by the days before, as production does; it is not judged: trends are real changes."""
    if days.spec.drift.against is not Against.REFERENCE:
        return
    later = sorted(days.profiles)[len(days.profiles) * 2 // 3 :]
    judged = [(held.date, _watched(days.spec, held)) for held in hold_out_days(days, later)]
    words = "share of the last third of the reference's days that are flagged by what the first two thirds say"
    yield _any_column(judged, replace(_blank(days.reference), name=IN_ORDER, definition=words))


def _words(spec: ModelSpec) -> str:
    if spec.drift.against is not Against.REFERENCE:
        return f"share of the reference's days that are flagged beside {baseline_words(spec.drift)}"
    return (
        "share of the reference's days that are flagged by what its other days say, floors included: a fifth held "
        f"out at random at a time, split {SPLITS} times"
    )


# ---- drift on days that were changed


def _spread(spec: ModelSpec, healthy: Sequence[_HealthyDay]) -> list[_HealthyDay]:
    """Return evenly spread days, so many that the time is bounded."""
    changes = sum(kind in change.kinds for kind in spec.columns.values() for change in COLUMN_CHANGES)
    wanted = min(len(healthy), DAYS_CHANGED, max(LEAST_DAYS, CHANGES_JUDGED // changes))
    return [healthy[place * len(healthy) // wanted] for place in range(wanted)]


def _columns_changed(days: ReferenceDays, healthy: Sequence[_HealthyDay]) -> Iterator[Measurement]:
    for column, kind in days.spec.columns.items():
        if column in days.spec.drift.ignore:
            continue
        deviation = _deviation(days.reference.profile[column])
        for change in COLUMN_CHANGES:
            if kind in change.kinds:
                yield _column_changed(days, healthy, column, change, deviation)


def _column_changed(
    days: ReferenceDays,
    healthy: Sequence[_HealthyDay],
    column: str,
    change: ColumnChange,
    deviation: float | None,
) -> Measurement:
    blank = replace(
        _blank(days.reference),
        subject=column,
        name=f"{FOUND}[{change.name}]",
        definition=f"share of the reference's days on which the column is flagged after: {change.definition}",
    )
    if change.in_deviations and deviation is None:
        reason = f"{column} is constant in the reference: there is no standard deviation to shift by"
        return replace(blank, value=None, status=Status.SKIPPED, reason=reason)
    flags: dict[dt.date, list[bool]] = {}
    for day in healthy:
        generator = _generator(days, column, change.name, day.held.date.isoformat())
        values = change.apply(day.rows[column], deviation, generator).alias(column)
        flags[day.held.date] = [_is_found(days.spec, day, values)]
    return _rate(blank, flags)


def _is_found(spec: ModelSpec, day: _HealthyDay, values: pl.Series) -> bool:
    """Return whether a column is flagged, by ``measure_drift``'s rule, once it has these values on a healthy day.

    Only that column is compared again; the others keep their p-values.
    """
    column, held = values.name, day.held
    bins = held.against.bins[column]
    changed = profile_column(nw.from_native(values.to_frame().lazy()), column, bins)
    columns = tuple(changed if own.column == column else own for own in held.profile.columns)
    rows = day.rows.with_columns(values)
    against = replace(held.against, observed_sample=rows) if held.against.observed_sample is not None else held.against
    alone = spec.model_copy(update={"features": {k: v for k, v in spec.features.items() if k == column}})
    measured = measure_drift(alone, against, replace(held.profile, columns=columns))
    own = next(m for m in measured if m.subject == column)
    if own.value is None or own.p_value is None or own.threshold_upper is None:
        return False
    others = [m.p_value for m in day.measured if m.subject != column and m.p_value is not None]
    q_value = benjamini_hochberg(np.asarray([*others, own.p_value]))[-1]
    return own.value >= own.threshold_upper and bool(q_value < spec.drift.alpha)


def _deviation(profile: ColumnProfile) -> float | None:
    try:
        return standard_deviation(profile) or None
    except UndefinedStatisticError:
        return None


# ---- performance


def _performance(days: ReferenceDays) -> Iterator[Measurement]:
    spec = days.spec
    labelled = {day: rows.filter(pl.col("label").is_not_null()) for day, rows in days.rows_of.items()}
    enough = {day: rows for day, rows in labelled.items() if rows.height >= spec.performance.minimum_rows}
    if not spec.performance.thresholds or not days.rows["label"].count():
        return
    blank = replace(_blank(days.reference), subject="model")
    if len(enough) < LEAST_DAYS:
        minimum = spec.performance.minimum_rows
        reason = f"{len(enough)} days with at least {minimum} labelled rows, at least {LEAST_DAYS} needed"
        yield replace(blank, name=RATE, value=None, status=Status.SKIPPED, reason=reason)
        return
    breached = {day: _breached(days, day, rows) for day, rows in enough.items()}
    words = "share of the reference's days on which {} of performance is breached"
    flags = {day: [bool(own)] for day, own in breached.items()}
    yield _rate(replace(blank, name=RATE, definition=words.format("a threshold")), flags)
    for metric in spec.performance.thresholds:
        own = replace(blank, name=f"{RATE}[{metric}]", definition=words.format(f"the threshold for {metric}"))
        yield _rate(own, {day: [metric in names] for day, names in breached.items()})
    yield from _labels_changed(days, enough, blank)


def _labels_changed(
    days: ReferenceDays, labelled: Mapping[dt.date, pl.DataFrame], blank: Measurement
) -> Iterator[Measurement]:
    wanted = min(len(labelled), DAYS_CHANGED)
    dates = [sorted(labelled)[place * len(labelled) // wanted] for place in range(wanted)]
    for change in LABEL_CHANGES:
        if days.spec.task not in change.tasks:
            continue
        flags: dict[dt.date, list[bool]] = {}
        for day in dates:
            generator = _generator(days, change.name, day.isoformat())
            labels = change.apply(labelled[day], days.spec.classes, generator).alias("label")
            flags[day] = [bool(_breached(days, day, labelled[day].with_columns(labels)))]
        words = f"share of the reference's days on which a threshold of performance is breached: {change.definition}"
        yield _rate(replace(blank, name=f"{FOUND}[{change.name}]", definition=words), flags)


def _breached(days: ReferenceDays, day: dt.date, rows: pl.DataFrame) -> set[str]:
    """Return the metrics whose thresholds are breached on a day's labelled rows, those that only inform left out."""
    measured = measure_performance(
        days.spec,
        rows.drop("label"),
        rows.select("row_id", "label"),
        model_version=days.reference.model_version,
        chunk=day.isoformat(),
        reference=days.reference.estimates,
    )
    return {
        m.name
        for m in measured
        if m.kind is Kind.PERFORMANCE and m.status is Status.BREACHED and m.severity is not Severity.INFO
    }


# ---- both


def _blank(reference: Reference) -> Measurement:
    return Measurement(kind=Kind.OPERATIONS, subject="chunk", name="", model_version=reference.model_version, value=0.0)


def _rate(blank: Measurement, flags: Flags) -> Measurement:
    shares = [sum(own) / len(own) for _, own in sorted(flags.items())]
    if not shares:
        return replace(blank, value=None, status=Status.SKIPPED, reason="no day could be judged")
    bounds = wilson(round(sum(shares)), len(shares))
    return replace(blank, value=sum(shares) / len(shares), lower=bounds.lower, upper=bounds.upper, rows=len(shares))


def _generator(days: ReferenceDays, *parts: str) -> np.random.Generator:
    return generator_of(days.spec.name, days.reference.model_version, "replay", *parts)

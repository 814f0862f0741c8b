"""Thresholds of performance on the reference's own days: how often they are breached, and what they would find."""

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace

import polars as pl

from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.evaluation.rule_check.held_out_days import (
    DAYS_CHANGED,
    DAYS_JUDGED,
    LEAST_DAYS,
    ReferenceDays,
    evenly_spread,
    share_of_days,
)
from monitoring_pipeline.evaluation.rule_check.injected_changes import LABEL_CHANGES
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status

RATE = "false_alarm_rate"


def replay_thresholds(days: ReferenceDays) -> Iterator[Measurement]:
    """Yield the share of labelled days on which a threshold is breached, as they are and with their labels changed."""
    spec = days.spec
    labelled = {day: rows.filter(pl.col("label").is_not_null()) for day, rows in days.rows_of.items()}
    enough = {day: rows for day, rows in labelled.items() if rows.height >= spec.performance.minimum_rows}
    if not spec.performance.thresholds or not days.rows["label"].count():
        return
    blank = replace(days.blank, subject="model")
    if len(enough) < LEAST_DAYS:
        minimum = spec.performance.minimum_rows
        reason = f"{len(enough)} days with at least {minimum} labelled rows, at least {LEAST_DAYS} needed"
        yield replace(blank, name=RATE, value=None, status=Status.SKIPPED, reason=reason)
        return
    breached = {day: _breached(days, day, enough[day]) for day in evenly_spread(list(enough), DAYS_JUDGED)}
    words = "share of the reference's days on which {} of performance is breached"
    flags = {day: [bool(own)] for day, own in breached.items()}
    yield share_of_days(replace(blank, name=RATE, definition=words.format("a threshold")), flags)
    for metric in spec.performance.thresholds:
        own = replace(blank, name=f"{RATE}[{metric}]", definition=words.format(f"the threshold for {metric}"))
        yield share_of_days(own, {day: [metric in names] for day, names in breached.items()})
    yield from _labels_changed(days, enough, blank)


def _labels_changed(
    days: ReferenceDays, labelled: Mapping[dt.date, pl.DataFrame], blank: Measurement
) -> Iterator[Measurement]:
    dates = evenly_spread(list(labelled), DAYS_CHANGED)
    for change in LABEL_CHANGES:
        if days.spec.task not in change.tasks:
            continue
        flags: dict[dt.date, list[bool]] = {}
        for day in dates:
            generator = days.generator(change.name, day.isoformat())
            labels = change.apply(labelled[day], days.spec.classes, generator).alias("label")
            flags[day] = [bool(_breached(days, day, labelled[day].with_columns(labels)))]
        words = f"share of the reference's days on which a threshold of performance is breached: {change.definition}"
        yield share_of_days(replace(blank, name=f"found[{change.name}]", definition=words), flags)


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

"""Thresholds of performance on days of the reference: how often they are breached, as is and with changed labels."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import polars as pl

from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.evaluation.rule_check.held_out_days import (
    DAYS_CHANGED,
    DAYS_JUDGED,
    FOUND,
    LEAST_DAYS,
    RATE,
    ReferenceDays,
    evenly_spread,
    share_of_days,
)
from monitoring_pipeline.evaluation.rule_check.injected_changes import LABEL_CHANGES
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.records.names import MetricName


def days_beyond_thresholds(days: ReferenceDays) -> dict[str, set[MetricName]]:
    """Return the metrics whose thresholds are breached on the days with enough labels; empty if these are few."""
    enough = _labelled(days)
    if not days.spec.performance.thresholds or len(enough) < LEAST_DAYS:
        return {}
    return {key: _breached(days, key, enough[key]) for key in evenly_spread(list(enough), DAYS_JUDGED)}


def replay_thresholds(days: ReferenceDays, breached: Mapping[str, set[MetricName]]) -> Iterator[Measurement]:
    """Yield the share of labelled days on which a threshold is breached, as they are and with their labels changed.

    Args:
        days: the days of the reference.
        breached: what ``days_beyond_thresholds`` found.
    """
    spec = days.spec
    enough = _labelled(days)
    if not spec.performance.thresholds or not days.rows["label"].count():
        return
    blank = replace(days.blank, subject="model")
    if len(enough) < LEAST_DAYS:
        minimum = spec.performance.minimum_rows
        reason = f"{len(enough)} {days.noun}s with at least {minimum} labelled rows, at least {LEAST_DAYS} needed"
        yield replace(blank, name=RATE).skipped(reason)
        return
    words = f"share of the reference's {days.noun}s on which {{}} of performance is breached"
    flags = {key: bool(metrics) for key, metrics in breached.items()}
    yield share_of_days(replace(blank, name=RATE, definition=words.format("a threshold")), flags)
    for metric in spec.performance.thresholds:
        of_metric = replace(blank, name=RATE, of=str(metric), definition=words.format(f"the threshold for {metric}"))
        yield share_of_days(of_metric, {key: metric in names for key, names in breached.items()})
    yield from _labels_changed(days, enough, blank)


def _labelled(days: ReferenceDays) -> dict[str, pl.DataFrame]:
    """Return the labelled rows of the days that have enough of them."""
    labelled = {key: rows.filter(pl.col("label").is_not_null()) for key, rows in days.rows_of.items()}
    return {key: rows for key, rows in labelled.items() if rows.height >= days.spec.performance.minimum_rows}


def _labels_changed(
    days: ReferenceDays, labelled: Mapping[str, pl.DataFrame], blank: Measurement
) -> Iterator[Measurement]:
    keys = evenly_spread(list(labelled), DAYS_CHANGED)
    for change in LABEL_CHANGES:
        if days.spec.task not in change.tasks:
            continue
        flags: dict[str, bool] = {}
        for key in keys:
            generator = days.generator(change.name, key)
            labels = change.apply(labelled[key], days.spec.classes, generator).alias("label")
            flags[key] = bool(_breached(days, key, labelled[key].with_columns(labels)))
        share = f"share of the reference's {days.noun}s"
        words = f"{share} on which a threshold of performance is breached: {change.definition}"
        yield share_of_days(replace(blank, name=FOUND, of=change.name, definition=words), flags)


def _breached(days: ReferenceDays, key: str, rows: pl.DataFrame) -> set[MetricName]:
    """Return the metrics whose thresholds of severity above info are breached on a day's labelled rows."""
    measured = measure_performance(
        days.spec,
        rows.drop("label"),
        rows.select("row_id", "label"),
        model_version=days.reference.model_version,
        chunk=key,
        reference=days.reference.estimates,
    )
    return {
        m.metric
        for m in measured
        if m.kind is Kind.PERFORMANCE and m.status is Status.BREACHED and m.severity is not Severity.INFO
    }

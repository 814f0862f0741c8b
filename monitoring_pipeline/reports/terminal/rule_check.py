"""The results of a rule check, as lines of tables."""

from collections.abc import Sequence

from monitoring_pipeline.evaluation.rule_check.held_out_days import FOUND, RATE
from monitoring_pipeline.evaluation.rule_check.injected_changes import COLUMN_CHANGES, LABEL_CHANGES
from monitoring_pipeline.records.measurement import Measurement

OF_ALL = {"chunk": "drift, any column", "model": "performance thresholds"}
QUALIFIERS = {"": "", "sampling": ", if days differed by chance alone", "in_order": ", last third by the days before"}

Lines = list[tuple[str, ...]]


def false_alarm_columns(noun: str) -> tuple[str, ...]:
    """Return the headers of ``false_alarm_lines``; the noun is the word for a chunk."""
    return ("flagged", f"share of {noun}s", "95 % interval", "allowed", f"{noun}s", "reason")


def false_alarm_lines(measured: Sequence[Measurement]) -> Lines:
    """Return a line per false-alarm rate, under false_alarm_columns; columns without a false alarm are left out."""
    return [
        (_subject(m), _percent(m.value), _interval(m), _percent(m.threshold_upper), str(m.rows or ""), m.reason or "")
        for m in measured
        if m.name == RATE and (m.subject in OF_ALL or m.value)
    ]


def power_lines(measured: Sequence[Measurement]) -> tuple[tuple[str, ...], Lines]:
    """Return the headers, and a line per subject: the share of days on which each injected change was found."""
    shares = {(m.subject, m.of): m for m in measured if m.name == FOUND}
    present = {change for _, change in shares}
    changes = [change.name for change in (*COLUMN_CHANGES, *LABEL_CHANGES) if change.name in present]
    lines = [
        (OF_ALL.get(subject, subject), *(_cell(shares.get((subject, change))) for change in changes))
        for subject in dict.fromkeys(subject for subject, _ in shares)
    ]
    return ("changed", *changes), lines


def _subject(measurement: Measurement) -> str:
    subject = OF_ALL.get(measurement.subject, measurement.subject)
    return subject + QUALIFIERS.get(measurement.of, f": {measurement.of}")


def _cell(measurement: Measurement | None) -> str:
    if measurement is None:
        return ""
    return "-" if measurement.value is None else f"{measurement.value:.0%}"


def _interval(measurement: Measurement) -> str:
    if measurement.lower is None or measurement.upper is None:
        return ""
    return f"{measurement.lower:.1%} to {measurement.upper:.1%}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"

"""Reports about a rule check."""

from collections.abc import Iterator, Sequence

from monitoring_pipeline.evaluation.rule_check.expected_openings import (
    ALL,
    DATA,
    INPUTS,
    MODEL,
    OUTPUTS,
    PAGES,
    WARNINGS,
)
from monitoring_pipeline.evaluation.rule_check.held_out_days import FOUND, RATE
from monitoring_pipeline.evaluation.rule_check.injected_changes import COLUMN_CHANGES, LABEL_CHANGES
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.reports.report import Record, Report, without_empty_columns

OF_ALL = {"chunk": "drift, any column", "model": "performance thresholds"}
QUALIFIERS = {"": "", "sampling": ", if days differed by chance alone", "in_order": ", last third by the days before"}

RULE_FIELDS = (
    "model", "model_version", "name", "subject", "of", "value", "lower", "upper", "allowed", "chunks",
    "status", "reason",
)  # fmt: skip

EXPECTED_COLUMNS = ("incidents", "expected", "90 % interval", "budget", "reason")
CAUSES = {
    INPUTS: "drift of inputs", OUTPUTS: "drift of outputs", MODEL: "thresholds of performance", DATA: "broken data",
    ALL: "all",
}  # fmt: skip
PERIODS = {WARNINGS: "opened in a month", PAGES: "critical in a quarter"}

Lines = list[tuple[str, ...]]


def rule_check_tables(model: str, version: str, noun: str, measured: Sequence[Measurement]) -> Iterator[Report]:
    """Yield the false alarms and the found changes of a version; the noun is the word for a chunk."""
    shares = f"{model} {version}: share of the reference's {noun}s"
    yield _report(f"{shares} that are flagged", false_alarm_columns(noun), false_alarm_lines(measured),
                  [_record(model, m) for m in measured if m.name == RATE])  # fmt: skip
    expected = [m for m in measured if m.name in {WARNINGS, PAGES}]
    yield _report(f"{model} {version}: false alarms to expect, if later {noun}s are like those of the reference",
                  EXPECTED_COLUMNS, expected_lines(expected), [_record(model, m) for m in expected])  # fmt: skip
    yield _report(f"{shares} on which a change is found", *power_lines(measured),
                  [_record(model, m) for m in measured if m.name == FOUND])  # fmt: skip


def _report(title: str, columns: tuple[str, ...], lines: Lines, records: Sequence[Record]) -> Report:
    return without_empty_columns(
        Report(
            title=title if lines else f"{title}: nothing",
            columns=columns,
            lines=tuple(lines),
            fields=RULE_FIELDS,
            records=tuple(records),
        )
    )


def _record(model: str, measured: Measurement) -> Record:
    return {
        **{field: getattr(measured, field) for field in RULE_FIELDS if hasattr(measured, field)},
        "model": model,
        "allowed": measured.threshold_upper,
        "chunks": measured.rows,
    }


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


def expected_lines(measured: Sequence[Measurement]) -> Lines:
    """Return a line per expected number of openings or pages, under EXPECTED_COLUMNS."""
    return [
        (
            f"{CAUSES.get(m.subject, m.subject)}, {PERIODS[m.name]}",
            _count(m.value),
            f"{_count(m.lower)} to {_count(m.upper)}",
            _count(m.threshold_upper),
            m.reason or "",
        )
        for m in measured
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


def _count(number: float | None) -> str:
    return "" if number is None else f"{number:.2f}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"

"""The reports about a rehearsal."""

from collections import Counter
from collections.abc import Iterator

from monitoring_pipeline.evaluation.periods import HEADLINE_METRIC
from monitoring_pipeline.records.decision import Answer
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.rehearsal.period_comparison import LOGGED, PeriodComparison
from monitoring_pipeline.rehearsal.summary import Month, RehearsalSummary
from monitoring_pipeline.reports.report import Record, Report, report_of_records
from monitoring_pipeline.reports.terminal.cells import quantity_cell
from monitoring_pipeline.reports.terminal.incidents import decision_table, incident_table
from monitoring_pipeline.spec.calendar import DAILY, Calendar

COLUMNS = ("incidents opened", "pages", "alerts sent", "retrainings", "the gate", "versions")
COMPARED = ("with_retraining", "without_retraining", "difference")
MONTH_FIELDS = (
    "model", "month", "chunks", "incidents_opened", "pages", "alerts_sent", "retrainings", "gate", "promoted",
    "rolled_back", "metric", "compared_rows", "versions",
    *(f"{name}{end}" for name in COMPARED for end in ("", "_lower", "_upper")),
)  # fmt: skip


def summary_tables(summary: RehearsalSummary) -> Iterator[Report]:
    """Yield the months, the pages, the critical incidents and the decisions."""
    yield _months(summary)
    pages = [(page.event.chunk, page.event.kind, page.planned.channel, page.event.summary) for page in summary.pages]
    yield report_of_records("pages", ("chunk", "event", "channel", "summary"), pages, name="pages")
    yield incident_table(summary.critical, "critical")
    yield decision_table(summary.spec.name, summary.decisions)


def night_word(calendar: Calendar) -> str:
    """Return the word for the run of one chunk: night if chunks are days, else the word for a chunk."""
    return "night" if calendar.cadence == DAILY else calendar.noun


def _months(summary: RehearsalSummary) -> Report:
    progress, headline = summary.progress, HEADLINE_METRIC[summary.spec.task]
    nights, word = max(progress.nights, 1), night_word(summary.spec.calendar)
    compared = (f"{headline} with retraining [95 %]", "without", "with minus without")
    return Report(
        title=f"{summary.spec.name}: rehearsal of {progress.first} to {summary.last.key}, {progress.nights} {word}s",
        columns=("month", f"{word}s", *COLUMNS, *compared),
        lines=tuple(
            (
                month.name,
                str(month.nights),
                _counts(month.opened),
                str(month.pages),
                _counts(month.sent),
                str(month.asked or ""),
                _counts(month.gate),
                _versions(month),
                *_comparison_cells(month.comparison),
            )
            for month in summary.months
        ),
        fields=MONTH_FIELDS,
        records=tuple(_month_record(summary, month) for month in summary.months),
        name="months",
        note=f"{sum(month.pages for month in summary.months)} pages, {summary.pages_per_week:.2f} a week; "
        f"{progress.seconds / nights:.1f} s a {word}; {headline} over all rows of a month, intervals by days",
    )


def _month_record(summary: RehearsalSummary, month: Month) -> Record:
    comparison = month.comparison
    found = (comparison.served, comparison.logged, comparison.difference) if comparison else (None, None, None)
    return {
        "model": summary.spec.name,
        "month": month.name,
        "chunks": month.nights,
        "incidents_opened": dict(sorted(month.opened.items())),
        "pages": month.pages,
        "alerts_sent": dict(sorted(month.sent.items())),
        "retrainings": month.asked,
        "gate": dict(sorted(month.gate.items())),
        "promoted": list(month.promoted),
        "rolled_back": list(month.rolled_back),
        "metric": HEADLINE_METRIC[summary.spec.task],
        "compared_rows": comparison.rows if comparison else None,
        "versions": [version for version in comparison.versions if version != LOGGED] if comparison else [],
        **{
            f"{name}{end}": getattr(quantity, part, None)
            for name, quantity in zip(COMPARED, found, strict=True)
            for end, part in (("", "value"), ("_lower", "lower"), ("_upper", "upper"))
        },
    }


def _versions(month: Month) -> str:
    promoted = [f"{version} promoted" for version in month.promoted]
    return ", ".join([*promoted, *(f"back to {version}" for version in month.rolled_back)])


def _comparison_cells(comparison: PeriodComparison | None) -> tuple[str, ...]:
    if comparison is None:
        return ("-", "-", "-")
    served = ", ".join(f"version {version}" for version in comparison.versions if version != LOGGED)
    with_loop = f"{quantity_cell(comparison.served)} {served}".strip()
    return (
        with_loop,
        quantity_cell(comparison.logged),
        "the same" if comparison.difference is None else quantity_cell(comparison.difference, "+.3f"),
    )


def _counts(counts: Counter[Severity] | Counter[str] | Counter[Answer]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))

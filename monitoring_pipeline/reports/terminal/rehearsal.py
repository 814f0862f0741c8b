"""The summary of a rehearsal for the terminal."""

from collections import Counter
from collections.abc import Iterator

from rich.markup import escape
from rich.table import Table

from monitoring_pipeline.evaluation.periods import HEADLINE_METRIC
from monitoring_pipeline.records.decision import Answer
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.rehearsal.period_comparison import LOGGED, PeriodComparison
from monitoring_pipeline.rehearsal.summary import Month, RehearsalSummary
from monitoring_pipeline.reports.terminal.incidents import decision_table, incident_table
from monitoring_pipeline.reports.terminal.results import result_table
from monitoring_pipeline.spec.calendar import DAILY, Calendar
from monitoring_pipeline.statistics.results import Quantity

COLUMNS = ("incidents opened", "pages", "alerts sent", "retrainings", "the gate", "versions")


def summary_tables(summary: RehearsalSummary) -> Iterator[Table]:
    """Yield the months, the pages, the critical incidents and the decisions."""
    yield _months(summary)
    pages = [(page.event.chunk, page.event.kind, page.planned.channel, page.event.summary) for page in summary.pages]
    yield result_table("pages", ("chunk", "event", "channel", "summary"), pages)
    yield incident_table(summary.critical, "critical")
    yield decision_table(summary.spec.name, summary.decisions)


def night_word(calendar: Calendar) -> str:
    """Return the word for the run of one chunk: night if chunks are days, else the word for a chunk."""
    return "night" if calendar.cadence == DAILY else calendar.noun


def _months(summary: RehearsalSummary) -> Table:
    progress, headline = summary.progress, HEADLINE_METRIC[summary.spec.task]
    nights, word = max(progress.nights, 1), night_word(summary.spec.calendar)
    table = Table(
        title=f"{summary.spec.name}: rehearsal of {progress.first} to {summary.last.key}, {progress.nights} {word}s",
        caption=f"{sum(month.pages for month in summary.months)} pages, {summary.pages_per_week:.2f} a week; "
        f"{progress.seconds / nights:.1f} s a {word}; {headline} over all rows of a month, intervals by days",
    )
    for name in ("month", f"{word}s", *COLUMNS, f"{headline} with retraining [95 %]", "without", "with minus without"):
        table.add_column(name)
    for month in summary.months:
        table.add_row(
            month.name,
            str(month.nights),
            _counts(month.opened),
            str(month.pages),
            _counts(month.sent),
            str(month.asked or ""),
            _counts(month.gate),
            escape(_versions(month)),
            *_comparison_cells(month.comparison),
        )
    return table


def _versions(month: Month) -> str:
    promoted = [f"{version} promoted" for version in month.promoted]
    return ", ".join([*promoted, *(f"back to {version}" for version in month.rolled_back)])


def _comparison_cells(comparison: PeriodComparison | None) -> tuple[str, ...]:
    if comparison is None:
        return ("-", "-", "-")
    served = ", ".join(f"version {version}" for version in comparison.versions if version != LOGGED)
    with_loop = f"{_cell(comparison.served)} {served}".strip()
    return (
        with_loop,
        _cell(comparison.logged),
        "the same" if comparison.difference is None else _cell(comparison.difference, "+.3f"),
    )


def _counts(counts: Counter[Severity] | Counter[str] | Counter[Answer]) -> str:
    return ", ".join(f"{escape(str(name))} {count}" for name, count in sorted(counts.items()))


def _cell(estimate: Quantity | None, form: str = ".3f") -> str:
    if estimate is None:
        return "-"
    if estimate.lower is None or estimate.upper is None:
        return f"{estimate.value:{form}}"
    return f"{estimate.value:{form}} [{estimate.lower:{form}}, {estimate.upper:{form}}]"

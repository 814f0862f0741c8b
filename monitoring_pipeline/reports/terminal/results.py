"""Tables of results for the terminal."""

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from monitoring_pipeline.evaluation.drift.drifted import drifted_of
from monitoring_pipeline.evaluation.periods import BY_SCORE, GIVEN_SCORE, HEADLINE_METRIC, PeriodSummary
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.measurement import Kind, Measurement, Verdict, VerdictStatus
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.results import Quantity
from monitoring_pipeline.steps.periods import summarize

STYLE = {
    VerdictStatus.OK: "green",
    VerdictStatus.WARNING: "yellow",
    VerdictStatus.CRITICAL: "bold red",
    VerdictStatus.UNKNOWN: "dim",
}
DRIFTED_NAMES_SHOWN = 2
COLUMNS_SHOWN = 4
WIDTH_OF_A_FILE = 400
NOT_MEASURED = "not measured"
ALL_TOGETHER = "all inputs together"


def chunk_table(spec: ModelSpec, store: Store, chunks: Sequence[Chunk]) -> Table:
    """Return one line per chunk: rows, label maturity, drifted columns, the headline metric, the verdict."""
    headline = HEADLINE_METRIC[spec.task]
    noun = spec.calendar.noun
    ends = f"{chunks[0].key} to {chunks[-1].key}" if chunks else "nothing"
    table = Table(title=f"{spec.name} ({spec.task}), {ends}, {noun}s of {spec.timezone}")
    for name in (noun, "rows", "labels", "drifted columns", f"{headline} [95 %]", "verdict"):
        table.add_column(name, justify="right" if name in {"rows", "labels"} else "left", no_wrap=True)
    for key in (chunk.key for chunk in chunks):
        measurements = store.measurements(spec.name, key)
        table.add_row(*_day_cells(key, measurements, store.verdict(spec.name, key), headline))
    return table


def period_table(spec: ModelSpec, store: Store, periods: Mapping[str, Sequence[str]]) -> Table:
    """Return one line per period and model version: realized and estimated performance, drift, verdicts."""
    headline = HEADLINE_METRIC[spec.task]
    table = Table(title=f"{spec.name} ({spec.task})")
    counted = f"{spec.calendar.noun}s"
    names = ["period", "version", counted, f"{headline} [95 %]", "estimated [95 %]"]
    if spec.task is Task.BINARY:
        names += ["auroc: by score", "given score", "bias: by score", "given score"]
    for name in (*names, f"drifted columns ({counted})", f"verdicts ({counted})"):
        table.add_column(name, justify="right" if name == counted else "left")
    for period, keys in periods.items():
        for version in spec.reference:
            summary = summarize(spec, version, keys, store=store)
            if summary.days:
                table.add_row(period, version, *_period_cells(spec, summary))
    return table


def _period_cells(spec: ModelSpec, summary: PeriodSummary) -> list[str]:
    changes = [
        _signed(summary.changes.get(MetricName(part, metric)))
        for metric in ("auroc", "mean_bias")
        for part in (BY_SCORE, GIVEN_SCORE)
    ]
    drifted = [escape(f"{column} {days}") for column, days in summary.drifted.most_common(COLUMNS_SHOWN)]
    if len(summary.drifted) > COLUMNS_SHOWN:
        drifted.append("...")
    without = "none" if summary.drift_days else NOT_MEASURED
    verdicts = ", ".join(f"{status} {days}" for status, days in summary.verdicts.most_common())
    performance = [_estimate_cell(summary.realized), _estimate_cell(summary.estimated)]
    split = changes if spec.task is Task.BINARY else []
    return [str(summary.days), *performance, *split, ", ".join(drifted) or without, verdicts]


def _estimate_cell(estimate: Quantity | None) -> str:
    if estimate is None:
        return "-"
    if estimate.lower is None or estimate.upper is None:
        return f"{estimate.value:.3f}"
    return f"{estimate.value:.3f} [{estimate.lower:.3f}, {estimate.upper:.3f}]"


def _signed(estimate: Quantity | None) -> str:
    """Return a change, with a star if its interval excludes zero."""
    if estimate is None:
        return "-"
    excludes_zero = (
        estimate.lower is not None and estimate.upper is not None and not estimate.lower <= 0.0 <= estimate.upper
    )
    return f"{estimate.value:+.3f}{'*' if excludes_zero else ''}"


def worst_chunks(spec: ModelSpec, store: Store, chunks: Sequence[Chunk]) -> Table:
    """Return the critical chunks, each with its most severe reason."""
    table = Table(title=f"{spec.name}: critical {spec.calendar.noun}s", show_header=False)
    for key in (chunk.key for chunk in chunks):
        verdict = store.verdict(spec.name, key)
        if verdict is not None and verdict.status is VerdictStatus.CRITICAL:
            table.add_row(key, escape(verdict.reasons[0].partition(": ")[2]))
    return table


def terminal() -> Console:
    """Return a console; if the output is not a terminal, it is wide enough for the tables."""
    console = Console()
    return console if console.is_terminal else Console(width=WIDTH_OF_A_FILE)


def result_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return the result of a query as a table, without empty columns."""
    listed = list(rows)
    filled = [position for position in range(len(columns)) if any(row[position] not in (None, "") for row in listed)]
    # A table without columns would not print its title.
    shown = filled or range(len(columns))
    table = Table(title=title if listed else f"{title}: nothing")
    for position in shown:
        table.add_column(columns[position])
    for row in listed:
        table.add_row(*("" if row[position] is None else escape(_cell(row[position])) for position in shown))
    return table


def with_interval(measurement: Measurement) -> str:
    """Return a value with its interval, or a dash if there is none."""
    if measurement.value is None:
        return "-"
    return _estimate_cell(Quantity(measurement.value, measurement.lower, measurement.upper))


def _day_cells(
    key: str, measurements: Sequence[Measurement], verdict: Verdict | None, headline: str
) -> tuple[str | Text, ...]:
    rows = next((f"{m.value:.0f}" for m in measurements if m.name == "rows" and m.value is not None), "-")
    maturity = next(
        (f"{m.value:.1%} {m.maturity}" for m in measurements if m.name == "maturity" and m.value is not None), "-"
    )
    metrics = [m for m in measurements if m.metric == (headline, "") and m.kind is Kind.PERFORMANCE]
    status = verdict.status if verdict else VerdictStatus.UNKNOWN
    judged = Text(str(status) if verdict else "not judged", style=STYLE[status])
    shown = ", ".join(with_interval(m) for m in metrics) or "-"
    return (key, rows, maturity, _drifted(measurements), shown, judged)


def _drifted(measurements: Sequence[Measurement]) -> str:
    """Return the number and names of drifted columns, a note about all inputs together, and the number ignored."""
    drifted = drifted_of(measurements)
    more = ", ..." if len(drifted.columns) > DRIFTED_NAMES_SHOWN else ""
    names = f": {escape(', '.join(drifted.columns[:DRIFTED_NAMES_SHOWN]))}{more}" if drifted.columns else ""
    counted = f"{len(drifted.columns)}{names}" if drifted.measured else NOT_MEASURED
    together = f" (+{ALL_TOGETHER})" if drifted.together else ""
    return counted + together + (f" (+{len(drifted.ignored)} ignored)" if drifted.ignored else "")


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

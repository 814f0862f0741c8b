"""Tables for the terminal: results as a person reads them."""

import datetime as dt
from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from monitoring_pipeline.orchestration.ports import Store
from monitoring_pipeline.spec.chunk import chunk_of_day
from monitoring_pipeline.spec.measurement import Kind, Measurement, Status, Verdict, VerdictStatus
from monitoring_pipeline.spec.model import ModelSpec, Task

HEADLINE_METRIC = {Task.BINARY: "auroc", Task.REGRESSION: "mean_absolute_error"}
STYLE = {
    VerdictStatus.OK: "green",
    VerdictStatus.WARNING: "yellow",
    VerdictStatus.CRITICAL: "bold red",
    VerdictStatus.UNKNOWN: "dim",
}
DRIFTED_NAMES_SHOWN = 3


def day_table(spec: ModelSpec, store: Store, first: dt.date, last: dt.date) -> Table:
    """Return one line per day: rows, label maturity, drifted columns, the headline metric, the verdict."""
    headline = HEADLINE_METRIC[spec.task]
    table = Table(title=f"{spec.name} ({spec.task}), {first} to {last}, days of {spec.timezone}")
    for name in ("day", "rows", "labels", "drifted", headline, "verdict", "most severe reason"):
        table.add_column(
            name,
            justify="right" if name in {"rows", "labels"} else "left",
            no_wrap=name != "most severe reason",
            max_width=60,
            overflow="ellipsis",
        )
    for offset in range((last - first).days + 1):
        key = chunk_of_day(spec, first + dt.timedelta(days=offset)).key
        measurements = store.measurements(spec.name, key)
        table.add_row(*_day_cells(key, measurements, store.verdict(spec.name, key), headline))
    return table


def result_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return the result of a query."""
    table = Table(title=title)
    for name in columns:
        table.add_column(name)
    for row in rows:
        table.add_row(*("" if value is None else _cell(value) for value in row))
    return table


def with_interval(measurement: Measurement) -> str:
    """Return a value with its interval, or that it is missing."""
    if measurement.value is None:
        return "-"
    if measurement.lower is None or measurement.upper is None:
        return f"{measurement.value:.3f}"
    return f"{measurement.value:.3f} [{measurement.lower:.3f}, {measurement.upper:.3f}]"


def _day_cells(
    key: str, measurements: Sequence[Measurement], verdict: Verdict | None, headline: str
) -> tuple[str | Text, ...]:
    rows = next((f"{m.value:.0f}" for m in measurements if m.name == "rows" and m.value is not None), "-")
    maturity = next((f"{m.value:.1%} {m.maturity}" for m in measurements if m.name == "maturity"), "-")
    metrics = [m for m in measurements if m.name == headline and m.kind is Kind.PERFORMANCE]
    status = verdict.status if verdict else VerdictStatus.UNKNOWN
    word = Text(str(status) if verdict else "not judged", style=STYLE[status])
    reason = verdict.reasons[0] if verdict and verdict.reasons else ""
    shown = ", ".join(with_interval(m) for m in metrics) or "-"
    return (key, rows, maturity, _drifted(measurements), shown, word, reason.partition(": ")[2])


def _drifted(measurements: Sequence[Measurement]) -> str:
    drifted = [m for m in measurements if m.kind is Kind.DRIFT and m.status is Status.BREACHED]
    if not drifted:
        return "0"
    names = [m.subject for m in sorted(drifted, key=lambda m: -(m.value or 0.0))]
    more = ", ..." if len(names) > DRIFTED_NAMES_SHOWN else ""
    return f"{len(names)}: {', '.join(names[:DRIFTED_NAMES_SHOWN])}{more}"


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

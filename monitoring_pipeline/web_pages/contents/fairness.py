"""Fairness of a chunk: the gaps between groups over the last days, and the numbers of each group on the chunk."""

from collections.abc import Sequence

from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.web_pages.contents.columns import status_of
from monitoring_pipeline.web_pages.contents.table import Cell, Table
from monitoring_pipeline.web_pages.numbers import allowed, interval, named, number


def gaps_table(measurements: Sequence[Measurement]) -> Table:
    """Return a row for each gap between the groups of a grouping."""
    return Table(
        caption="Largest gaps between two groups",
        columns=("gap", "groups of", "version", "value", "interval", "allowed", "rows", "about"),
        rows=tuple(
            (
                Cell(str(m.metric), status_of(m)),
                Cell(m.subject),
                Cell(m.model_version),
                Cell(number(m.value), is_number=True),
                Cell(_interval(m), is_number=True),
                Cell(allowed("", m.threshold_lower, m.threshold_upper)),
                Cell(number(m.rows), is_number=True),
                Cell(m.reason or ""),
            )
            for m in measurements
            if m.kind is Kind.FAIRNESS and not m.segment
        ),
    )


def groups_table(measurements: Sequence[Measurement]) -> Table:
    """Return a row for each number of a group on the chunk."""
    return Table(
        caption="Groups on this chunk",
        columns=("group", "number", "version", "value", "95 % interval", "rows"),
        rows=tuple(
            (
                Cell(m.segment),
                Cell(m.name),
                Cell(m.model_version),
                Cell(named(m.name, m.value), is_number=True),
                Cell(interval(m.name, m.lower, m.upper), is_number=True),
                Cell(number(m.rows), is_number=True),
            )
            for m in measurements
            if m.kind is Kind.FAIRNESS and m.segment
        ),
    )


def _interval(m: Measurement) -> str:
    """Return the interval of a gap, which is no share even if it is one of shares."""
    return "" if m.lower is None or m.upper is None else f"[{number(m.lower)}, {number(m.upper)}]"

"""Money of a chunk: what its predictions cost, and what they are worth as a whole and in each segment."""

from collections.abc import Sequence

from monitoring_pipeline.evaluation.business.money import COST, VALUE
from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.web_pages.contents.columns import status_of
from monitoring_pipeline.web_pages.contents.table import Cell, Table
from monitoring_pipeline.web_pages.numbers import allowed, interval, number


def cost_table(measurements: Sequence[Measurement]) -> Table:
    """Return a row for each number about what predictions cost."""
    return Table(
        caption="What the predictions cost",
        columns=("number", "value", "95 % interval", "allowed", "about"),
        rows=tuple(
            (
                Cell(m.name.replace("_", " "), status_of(m)),
                Cell(number(m.value), is_number=True),
                Cell(interval(m.name, m.lower, m.upper), is_number=True),
                Cell(allowed(m.name, m.threshold_lower, m.threshold_upper)),
                Cell("; ".join(filter(None, (m.reason, m.definition)))),
            )
            for m in measurements
            if m.kind is Kind.BUSINESS and m.subject == COST
        ),
    )


def value_table(measurements: Sequence[Measurement], *, of_segments: bool = False) -> Table:
    """Return a row for each number about what predictions are worth, of all of them or of those in each segment."""
    return Table(
        caption=f"What the predictions are worth{' in each segment' if of_segments else ''}",
        columns=("number", "where", "version", "value", "95 % interval", "reference", "allowed", "rows", "about"),
        rows=tuple(
            (
                Cell(m.name.replace("_", " "), status_of(m)),
                Cell(m.segment),
                Cell(m.model_version),
                Cell(number(m.value), is_number=True),
                Cell(interval(m.name, m.lower, m.upper), is_number=True),
                Cell("" if m.reference_value is None else number(m.reference_value), is_number=True),
                Cell(allowed(m.name, m.threshold_lower, m.threshold_upper)),
                Cell(number(m.rows) if m.rows else "", is_number=True),
                Cell("; ".join(filter(None, (m.reason, m.definition)))),
            )
            for m in measurements
            if m.kind is Kind.BUSINESS and m.subject == VALUE and bool(m.segment) is of_segments
        ),
    )

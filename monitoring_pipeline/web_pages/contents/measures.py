"""Numbers of a chunk from the user's own Python functions, as a whole and in segments."""

from collections.abc import Sequence

from monitoring_pipeline.evaluation.business.business_metrics import MEASURES
from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.web_pages.contents.columns import status_of
from monitoring_pipeline.web_pages.contents.table import Cell, Table
from monitoring_pipeline.web_pages.numbers import allowed, number


def measures_table(measurements: Sequence[Measurement]) -> Table:
    """Return a row for each number, with the reason of one that could not be measured."""
    return Table(
        caption="Measures from your own functions",
        columns=("measure", "where", "version", "value", "reference", "allowed", "rows", "about"),
        rows=tuple(
            (
                Cell(str(m.metric), status_of(m)),
                Cell(m.segment),
                Cell(m.model_version),
                Cell(number(m.value), is_number=True),
                Cell("" if m.reference_value is None else number(m.reference_value), is_number=True),
                Cell(allowed("", m.threshold_lower, m.threshold_upper)),
                Cell(number(m.rows) if m.rows else "", is_number=True),
                Cell("; ".join(filter(None, (m.reason, m.definition)))),
            )
            for m in measurements
            if m.kind is Kind.BUSINESS and m.subject == MEASURES
        ),
    )

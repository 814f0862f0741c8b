"""How a chunk was served: latency, errors, resources and dependencies."""

from collections.abc import Sequence

from monitoring_pipeline.evaluation.operations.measuring import SUBJECTS_OF_SERVING
from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.web_pages.contents.columns import status_of
from monitoring_pipeline.web_pages.contents.table import Cell, Table
from monitoring_pipeline.web_pages.numbers import allowed, interval, named, number


def serving_table(measurements: Sequence[Measurement]) -> Table:
    """Return a row for each number about the serving of the model."""
    return Table(
        caption="How the chunk was served",
        columns=("number", "of", "version", "value", "95 % interval", "allowed", "usual", "rows", "about"),
        rows=tuple(
            (
                Cell(m.name.replace("_", " "), status_of(m)),
                Cell(m.subject),
                Cell(m.model_version),
                Cell(named(m.name, m.value), is_number=True),
                Cell(interval(m.name, m.lower, m.upper), is_number=True),
                Cell(allowed(m.name, m.threshold_lower, m.threshold_upper)),
                Cell("" if m.reference_value is None else named(m.name, m.reference_value), is_number=True),
                Cell(number(m.rows) if m.rows else "", is_number=True),
                Cell(m.reason or m.definition or ""),
            )
            for m in measurements
            if m.kind is Kind.OPERATIONS and m.subject in SUBJECTS_OF_SERVING
        ),
    )

"""How often each class was decided as each class."""

from monitoring_pipeline.evaluation.performance.confusion import confusion_of
from monitoring_pipeline.records.measurement import Kind
from monitoring_pipeline.web_pages.charts.chart import Chart
from monitoring_pipeline.web_pages.charts.matrix import matrix_chart
from monitoring_pipeline.web_pages.reading import ModelRecords


def confusion_chart(records: ModelRecords, version: str) -> Chart | None:
    """Return the matrix of a version on the chunk beside that of its reference; None if it was not measured."""
    measured = confusion_of(
        records.spec,
        {
            m.metric: (m.value, float(m.rows))
            for m in records.measurements
            if m.kind is Kind.PERFORMANCE
            and (m.subject, m.model_version, m.segment) == ("model", version, "")
            and m.value is not None
        },
    )
    if measured is None:
        return None
    reference = records.references.get(version)
    entries = () if reference is None else reference.performance
    rows = 0.0 if reference is None else float(reference.labelled_rows)
    return matrix_chart(measured, confusion_of(records.spec, {entry.metric: (entry.value, rows) for entry in entries}))

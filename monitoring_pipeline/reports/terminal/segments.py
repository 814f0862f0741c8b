"""Reports about the segments of a model."""

from collections.abc import Sequence

from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.reports.report import Report, without_empty_columns
from monitoring_pipeline.reports.terminal.cells import interval_cell, number_cell

SEGMENT_FIELDS = (
    "model", "chunk", "model_version", "segment", "subject", "metric", "value", "lower", "upper", "reference_value",
    "p_value", "q_value", "rows", "status", "severity", "reason",
)  # fmt: skip


def segments_report(model: str, measured: Sequence[tuple[str, Measurement]]) -> Report:
    """Return one line per chunk, version, segment and number."""
    shown = [(chunk, m) for chunk, m in measured if m.kind is Kind.SEGMENT]
    table = Report(
        title=f"{model}: segments" + ("" if shown else ": nothing"),
        columns=(
            "chunk",
            "version",
            "segment",
            "of",
            "number",
            "value [95 % interval]",
            "usually",
            "rows",
            "",
            "reason",
        ),
        lines=tuple(
            (
                chunk,
                m.model_version,
                m.segment or "all",
                m.subject,
                str(m.metric),
                interval_cell(m, ".4g"),
                number_cell(m.reference_value),
                str(m.rows),
                "" if m.status is Status.OK else f"{m.status} ({m.severity})",
                m.reason or "",
            )
            for chunk, m in shown
        ),
        fields=SEGMENT_FIELDS,
        records=tuple(
            {
                **{field: getattr(m, field) for field in SEGMENT_FIELDS if field not in {"model", "chunk", "metric"}},
                "model": model,
                "chunk": chunk,
                "metric": str(m.metric),
            }
            for chunk, m in shown
        ),
    )
    return without_empty_columns(table)

"""The report about references that were built again."""

from collections.abc import Sequence

from monitoring_pipeline.reports.report import Report
from monitoring_pipeline.steps.reference.building import TakenReference

REFERENCE_FIELDS = ("model", "model_version", "rows", "window", "refused", "reason")


def reference_table(model: str, taken: Sequence[TakenReference]) -> Report:
    """Return one line per version: its rows and window, and why a rebuilt reference was refused."""
    records = [
        {
            "model": model,
            "model_version": entry.reference.model_version,
            "rows": entry.reference.profile.rows,
            "window": entry.reference.window,
            "refused": bool(entry.refusals),
            "reason": "; ".join(refusal.reason or "" for refusal in entry.refusals) or None,
        }
        for entry in taken
    ]
    return Report(
        title=f"{model}: references",
        columns=("version", "rows", "window", "refused because"),
        lines=tuple(
            (str(record["model_version"]), str(record["rows"]), str(record["window"]), str(record["reason"] or ""))
            for record in records
        ),
        fields=REFERENCE_FIELDS,
        records=tuple(records),
    )

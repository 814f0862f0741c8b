"""What retention removed, or would remove, as a report."""

from collections.abc import Sequence

from monitoring_pipeline.reports.report import Report
from monitoring_pipeline.steps.retention import Removed

RETENTION_FIELDS = ("model", "files", "bytes", "replaced_results", "rows", "kept_from")


def retention_table(removed: Sequence[Removed], runs: int, bytes_of_runs: int, *, dry_run: bool) -> Report:
    """Return one line for each model; runs of Dagster stand in the title."""
    records = tuple(_record(each) for each in removed)
    done = "would be removed" if dry_run else "removed"
    return Report(
        title=f"{done}: {runs:,} runs of Dagster ({bytes_of_runs / 1e6:,.1f} MB), and",
        columns=("model", "files", "MB", "replaced results", "kept from, for open incidents"),
        lines=tuple(
            (each.model, f"{each.files:,}", f"{each.bytes / 1e6:,.1f}", f"{each.revisions:,}", each.kept_from or "")
            for each in removed
        ),
        fields=RETENTION_FIELDS,
        records=records,
    )


def _record(removed: Removed) -> dict[str, object]:
    values = (removed.model, removed.files, removed.bytes, removed.revisions, removed.rows, removed.kept_from)
    return dict(zip(RETENTION_FIELDS, values, strict=True))

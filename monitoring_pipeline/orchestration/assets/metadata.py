"""The metadata of a materialization in the Dagster UI: numbers to plot over partitions, and a table to read."""

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from monitoring_pipeline.evaluation.drift.drifted import ALL_FEATURES, drifted_of
from monitoring_pipeline.evaluation.profiles.changed_values import new_values
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.records.decision import Decision
from monitoring_pipeline.records.incident import IncidentEvent, StoredIncident
from monitoring_pipeline.records.measurement import Measurement, Severity, Status, VerdictStatus

Metadata = dict[str, Any]
TABLE_ROWS = 40
VERDICT_LEVEL = {
    VerdictStatus.OK: 0,
    VerdictStatus.WARNING: 1,
    VerdictStatus.CRITICAL: 2,
    VerdictStatus.UNKNOWN: -1,
}


def shown_metadata(metadata: Metadata, report: str | None) -> Metadata:
    """Return metadata for the UI: the address of the report first, if it is known; numbers of four digits.

    The store keeps all digits.
    """
    link = {} if report is None else {"report": dg.MetadataValue.url(report)}
    return link | {name: _significant(value) for name, value in metadata.items()}


def _significant(value: Any) -> Any:
    return float(f"{value:.4g}") if isinstance(value, float) else value


def predictions_metadata(results: ChunkResults) -> Metadata:
    """Return the counts of rows, the URI of the snapshot, and a table of all measurements."""
    counts = {str(m.metric): int(m.value) for m in results.measurements if m.subject == "chunk" and m.value is not None}
    shown = {"dagster/partition_row_count": counts["rows"]} if "rows" in counts else {}
    snapshot = {"snapshot": results.snapshot.uri} if results.snapshot else {}
    return {**counts, **shown, **snapshot, "table": measurement_table(results.measurements)}


def profile_metadata(results: ChunkResults) -> Metadata:
    """Return the number of rows, the worst null share, and the profile of every column."""
    shares = [column.null_share for profile in results.profiles for column in profile.columns]
    return {
        "rows": sum(profile.rows for profile in results.profiles),
        **({"worst_null_share": max(shares)} if shares else {}),
        "table": _profile_table(results.profiles),
    }


def drift_metadata(results: ChunkResults) -> Metadata:
    """Return the number of drifted columns, whether all features together have drifted, and the largest effect.

    The table contains every comparison.
    """
    compared = [m for m in results.measurements if m.subject != "chunk"]
    columns = [m for m in compared if m.subject != ALL_FEATURES]
    effects = [m.value for m in columns if m.value is not None and m.severity is not Severity.INFO]
    drifted = drifted_of(results.measurements)
    return {
        **({"drifted_columns": len(drifted.columns)} if drifted.measured else {}),
        **({"drifted_together": "all features together have drifted"} if drifted.together else {}),
        **({"worst_drift": max(effects)} if effects else {}),
        "table": _drift_table(sorted(compared, key=lambda m: -(m.value or 0.0))),
    }


def labels_metadata(results: ChunkResults) -> Metadata:
    """Return the state of maturity and the counts of labels."""
    return {str(m.metric): m.value for m in results.measurements if m.value is not None} | {
        "state": next((str(m.maturity) for m in results.measurements if m.maturity), "unknown"),
    }


def performance_metadata(results: ChunkResults) -> Metadata:
    """Return every metric that could be measured, and the table with intervals."""
    versions = {m.model_version for m in results.measurements}
    values = {
        str(m.metric) if len(versions) == 1 else f"{m.metric} (version {m.model_version})": m.value
        for m in results.measurements
        if m.value is not None
    }
    return {**values, "table": measurement_table(results.measurements)}


def verdict_metadata(results: ChunkResults) -> Metadata:
    """Return the verdict as a word and as a level, and its reasons."""
    verdict = results.verdict
    if verdict is None:
        return {}
    return {
        "verdict": str(verdict.status),
        "level": VERDICT_LEVEL[verdict.status],
        "breaches": verdict.breaches,
        "reasons": dg.MetadataValue.md("\n".join(f"- {reason}" for reason in verdict.reasons) or "none"),
    }


def objectives_metadata(results: ChunkResults) -> Metadata:
    """Return attainment, error budget and burn rate of every objective."""
    values = {f"{m.subject}: {m.metric}": m.value for m in results.measurements if m.value is not None}
    return {**values, "table": measurement_table(results.measurements)}


def incidents_metadata(
    active: Sequence[StoredIncident], announced: Sequence[IncidentEvent], decided: Sequence[Decision]
) -> Metadata:
    """Return the numbers of active incidents and announced events, a table of the incidents, and the decisions."""
    return {
        "lasting": len(active),
        "news": len(announced),
        "table": _table(
            {
                "name": entry.incident_id,
                "severity": str(entry.incident.severity),
                "state": str(entry.incident.state),
                "since": entry.incident.since,
                "title": entry.incident.title,
            }
            for entry in active[:TABLE_ROWS]
        ),
        **{decision.topic.value: f"{decision.answer_text}: {decision.reason}" for decision in decided},
    }


def measurement_table(measurements: Sequence[Measurement]) -> dg.TableMetadataValue:
    """Return measurements as a table, breached ones first."""
    ordered = sorted(measurements, key=lambda m: m.status is not Status.BREACHED)
    return _table(
        {
            "subject": m.subject,
            "name": str(m.metric),
            "status": str(m.status),
            "value": _rounded(m.value),
            "reference": _rounded(m.reference_value),
            "interval": "" if m.lower is None or m.upper is None else f"{m.lower:.4g} to {m.upper:.4g}",
            "reason": m.reason or "",
        }
        for m in ordered[:TABLE_ROWS]
    )


def _drift_table(measurements: Sequence[Measurement]) -> dg.TableMetadataValue:
    return _table(
        {
            "column": m.subject,
            "statistic": m.name,
            "effect": _rounded(m.value),
            "floor": _rounded(m.threshold_upper),
            "q": _rounded(m.q_value),
            "status": f"{m.status} (ignored)" if m.severity is Severity.INFO else str(m.status),
        }
        for m in measurements[:TABLE_ROWS]
    )


def _profile_table(profiles: Sequence[ChunkProfile]) -> dg.TableMetadataValue:
    return _table(
        {
            "version": profile.model_version,
            "column": column.column,
            "rows": str(column.rows),
            "null": f"{column.null_share:.1%}",
            "minimum": _rounded(column.minimum),
            "maximum": _rounded(column.maximum),
            "unseen": new_values(column.unseen, column.counts[-1]) if column.unseen else "",
        }
        for profile in profiles
        for column in profile.columns
    )


def _table(rows: Iterable[dict[str, str]]) -> dg.TableMetadataValue:
    records = list(rows)
    columns = [dg.TableColumn(name, "string") for name in (records[0] if records else ())]
    return dg.MetadataValue.table([dg.TableRecord(row) for row in records], schema=dg.TableSchema(columns=columns))


def _rounded(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"

"""Convert incidents and events to rows of the store's tables and back; every round trip is exact."""

from dataclasses import asdict, fields
from typing import Any

from sqlalchemy.engine import RowMapping

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.records.cause import Cause
from monitoring_pipeline.records.incident import (
    EventKind,
    Finding,
    Handling,
    Incident,
    IncidentEvent,
    IncidentState,
    Outcome,
    StoredIncident,
)
from monitoring_pipeline.records.measurement import Kind, Severity
from monitoring_pipeline.records.names import name_and_of

Row = dict[str, Any]

_HANDLING = tuple(field.name for field in fields(Handling))
_PLAIN = ("model", "opened", "since", "last_breached", "resolved", "breached_chunks", "reopened", "title")


def incident_row(stored: StoredIncident) -> Row:
    """Return the row of an incident, without the time of writing."""
    incident = stored.incident
    return {
        "incident_id": stored.incident_id,
        "owner": stored.owner,
        "runbook": stored.runbook,
        "state": incident.state.value,
        "severity": incident.severity.value,
        "cause": incident.cause.text,
        "subjects": list(incident.subjects),
        "related": [cause.text for cause in incident.related],
        "explained_by": [cause.text for cause in incident.explained_by],
        "findings": [_finding_row(finding) for finding in incident.findings],
        **{name: getattr(incident, name) for name in _PLAIN},
        "title": without_secrets(incident.title),
        **handling_row(stored.handling),
    }


def handling_row(handling: Handling) -> Row:
    """Return people's answers about an incident, as columns of its row."""
    return {name: getattr(handling, name) for name in _HANDLING}


def incident_of(row: RowMapping) -> StoredIncident:
    """Return the incident that a row holds."""
    incident = Incident(
        cause=Cause.parse(row["cause"]),
        state=IncidentState(row["state"]),
        severity=Severity(row["severity"]),
        subjects=tuple(row["subjects"]),
        related=tuple(map(Cause.parse, row["related"])),
        explained_by=tuple(map(Cause.parse, row["explained_by"])),
        findings=tuple(_finding_of(finding) for finding in row["findings"]),
        **{name: row[name] for name in _PLAIN},
    )
    handling = Handling(
        acknowledged_by=row["acknowledged_by"],
        acknowledged_at=row["acknowledged_at"],
        muted_until=row["muted_until"],
        muted_severity=Severity(row["muted_severity"]) if row["muted_severity"] else None,
        outcome=Outcome(row["outcome"]) if row["outcome"] else None,
    )
    return StoredIncident(
        incident_id=row["incident_id"],
        incident=incident,
        handling=handling,
        owner=row["owner"],
        runbook=row["runbook"],
    )


def event_row(event: IncidentEvent) -> Row:
    """Return the columns of an event's row that describe the event."""
    return {
        "kind": event.kind.value,
        "chunk": event.chunk,
        "severity": event.severity.value,
        "summary": without_secrets(event.summary),
    }


def event_of(row: RowMapping) -> IncidentEvent:
    """Return the event that a row holds."""
    return IncidentEvent(
        kind=EventKind(row["kind"]),
        chunk=row["chunk"],
        severity=Severity(row["severity"]),
        summary=row["summary"],
    )


def _finding_row(finding: Finding) -> Row:
    row = asdict(finding) | {"name": str(finding.metric)}
    return {name: value for name, value in row.items() if name != "of"}


def _finding_of(values: Row) -> Finding:
    typed = {"kind": Kind(values["kind"]), "severity": Severity(values["severity"])}
    fields_of_finding: Row = values | typed | name_and_of(values["name"])._asdict()
    return Finding(**fields_of_finding)

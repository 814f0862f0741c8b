"""Incidents about spec files that cannot be used, under the name of the file, because there is no measurement."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from monitoring_pipeline.evaluation.incidents.changes import IncidentChange, IncidentChanges, is_active, newly_named
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import (
    EventKind,
    Finding,
    Incident,
    IncidentEvent,
    IncidentState,
    StoredIncident,
)
from monitoring_pipeline.records.measurement import Kind, Severity
from monitoring_pipeline.spec.loading import BadSpec

CAUSE = Cause(Family.SPEC)
MENDED = "the file is a usable spec again, or gone"


def lasting(stored: Sequence[StoredIncident]) -> StoredIncident | None:
    """Return the lasting incident about a spec file, if there is one."""
    return next((own for own in stored if own.incident.cause == CAUSE and is_active(own.incident)), None)


def is_up_to_date(bad: BadSpec | None, own: StoredIncident | None) -> bool:
    """Return whether the lasting incident, if any, reports exactly the present problems of the file."""
    if bad is None or own is None:
        return bad is None and own is None
    return own.incident.findings == _findings(bad)


def judge_file(file: str, bad: BadSpec | None, stored: Sequence[StoredIncident], *, today: str) -> IncidentChanges:
    """Return the changes of the incidents of one file.

    Args:
        file: its name.
        bad: the problems of the file; ``None`` if it is usable or was removed.
        stored: the incidents under its name.
        today: key of the day on which it is judged.
    """
    own = lasting(stored)
    if is_up_to_date(bad, own):
        return IncidentChanges(current=(), gone=())
    if bad is None:
        changes = [_resolved(entry, today) for entry in stored if entry is own]
    elif own is None:
        changes = [_opened(file, bad, {entry.incident_id for entry in stored}, today)]
    else:
        incident = replace(own.incident, last_breached=today, findings=_findings(bad))
        changes = [IncidentChange(stored=replace(own, incident=incident), events=(), told=())]
    return IncidentChanges(current=tuple(changes), gone=())


def _opened(file: str, bad: BadSpec, taken: AbstractSet[str], today: str) -> IncidentChange:
    incident = Incident(
        model=file, cause=CAUSE, opened=today, since=today, last_breached=today, resolved=None,
        state=IncidentState.OPEN, severity=Severity.CRITICAL, breached_chunks=1, reopened=0,
        title=f"not a usable spec (model {bad.model})",
        findings=_findings(bad), subjects=(bad.model,),
    )  # fmt: skip
    event = IncidentEvent(kind=EventKind.OPENED, chunk=today, severity=incident.severity, summary=_summary(bad))
    return IncidentChange(stored=replace(newly_named(incident, taken), owner=bad.owner), events=(event,), told=(event,))


def _resolved(own: StoredIncident, today: str) -> IncidentChange:
    incident = replace(own.incident, state=IncidentState.RESOLVED, resolved=today)
    event = IncidentEvent(kind=EventKind.RESOLVED, chunk=today, severity=incident.severity, summary=MENDED)
    return IncidentChange(stored=replace(own, incident=incident), events=(event,), told=(event,))


def _findings(bad: BadSpec) -> tuple[Finding, ...]:
    """Return one finding per problem."""
    return tuple(
        Finding(
            kind=Kind.OPERATIONS, subject=CAUSE.text, name="usable", model_version="", severity=Severity.CRITICAL,
            reason=problem.removeprefix(f"{bad.path}: "),
        )
        for problem in bad.problems
    )  # fmt: skip


def _summary(bad: BadSpec) -> str:
    more = len(bad.problems) - 1
    return _findings(bad)[0].reason + (f" (and {more} more)" if more else "")

"""What a new judgement of a model's history changes among its incidents, and what of it people hear of.

Identity: an incident keeps the name that it was given first, even when late labels move its opening, because people
and threads know it by that name.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.incident_causes import columns_of
from monitoring_pipeline.spec.incident import (
    EventKind,
    Incident,
    IncidentEvent,
    IncidentHistory,
    IncidentState,
    StoredIncident,
)
from monitoring_pipeline.spec.measurement import Severity
from monitoring_pipeline.spec.model import ModelSpec

_WEIGHT = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
GONE = "measured again: its breaches are gone"


@dataclass(frozen=True, kw_only=True)
class IncidentChange:
    """One incident as it shall be stored, all that ever happened to it, and what of it is news to people."""

    stored: StoredIncident
    events: tuple[IncidentEvent, ...]
    told: tuple[IncidentEvent, ...]


@dataclass(frozen=True, kw_only=True)
class IncidentChanges:
    """All incidents of a model as they shall be stored; ``gone`` are those that no breach supports any more."""

    current: tuple[IncidentChange, ...]
    gone: tuple[IncidentChange, ...]


def find_changes(
    spec: ModelSpec,
    histories: Sequence[IncidentHistory],
    known: Sequence[StoredIncident],
    *,
    newest_chunk: str,
    is_young: Callable[[str], bool],
) -> IncidentChanges:
    """Compare what the measurements say now with what is stored.

    Args:
        spec: the model.
        histories: its incidents, folded from all measurements.
        known: its incidents as stored.
        newest_chunk: key of the newest judged chunk.
        is_young: whether a chunk is young enough to be told of.
    """
    unmatched = {entry.incident_id: entry for entry in known}
    current: list[IncidentChange] = []
    for history in sorted(histories, key=lambda h: (h.incident.cause, h.incident.opened)):
        before = _same_incident(history.incident, unmatched.values())
        if before is not None:
            del unmatched[before.incident_id]
        current.append(_change(spec, history, before, is_young))
    gone = tuple(_withdrawn(entry, newest_chunk, is_young) for _, entry in sorted(unmatched.items()))
    return IncidentChanges(current=tuple(current), gone=gone)


def is_active(incident: Incident) -> bool:
    """Return whether an incident lasts."""
    return incident.state is not IncidentState.RESOLVED


def _change(
    spec: ModelSpec, history: IncidentHistory, before: StoredIncident | None, is_young: Callable[[str], bool]
) -> IncidentChange:
    incident = history.incident
    if before is None:
        stored = StoredIncident(incident_id=_name(incident), incident=incident, owner=spec.owner, runbook=spec.runbook)
    else:
        stored = replace(before, incident=incident, owner=spec.owner, runbook=spec.runbook)
    news = _news(before.incident if before else None, incident)
    told = [event for event in history.events if event.kind in news and is_young(event.chunk)]
    # Of several of a kind, the last is the one that holds.
    last = {event.kind: event for event in told}
    return IncidentChange(stored=stored, events=history.events, told=tuple(last.values()))


def _news(before: Incident | None, now: Incident) -> frozenset[EventKind]:
    """Return which kinds of event are news, given how the incident was stored."""
    was_active = before is not None and is_active(before)
    if not is_active(now):
        return frozenset({EventKind.RESOLVED} if was_active else ())
    if before is None or not was_active:
        return frozenset({EventKind.OPENED, EventKind.REOPENED})
    rises = _WEIGHT[now.severity] > _WEIGHT[before.severity]
    spreads = not set(now.subjects) <= set(before.subjects)
    return frozenset(kind for kind, holds in ((EventKind.ESCALATED, rises), (EventKind.SPREAD, spreads)) if holds)


def _same_incident(incident: Incident, candidates: Iterable[StoredIncident]) -> StoredIncident | None:
    """Return the stored incident of the same cause with the same opening, or else one that it overlaps."""
    same_cause = [entry for entry in candidates if _is_same_cause(entry.incident.cause, incident.cause)]
    for entry in same_cause:
        if entry.incident.opened == incident.opened:
            return entry
    for entry in sorted(same_cause, key=lambda c: c.incident.opened):
        if entry.incident.since <= incident.last_breached and incident.since <= entry.incident.last_breached:
            return entry
    return None


def _is_same_cause(one: str, other: str) -> bool:
    """Whether two causes are one: columns that late labels or rows join to others keep their incident."""
    return one == other or bool(set(columns_of(one)) & set(columns_of(other)))


def _withdrawn(entry: StoredIncident, newest_chunk: str, is_young: Callable[[str], bool]) -> IncidentChange:
    if not is_active(entry.incident):
        return IncidentChange(stored=entry, events=(), told=())
    resolved = replace(entry.incident, state=IncidentState.RESOLVED, resolved=newest_chunk)
    event = IncidentEvent(kind=EventKind.RESOLVED, chunk=newest_chunk, severity=entry.incident.severity, summary=GONE)
    told = (event,) if is_young(newest_chunk) else ()
    return IncidentChange(stored=replace(entry, incident=resolved), events=(event,), told=told)


def _name(incident: Incident) -> str:
    """Return the name of a new incident: the same one whenever the same history is judged."""
    words = f"{incident.model}/{incident.cause}/{incident.opened}"
    return hashlib.sha256(words.encode()).hexdigest()[:8]

"""What a new judgement of a model's history changes among its incidents, and what of it people hear of.

Identity: an incident keeps the name that it was given first, even when late labels move its opening, because people
and threads know it by that name.

News are told from how the incident was stored to how it is now. Mostly the history has an event that says so; where
late labels or rows have changed its past, the change is told as of its newest breached chunk.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import count

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
NAME_DIGITS = 12
IsYoung = Callable[[str, str], bool]
"""Whether a cause is told of a chunk."""

GONE = "measured again: its breaches are gone"
NOT_RESOLVED = "measured again: it is not resolved: "
WORSE = "measured again: it is worse than it was: "


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
    is_young: IsYoung,
) -> IncidentChanges:
    """Compare what the measurements say now with what is stored.

    Args:
        spec: the model.
        histories: its incidents, folded from all measurements.
        known: its incidents as stored.
        newest_chunk: key of the newest judged chunk; empty when there is none.
        is_young: whether a chunk is young enough for an incident of a cause to be told of.
    """
    ordered = sorted(histories, key=lambda h: (h.incident.cause, h.incident.opened))
    matched, unmatched = _matched([history.incident for history in ordered], known)
    taken = {entry.incident_id for entry in known}
    current: list[IncidentChange] = []
    for index, history in enumerate(ordered):
        before = matched.get(index)
        name = before.incident_id if before else _free_name(history.incident, taken)
        taken.add(name)
        current.append(_change(spec, name, history, before, is_young))
    gone = tuple(_withdrawn(entry, newest_chunk or entry.incident.last_breached) for entry in unmatched)
    return IncidentChanges(current=tuple(current), gone=gone)


def is_active(incident: Incident) -> bool:
    """Return whether an incident lasts."""
    return incident.state is not IncidentState.RESOLVED


def _change(
    spec: ModelSpec,
    name: str,
    history: IncidentHistory,
    before: StoredIncident | None,
    is_young: IsYoung,
) -> IncidentChange:
    own = before or StoredIncident(incident_id=name, incident=history.incident)
    stored = replace(own, incident=history.incident, owner=spec.owner, runbook=spec.runbook)
    news = _news(before.incident if before else None, history)
    told = [event for event in news if _is_told(event, history.incident, is_young)]
    # Of several of a kind, the last is the one that holds.
    last = {event.kind: event for event in told}
    return IncidentChange(
        stored=stored, events=history.events, told=tuple(event for event in told if last[event.kind] is event)
    )


def _is_told(event: IncidentEvent, incident: Incident, is_young: IsYoung) -> bool:
    """Whether people hear of an event. An end they always do: who has heard of the beginning waits for it."""
    return event.kind is EventKind.RESOLVED or is_young(incident.cause, event.chunk)


def _news(before: Incident | None, history: IncidentHistory) -> Iterator[IncidentEvent]:
    """Yield what has become of an incident since it was stored."""
    now = history.incident
    if not is_active(now):
        if before is not None and is_active(before):
            yield from _of_kinds(history, EventKind.RESOLVED)
    elif before is None:
        yield from _beginning(history)
    elif before.resolved is not None:
        yield from _return(history, before.resolved) or [_told_now(now, EventKind.REOPENED, NOT_RESOLVED)]
    else:
        yield from _what_grew(before, history)


def _beginning(history: IncidentHistory, resolved: str = "") -> list[IncidentEvent]:
    """Return how an incident has begun after its resolution, if it had one, and become worse since."""
    begun = [e for e in _of_kinds(history, EventKind.OPENED, EventKind.REOPENED) if e.chunk > resolved]
    worse = [e for e in _of_kinds(history, EventKind.ESCALATED) if begun and e.chunk > begun[-1].chunk]
    return [*begun, *worse]


def _return(history: IncidentHistory, resolved: str) -> list[IncidentEvent]:
    """Return how an incident has come back; for people it does so even where its opening has moved behind its end."""
    begun = _beginning(history, resolved)
    return [replace(e, kind=EventKind.REOPENED) if e.kind is EventKind.OPENED else e for e in begun]


def _what_grew(before: Incident, history: IncidentHistory) -> Iterator[IncidentEvent]:
    """Yield that an incident which lasts has become worse, or has spread."""
    now = history.incident
    if _WEIGHT[now.severity] > _WEIGHT[before.severity]:
        worse = [event for event in _of_kinds(history, EventKind.ESCALATED) if event.severity is now.severity]
        yield from worse or [_told_now(now, EventKind.ESCALATED, WORSE)]
    if not set(now.subjects) <= set(before.subjects):
        yield from _of_kinds(history, EventKind.SPREAD)


def _of_kinds(history: IncidentHistory, *kinds: EventKind) -> list[IncidentEvent]:
    return [event for event in history.events if event.kind in kinds]


def _told_now(incident: Incident, kind: EventKind, words: str) -> IncidentEvent:
    """Return the event of a change that no chunk has brought: other measurements of the past have."""
    chunk, severity = incident.last_breached, incident.severity
    return IncidentEvent(kind=kind, chunk=chunk, severity=severity, summary=f"{words}{incident.title}")


def _matched(
    incidents: Sequence[Incident], known: Sequence[StoredIncident]
) -> tuple[dict[int, StoredIncident], list[StoredIncident]]:
    """Return the stored incident of each place that has one, and the stored ones that are left.

    The same opening decides before an overlap, and the same cause before a shared column.
    """
    matched: dict[int, StoredIncident] = {}
    left = sorted(known, key=lambda entry: (entry.incident.opened, entry.incident_id))
    for is_same in (_has_same_opening, _overlaps):
        for is_cause in (_has_same_cause, _shares_column):
            for place, incident in enumerate(incidents):
                fits = (e for e in left if is_cause(e.incident, incident) and is_same(e.incident, incident))
                if place not in matched and (entry := next(fits, None)) is not None:
                    matched[place] = entry
                    left.remove(entry)
    return matched, left


def _has_same_opening(one: Incident, other: Incident) -> bool:
    return one.opened == other.opened


def _overlaps(one: Incident, other: Incident) -> bool:
    return one.since <= other.last_breached and other.since <= one.last_breached


def _has_same_cause(one: Incident, other: Incident) -> bool:
    return one.cause == other.cause


def _shares_column(one: Incident, other: Incident) -> bool:
    """Whether both are about a column: such that late labels or rows join to others keep their incident."""
    return not set(columns_of(one.cause)).isdisjoint(columns_of(other.cause))


def _withdrawn(entry: StoredIncident, newest_chunk: str) -> IncidentChange:
    if not is_active(entry.incident):
        return IncidentChange(stored=entry, events=(), told=())
    resolved = replace(entry.incident, state=IncidentState.RESOLVED, resolved=newest_chunk)
    event = IncidentEvent(kind=EventKind.RESOLVED, chunk=newest_chunk, severity=entry.incident.severity, summary=GONE)
    return IncidentChange(stored=replace(entry, incident=resolved), events=(event,), told=(event,))


def _free_name(incident: Incident, taken: AbstractSet[str]) -> str:
    """Return the name of a new incident: the same one whenever the same history is judged, unless another has it."""
    words = f"{incident.model}/{incident.cause}/{incident.opened}"
    names = (
        hashlib.sha256(f"{words}/{n}".encode() if n else words.encode()).hexdigest()[:NAME_DIGITS] for n in count()
    )
    return next(name for name in names if name not in taken)

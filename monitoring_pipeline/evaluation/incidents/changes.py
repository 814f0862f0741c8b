"""The changes of a model's incidents after its history was judged again, and which of them are news.

An incident keeps its first name even if late labels move its opening, because people and message threads use it.
"""

import datetime as dt
import hashlib
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from itertools import count

from monitoring_pipeline.evaluation.incidents.news import KnownIncident, find_news
from monitoring_pipeline.records.cause import Cause
from monitoring_pipeline.records.incident import (
    EventKind,
    Incident,
    IncidentEvent,
    IncidentHistory,
    IncidentState,
    StoredIncident,
)
from monitoring_pipeline.spec.model import ModelSpec

NAME_DIGITS = 12
IsYoung = Callable[[Cause, str], bool]
"""Whether a chunk may cause alerts about a cause."""

GONE = "measured again: its breaches are gone"


@dataclass(frozen=True, kw_only=True)
class IncidentChange:
    """One incident as it is to be stored, its whole history, and the events that are news."""

    stored: StoredIncident
    events: tuple[IncidentEvent, ...]
    told: tuple[IncidentEvent, ...]


@dataclass(frozen=True, kw_only=True)
class IncidentChanges:
    """All incidents of a model as they are to be stored. ``gone`` are those without a breach that supports them."""

    current: tuple[IncidentChange, ...]
    gone: tuple[IncidentChange, ...]


def find_changes(
    spec: ModelSpec,
    histories: Sequence[IncidentHistory],
    known: Sequence[KnownIncident],
    *,
    newest_chunk: str,
    is_young: IsYoung,
    now: dt.datetime,
) -> IncidentChanges:
    """Compare the incidents folded from the measurements with the stored ones.

    Args:
        spec: the model.
        histories: its incidents, folded from all measurements.
        known: its stored incidents, with the alerts that were sent about them.
        newest_chunk: key of the newest judged chunk; empty when there is none.
        is_young: whether a chunk is young enough for an incident of a cause to cause alerts.
        now: the time, which decides whether a mute has ended.
    """
    ordered = sorted(histories, key=lambda h: (h.incident.cause, h.incident.opened))
    matched, unmatched = _matched([history.incident for history in ordered], known)
    taken = {entry.stored.incident_id for entry in known}
    current: list[IncidentChange] = []
    for index, history in enumerate(ordered):
        before = matched.get(index)
        own = before.stored if before else newly_named(history.incident, taken)
        taken.add(own.incident_id)
        told = find_news(history, before, is_young=partial(is_young, history.incident.cause), now=now)
        stored = replace(own, incident=history.incident, owner=spec.owner, runbook=spec.runbook)
        current.append(IncidentChange(stored=stored, events=history.events, told=told))
    gone = tuple(_withdrawn(entry, newest_chunk or entry.stored.incident.last_breached) for entry in unmatched)
    return IncidentChanges(current=tuple(current), gone=gone)


def is_active(incident: Incident) -> bool:
    """Return whether an incident lasts."""
    return incident.state is not IncidentState.RESOLVED


def _matched(
    incidents: Sequence[Incident], known: Sequence[KnownIncident]
) -> tuple[dict[int, KnownIncident], list[KnownIncident]]:
    """Return the stored incident that matches each history, if any, and the stored incidents without a match.

    The same opening outranks an overlap in time, and the same cause outranks a shared column.
    """
    matched: dict[int, KnownIncident] = {}
    left = sorted(known, key=lambda entry: (entry.stored.incident.opened, entry.stored.incident_id))
    for is_same in (_has_same_opening, _overlaps):
        for is_cause in (_has_same_cause, _shares_column):
            for place, incident in enumerate(incidents):
                fits = (
                    entry
                    for entry in left
                    if is_cause(entry.stored.incident, incident) and is_same(entry.stored.incident, incident)
                )
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
    """Return whether both causes share a column, so that a column joined to others later keeps its incident."""
    return not set(one.cause.columns).isdisjoint(other.cause.columns)


def _withdrawn(known: KnownIncident, newest_chunk: str) -> IncidentChange:
    stored = known.stored
    if not is_active(stored.incident):
        return IncidentChange(stored=stored, events=(), told=())
    resolved = replace(stored.incident, state=IncidentState.RESOLVED, resolved=newest_chunk)
    event = IncidentEvent(kind=EventKind.RESOLVED, chunk=newest_chunk, severity=stored.incident.severity, summary=GONE)
    told = (event,) if known.heard is not None and known.heard.ended is None else ()
    return IncidentChange(stored=replace(stored, incident=resolved), events=(event,), told=told)


def newly_named(incident: Incident, taken: AbstractSet[str]) -> StoredIncident:
    """Return a new incident with a name that depends on its history only, unless another incident has that name."""
    words = f"{incident.model}/{incident.cause}/{incident.opened}"
    names = (
        hashlib.sha256(f"{words}/{n}".encode() if n else words.encode()).hexdigest()[:NAME_DIGITS] for n in count()
    )
    return StoredIncident(incident_id=next(name for name in names if name not in taken), incident=incident)

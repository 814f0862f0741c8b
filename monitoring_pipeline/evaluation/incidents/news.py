"""The news of an incident: the difference between the alerts already sent and its present state.

Usually the history contains a young event for it. If it contains none, the news is dated to the newest breached
chunk, once that chunk is young and has a breach that no other incident explains. That happens if the opening chunk was
measured when it was old, if late labels have changed the past, or if the incident was muted.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.incidents.handling import is_muted
from monitoring_pipeline.evaluation.incidents.words import told_late_words
from monitoring_pipeline.records.incident import (
    EventKind,
    Handling,
    Incident,
    IncidentEvent,
    IncidentHistory,
    IncidentState,
    StoredIncident,
)
from monitoring_pipeline.records.measurement import WEIGHT, Severity

NOT_RESOLVED = "measured again: it is not resolved: "
WORSE = "measured again: it is worse than it was: "
MUTE_IS_OVER = "its mute is over, and it lasts: "


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What the alerts sent so far have reported about an incident.

    Args:
        at: time of the last alert.
        severity: the worst severity reported since the incident began last.
        ended: chunk of its end, if that was the last report; ``None`` while it is reported as lasting.
    """

    at: dt.datetime
    severity: Severity
    ended: str | None = None


@dataclass(frozen=True, kw_only=True)
class KnownIncident:
    """A stored incident, and what was reported about it; ``None`` if nothing was."""

    stored: StoredIncident
    heard: Heard | None = None


def heard_of(told: Iterable[tuple[IncidentEvent, dt.datetime]]) -> Heard | None:
    """Return the state of the reports.

    Args:
        told: the events that were sent, with their times, in the order of sending; without actions of people.
    """
    heard: Heard | None = None
    for event, at in told:
        severity = event.severity
        if heard is not None and heard.ended is None:
            severity = max(heard.severity, severity, key=WEIGHT.__getitem__)
        heard = Heard(at=at, severity=severity, ended=event.chunk if event.kind is EventKind.RESOLVED else None)
    return heard


def find_news(
    history: IncidentHistory, known: KnownIncident | None, *, is_young: Callable[[str], bool], now: dt.datetime
) -> tuple[IncidentEvent, ...]:
    """Return the events of an incident to send now.

    An end is sent if, and only if, the incident was reported as lasting. An incident that was muted before it was
    reported is sent when the mute is over. An incident that outlasts its mute is sent once more.

    Args:
        history: the incident as folded from the measurements.
        known: the stored incident, and what was reported about it; ``None`` for a new one.
        is_young: whether a chunk is young enough to cause alerts.
        now: the time.
    """
    incident, heard = history.incident, known.heard if known else None
    takes_it_to_last = heard is not None and heard.ended is None
    if incident.state is IncidentState.RESOLVED:
        return _last(history, EventKind.RESOLVED) if takes_it_to_last else ()
    handling = known.stored.handling if known else Handling()
    if heard is None and is_muted(handling, incident.severity, now):
        return ()
    is_due = _is_breached_itself(incident) and is_young(incident.last_breached)
    if known is None or heard is None or heard.ended is not None:
        return _beginning(history, heard, is_young=is_young, is_due=is_due)
    grown = tuple(event for event in _what_grew(known.stored.incident, history) if is_young(event.chunk))
    missed = _what_was_missed(incident, heard, grown) if is_due else ()
    is_unmuted = handling.muted_until is not None and heard.at < handling.muted_until <= now
    if is_due and is_unmuted and not grown and not missed:
        return (_told_now(incident, EventKind.REOPENED, MUTE_IS_OVER),)
    return grown + missed


def _beginning(
    history: IncidentHistory, heard: Heard | None, *, is_young: Callable[[str], bool], is_due: bool
) -> tuple[IncidentEvent, ...]:
    """Return the beginning of an incident after the last reported end, and its escalation since then.

    After a reported end the event is "reopened", even if late labels have moved the opening behind that end.
    """
    kind = EventKind.OPENED if heard is None else EventKind.REOPENED
    last = _last(history, EventKind.OPENED, EventKind.REOPENED)
    begun = [event for event in last if heard is None or event.chunk > (heard.ended or "")]
    if begun and is_young(begun[0].chunk):
        worse = [event for event in _last(history, EventKind.ESCALATED) if event.chunk > begun[0].chunk]
        return (begun[0] if heard is None else replace(begun[0], kind=kind), *worse)
    if not is_due:
        return ()
    words = told_late_words(begun[0].chunk if begun else history.incident.opened)
    return (_told_now(history.incident, kind, words if heard is None or begun else NOT_RESOLVED),)


def _what_grew(before: Incident, history: IncidentHistory) -> tuple[IncidentEvent, ...]:
    """Return the event of an escalation or a spread of an incident that lasts."""
    now = history.incident
    is_worse = WEIGHT[now.severity] > WEIGHT[before.severity]
    has_spread = not set(now.subjects) <= set(before.subjects)
    worse = [event for event in _last(history, EventKind.ESCALATED) if is_worse and event.severity is now.severity]
    return (*worse, *(_last(history, EventKind.SPREAD) if has_spread else ()))


def _what_was_missed(incident: Incident, heard: Heard, grown: tuple[IncidentEvent, ...]) -> tuple[IncidentEvent, ...]:
    """Return an escalation if the incident is more severe than anything reported before or being reported now."""
    worst = max([WEIGHT[heard.severity], *(WEIGHT[event.severity] for event in grown)])
    return (_told_now(incident, EventKind.ESCALATED, WORSE),) if WEIGHT[incident.severity] > worst else ()


def _is_breached_itself(incident: Incident) -> bool:
    """Return whether the newest breached chunk has a breach that no other incident explains."""
    return any(not finding.consequence for finding in incident.findings)


def _last(history: IncidentHistory, *kinds: EventKind) -> tuple[IncidentEvent, ...]:
    """Return the last event of some kinds, if there is one. It is the valid one."""
    return tuple(event for event in history.events if event.kind in kinds)[-1:]


def _told_now(incident: Incident, kind: EventKind, words: str) -> IncidentEvent:
    """Return the event of a change that did not happen on a young chunk."""
    chunk, severity = incident.last_breached, incident.severity
    return IncidentEvent(kind=kind, chunk=chunk, severity=severity, summary=f"{words}{incident.title}")

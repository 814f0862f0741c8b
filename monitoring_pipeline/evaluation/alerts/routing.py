"""Which channels receive an event of an incident, and when: the rules of alerting.yaml applied to one event."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import NamedTuple
from zoneinfo import ZoneInfo

from monitoring_pipeline.evaluation.incidents.handling import is_muted
from monitoring_pipeline.records.incident import EventKind, IncidentEvent, PlannedAlert, StoredIncident
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.spec.alerting import AlertingRules, ChannelKind, Escalation, QuietHours, Route

PAGING_EVENTS = frozenset({EventKind.OPENED, EventKind.REOPENED, EventKind.ESCALATED})
"""Events that ask somebody to look, now."""
SILENT_EVENTS = frozenset({
    EventKind.ACKNOWLEDGED, EventKind.MUTED, EventKind.UNMUTED, EventKind.OUTCOME, EventKind.COMMENTED,
})  # fmt: skip
"""Actions of people. They change the existing message and notify nobody."""

_RANK = {Severity.INFO: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}
_MODE_ORDER = {"now": 0, "update": 1, "digest": 2, "escalation": 3}
_READ_BY_MACHINES = frozenset({ChannelKind.WEBHOOK, ChannelKind.FILE, ChannelKind.JIRA})


class _Quiet(NamedTuple):
    """The half-open interval [start, end) in UTC of one night's quiet hours."""

    start: dt.datetime
    end: dt.datetime


def plan_alerts(
    rules: AlertingRules, stored: StoredIncident, event: IncidentEvent, *, now: dt.datetime
) -> tuple[PlannedAlert, ...]:
    """Return the alerts that an event of an incident asks for: at most one per channel, and one escalation.

    A route matches an event if the event has at least its severity and the route names its model and owner. Actions of
    people and events of a muted incident only change the existing message (mode ``update``), but an event above the
    muted severity is sent. Quiet hours postpone messages for people to their end. A digest is due at its next time of
    day. An escalation is planned for events that need attention; its delay starts when the event is first sent.

    Args:
        rules: the rules.
        stored: the incident after the event, with the actions of people on it.
        event: what happened.
        now: the time of planning, with a time zone.

    Raises:
        ValueError: when ``now`` has no time zone.
    """
    if now.tzinfo is None:
        message = f"now ({now}) must have a time zone"
        raise ValueError(message)
    now = now.astimezone(dt.UTC)
    silent = event.kind in SILENT_EVENTS or is_muted(stored.handling, event.severity, now)
    routed = (
        _planned(rules, route, event, now=now, silent=silent)
        for route in rules.routes
        if _matches(route, stored, event)
    )
    alerts = _one_per_channel(alert for alert in routed if alert is not None)
    if rules.escalation is None or not _reaches(event.severity, rules.escalation.severity):
        return alerts
    return alerts + _to_escalation(rules, rules.escalation, stored, event, alerts=alerts, silent=silent, now=now)


def is_page(alert: PlannedAlert, event: IncidentEvent) -> bool:
    """Return whether an alert is a page: sent at once because a critical incident opened, reopened or escalated.

    If several channels receive one event, each alert is a page.
    """
    return alert.mode == "now" and event.severity is Severity.CRITICAL and event.kind in PAGING_EVENTS


def _reaches(severity: Severity, least: str) -> bool:
    return _RANK[severity] >= _RANK[Severity(least)]


def _matches(route: Route, stored: StoredIncident, event: IncidentEvent) -> bool:
    return (
        _reaches(event.severity, route.severity)
        and any(fnmatchcase(stored.incident.model, pattern) for pattern in route.models)
        and any(fnmatchcase(stored.owner, pattern) for pattern in route.owners)
    )


def _planned(
    rules: AlertingRules, route: Route, event: IncidentEvent, *, now: dt.datetime, silent: bool
) -> PlannedAlert | None:
    kind = rules.channels[route.channel].kind
    if silent:
        return _silently(route.channel, kind, now) if route.digest is None else None
    if route.digest is not None:
        due_at = next_time_of_day(route.digest, rules.digest_zone(route), now)
        return PlannedAlert(channel=route.channel, due_at=due_at, mode="digest")
    return _at_once(rules, route.channel, event, now)


def _at_once(rules: AlertingRules, channel: str, event: IncidentEvent, at: dt.datetime) -> PlannedAlert:
    machine = rules.channels[channel].kind in _READ_BY_MACHINES
    due_at = at if machine else _after_quiet_hours(rules.quiet_hours, event.severity, at)
    return PlannedAlert(channel=channel, due_at=due_at)


def _silently(channel: str, kind: ChannelKind, now: dt.datetime) -> PlannedAlert | None:
    # A message sent by Apprise cannot be changed.
    return None if kind is ChannelKind.APPRISE else PlannedAlert(channel=channel, due_at=now, mode="update")


def _one_per_channel(alerts: Iterable[PlannedAlert]) -> tuple[PlannedAlert, ...]:
    chosen: dict[str, PlannedAlert] = {}
    for alert in alerts:
        best = chosen.get(alert.channel)
        if best is None or _urgency(alert) < _urgency(best):
            chosen[alert.channel] = alert
    return tuple(chosen.values())


def _urgency(alert: PlannedAlert) -> tuple[int, dt.datetime]:
    return _MODE_ORDER[alert.mode], alert.due_at


def _to_escalation(
    rules: AlertingRules,
    escalation: Escalation,
    stored: StoredIncident,
    event: IncidentEvent,
    *,
    alerts: tuple[PlannedAlert, ...],
    silent: bool,
    now: dt.datetime,
) -> tuple[PlannedAlert, ...]:
    """Return the escalation of an event that needs one, or the update of an earlier escalation for its channel."""
    name = escalation.channel
    if silent or event.kind is EventKind.RESOLVED:
        if any(alert.channel == name for alert in alerts):
            return ()
        # Sent only if the escalation was sent, which the delivery checks.
        kind = rules.channels[name].kind
        told = _silently(name, kind, now) if silent else _at_once(rules, name, event, now)
        return () if told is None else (told,)
    told_at = [alert.due_at for alert in alerts]
    if event.kind not in PAGING_EVENTS or not told_at or _is_in_hand(stored, event):
        return ()
    alert = _at_once(rules, name, event, min(told_at) + escalation.after)
    return (replace(alert, mode="escalation"),)


def _is_in_hand(stored: StoredIncident, event: IncidentEvent) -> bool:
    """Return whether somebody has acknowledged the incident. A reopened incident must be acknowledged again."""
    return stored.handling.acknowledged_at is not None and event.kind is not EventKind.REOPENED


def next_time_of_day(time: dt.time, zone: ZoneInfo, now: dt.datetime) -> dt.datetime:
    """Return the first instant at or after ``now``, in UTC, at which clocks in ``zone`` show ``time``.

    If a clock change skips the time, the result is as long after the change as it would have been without it. If the
    time occurs twice in a night, the first occurrence counts.
    """
    today = now.astimezone(zone).date()
    instants = (_instant(today + dt.timedelta(days=days), time, zone) for days in range(-1, 3))
    return next(instant for instant in instants if instant >= now)


def _after_quiet_hours(quiet: QuietHours | None, severity: Severity, at: dt.datetime) -> dt.datetime:
    """Return ``at``, or the end of the quiet hours that it falls into."""
    if quiet is None or (quiet.except_severity is not None and _reaches(severity, quiet.except_severity)):
        return at
    return next((night.end for night in _nights(quiet, at) if night.start <= at < night.end), at)


def _nights(quiet: QuietHours, at: dt.datetime) -> Iterable[_Quiet]:
    """Return the quiet hours that began yesterday, today and tomorrow."""
    zone = ZoneInfo(quiet.timezone)
    today = at.astimezone(zone).date()
    for day in (today + dt.timedelta(days=days) for days in (-1, 0, 1)):
        last_day = day if quiet.end > quiet.start else day + dt.timedelta(days=1)
        yield _Quiet(_instant(day, quiet.start, zone), _instant(last_day, quiet.end, zone))


def _instant(day: dt.date, time: dt.time, zone: ZoneInfo) -> dt.datetime:
    return dt.datetime.combine(day, time, zone).astimezone(dt.UTC)

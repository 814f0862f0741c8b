"""Incidents about channels that accept no messages, under the name of the file that declares them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace

from monitoring_pipeline.evaluation.incidents.changes import IncidentChange, IncidentChanges, is_active, newly_named
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.channel_failure import ChannelFailure
from monitoring_pipeline.records.incident import (
    EventKind,
    Finding,
    Incident,
    IncidentEvent,
    IncidentState,
    StoredIncident,
)
from monitoring_pipeline.records.measurement import Kind, Severity

MODEL = "alerting.yaml"
"""The name in the place of a model's."""
WORKS = "it accepts messages again, or is gone from alerting.yaml"


def failing_channels(
    failures: Sequence[ChannelFailure], *, after: dt.timedelta, now: dt.datetime
) -> dict[str, ChannelFailure]:
    """Return the channels that have failed for at least a time, by name."""
    return {failure.channel: failure for failure in failures if now - failure.since >= after}


def is_up_to_date(
    failing: Mapping[str, ChannelFailure], known: Mapping[str, object], stored: Sequence[StoredIncident]
) -> bool:
    """Return whether each failing channel has a lasting incident, and no channel that works has one.

    Args:
        failing: the channels that have failed for long enough.
        known: the channels that have failed at all; one whose failure is young keeps its incident.
        stored: the incidents about channels.
    """
    lasting = _lasting(stored)
    return failing.keys() <= lasting.keys() <= known.keys()


def judge_channels(
    failing: Mapping[str, ChannelFailure],
    known: Mapping[str, object],
    stored: Sequence[StoredIncident],
    *,
    today: str,
) -> IncidentChanges:
    """Return the changes of the incidents about channels; the arguments are those of ``is_up_to_date``."""
    lasting = _lasting(stored)
    taken = {entry.incident_id for entry in stored}
    opened = [_opened(failing[name], taken, today) for name in sorted(failing.keys() - lasting.keys())]
    resolved = [_resolved(lasting[name], today) for name in sorted(lasting.keys() - known.keys())]
    return IncidentChanges(current=(*opened, *resolved), gone=())


def channel_of(incident: Incident) -> str:
    """Return the channel that an incident is about."""
    return incident.cause.about[0]


def _lasting(stored: Sequence[StoredIncident]) -> dict[str, StoredIncident]:
    about = (entry for entry in stored if entry.incident.cause.family is Family.CHANNEL)
    return {channel_of(entry.incident): entry for entry in about if is_active(entry.incident)}


def _opened(failure: ChannelFailure, taken: set[str], today: str) -> IncidentChange:
    severity = Severity.CRITICAL if failure.has_critical else Severity.WARNING
    cause = Cause(Family.CHANNEL, (failure.channel,))
    since = f"{failure.since.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"
    wait = "1 message waits" if failure.waiting == 1 else f"{failure.waiting} messages wait"
    incident = Incident(
        model=MODEL, cause=cause, opened=today, since=today, last_breached=today, resolved=None,
        state=IncidentState.OPEN, severity=severity, breached_chunks=1, reopened=0,
        title=f"channel {failure.channel} accepts no messages",
        findings=(
            Finding(
                kind=Kind.OPERATIONS, subject=cause.text, name="accepts", model_version="", severity=severity,
                reason=failure.error,
            ),
        ),
        subjects=(failure.channel,),
    )  # fmt: skip
    summary = f"since {since}: {failure.error}; {wait}"
    event = IncidentEvent(kind=EventKind.OPENED, chunk=today, severity=severity, summary=summary)
    stored = newly_named(incident, taken)
    taken.add(stored.incident_id)
    return IncidentChange(stored=stored, events=(event,), told=(event,))


def _resolved(own: StoredIncident, today: str) -> IncidentChange:
    incident = replace(own.incident, state=IncidentState.RESOLVED, resolved=today)
    event = IncidentEvent(kind=EventKind.RESOLVED, chunk=today, severity=incident.severity, summary=WORKS)
    return IncidentChange(stored=replace(own, incident=incident), events=(event,), told=(event,))

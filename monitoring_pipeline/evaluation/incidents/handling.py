"""Actions of people on an incident. Each gives the new state, an event for the message thread, and an audit entry."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.evidence import NO_EVIDENCE, Evidence, MuteEvidence
from monitoring_pipeline.records.incident import (
    EventKind,
    Handling,
    IncidentEvent,
    Outcome,
    StoredIncident,
)
from monitoring_pipeline.records.measurement import WEIGHT, Severity

Handle = Callable[[StoredIncident], "Act"]


@dataclass(frozen=True, kw_only=True)
class Act:
    """The result of an action of a person on an incident."""

    handling: Handling
    event: IncidentEvent
    decision: Decision


@dataclass(frozen=True, kw_only=True)
class Person:
    """The person who acts, with time and reason."""

    name: str
    at: dt.datetime
    reason: str


def acknowledge(person: Person) -> Handle:
    """Acknowledge an incident, so that it is not escalated to anybody else."""

    def act(stored: StoredIncident) -> Act:
        handling = replace(stored.handling, acknowledged_by=person.name, acknowledged_at=person.at)
        return _act(stored, person, EventKind.ACKNOWLEDGED, _Said(Topic.ACKNOWLEDGEMENT, Answer.ACKNOWLEDGED), handling)

    return act


def mute(person: Person, until: dt.datetime) -> Handle:
    """Mute an incident until a moment, as long as its severity does not exceed the present one."""

    def act(stored: StoredIncident) -> Act:
        handling = replace(stored.handling, muted_until=until, muted_severity=stored.incident.severity)
        said = _Said(Topic.MUTE, Answer.MUTED, MuteEvidence(until=until.replace(second=0, microsecond=0)))
        return _act(stored, person, EventKind.MUTED, said, handling)

    return act


def unmute(person: Person) -> Handle:
    """End the mute of an incident."""

    def act(stored: StoredIncident) -> Act:
        handling = replace(stored.handling, muted_until=None, muted_severity=None)
        return _act(stored, person, EventKind.UNMUTED, _Said(Topic.MUTE, Answer.UNMUTED, MuteEvidence()), handling)

    return act


def record_outcome(person: Person, outcome: Outcome) -> Handle:
    """Record the outcome of an incident: real, noise or planned."""

    def act(stored: StoredIncident) -> Act:
        handling = replace(stored.handling, outcome=outcome)
        return _act(stored, person, EventKind.OUTCOME, _Said(Topic.OUTCOME, Answer(outcome.value)), handling)

    return act


def comment(person: Person) -> Handle:
    """Record what a person says about an incident, and change nothing else."""

    def act(stored: StoredIncident) -> Act:
        said = _Said(Topic.COMMENT, Answer.COMMENTED)
        return _act(stored, person, EventKind.COMMENTED, said, stored.handling)

    return act


def is_muted(handling: Handling, severity: Severity, now: dt.datetime) -> bool:
    """Return whether an incident is muted and its severity does not exceed the muted one."""
    if handling.muted_until is None or handling.muted_until <= now:
        return False
    return WEIGHT[severity] <= WEIGHT[handling.muted_severity or Severity.CRITICAL]


@dataclass(frozen=True)
class _Said:
    """The audit entry of an action."""

    topic: Topic
    answer: Answer
    evidence: Evidence = NO_EVIDENCE


def _act(stored: StoredIncident, person: Person, kind: EventKind, said: _Said, handling: Handling) -> Act:
    incident = stored.incident
    decision = Decision(
        model=incident.model,
        topic=said.topic,
        answer=said.answer,
        reason=person.reason,
        actor=person.name,
        at=person.at,
        key=DecisionKey.of_handling(said.topic, stored.incident_id, person.at),
        chunk=incident.last_breached,
        incident_id=stored.incident_id,
        evidence=said.evidence,
    )
    event = IncidentEvent(
        kind=kind,
        chunk=incident.last_breached,
        severity=incident.severity,
        summary=f"{decision.answer_text} by {person.name}" + (f": {person.reason}" if person.reason else ""),
    )
    return Act(handling=handling, event=event, decision=decision)

"""Records of lasting problems: a finding, an incident, its events, and the actions of people."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.records.cause import Cause
from monitoring_pipeline.records.measurement import Kind, Severity
from monitoring_pipeline.records.names import MetricName


class IncidentState(StrEnum):
    """The state of an incident."""

    OPEN = "open"
    ONGOING = "ongoing"
    RESOLVED = "resolved"
    REOPENED = "reopened"


class EventKind(StrEnum):
    """What happened to an incident; the last five are done by a person."""

    OPENED = "opened"
    SPREAD = "spread"
    ESCALATED = "escalated"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    ACKNOWLEDGED = "acknowledged"
    MUTED = "muted"
    UNMUTED = "unmuted"
    OUTCOME = "outcome"
    COMMENTED = "commented"


class Outcome(StrEnum):
    """What a person found an incident to be."""

    REAL = "real"
    NOISE = "noise"
    PLANNED = "planned"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One breached measurement as evidence: value, reference, significance, rows, and the first breached chunk.

    ``consequence`` is true where another finding of the incident probably explains it.
    """

    kind: Kind
    subject: str
    name: str
    model_version: str
    segment: str = ""
    severity: Severity = Severity.WARNING
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    reference_value: float | None = None
    threshold_lower: float | None = None
    threshold_upper: float | None = None
    q_value: float | None = None
    reason: str = ""
    rows: int = 0
    since: str = ""
    consequence: bool = False
    of: str = ""

    @property
    def metric(self) -> MetricName:
        """The name with the part that it is measured of."""
        return MetricName(self.name, self.of)


@dataclass(frozen=True, kw_only=True)
class Incident:
    """One lasting problem of one model: a cause, from its opening to its resolution.

    Args:
        model: the model.
        cause: what its breaches share.
        opened: key of the chunk that opened it.
        since: key of its first breached chunk, which persistence may put before ``opened``.
        last_breached: key of its newest breached chunk.
        resolved: key of the chunk that resolved it; ``None`` while it lasts.
        state: its state.
        severity: the worst that it has been since it was opened or reopened.
        breached_chunks: number of its breached chunks.
        reopened: how often it came back.
        title: one line for people.
        findings: breaches of the newest breached chunk, causes before consequences, most severe first.
        subjects: every subject that was ever part of it, in order of appearance.
        related: causes of other incidents on that chunk that come earlier in the flow of data.
        explained_by: those of them that the attribution of that chunk supports.
    """

    model: str
    cause: Cause
    opened: str
    since: str
    last_breached: str
    resolved: str | None
    state: IncidentState
    severity: Severity
    breached_chunks: int
    reopened: int
    title: str
    findings: tuple[Finding, ...]
    subjects: tuple[str, ...]
    related: tuple[Cause, ...] = ()
    explained_by: tuple[Cause, ...] = ()

    @property
    def coinciding(self) -> tuple[Cause, ...]:
        """The related causes that are not known to explain it."""
        return tuple(cause for cause in self.related if cause not in self.explained_by)


@dataclass(frozen=True, kw_only=True)
class IncidentEvent:
    """One change of an incident: its kind, chunk, and the severity then."""

    kind: EventKind
    chunk: str
    severity: Severity
    summary: str


@dataclass(frozen=True, kw_only=True)
class IncidentHistory:
    """An incident, and all its changes in order."""

    incident: Incident
    events: tuple[IncidentEvent, ...]


@dataclass(frozen=True, kw_only=True)
class Handling:
    """The actions of people on an incident, with their reasons."""

    acknowledged_by: str | None = None
    acknowledged_at: dt.datetime | None = None
    muted_until: dt.datetime | None = None
    muted_severity: Severity | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, kw_only=True)
class StoredIncident:
    """A stored incident: its name, and the actions of people on it."""

    incident_id: str
    incident: Incident
    handling: Handling = Handling()
    owner: str = ""
    runbook: str | None = None


@dataclass(frozen=True, kw_only=True)
class PlannedAlert:
    """One message about one event to one channel, due at a time.

    ``mode``: ``now`` is sent alone, ``digest`` with all others that are due for the channel, ``update`` changes the
    existing message and notifies nobody, and ``escalation`` is sent only while the incident is neither acknowledged,
    muted nor resolved.
    """

    channel: str
    due_at: dt.datetime
    mode: str = "now"


@dataclass(frozen=True, kw_only=True)
class LoggedEvent:
    """A stored event, with the time of writing, and whether it was announced."""

    event: IncidentEvent
    at: dt.datetime
    told: bool


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One message about an incident, with its state.

    Args:
        channel: name of the channel.
        mode: ``now``, ``digest``, ``escalation`` or ``update``.
        state: due, sending, sent, failed or dropped.
        kind: the kind of its event.
        chunk: key of the event's chunk.
        due_at: when it is or was to be sent.
        sent_at: when it was sent; None if it was not.
        error: why it was not; None if it was.
    """

    channel: str
    mode: str
    state: str
    kind: EventKind
    chunk: str
    due_at: dt.datetime
    sent_at: dt.datetime | None
    error: str | None

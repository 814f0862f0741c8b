"""Records of the outbox: an alert that is to be sent now, and the history behind its chart."""

import datetime as dt
from dataclasses import dataclass

from monitoring_pipeline.records.incident import IncidentEvent, StoredIncident


@dataclass(frozen=True, kw_only=True)
class ClaimedAlert:
    """One row of the outbox that a delivery has claimed: the event to send, and the channel.

    Args:
        alert_id: the row; rows of one incident are sent in this order.
        channel: name of the channel in alerting.yaml.
        mode: ``now``, ``digest``, ``escalation`` or ``update``.
        attempts: how often sending it has failed before.
        uncertain: claimed before and never marked: it may have been sent.
        event_id: the event that it reports.
        event: what happened.
        event_at: when the event was written.
        stored: the incident as it is at the time of the claim.
        seen_before: the sentence about earlier incidents of its cause; empty if there is none.
    """

    alert_id: int
    channel: str
    mode: str
    attempts: int
    uncertain: bool
    event_id: int
    event: IncidentEvent
    event_at: dt.datetime
    stored: StoredIncident
    seen_before: str = ""


@dataclass(frozen=True, kw_only=True)
class ClaimedWeek:
    """One row of the outbox that a delivery has claimed: the weekly digest, and the channel.

    Args:
        alert_id: the row.
        channel: name of the channel in alerting.yaml.
        week: key of the week.
        attempts: how often sending it has failed before.
        uncertain: claimed before and never marked: it may have been sent.
    """

    alert_id: int
    channel: str
    week: str
    attempts: int
    uncertain: bool


@dataclass(frozen=True, kw_only=True)
class HistoryPoint:
    """One chunk's value of the measurement that an incident is about."""

    chunk: str
    value: float
    lower: float | None = None
    upper: float | None = None
    breached: bool = False

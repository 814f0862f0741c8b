"""Which alerts became unnecessary between planning and sending."""

import datetime as dt

from monitoring_pipeline.records.alert import ClaimedAlert
from monitoring_pipeline.records.incident import EventKind, IncidentState


def why_needless(alert: ClaimedAlert, thread: str | None, *, keeps_record: bool, now: dt.datetime) -> str | None:
    """Return the reason why an alert is no longer needed; ``None`` if it must be sent.

    Args:
        alert: the alert.
        thread: the channel's name of the first message of the incident, if there is one.
        keeps_record: whether every event belongs into the channel.
        now: the time, with a time zone.
    """
    if alert.mode == "escalation":
        return _why_not_escalated(alert, now)
    if keeps_record:
        return None
    if thread is None and (alert.mode == "update" or alert.event.kind is EventKind.RESOLVED):
        return "the channel has not heard of the incident"
    if thread is not None and alert.event.kind is EventKind.OPENED:
        return "the channel has heard of the incident before"
    return None


def _why_not_escalated(alert: ClaimedAlert, now: dt.datetime) -> str | None:
    stored = alert.stored
    if stored.incident.state is IncidentState.RESOLVED:
        return "the incident is resolved"
    if stored.handling.muted_until is not None and stored.handling.muted_until > now:
        return "the incident is muted"
    acknowledged_at = stored.handling.acknowledged_at
    # An incident that was acknowledged before it reopened must be acknowledged again.
    if acknowledged_at is not None and (
        alert.event.kind is not EventKind.REOPENED or acknowledged_at >= alert.event_at
    ):
        return "the incident is acknowledged"
    return None

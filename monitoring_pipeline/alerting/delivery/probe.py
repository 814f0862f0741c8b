"""A probe: a test message that takes the same path as an alert, without an incident."""

import datetime as dt

from monitoring_pipeline.alerting.messages.messages import Message
from monitoring_pipeline.alerting.ports import AlertChannel, Dispatch, Receipt
from monitoring_pipeline.records.alert import ClaimedAlert
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import EventKind, Incident, IncidentEvent, IncidentState, StoredIncident
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.spec.alerting import Links

NAME = "probe"
NOTHING = "This is a test: nothing has happened"


def send_probe_message(channel: AlertChannel, *, links: Links, now: dt.datetime) -> Receipt:
    """Send a message that is marked as a test. For machines it is an incident of severity info of the model "probe".

    Raises:
        DeliveryError: when the channel refuses it; the message has the reason.
    """
    today = now.date().isoformat()
    incident = Incident(
        model=NAME, cause=Cause(Family.PROBE), opened=today, since=today, last_breached=today, resolved=None,
        state=IncidentState.OPEN, severity=Severity.INFO, breached_chunks=0, reopened=0,
        title="monitoring_pipeline can reach this channel", findings=(), subjects=(),
    )  # fmt: skip
    alert = ClaimedAlert(
        alert_id=0,
        channel=channel.name,
        mode="now",
        attempts=0,
        uncertain=False,
        event_id=0,
        event=IncidentEvent(kind=EventKind.OPENED, chunk=today, severity=Severity.INFO, summary=NOTHING),
        event_at=now,
        stored=StoredIncident(incident_id=NAME, incident=incident),
    )
    message = Message(
        mark="🔵",
        title=incident.title,
        severity=Severity.INFO,
        resolved=False,
        happened=NOTHING,
        links=links.labelled,
    )
    return channel.send(Dispatch(alerts=(alert,), message=message))

"""A probe: a message that only tries a channel: the whole way that an alert goes, about no incident."""

import datetime as dt
from dataclasses import replace

from monitoring_pipeline.alerting.messages import incident_message
from monitoring_pipeline.alerting.ports import AlertChannel, Dispatch, Receipt
from monitoring_pipeline.spec.incident import EventKind, Incident, IncidentEvent, IncidentState, StoredIncident
from monitoring_pipeline.spec.measurement import Severity
from monitoring_pipeline.spec.outbox import ClaimedAlert

NAME = "probe"


def send_probe_message(channel: AlertChannel, *, link: str | None, now: dt.datetime) -> Receipt:
    """Send a message of severity info that says it is a test.

    Raises:
        DeliveryError: when the channel does not take it; the message says why.
    """
    today = now.date().isoformat()
    summary = "this is a test: nothing has happened"
    incident = Incident(
        model=NAME, cause=NAME, opened=today, since=today, last_breached=today, resolved=None,
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
        event=IncidentEvent(kind=EventKind.OPENED, chunk=today, severity=Severity.INFO, summary=summary),
        event_at=now,
        stored=StoredIncident(incident_id=NAME, incident=incident),
    )
    # There is nothing to acknowledge.
    message = replace(incident_message(alert, link=link), commands=())
    return channel.send(Dispatch(alerts=(alert,), message=message))

"""PagerDuty: one incident there per incident here, by the Events API v2.

https://developer.pagerduty.com/docs/events-api-v2-overview
"""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from monitoring_pipeline.alerting.channels.http_calls import HttpCalls, HttpRefusalError
from monitoring_pipeline.alerting.messages.document import alert_document
from monitoring_pipeline.alerting.messages.markup import one_line
from monitoring_pipeline.alerting.messages.messages import Message, incident_message
from monitoring_pipeline.alerting.ports import DeliveryError, Dispatch, Receipt
from monitoring_pipeline.records.alert import ClaimedAlert
from monitoring_pipeline.records.incident import EventKind
from monitoring_pipeline.records.pagerduty_key import PagerDutyKey
from monitoring_pipeline.spec.alerting import NO_LINKS, Links

CLIENT = "monitoring_pipeline"
MOST_SUMMARY_CHARACTERS = 1024
LARGEST_EVENT = 500_000
"""PagerDuty refuses events above 512 KB."""
MOST_FINDINGS = 20
UNNAMED_WAIT = dt.timedelta(minutes=1)
_WRONG = 400


class Action(StrEnum):
    """What an event does to the incident in PagerDuty."""

    TRIGGER = "trigger"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


_ACTIONS = {
    EventKind.OPENED: Action.TRIGGER,
    EventKind.SPREAD: Action.TRIGGER,
    EventKind.ESCALATED: Action.TRIGGER,
    EventKind.REOPENED: Action.TRIGGER,
    EventKind.RESOLVED: Action.RESOLVE,
    EventKind.ACKNOWLEDGED: Action.ACKNOWLEDGE,
    EventKind.MUTED: Action.ACKNOWLEDGE,
}
"""The other events change nothing there."""


class PagerDutyChannel:
    """One service of PagerDuty; the thread of an incident is its key there (``dedup_key``)."""

    keeps_record = False

    def __init__(
        self,
        name: str,
        routing_key: SecretStr,
        address: str,
        *,
        links: Links = NO_LINKS,
        timeout_seconds: float = 10,
        certificates: Path | None = None,
    ) -> None:
        """Take the integration key of the service, and the address of PagerDuty's region."""
        self.name = name
        self._routing_key = routing_key
        self._address = f"{address.rstrip('/')}/v2/enqueue"
        self._links = links
        self._calls = HttpCalls(
            service="PagerDuty",
            timeout_seconds=timeout_seconds,
            certificates=certificates,
            details=_details,
            unnamed_wait=UNNAMED_WAIT,
        )

    def find(self, alerts: Sequence[ClaimedAlert], threads: Mapping[str, str]) -> Mapping[int, Receipt]:  # noqa: ARG002
        """Return nothing: an event that is sent again has the same key, and changes nothing."""
        return {}

    def send(self, dispatch: Dispatch) -> Receipt:
        """Trigger, acknowledge or resolve the incident there.

        An event that asks for attention begins an incident there, and the one before it is resolved: repeated under its
        old key it would page nobody while that is acknowledged.

        Raises:
            DeliveryError: when PagerDuty refused it, or when it is unknown whether PagerDuty accepted it.
        """
        if len(dispatch.alerts) == 1:
            return self._send(dispatch.alerts[0], dispatch.message, dispatch)
        for alert in dispatch.alerts:
            self._send(alert, incident_message(alert, links=self._links), dispatch)
        return Receipt()

    def _send(self, alert: ClaimedAlert, message: Message, dispatch: Dispatch) -> Receipt:
        thread = dispatch.thread
        action = _ACTIONS.get(alert.event.kind)
        if action is None or (dispatch.only_update and action is Action.TRIGGER):
            return Receipt(thread=thread)
        key = PagerDutyKey(incident_id=alert.stored.incident_id, since=alert.event_at).text
        if thread is not None and (action is not Action.TRIGGER or alert.event.kind is EventKind.SPREAD):
            key = thread
        self._enqueue(action, key, self._event(alert, message) if action is Action.TRIGGER else {})
        if thread not in {None, key}:
            self._enqueue(Action.RESOLVE, thread, {})
        return Receipt(delivery_id=key, thread=key)

    def _enqueue(self, action: Action, key: str | None, content: Mapping[str, Any]) -> None:
        event = {
            "routing_key": self._routing_key.get_secret_value(),
            "event_action": action,
            "dedup_key": key,
            **content,
        }
        try:
            self._calls.post(self._address, json.dumps(event).encode(), {})
        except HttpRefusalError as refusal:
            if refusal.status == _WRONG and "routing" in str(refusal).lower():
                text = f"{refusal}: set the integration key of an Events API v2 integration as the secret"
                raise DeliveryError(text, needs_a_person=True) from None
            raise

    def _event(self, alert: ClaimedAlert, message: Message) -> dict[str, Any]:
        stored, incident = alert.stored, alert.stored.incident
        links = [{"href": address, "text": label} for label, address in message.links]
        return {
            "client": CLIENT,
            **({"client_url": links[0]["href"]} if links else {}),
            "links": links,
            "payload": {
                "summary": one_line(f"{message.title}. {message.happened}", MOST_SUMMARY_CHARACTERS),
                "severity": str(incident.severity),
                "source": self._links.site or CLIENT,
                "timestamp": alert.event_at.astimezone(dt.UTC).isoformat(timespec="seconds"),
                "component": incident.model,
                **({"group": stored.owner} if stored.owner else {}),
                "class": incident.cause.text,
                "custom_details": self._document(alert, message),
            },
        }

    def _document(self, alert: ClaimedAlert, message: Message) -> dict[str, Any]:
        """Return the document that webhooks receive; with the first findings only, if it would be too large."""
        document = alert_document([alert], message, links=self._links).model_dump(mode="json")
        if len(json.dumps(document)) > LARGEST_EVENT:
            for entry in document["alerts"]:
                entry["incident"]["findings"] = entry["incident"]["findings"][:MOST_FINDINGS]
                entry["incident"]["subjects"] = entry["incident"]["subjects"][:MOST_FINDINGS]
        return document


def _details(answer: Any) -> str:
    """Return the reasons in an answer such as ``{"message": "Event object is invalid", "errors": ["..."]}``."""
    if not isinstance(answer, dict):
        return ""
    errors = answer.get("errors")
    texts = errors if isinstance(errors, list) and errors else [answer.get("message", "")]
    return "; ".join(str(text)[:200] for text in texts if text)

"""A server that behaves like PagerDuty's Events API v2: it validates events, folds them by key, and pages.

https://developer.pagerduty.com/docs/events-api-v2-overview. An event with a new key opens an incident and pages; a
trigger for an open one is only logged; a resolved one is opened again by a trigger, and nothing else changes it.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from monitoring_pipeline_tests.alerting.json_server import Answer, JsonServer, Request

ROUTING_KEY = "0123456789abcdef0123456789abcdef"
SIGNING_SECRET = "signing-secret-of-the-tests"
MOST_BYTES = 512_000


@dataclass
class PagedIncident:
    """An incident there: its status, its last payload, and the actions in order."""

    key: str
    status: str
    payload: dict[str, Any]
    links: list[dict[str, str]]
    client_url: str
    log: list[str] = field(default_factory=list)


class PagerDutyServer(JsonServer):
    """Keeps incidents by key, and the summaries that were paged, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.incidents: dict[str, PagedIncident] = {}
        self.pages: list[str] = []

    def unreadable(self) -> Answer:
        return _invalid("Event object format is unrecognized")

    def answer(self, request: Request) -> Answer:
        if (request.method, request.path) != ("POST", "/v2/enqueue"):
            return Answer(status=404, body="<html>Not Found</html>")
        if len(request.content) > MOST_BYTES:
            return Answer(status=413, body="<html>Request Entity Too Large</html>")
        event = request.body
        errors = list(_errors(event))
        if errors:
            return _invalid(*errors)
        self._take(event)
        return Answer(
            status=202, body={"status": "success", "message": "Event processed", "dedup_key": event["dedup_key"]}
        )

    def _take(self, event: dict[str, Any]) -> None:
        key, action = event["dedup_key"], event["event_action"]
        known = self.incidents.get(key)
        if action == "trigger":
            if known is None or known.status == "resolved":
                self.pages.append(event["payload"]["summary"])
                known = self.incidents[key] = PagedIncident(
                    key, "triggered", event["payload"], event.get("links", []), event.get("client_url", "")
                )
            known.payload = event["payload"]
        elif known is not None and known.status != "resolved":
            known.status = {"acknowledge": "acknowledged", "resolve": "resolved"}[action]
        if known is not None:
            known.log.append(action)

    def open_keys(self) -> list[str]:
        """Return the keys of the incidents that are not resolved."""
        return [key for key, incident in self.incidents.items() if incident.status != "resolved"]


def _errors(event: Any):
    if not isinstance(event, dict):
        yield "Event object format is unrecognized"
        return
    key = event.get("routing_key", "")
    if len(key) != len(ROUTING_KEY):
        yield "Length of 'routing_key' is incorrect (should be 32 characters)"
    elif key != ROUTING_KEY:
        yield "Invalid routing key"
    if event.get("event_action") not in {"trigger", "acknowledge", "resolve"}:
        yield "'event_action' is invalid (must be one of the following: 'trigger', 'acknowledge' or 'resolve')"
    if not 0 < len(event.get("dedup_key") or "") <= 255:
        yield "Length of 'dedup_key' is incorrect (should be 255 characters or less)"
    if event.get("event_action") == "trigger":
        yield from _payload_errors(event)


def _payload_errors(event: dict[str, Any]):
    payload = event.get("payload")
    if not isinstance(payload, dict):
        yield "'payload' is missing or blank"
        return
    for name in ("summary", "source", "severity"):
        if not payload.get(name):
            yield f"'payload.{name}' is missing or blank"
    if len(payload.get("summary", "")) > 1024:
        yield "Length of 'payload.summary' is incorrect (should be 1024 characters or less)"
    if payload.get("severity") not in {"critical", "error", "warning", "info"}:
        yield "'payload.severity' is invalid (must be one of the following: 'critical', 'warning', 'error' or 'info')"
    if not all(link["href"].startswith(("http://", "https://")) for link in event.get("links", [])):
        yield "'links' is invalid"


def _invalid(*errors: str) -> Answer:
    body = {"status": "invalid event", "message": "Event object is invalid", "errors": list(errors)}
    return Answer(status=400, body=body)


def acknowledged_event(key: str, *, event_type: str = "incident.acknowledged", **agent: Any) -> bytes:
    """Return the body of a webhook of the version 3, as PagerDuty posts it."""
    return json.dumps({
        "event": {
            "id": "01DVXQ3MQ9QUQV3Y6J4Q0RGGZ1",
            "event_type": event_type,
            "resource_type": "incident",
            "occurred_at": "2013-06-03T06:40:00.000Z",
            "agent": {
                "html_url": "https://acme.pagerduty.com/users/PLH1HKV", "id": "PLH1HKV",
                "self": "https://api.pagerduty.com/users/PLH1HKV", "summary": "Ann Example",
                "type": "user_reference", **agent,
            },
            "client": None,
            "data": {
                "id": "PGR0VU2", "type": "incident", "html_url": "https://acme.pagerduty.com/incidents/PGR0VU2",
                "number": 2, "status": "acknowledged", "incident_key": key, "title": "auroc is below .68",
                "urgency": "high",
            },
        }
    }).encode()  # fmt: skip


def signature(body: bytes, secret: str = SIGNING_SECRET) -> str:
    """Return the value of X-PagerDuty-Signature for one secret."""
    return f"v1={hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}"

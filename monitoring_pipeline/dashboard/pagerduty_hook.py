"""Acknowledgements in PagerDuty, received as its webhooks of version 3.

https://developer.pagerduty.com/docs/webhooks-overview, https://developer.pagerduty.com/docs/verifying-webhook-signatures
"""

import datetime as dt
import hashlib
import hmac
from dataclasses import dataclass, field
from functools import partial

from pydantic import BaseModel, Field, ValidationError

from monitoring_pipeline.evaluation.alerts.routing import plan_alerts
from monitoring_pipeline.evaluation.incidents.handling import Act, Handle, Person, acknowledge
from monitoring_pipeline.records.incident import IncidentState, StoredIncident
from monitoring_pipeline.records.pagerduty_key import PagerDutyKey
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.store.incidents import UnknownIncidentError
from monitoring_pipeline.store.results import ResultStore

PATH = "/hooks/pagerduty"
SIGNATURE_HEADER = "x-pagerduty-signature"
LARGEST_EVENT = 256 * 1024
LEAST_SECRET = 16
_ACKNOWLEDGED = "incident.acknowledged"
_PERSON = "user_reference"
_LONGEST_NAME = 200


@dataclass(frozen=True, kw_only=True)
class PagerDutyHook:
    """The receiver of PagerDuty's webhooks.

    Args:
        secret: the signing secret of the subscription in PagerDuty.
    """

    secret: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse a secret that can be guessed."""
        if len(self.secret) < LEAST_SECRET:
            message = f"the signing secret has {len(self.secret)} characters; at least {LEAST_SECRET} are needed"
            raise ValueError(message)

    def is_signed(self, body: bytes, header: str) -> bool:
        """Return whether one of the signatures in a header, such as ``v1=...,v1=...``, belongs to the body."""
        wanted = "v1=" + hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        given = (part.strip().encode() for part in header.split(","))
        return any(hmac.compare_digest(part, wanted.encode()) for part in given)


class _Agent(BaseModel):
    type: str = ""
    summary: str | None = None
    id: str = ""


class _PagedIncident(BaseModel):
    incident_key: str | None = None
    html_url: str | None = None


class _Event(BaseModel):
    event_type: str
    agent: _Agent | None = None
    data: dict[str, object] = Field(default_factory=dict)


class _Webhook(BaseModel):
    event: _Event


def receive_event(settings: Settings, store: ResultStore, body: bytes, *, now: dt.datetime) -> bool:
    """Acknowledge the incident that a person acknowledged in PagerDuty; return whether that changed anything.

    Other events, events of machines, unknown, resolved and acknowledged incidents change nothing.
    """
    try:
        event = _Webhook.model_validate_json(body).event
        paged = _PagedIncident.model_validate(event.data)
    except ValidationError:
        return False
    key = PagerDutyKey.parse(paged.incident_key or "")
    # Our own acknowledgements come back as those of an integration.
    if event.event_type != _ACKNOWLEDGED or key is None or event.agent is None or event.agent.type != _PERSON:
        return False
    person = Person(name=_name(event.agent), at=now, reason=_reason(paged))
    try:
        store.handle_incident(
            key.incident_id,
            _acknowledge_once(person, key.since),
            partial(plan_alerts, settings.alerting_rules(), now=now),
            at=now,
        )
    except (UnknownIncidentError, _AlreadyInHandError):
        return False
    return True


class _AlreadyInHandError(Exception):
    """The incident needs no acknowledgement."""


def _acknowledge_once(person: Person, since: dt.datetime) -> Handle:
    """Acknowledge an incident unless it is over, or was acknowledged since the event that paged."""

    def act(stored: StoredIncident) -> Act:
        acknowledged_at = stored.handling.acknowledged_at
        is_over = stored.incident.state is IncidentState.RESOLVED
        if is_over or (acknowledged_at is not None and acknowledged_at >= since):
            raise _AlreadyInHandError
        return acknowledge(person)(stored)

    return act


def _name(agent: _Agent) -> str:
    return f"pagerduty: {' '.join((agent.summary or agent.id).split())[:_LONGEST_NAME]}"


def _reason(paged: _PagedIncident) -> str:
    address = paged.html_url or ""
    shown = f": {address}" if address.startswith("https://") and len(address) <= _LONGEST_NAME else ""
    return f"acknowledged in PagerDuty{shown}"

"""The JSON that webhooks and files receive: a published contract, shipped as alert.schema.json."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import fields
from hashlib import blake2s
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from monitoring_pipeline.alerting.messages.messages import Message, incident_report, verdict_page
from monitoring_pipeline.records.alert import ClaimedAlert
from monitoring_pipeline.records.incident import Finding, Handling, Incident, IncidentEvent, IncidentState
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.records.web_address import web_address
from monitoring_pipeline.spec.alerting import Links

SCHEMA_PATH = Path(__file__).parent / "alert.schema.json"


class FindingEntry(BaseModel):
    """One breached measurement as evidence; ``consequence`` is true where another finding probably explains it."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    kind: str
    subject: str
    name: str
    """The metric, with the part that it is measured of in brackets, such as ``recall[cancelled]``."""
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


class IncidentEntry(BaseModel):
    """One lasting problem of one model: a cause, from its opening to its resolution."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    model: str
    """The model."""
    cause: str
    """The cause that its breaches share, such as ``column:temperature`` or ``performance``; a backslash precedes each
    backslash, comma and @ of a name."""
    opened: str
    """Key of the chunk that opened it."""
    since: str
    """Key of its first breached chunk, which persistence may put before ``opened``."""
    last_breached: str
    """Key of its newest breached chunk."""
    resolved: str | None
    """Key of the chunk that resolved it; null while it lasts."""
    state: IncidentState
    """Where it stands."""
    severity: Severity
    """The worst that it has been since it was opened or reopened."""
    breached_chunks: int
    """Number of its breached chunks."""
    reopened: int
    """How often it came back."""
    title: str
    """One line for people."""
    findings: tuple[FindingEntry, ...]
    """Breaches of the newest breached chunk, causes before consequences, most severe first."""
    subjects: tuple[str, ...]
    """Every subject that was ever part of it, in order of appearance."""
    related: tuple[str, ...] = ()
    """Causes of other incidents on that chunk that come earlier in the flow of data."""
    explained_by: tuple[str, ...] = ()
    """Those of them that explain it, by the attribution of that chunk."""


class AlertEntry(BaseModel):
    """One event of one incident."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    key: str
    """Names this alert: the same whenever it is sent again, and different for every other."""
    mode: str
    """How it is told: now, digest, escalation, or update (what needs nobody's attention)."""
    event: IncidentEvent
    """What happened, at which chunk."""
    event_at: dt.datetime
    """When that was written."""
    incident_id: str
    """Name of the incident, as the command line takes it."""
    incident: IncidentEntry
    """The incident as it is now, with its evidence: counts and numbers, never rows."""
    handling: Handling
    """What people have said about it."""
    owner: str
    """Owner of the model."""
    runbook: str | None
    """Address of what to do."""
    url: str | None
    """Address of the chunk in Dagster's UI."""
    report: str | None = None
    """Address of the incident in the report of its model."""
    seen_before: str = ""
    """How often its cause had an incident before, and what the last one was found to be; empty if it had none."""


class AlertDocument(BaseModel):
    """One message: one alert, or all of a digest."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    version: Literal[1] = 1
    """Changes when a field is removed or means something else; new fields may come without."""
    idempotency_key: str
    """Names this message; equal to the header Idempotency-Key."""
    title: str
    """One line for people."""
    text: str
    """What has just happened, for people."""
    alerts: tuple[AlertEntry, ...] = Field(min_length=1)
    """What it tells."""


def alert_key(alert: ClaimedAlert) -> str:
    """Return the name of an alert in the outside world: 16 hexadecimal digits, equal whenever it is sent again.

    The number of a row alone would be the same in the store of another deployment.
    """
    moment = alert.event_at.astimezone(dt.UTC).isoformat(timespec="seconds")
    text = f"{alert.stored.incident_id}/{alert.alert_id}/{moment}"
    return blake2s(text.encode(), digest_size=8).hexdigest()


def message_key(alerts: Sequence[ClaimedAlert]) -> str:
    """Return the name of a message: that of its alert, or one made from those of all alerts of a digest."""
    keys = [alert_key(alert) for alert in alerts]
    return keys[0] if len(keys) == 1 else blake2s("/".join(keys).encode(), digest_size=8).hexdigest()


def alert_document(alerts: Sequence[ClaimedAlert], message: Message, *, links: Links) -> AlertDocument:
    """Return a message as the document that webhooks and files receive."""
    return AlertDocument(
        idempotency_key=message_key(alerts),
        title=message.title,
        text=message.happened,
        alerts=tuple(_entry(alert, links) for alert in alerts),
    )


def alert_schema() -> str:
    """Return the JSON Schema of the document, as shipped in ``SCHEMA_PATH``."""
    schema = AlertDocument.model_json_schema(mode="serialization")
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def _entry(alert: ClaimedAlert, links: Links) -> AlertEntry:
    stored = alert.stored
    return AlertEntry(
        key=alert_key(alert),
        mode=alert.mode,
        event=alert.event,
        event_at=alert.event_at,
        incident_id=stored.incident_id,
        incident=_incident_entry(stored.incident),
        handling=stored.handling,
        owner=stored.owner,
        runbook=web_address(stored.runbook),
        url=verdict_page(stored, links),
        report=incident_report(stored, links),
        seen_before=alert.seen_before,
    )


def _incident_entry(incident: Incident) -> IncidentEntry:
    plain: dict[str, Any] = {field.name: getattr(incident, field.name) for field in fields(incident)}
    causes = {name: tuple(cause.text for cause in plain[name]) for name in ("related", "explained_by")}
    findings = tuple(map(_finding_entry, incident.findings))
    entry: dict[str, Any] = {**plain, **causes, "cause": incident.cause.text, "findings": findings}
    return IncidentEntry(**entry)


def _finding_entry(finding: Finding) -> FindingEntry:
    plain: dict[str, Any] = {name: getattr(finding, name) for name in FindingEntry.model_fields}
    plain["name"] = str(finding.metric)
    return FindingEntry(**plain)

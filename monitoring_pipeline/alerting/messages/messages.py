"""From incidents to messages: plain data, which each channel renders in its own way."""

import datetime as dt
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from monitoring_pipeline.evaluation.weeks.week_of_model import WeekOfModel, worst_of
from monitoring_pipeline.evaluation.weeks.words import headline_of, sentences_of, title_of
from monitoring_pipeline.records.alert import ClaimedAlert
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import EventKind, Finding, Handling, IncidentState, StoredIncident
from monitoring_pipeline.records.measurement import Severity, VerdictStatus
from monitoring_pipeline.records.web_address import web_address
from monitoring_pipeline.spec.alerting import Links
from monitoring_pipeline.spec.week import Week

SHOWN_FINDINGS = 8
SHOWN_DIGEST_LINES = 40

_MARKS = {Severity.CRITICAL: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵"}
_RESOLVED_MARK = "✅"
_WEEK_MARK = "📅"
_SEVERITIES = {VerdictStatus.CRITICAL: Severity.CRITICAL, VerdictStatus.WARNING: Severity.WARNING}
_WEIGHT = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
_WITHOUT_CHUNKS = frozenset({Family.SPEC, Family.CHANNEL})
_WHAT_HAPPENED = {
    EventKind.OPENED: "Opened",
    EventKind.SPREAD: "Spread",
    EventKind.ESCALATED: "Escalated",
    EventKind.RESOLVED: "Resolved",
    EventKind.REOPENED: "Came back",
    EventKind.ACKNOWLEDGED: "Acknowledged",
    EventKind.MUTED: "Muted",
    EventKind.UNMUTED: "No longer muted",
    EventKind.OUTCOME: "Outcome recorded",
    EventKind.COMMENTED: "Comment",
}


@dataclass(frozen=True, kw_only=True)
class Message:
    """The content of a message, without the markup of a channel.

    Args:
        mark: a sign that shows the severity.
        title: one line.
        severity: the severity.
        resolved: whether it is over.
        happened: one line about the event.
        facts: labels and values.
        lines: the evidence, the incidents of a digest, or what changed in a week; one line each.
        lines_are: the heading of the lines where channels show one.
        commands: labels and commands to answer with.
        links: labels and addresses.
    """

    mark: str
    title: str
    severity: Severity
    resolved: bool
    happened: str
    facts: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()
    lines_are: str = "Evidence"
    commands: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[str, str], ...] = ()

    @property
    def headline(self) -> str:
        """The title with its sign."""
        return f"{self.mark} {self.title}"


def incident_message(alert: ClaimedAlert, *, links: Links) -> Message:
    """Return the message about the present state of an incident and its latest event.

    Args:
        alert: the alert.
        links: addresses of Dagster's UI and of the site, if they are known.
    """
    stored, incident = alert.stored, alert.stored.incident
    resolved = incident.state is IncidentState.RESOLVED
    return Message(
        mark=_mark(stored),
        title=f"{incident.model}: {incident.title}",
        severity=incident.severity,
        resolved=resolved,
        happened=_happened(alert),
        facts=_facts(alert),
        lines=finding_lines(incident.findings),
        commands=_commands(stored.incident_id, resolved=resolved),
        links=_links(stored, links),
    )


def digest_message(alerts: Sequence[ClaimedAlert], *, links: Links) -> Message:
    """Return one message about several incidents: a line for each, the worst first.

    Args:
        alerts: the alerts, in order; at least one.
        links: addresses of Dagster's UI and of the site, if they are known.
    """
    by_incident: dict[str, list[ClaimedAlert]] = {}
    for alert in alerts:
        by_incident.setdefault(alert.stored.incident_id, []).append(alert)
    worst_first = sorted(by_incident.values(), key=_digest_order)
    incidents = [group[-1].stored.incident for group in worst_first]
    models = len({incident.model for incident in incidents})
    unresolved = [incident for incident in incidents if incident.state is not IncidentState.RESOLVED]
    return Message(
        mark=_mark(worst_first[0][-1].stored),
        title=f"Digest: {_counted(len(incidents), 'incident')} of {_counted(models, 'model')}",
        severity=min((i.severity for i in unresolved), key=_WEIGHT.__getitem__, default=Severity.INFO),
        resolved=not unresolved,
        happened=f"{len(unresolved)} of {len(incidents)} not resolved",
        lines=_shortened([_digest_line(group) for group in worst_first], SHOWN_DIGEST_LINES),
        lines_are="Incidents",
        links=links.labelled,
    )


def week_message(week: Week, models: Sequence[WeekOfModel], *, links: Links) -> Message:
    """Return the message about a week: its headline, and the sentences about each model in which something changed.

    Args:
        week: the week.
        models: all models in it, the worst first.
        links: addresses of Dagster's UI and of the site, if they are known.
    """
    changed = [model for model in models if model.has_changed]
    lines = [f"{model.spec.name}: {sentence}" for model in changed for sentence in sentences_of(model)]
    worst = worst_of(model.worst for model in models if model.worst is not None)
    page = None if links.site is None else f"{links.site.rstrip('/')}/week?week={quote(week.key)}"
    return Message(
        mark=_WEEK_MARK,
        title=title_of(week),
        severity=_SEVERITIES.get(worst, Severity.INFO) if worst else Severity.INFO,
        resolved=False,
        happened=headline_of(models),
        lines=_shortened(lines, SHOWN_DIGEST_LINES),
        lines_are="What changed",
        links=(*([("The week", page)] if page else []), *links.labelled),
    )


def finding_lines(findings: Sequence[Finding]) -> tuple[str, ...]:
    """Return one line per finding: value, reference, significance, rows, and the first breached chunk."""
    return _shortened([finding_line(finding) for finding in findings], SHOWN_FINDINGS)


def finding_line(finding: Finding) -> str:
    """Return one finding as a line."""
    version = f" of version {finding.model_version}" if finding.model_version else ""
    segment = f" in {finding.segment}" if finding.segment else ""
    parts = [_change(finding), _allowed(finding), finding.reason, *_how_sure(finding)]
    line = f"{finding.kind} {finding.subject} {finding.metric}{version}{segment}: {'; '.join(p for p in parts if p)}"
    return f"{line} (probably a consequence)" if finding.consequence else line


def _change(finding: Finding) -> str:
    if finding.value is None:
        return ""
    now = f"{finding.value:.4g}"
    if finding.lower is not None and finding.upper is not None:
        now = f"{now} ({finding.lower:.4g} to {finding.upper:.4g})"
    return now if finding.reference_value is None else f"from {finding.reference_value:.4g} to {now}"


def _allowed(finding: Finding) -> str:
    lower, upper = finding.threshold_lower, finding.threshold_upper
    if lower is not None and upper is not None:
        return f"allowed {lower:.4g} to {upper:.4g}"
    if lower is not None:
        return f"allowed from {lower:.4g}"
    return "" if upper is None else f"allowed up to {upper:.4g}"


def _how_sure(finding: Finding) -> list[str]:
    sure = [] if finding.q_value is None else [f"q = {finding.q_value:.2g}"]
    rows = [f"{finding.rows:,} rows"] if finding.rows else []
    since = [f"since {finding.since}"] if finding.since else []
    return sure + rows + since


def _shortened(lines: Sequence[str], most: int) -> tuple[str, ...]:
    if len(lines) <= most:
        return tuple(lines)
    return (*lines[: most - 1], f"and {len(lines) - most + 1} more")


def _mark(stored: StoredIncident) -> str:
    return _RESOLVED_MARK if stored.incident.state is IncidentState.RESOLVED else _MARKS[stored.incident.severity]


def _happened(alert: ClaimedAlert) -> str:
    what = f"{_WHAT_HAPPENED[alert.event.kind]} ({alert.event.chunk}): {alert.event.summary}"
    if alert.mode == "escalation":
        return f"Nobody has acknowledged this since {_shown(alert.event_at)}. {what}"
    return what


def _facts(alert: ClaimedAlert) -> tuple[tuple[str, str], ...]:
    stored, incident = alert.stored, alert.stored.incident
    last = f", last {incident.last_breached}" if incident.last_breached != incident.since else ""
    facts = [
        ("Severity", str(incident.severity)),
        ("State", _state(stored)),
        ("Model", incident.model),
        ("Since", f"{incident.since} ({_counted(incident.breached_chunks, 'breached chunk')}{last})"),
        ("Incident", stored.incident_id),
        ("Owner", stored.owner),
        ("Explained by", _listed(incident.explained_by)),
        ("At the same time", _listed(incident.coinciding)),
        ("Seen before", alert.seen_before),
    ]
    return tuple((label, value) for label, value in facts if value)


def _listed(causes: Sequence[Cause]) -> str:
    return ", ".join(cause.shown() for cause in causes)


def _state(stored: StoredIncident) -> str:
    resolved = f" at {stored.incident.resolved}" if stored.incident.resolved else ""
    return "; ".join([f"{stored.incident.state}{resolved}", *_said(stored.handling)])


def _said(handling: Handling) -> list[str]:
    said: list[str] = []
    if handling.acknowledged_by:
        said.append(f"acknowledged by {handling.acknowledged_by}")
    if handling.muted_until is not None:
        said.append(f"muted until {_shown(handling.muted_until)}")
    if handling.outcome is not None:
        said.append(f"found to be {handling.outcome}")
    return said


def _commands(incident_id: str, *, resolved: bool) -> tuple[tuple[str, str], ...]:
    command = "monitoring-pipeline incidents"
    name = shlex.quote(incident_id)
    outcome = ("Say what it was", f"{command} outcome {name} real|noise|planned")
    if resolved:
        return (outcome,)
    return (
        ("Acknowledge", f'{command} acknowledge {name} --reason "..."'),
        ("Mute", f'{command} mute {name} --until DATE --reason "..."'),
        outcome,
    )


def _links(stored: StoredIncident, links: Links) -> tuple[tuple[str, str], ...]:
    """Return the labels and addresses of a message: the report, which says why, comes first."""
    found = (
        ("Report", incident_report(stored, links)),
        ("Runbook", web_address(stored.runbook)),
        ("Dagster", verdict_page(stored, links)),
    )
    return tuple((label, address) for label, address in found if address is not None)


def incident_report(stored: StoredIncident, links: Links) -> str | None:
    """Return the address of the incident in the report of its model."""
    if links.site is None or stored.incident.cause.family is Family.CHANNEL:
        return None
    return f"{links.site.rstrip('/')}/incidents/{quote(stored.incident_id)}"


def verdict_page(stored: StoredIncident, links: Links) -> str | None:
    """Return the address of the incident's newest breached chunk in Dagster's UI; files and channels have no chunks."""
    incident = stored.incident
    if links.dagster is None or incident.cause.family in _WITHOUT_CHUNKS:
        return None
    key = "/".join(quote(part) for part in (links.prefix, incident.model, "verdict") if part)
    page = f"{links.dagster.rstrip('/')}/assets/{key}"
    # Without the view, Dagster ignores the partition and shows the newest one.
    return f"{page}?view=partitions&partition={quote(incident.last_breached)}"


def _digest_order(group: Sequence[ClaimedAlert]) -> tuple[bool, int, str, int]:
    incident = group[-1].stored.incident
    resolved = incident.state is IncidentState.RESOLVED
    return resolved, _WEIGHT[incident.severity], incident.model, group[0].alert_id


def _digest_line(group: Sequence[ClaimedAlert]) -> str:
    stored = group[-1].stored
    happened = ", ".join(dict.fromkeys(_WHAT_HAPPENED[alert.event.kind].lower() for alert in group))
    incident = stored.incident
    return (
        f"{_mark(stored)} {incident.model}: {incident.title} - {happened}; since {incident.since} "
        f"({stored.incident_id}, {_state(stored)})"
    )


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def _shown(moment: dt.datetime) -> str:
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"

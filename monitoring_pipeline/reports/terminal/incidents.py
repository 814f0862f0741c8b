"""Tables of incidents and decisions for the terminal."""

from collections.abc import Iterator, Sequence

from rich.markup import escape
from rich.table import Table
from rich.text import Text

from monitoring_pipeline.evaluation.versions.gate import GateResult
from monitoring_pipeline.records.cause import Cause
from monitoring_pipeline.records.decision import Decision
from monitoring_pipeline.records.incident import Finding, StoredIncident
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.store.incidents import LoggedEvent

STYLE = {Severity.INFO: "dim", Severity.WARNING: "yellow", Severity.CRITICAL: "bold red"}


def incident_table(incidents: Sequence[StoredIncident], which: str) -> Table:
    """Return one line per incident."""
    table = Table(title=f"incidents: {which}" if incidents else f"incidents, {which}: none")
    for name in ("name", "model", "severity", "state", "opened", "last breached", "chunks", "title", "answers"):
        table.add_column(name)
    for entry in incidents:
        incident = entry.incident
        table.add_row(
            entry.incident_id,
            incident.model,
            Text(str(incident.severity), style=STYLE[incident.severity]),
            str(incident.state),
            incident.opened,
            incident.last_breached,
            str(incident.breached_chunks),
            escape(incident.title),
            escape(_answers(entry)),
        )
    return table


def incident_page(stored: StoredIncident, log: Sequence[LoggedEvent]) -> Iterator[Table]:
    """Yield the tables about one incident: its facts, its findings, its events."""
    yield _facts(stored)
    findings = Table(title="findings")
    for name in ("finding", "value", "interval", "reference", "allowed", "unbroken since", "rows", "why"):
        findings.add_column(name)
    for finding in stored.incident.findings:
        findings.add_row(*_finding_cells(finding))
    yield findings
    events = Table(title="events")
    for name in ("chunk", "event", "severity", "written (UTC)", "announced", "summary"):
        events.add_column(name)
    for logged in log:
        event = logged.event
        announced = "yes" if logged.told else "no, history"
        at = f"{logged.at:%Y-%m-%d %H:%M}"
        events.add_row(event.chunk, str(event.kind), str(event.severity), at, announced, escape(event.summary))
    yield events


def decision_table(model: str, decisions: Sequence[Decision]) -> Table:
    """Return the history of a model's decisions, one line each."""
    table = Table(title=f"{model}: decisions" if decisions else f"{model}: no decisions")
    for name in ("at (UTC)", "topic", "answer", "version", "chunk", "by", "why"):
        table.add_column(name)
    for decision in decisions:
        table.add_row(
            f"{decision.at:%Y-%m-%d %H:%M}",
            decision.topic.value,
            decision.answer_text,
            decision.model_version or "",
            decision.chunk or "",
            escape(decision.actor),
            escape(decision.reason),
        )
    return table


def gate_table(title: str, result: GateResult) -> Table:
    """Return the gate's checks, one line each, and its answer."""
    answers = {True: "passed", False: "refused", None: "could not be measured"}
    table = Table(title=f"{escape(title)}: {answers[result.passed]}", caption=escape("; ".join(result.reasons)))
    for name in ("check", "champion", "challenger", "difference [interval]", "allowed", "passed"):
        table.add_column(escape(name))
    for check in result.checks:
        bounds = "" if check.lower is None or check.upper is None else f" [{check.lower:.4g}, {check.upper:.4g}]"
        table.add_row(
            escape(check.name),
            _number(check.champion),
            _number(check.challenger),
            _number(check.difference) + bounds,
            _number(check.allowed),
            {True: "yes", False: "no", None: "not measured"}[check.passed],
        )
    return table


def _facts(stored: StoredIncident) -> Table:
    incident = stored.incident
    table = Table(title=f"{stored.incident_id}: {escape(incident.title)}", show_header=False)
    facts = {
        "model": incident.model,
        "cause": incident.cause.text,
        "severity": str(incident.severity),
        "state": str(incident.state) + (f" on {incident.resolved}" if incident.resolved else ""),
        "since": f"{incident.since}, opened {incident.opened}, last breached {incident.last_breached}",
        "breached chunks": str(incident.breached_chunks),
        "explained by": _listed(incident.explained_by),
        "at the same time": _listed(incident.coinciding) or "no other cause",
        "owner": stored.owner,
        "runbook": stored.runbook or "",
        "answers": _answers(stored),
    }
    for name, value in facts.items():
        if value:
            table.add_row(name, escape(value))
    return table


def _listed(causes: Sequence[Cause]) -> str:
    return ", ".join(cause.text for cause in causes)


def _finding_cells(finding: Finding) -> tuple[str, ...]:
    number = f"{finding.subject} {finding.metric}" if finding.subject != "model" else str(finding.metric)
    limits = [
        f"{word} {limit:.4g}"
        for word, limit in (("at least", finding.threshold_lower), ("at most", finding.threshold_upper))
        if limit is not None
    ]
    interval = "" if finding.lower is None or finding.upper is None else f"{finding.lower:.4g} to {finding.upper:.4g}"
    consequence = " (a consequence)" if finding.consequence else ""
    return (
        escape(number + consequence),
        _number(finding.value),
        interval,
        _number(finding.reference_value),
        ", ".join(limits),
        finding.since,
        str(finding.rows or ""),
        escape(finding.reason),
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _answers(stored: StoredIncident) -> str:
    handling = stored.handling
    answers = [
        *([f"acknowledged by {handling.acknowledged_by}"] if handling.acknowledged_by else []),
        *([f"muted until {handling.muted_until:%Y-%m-%d %H:%M} UTC"] if handling.muted_until else []),
        *([str(handling.outcome)] if handling.outcome else []),
    ]
    return ", ".join(answers)

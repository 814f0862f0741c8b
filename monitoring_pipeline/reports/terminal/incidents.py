"""Reports about incidents, decisions and the gate."""

from collections.abc import Iterator, Sequence

from monitoring_pipeline.evaluation.versions.gate import GateResult
from monitoring_pipeline.records.cause import Cause
from monitoring_pipeline.records.decision import Decision
from monitoring_pipeline.records.incident import Finding, LoggedEvent, StoredIncident
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.reports.report import Record, Report, Styled
from monitoring_pipeline.reports.terminal.cells import number_cell

STYLE = {Severity.INFO: "dim", Severity.WARNING: "yellow", Severity.CRITICAL: "bold red"}
INCIDENT_FIELDS = (
    "incident", "model", "cause", "severity", "state", "since", "opened", "last_breached", "resolved",
    "breached_chunks", "reopened", "title", "subjects", "explained_by", "coinciding", "owner", "runbook",
    "acknowledged_by", "acknowledged_at", "muted_until", "outcome",
)  # fmt: skip
PAGE_FIELDS = (*INCIDENT_FIELDS, "seen_before")
FINDING_FIELDS = (
    "incident", "kind", "subject", "name", "of", "model_version", "segment", "severity", "value", "lower", "upper",
    "reference_value", "threshold_lower", "threshold_upper", "q_value", "rows", "since", "consequence", "reason",
)  # fmt: skip
EVENT_FIELDS = ("incident", "chunk", "event", "severity", "at", "announced", "summary")
DECISION_FIELDS = (
    "model", "at", "topic", "answer", "model_version", "chunk", "incident", "actor", "reason", "key",
)  # fmt: skip
GATE_FIELDS = (
    "model", "model_version", "check", "champion", "challenger", "difference", "lower", "upper", "allowed", "passed",
    "reason", "gate_passed", "gate_reasons",
)  # fmt: skip


def incident_table(incidents: Sequence[StoredIncident], which: str) -> Report:
    """Return one line per incident."""
    return Report(
        title=f"incidents: {which}" if incidents else f"incidents, {which}: none",
        columns=("name", "model", "severity", "state", "opened", "last breached", "chunks", "title", "answers"),
        lines=tuple(
            (
                entry.incident_id,
                entry.incident.model,
                Styled(str(entry.incident.severity), STYLE[entry.incident.severity]),
                str(entry.incident.state),
                entry.incident.opened,
                entry.incident.last_breached,
                str(entry.incident.breached_chunks),
                entry.incident.title,
                _answers(entry),
            )
            for entry in incidents
        ),
        fields=INCIDENT_FIELDS,
        records=tuple(map(_incident_record, incidents)),
        name="incidents",
    )


def incident_page(stored: StoredIncident, log: Sequence[LoggedEvent], seen_before: str) -> Iterator[Report]:
    """Yield the reports about one incident: its facts, its findings, its events.

    Args:
        stored: the incident.
        log: its events.
        seen_before: the sentence about earlier incidents of its cause; empty if there is none.
    """
    yield _facts(stored, seen_before)
    yield _findings(stored)
    yield _events(stored, log)


def decision_table(model: str, decisions: Sequence[Decision]) -> Report:
    """Return the history of a model's decisions, one line each."""
    return Report(
        title=f"{model}: decisions" if decisions else f"{model}: no decisions",
        columns=("at (UTC)", "topic", "answer", "version", "chunk", "by", "why"),
        lines=tuple(
            (
                f"{decision.at:%Y-%m-%d %H:%M}",
                decision.topic.value,
                decision.answer_text,
                decision.model_version or "",
                decision.chunk or "",
                decision.actor,
                decision.reason,
            )
            for decision in decisions
        ),
        fields=DECISION_FIELDS,
        records=tuple(map(_decision_record, decisions)),
        name="decisions",
    )


def gate_table(model: str, version: str, result: GateResult) -> Report:
    """Return the gate's checks, one line each, and its answer."""
    answers = {True: "passed", False: "refused", None: "could not be measured"}
    of_gate = {
        "model": model, "model_version": version, "gate_passed": result.passed, "gate_reasons": list(result.reasons),
    }  # fmt: skip
    return Report(
        title=f"{model} version {version}: {answers[result.passed]}",
        columns=("check", "champion", "challenger", "difference [interval]", "allowed", "passed"),
        lines=tuple(
            (
                check.name,
                number_cell(check.champion),
                number_cell(check.challenger),
                number_cell(check.difference)
                + ("" if check.lower is None or check.upper is None else f" [{check.lower:.4g}, {check.upper:.4g}]"),
                number_cell(check.allowed),
                {True: "yes", False: "no", None: "not measured"}[check.passed],
            )
            for check in result.checks
        ),
        fields=GATE_FIELDS,
        records=tuple(
            of_gate | {"check": check.name} | {name: getattr(check, name) for name in GATE_FIELDS[3:11]}
            for check in result.checks
        )
        or (of_gate,),
        note="; ".join(result.reasons),
    )


def _incident_record(stored: StoredIncident) -> Record:
    incident, handling = stored.incident, stored.handling
    return {
        **{field: getattr(incident, field) for field in INCIDENT_FIELDS if hasattr(incident, field)},
        **{field: getattr(handling, field) for field in INCIDENT_FIELDS if hasattr(handling, field)},
        "incident": stored.incident_id,
        "cause": incident.cause.text,
        "explained_by": [cause.text for cause in incident.explained_by],
        "coinciding": [cause.text for cause in incident.coinciding],
        "owner": stored.owner,
        "runbook": stored.runbook,
    }


def _decision_record(decision: Decision) -> Record:
    return {
        **{field: getattr(decision, field) for field in DECISION_FIELDS if hasattr(decision, field)},
        "answer": decision.answer_text,
        "incident": decision.incident_id,
    }


def _facts(stored: StoredIncident, seen_before: str) -> Report:
    incident = stored.incident
    facts = {
        "model": incident.model,
        "cause": incident.cause.shown([finding.subject for finding in incident.findings]),
        "severity": str(incident.severity),
        "state": str(incident.state) + (f" on {incident.resolved}" if incident.resolved else ""),
        "since": f"{incident.since}, opened {incident.opened}, last breached {incident.last_breached}",
        "breached chunks": str(incident.breached_chunks),
        "explained by": _listed(incident.explained_by),
        "at the same time": _listed(incident.coinciding) or "no other cause",
        "seen before": seen_before,
        "owner": stored.owner,
        "runbook": stored.runbook or "",
        "answers": _answers(stored),
    }
    return Report(
        title=f"{stored.incident_id}: {incident.title}",
        columns=("", ""),
        lines=tuple((name, value) for name, value in facts.items() if value),
        fields=PAGE_FIELDS,
        records=({**_incident_record(stored), "seen_before": seen_before},),
        name="incident",
    )


def _findings(stored: StoredIncident) -> Report:
    findings = stored.incident.findings
    return Report(
        title="findings",
        columns=("finding", "value", "interval", "reference", "allowed", "unbroken since", "rows", "why"),
        lines=tuple(map(_finding_cells, findings)),
        fields=FINDING_FIELDS,
        records=tuple(
            {field: getattr(finding, field) for field in FINDING_FIELDS[1:]} | {"incident": stored.incident_id}
            for finding in findings
        ),
        name="findings",
    )


def _events(stored: StoredIncident, log: Sequence[LoggedEvent]) -> Report:
    return Report(
        title="events",
        columns=("chunk", "event", "severity", "written (UTC)", "announced", "summary"),
        lines=tuple(
            (
                logged.event.chunk,
                str(logged.event.kind),
                str(logged.event.severity),
                f"{logged.at:%Y-%m-%d %H:%M}",
                "yes" if logged.told else "no, history",
                logged.event.summary,
            )
            for logged in log
        ),
        fields=EVENT_FIELDS,
        records=tuple(
            {
                "incident": stored.incident_id,
                "chunk": logged.event.chunk,
                "event": logged.event.kind,
                "severity": logged.event.severity,
                "at": logged.at,
                "announced": logged.told,
                "summary": logged.event.summary,
            }
            for logged in log
        ),
        name="events",
    )


def _listed(causes: Sequence[Cause]) -> str:
    return ", ".join(cause.shown() for cause in causes)


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
        number + consequence,
        number_cell(finding.value),
        interval,
        number_cell(finding.reference_value),
        ", ".join(limits),
        finding.since,
        str(finding.rows or ""),
        finding.reason,
    )


def _answers(stored: StoredIncident) -> str:
    handling = stored.handling
    answers = [
        *([f"acknowledged by {handling.acknowledged_by}"] if handling.acknowledged_by else []),
        *([f"muted until {handling.muted_until:%Y-%m-%d %H:%M} UTC"] if handling.muted_until else []),
        *([str(handling.outcome)] if handling.outcome else []),
    ]
    return ", ".join(answers)

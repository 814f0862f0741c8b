"""What the section of an incident says."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitoring_pipeline.evaluation.drift.drifted import ALL_FEATURES
from monitoring_pipeline.evaluation.incidents.seen_before import earlier_incidents
from monitoring_pipeline.records.cause import Family
from monitoring_pipeline.records.decision import Decision, Topic
from monitoring_pipeline.records.incident import Finding, Incident, IncidentState, StoredIncident
from monitoring_pipeline.records.measurement import Kind, Severity
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.records.web_address import web_address
from monitoring_pipeline.web_pages.charts.chart import Chart
from monitoring_pipeline.web_pages.charts.history import History, Span, history_chart
from monitoring_pipeline.web_pages.contents.columns import Column
from monitoring_pipeline.web_pages.contents.explanation import contributions_to
from monitoring_pipeline.web_pages.contents.table import Cell, Fact, Table
from monitoring_pipeline.web_pages.numbers import allowed, interval, named, number
from monitoring_pipeline.web_pages.reading import IncidentRecords, ModelRecords

BY_PEOPLE = frozenset({Topic.ACKNOWLEDGEMENT, Topic.MUTE, Topic.OUTCOME, Topic.COMMENT})
"""What people say about an incident; each is also an event of it."""
FINDINGS_SHOWN = 15
LEAST_ALIKE, SUBJECTS_NAMED = 3, 12
"""So many columns of which the same is breached have one line together, which names so many of them."""
COLUMNS_SHOWN = 4


@dataclass(frozen=True, kw_only=True)
class IncidentContents:
    """The section of one incident, in the order of reading.

    Args:
        name: the incident's name, by which commands and addresses know it.
        model: its model.
        title: one line.
        sentence: the verdict in one sentence: what, since when, how bad, and what explains it.
        state: its state.
        severity: its severity.
        is_active: whether it lasts.
        is_of_chunk: whether the chunk of the page belongs to it.
        is_acknowledged: whether somebody works on it.
        is_muted: whether no alerts are sent about it.
        facts: state, owner, times and answers.
        history: the number that it is about, over the chunks.
        confusion: how often each class was decided as each class, if it is about performance.
        findings: what is breached.
        contributions: what the change of its metric consists of.
        columns: its columns with their distributions.
        causes: other causes at the same time, and whether the attribution supports them.
        seen_before: earlier incidents of the same cause.
        events: what happened to it, and who was told.
        runbook: address of the instructions.
        commands: what a person can do, as commands.
    """

    name: str
    model: str
    title: str
    sentence: str
    state: str
    severity: str
    is_active: bool
    is_of_chunk: bool
    is_acknowledged: bool
    is_muted: bool
    facts: tuple[Fact, ...]
    history: Chart | None
    confusion: Chart | None
    findings: Table
    contributions: tuple[Table, ...]
    columns: tuple[Column, ...]
    causes: tuple[str, ...]
    seen_before: Table
    events: Table
    runbook: str | None
    commands: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class EarlierIncident:
    """The line of an incident that was resolved before those that have a section.

    Args:
        name: the incident's name.
        title: one line.
        severity: its severity.
        since: its first chunk.
        resolved: the chunk on which it was resolved.
        said: what people said about it.
    """

    name: str
    title: str
    severity: str
    since: str
    resolved: str
    said: str


def earlier_incident(records: ModelRecords, incident: IncidentRecords) -> EarlierIncident:
    """Return the line of a resolved incident."""
    stored = incident.stored
    said = [d for d in records.decisions if d.incident_id == stored.incident_id and d.topic in BY_PEOPLE]
    return EarlierIncident(
        name=stored.incident_id,
        title=stored.incident.title,
        severity=str(stored.incident.severity),
        since=stored.incident.since,
        resolved=stored.incident.resolved or "",
        said=_said(said[-1] if said else None),
    )


def incident_contents(
    records: ModelRecords, incident: IncidentRecords, columns: Sequence[Column], confusion: Chart | None = None
) -> IncidentContents:
    """Return the section of an incident.

    Args:
        records: everything about its model.
        incident: the incident.
        columns: the columns of the chunk that the page is about.
        confusion: how often each class was decided as each class on that chunk.
    """
    stored = incident.stored
    is_of_chunk = is_of(records.chunk.key, stored)
    return IncidentContents(
        name=stored.incident_id,
        model=stored.incident.model,
        title=stored.incident.title,
        sentence=sentence_of(stored, records.spec.calendar.noun),
        state=str(stored.incident.state),
        severity=str(stored.incident.severity),
        is_active=stored.incident.state is not IncidentState.RESOLVED,
        is_of_chunk=is_of_chunk,
        is_acknowledged=stored.handling.acknowledged_by is not None,
        is_muted=stored.handling.muted_until is not None,
        facts=tuple(_facts(stored)),
        history=_history(records, incident),
        confusion=confusion if is_of_chunk and stored.incident.cause.family is Family.PERFORMANCE else None,
        findings=findings_table(stored.incident.findings),
        contributions=_contributions(records, stored) if is_of_chunk else (),
        columns=_columns(stored, columns) if is_of_chunk else (),
        causes=tuple(_causes(stored)),
        seen_before=_seen_before(records, stored),
        events=_events(incident, records.decisions),
        runbook=web_address(stored.runbook),
        commands=tuple(_commands(stored)),
    )


def _contributions(records: ModelRecords, stored: StoredIncident) -> tuple[Table, ...]:
    findings = [f for f in stored.incident.findings if f.kind is Kind.PERFORMANCE and not f.segment]
    if stored.incident.cause.family is not Family.PERFORMANCE or not findings:
        return ()
    return contributions_to(records.spec, records.measurements, findings[0].metric, findings[0].model_version)


def is_of(chunk: str, stored: StoredIncident) -> bool:
    """Return whether a chunk belongs to an incident, so that the columns of the chunk are those of the incident."""
    last = None if stored.incident.state is not IncidentState.RESOLVED else stored.incident.last_breached
    return stored.incident.since <= chunk and (last is None or chunk <= last)


def _columns(stored: StoredIncident, columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return the columns of an incident; where all features together have drifted, also those that moved most."""
    concerned = set(stored.incident.subjects)
    own = [column for column in columns if column.name in concerned]
    others = [column for column in columns if column not in own] if ALL_FEATURES in concerned else []
    return tuple([*own, *others][:COLUMNS_SHOWN])


def sentence_of(stored: StoredIncident, noun: str) -> str:
    """Return the verdict on an incident in one sentence."""
    incident = stored.incident
    if incident.state is IncidentState.RESOLVED:
        when = f"resolved on {incident.resolved}, after {_counted(incident.breached_chunks, noun)}"
    elif incident.since == incident.last_breached:
        when = f"since {incident.since}"
    else:
        when = f"since {incident.since}, {_counted(incident.breached_chunks, noun)} breached"
    back = f", came back {_times(incident.reopened)}" if incident.reopened else ""
    reason = incident.findings[0].reason if incident.findings else ""
    why = f": {reason}" if reason else ""
    explained = (
        f" It is explained by {_listed(c.text for c in incident.explained_by)}." if incident.explained_by else ""
    )
    return f"{_severity(incident).capitalize()}, {when}{back}{why}.{explained}".replace("..", ".")


def _severity(incident: Incident) -> str:
    """Return the words for its severity, the worst that it had, with "now info" if its findings are only that."""
    is_info = all(finding.severity is Severity.INFO for finding in incident.findings)
    if not is_info or not incident.findings or incident.severity is Severity.INFO:
        return str(incident.severity)
    return f"{incident.severity}, now info"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _facts(stored: StoredIncident) -> Iterable[Fact]:
    incident, handling = stored.incident, stored.handling
    yield Fact("state", str(incident.state), "" if incident.state is IncidentState.RESOLVED else str(incident.severity))
    yield Fact("severity", _severity(incident), str(incident.severity))
    yield Fact("cause", incident.cause.shown([finding.subject for finding in incident.findings]))
    yield Fact("owner", stored.owner)
    yield Fact("opened", incident.opened)
    yield Fact("last breached", incident.last_breached)
    if incident.resolved:
        yield Fact("resolved", incident.resolved)
    yield Fact("breached chunks", number(incident.breached_chunks))
    yield Fact("acknowledged", f"by {handling.acknowledged_by}" if handling.acknowledged_by else "by nobody")
    if handling.muted_until:
        yield Fact("muted until", f"{handling.muted_until:%Y-%m-%d %H:%M} UTC")
    if handling.outcome:
        yield Fact("found to be", str(handling.outcome))


def _history(records: ModelRecords, incident: IncidentRecords) -> Chart | None:
    if not incident.history:
        return None
    stored = incident.stored.incident
    finding = stored.findings[0]
    reference = records.references.get(finding.model_version)
    last = min(stored.resolved or stored.last_breached, records.period.chunk)
    return history_chart(
        History(
            name=_name_of(finding),
            measured=[(key, m) for key, m in incident.history if m.kind is finding.kind],
            estimated=[
                (key, m)
                for key, m in incident.history
                if m.kind is Kind.ESTIMATED_PERFORMANCE and finding.kind is Kind.PERFORMANCE
            ],
            reference=reference.measured(MetricName(*finding.metric)) if reference and _is_metric(finding) else None,
            spans=(Span(max(stored.since, records.period.keys[0]), last),),
            time_of=lambda key: records.spec.calendar.chunk(key).start.astimezone(records.spec.zone),
            noun=records.spec.calendar.noun,
            is_over=stored.state is IncidentState.RESOLVED,
        )
    )


def _name_of(finding: Finding) -> str:
    """Return the name of the number that a chart of a finding shows."""
    of_model = _is_metric(finding) or finding.subject == "model"
    return (str(finding.metric) if of_model else f"{finding.metric} of {finding.subject}") + _where(finding)


def _where(finding: Finding) -> str:
    return f" where {finding.segment}" if finding.segment else ""


def _is_metric(finding: Finding) -> bool:
    is_of_window = finding.kind is Kind.WINDOW and finding.subject == "model"
    return is_of_window or finding.kind in {Kind.PERFORMANCE, Kind.ESTIMATED_PERFORMANCE}


def findings_table(findings: Sequence[Finding]) -> Table:
    """Return a line for each breach; columns with the same breach share one."""
    groups = _alike(findings)
    more = sum(map(len, groups[FINDINGS_SHOWN:]))
    return Table(
        caption=f"What is breached{f' ({more} more are not shown)' if more else ''}",
        columns=("what", "value", "95 % interval", "reference", "allowed", "since", "rows", "why"),
        rows=tuple(
            _group(group) if len(group) >= LEAST_ALIKE else _finding(group[0]) for group in groups[:FINDINGS_SHOWN]
        ),
    ).without_empty_columns


def _alike(findings: Iterable[Finding]) -> list[tuple[Finding, ...]]:
    """Return findings that say the same of several columns together, each other one alone, in their order."""
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for finding in findings:
        key = (finding.metric, finding.kind, finding.severity, finding.consequence, finding.since, finding.segment)
        groups.setdefault(key, []).append(finding)
    together = [[group] if len(group) >= LEAST_ALIKE else [[finding] for finding in group] for group in groups.values()]
    return [tuple(group) for parts in together for group in parts]


def _group(group: Sequence[Finding]) -> tuple[Cell, ...]:
    first = group[0]
    subjects = list(dict.fromkeys(finding.subject for finding in group))
    named_subjects = ", ".join(subjects[:SUBJECTS_NAMED])
    more = len(subjects) - SUBJECTS_NAMED
    rest = f" and {more} more" if more > 0 else ""
    return (
        Cell(
            f"{len(subjects)} columns, {first.metric}{_where(first)}: {named_subjects}{rest}",
            str(first.severity),
        ),
        Cell(_range(first.name, [finding.value for finding in group]), is_number=True),
        Cell(""),
        Cell(_range(first.name, [finding.reference_value for finding in group]), is_number=True),
        Cell(_one_of([allowed(first.name, f.threshold_lower, f.threshold_upper) for f in group])),
        Cell(first.since),
        Cell(_range("", [float(finding.rows) for finding in group if finding.rows]), is_number=True),
        Cell(f"such as {_why(first)}"),
    )


def _range(name: str, values: Iterable[float | None]) -> str:
    """Return the least and the largest of some numbers, or the one that they show alike."""
    known = sorted(value for value in values if value is not None)
    texts = list(dict.fromkeys(named(name, value) for value in (known[:1] + known[-1:])))
    return " to ".join(texts)


def _one_of(texts: Sequence[str]) -> str:
    return texts[0] if len(set(texts)) == 1 else f"such as {texts[0]}"


def _finding(finding: Finding) -> tuple[Cell, ...]:
    name = finding.name
    return (
        Cell(f"{finding.subject} {finding.metric}{_where(finding)}", str(finding.severity)),
        Cell(named(name, finding.value), is_number=True),
        Cell(interval(name, finding.lower, finding.upper), is_number=True),
        Cell("" if finding.reference_value is None else named(name, finding.reference_value), is_number=True),
        Cell(allowed(name, finding.threshold_lower, finding.threshold_upper)),
        Cell(finding.since),
        Cell(number(finding.rows) if finding.rows else "", is_number=True),
        Cell(_why(finding)),
    )


def _why(finding: Finding) -> str:
    return finding.reason + (" (a consequence of another finding)" if finding.consequence else "")


def _causes(stored: StoredIncident) -> Iterable[str]:
    incident = stored.incident
    for cause in incident.explained_by:
        yield f"{cause.shown()}: explains it, by the attribution of the change"
    for cause in incident.coinciding:
        yield f"{cause.shown()}: at the same time; nothing measured says that it explains this"


def _seen_before(records: ModelRecords, stored: StoredIncident) -> Table:
    earlier = earlier_incidents(stored, (entry.stored for entry in records.incidents))
    said = {decision.incident_id: decision for decision in records.decisions if decision.topic in BY_PEOPLE}
    return Table(
        caption="Seen before: earlier incidents of this cause",
        columns=("incident", "from", "to", "chunks", "what people said"),
        rows=tuple(
            (
                Cell(entry.incident.title, str(entry.incident.severity), f"#incident-{entry.incident_id}"),
                Cell(entry.incident.since),
                Cell(entry.incident.resolved or "lasts"),
                Cell(number(entry.incident.breached_chunks), is_number=True),
                Cell(_said(said.get(entry.incident_id))),
            )
            for entry in earlier
        ),
    )


def _said(decision: Decision | None) -> str:
    if decision is None:
        return "nothing"
    return f"{decision.answer_text}, {decision.actor}" + (f": {decision.reason}" if decision.reason else "")


def _events(incident: IncidentRecords, decisions: Sequence[Decision]) -> Table:
    told = [
        (entry.chunk, f"{entry.due_at:%Y-%m-%d %H:%M}", f"{entry.channel}: {entry.state}", _message(entry.error))
        for entry in incident.deliveries
    ]
    happened = [
        (
            entry.event.chunk,
            f"{entry.at:%Y-%m-%d %H:%M}",
            str(entry.event.kind),
            entry.event.summary + ("" if entry.told else " (history: nobody was told)"),
        )
        for entry in incident.log
    ]
    said = [
        (
            decision.chunk or "",
            f"{decision.at:%Y-%m-%d %H:%M}",
            f"{decision.actor}: {decision.answer_text}",
            decision.reason,
        )
        for decision in decisions
        if decision.incident_id == incident.stored.incident_id and decision.topic not in BY_PEOPLE
    ]
    lines = sorted([*happened, *told, *said], key=lambda line: line[1])
    return Table(
        caption="What happened, and who was told",
        columns=("chunk", "time (UTC)", "event", "about"),
        rows=tuple(tuple(Cell(text) for text in line) for line in lines),
    )


def _message(error: str | None) -> str:
    return f"the message could not be delivered: {error}" if error else "a message"


def _commands(stored: StoredIncident) -> Iterable[str]:
    name = stored.incident_id
    if stored.incident.state is not IncidentState.RESOLVED and not stored.handling.acknowledged_by:
        yield f'monitoring-pipeline incidents acknowledge {name} --reason "..."'
    if stored.incident.state is not IncidentState.RESOLVED and not stored.handling.muted_until:
        yield f'monitoring-pipeline incidents mute {name} --until DAY --reason "..."'
    if stored.handling.outcome is None:
        yield f"monitoring-pipeline incidents outcome {name} real"
    yield f"monitoring-pipeline incidents show {name}"

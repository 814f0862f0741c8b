"""What the page of a model says."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitoring_pipeline.evaluation.drift.drifted import drifted_of
from monitoring_pipeline.evaluation.judgement.verdict import deciding_reasons
from monitoring_pipeline.evaluation.operations.effort import effort_words
from monitoring_pipeline.evaluation.periods import HEADLINE_METRIC
from monitoring_pipeline.records.cause import Family
from monitoring_pipeline.records.incident import IncidentState, StoredIncident
from monitoring_pipeline.records.measurement import SERVING, WEIGHT, Kind, Measurement, Status
from monitoring_pipeline.records.spec_text import SpecText
from monitoring_pipeline.records.web_address import web_address
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.web_pages.charts.chart import Chart
from monitoring_pipeline.web_pages.charts.history import History, Span, history_chart
from monitoring_pipeline.web_pages.contents.budget import BudgetContents, budget_contents
from monitoring_pipeline.web_pages.contents.columns import Column, columns_of, status_of
from monitoring_pipeline.web_pages.contents.confusion import confusion_chart
from monitoring_pipeline.web_pages.contents.explanation import attribution_table, split_tables
from monitoring_pipeline.web_pages.contents.fairness import gaps_table, groups_table
from monitoring_pipeline.web_pages.contents.incident import (
    BY_PEOPLE,
    EarlierIncident,
    IncidentContents,
    earlier_incident,
    incident_contents,
    is_of,
)
from monitoring_pipeline.web_pages.contents.measures import measures_table
from monitoring_pipeline.web_pages.contents.money import cost_table, value_table
from monitoring_pipeline.web_pages.contents.operations import serving_table
from monitoring_pipeline.web_pages.contents.quality import DimensionOfChunk, dimensions_of, failed_checks
from monitoring_pipeline.web_pages.contents.segments import segment_changes, segments_table
from monitoring_pipeline.web_pages.contents.table import Cell, Fact, Table, Week
from monitoring_pipeline.web_pages.contents.verdicts import calendar_of, what_was_wrong_when
from monitoring_pipeline.web_pages.contents.versions import Card, cards_of, versions_of, versions_over_time
from monitoring_pipeline.web_pages.numbers import NONE, allowed, interval, named, number, percent
from monitoring_pipeline.web_pages.reading import (
    RESOLVED_SHOWN,
    IncidentRecords,
    ModelRecords,
    business_names,
    drawn_numbers,
    last_resolved,
    shown_names,
    with_section,
)

_REPEATED_SUBJECT = re.compile(r"^\w+ (?P<subject>\S+) \S+: (?=(?P=subject): )")
"""Kind, subject and name before a reason that begins with the subject itself."""
REASONS_SHOWN = 6
DECISIONS_SHOWN = 40


@dataclass(frozen=True, kw_only=True)
class ModelContents:
    """The page of a model about one chunk, in the order of reading.

    Args:
        name: name of the model.
        description: the spec's own text about it.
        chunk: key of the chunk.
        noun: the word for a chunk.
        status: the verdict.
        sentence: the verdict in one sentence.
        reasons: the reasons of the verdict that decide, most severe first.
        facts: task, owner, version, rows, labels.
        incidents: incidents of the period that last, then the last resolved ones; each has its section.
        earlier: resolved incidents of the period before these, the last first; each has a line.
        calendar: the verdicts of the period.
        when: what was wrong when.
        budget: what was spent of the budget of false alarms.
        dimensions: the dimensions of data quality.
        failed_checks: the failed ones.
        performance: the history of each guarded metric, the headline metric first.
        confusion: how often each class was decided as each class.
        metrics: all metrics of the chunk.
        windows: numbers over the last days that end with the chunk.
        attribution: parts of the change of performance.
        segments: the segments of the chunk.
        segment_changes: the changes that were split over segments.
        splits: the changes that were split over features, broken columns and other causes.
        gaps: gaps between groups over the last days.
        groups: the groups on the chunk.
        columns: the columns of the chunk, what matters first.
        together: measurements of all features at once.
        versions: the versions and their roles.
        served_when: which version served when, if there were several.
        cards: what the registry states about them.
        objectives: the objectives of the chunk.
        business: the user's own numbers, and what predictions are worth: their histories.
        value: what the predictions of the chunk are worth.
        value_of_segments: the same in each segment.
        serving: how the chunk was served.
        served: the histories of these numbers.
        cost: what they cost.
        measures: numbers of the user's own functions.
        decisions: retraining, gate, promotions and trials.
        audit: what the numbers were made from.
    """

    name: str
    description: str
    chunk: str
    noun: str
    status: str
    sentence: str
    reasons: tuple[str, ...]
    facts: tuple[Fact, ...]
    incidents: tuple[IncidentContents, ...]
    earlier: tuple[EarlierIncident, ...]
    calendar: tuple[Week, ...]
    when: Chart | None
    budget: BudgetContents
    dimensions: tuple[DimensionOfChunk, ...]
    failed_checks: Table
    performance: tuple[Chart, ...]
    confusion: Chart | None
    metrics: Table
    windows: Table
    attribution: Table
    segments: Table
    segment_changes: tuple[Table, ...]
    splits: tuple[Table, ...]
    gaps: Table
    groups: Table
    columns: tuple[Column, ...]
    together: Table
    versions: Table
    served_when: Chart | None
    cards: tuple[Card, ...]
    objectives: Table
    serving: Table
    served: tuple[Chart, ...]
    business: tuple[Chart, ...]
    value: Table
    value_of_segments: Table
    cost: Table
    measures: Table
    decisions: Table
    audit: tuple[Fact, ...]

    @property
    def has_business(self) -> bool:
        """Whether anything is known of money or of the user's own numbers."""
        return bool(self.business) or not all(table.is_empty for table in (self.value, self.cost, self.measures))


def model_contents(records: ModelRecords, version: str | None = None) -> ModelContents:
    """Return the page of a model, with the columns of a version; by default of the one that served."""
    spec, verdict = records.spec, records.period.verdict
    version = version or serving_version(records)
    columns = columns_of(records, version)
    confusion = confusion_chart(records, version)
    reasons = deciding_reasons(verdict)
    sections, lines = _incidents(records)
    return ModelContents(
        name=spec.name,
        description=spec.description.strip(),
        chunk=records.chunk.key,
        noun=spec.calendar.noun,
        status=str(verdict.status),
        sentence=sentence_of(records),
        reasons=reasons[:REASONS_SHOWN],
        facts=tuple(_facts(records, version)),
        incidents=tuple(incident_contents(records, incident, columns, confusion) for incident in sections),
        earlier=tuple(earlier_incident(records, incident) for incident in lines),
        calendar=calendar_of(spec, records.period),
        when=what_was_wrong_when(records),
        budget=budget_contents(records),
        dimensions=dimensions_of(records.measurements),
        failed_checks=failed_checks(records.measurements),
        performance=tuple(_histories(records)),
        confusion=confusion,
        metrics=_metrics(records.measurements),
        windows=_windows(records.measurements),
        attribution=attribution_table(records.measurements),
        segments=segments_table(records.measurements),
        segment_changes=segment_changes(records.measurements, version),
        splits=split_tables(records.measurements, version),
        gaps=gaps_table(records.measurements),
        groups=groups_table(records.measurements),
        columns=columns,
        together=_together(records.measurements),
        versions=versions_of(records),
        served_when=versions_over_time(records),
        cards=tuple(cards_of(records)),
        objectives=_objectives(records.measurements),
        serving=serving_table(records.measurements),
        served=tuple(_served(records)),
        business=tuple(_business(records)),
        value=value_table(records.measurements),
        value_of_segments=value_table(records.measurements, of_segments=True),
        cost=cost_table(records.measurements),
        measures=measures_table(records.measurements),
        decisions=_decisions(records),
        audit=tuple(_audit(records)),
    )


def serving_version(records: ModelRecords) -> str:
    """Return the version that served on the chunk: the one with most rows, or else that of its measurements."""
    serving = {m.model_version for m in records.measurements if m.role in SERVING and m.model_version}
    with_rows = [profile for version, profile in records.profiles.items() if version in serving]
    if with_rows:
        return max(with_rows, key=lambda profile: profile.rows).model_version
    return min(serving, default=next(iter(records.spec.reference)))


def sentence_of(records: ModelRecords) -> str:
    """Return the verdict of the chunk in one sentence."""
    verdict, name, key = records.period.verdict, records.spec.name, records.chunk.key
    reasons = deciding_reasons(verdict)
    if not reasons:
        breached = f"{verdict.breaches} breached for information" if verdict.breaches else "none of them breached"
        return f"{name} is ok on {key}: {verdict.measured} measurements, {breached}."
    first = _REPEATED_SUBJECT.sub("", reasons[0].removeprefix(f"{verdict.status}: "))
    more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
    return f"{name} is {verdict.status} on {key}: {first}{more}."


def _facts(records: ModelRecords, version: str) -> Iterable[Fact]:
    spec = records.spec
    first = {(m.name, m.subject): m for m in records.measurements if m.value is not None}
    yield Fact("task", str(spec.task))
    yield Fact("owner", spec.owner)
    yield Fact("version", version)
    if (rows := first.get(("rows", "chunk"))) is not None:
        yield Fact("rows", number(rows.value))
    if (maturity := first.get(("maturity", "label"))) is not None:
        yield Fact("labels known", f"{percent(maturity.value)}, {maturity.maturity}")
    drifted = drifted_of(records.measurements)
    yield Fact("drifted columns", number(len(drifted.columns)) if drifted.measured else "not measured")
    yield Fact("time zone", spec.timezone)
    if spec.runbook:
        yield Fact("runbook", spec.runbook, link=web_address(spec.runbook) or "")


def _incidents(records: ModelRecords) -> tuple[list[IncidentRecords], list[IncidentRecords]]:
    """Return the incidents of the period that have a section, and those that have a line, in order of reading."""
    shown = {entry.stored.incident_id: entry for entry in records.incidents if entry.log}
    stored = [entry.stored for entry in shown.values()]
    sections = [shown[entry.incident_id] for entry in with_section(stored)]
    sections.sort(key=lambda entry: _place(records, entry.stored))
    lines = [shown[entry.incident_id] for entry in last_resolved(stored)[RESOLVED_SHOWN:]]
    return sections, lines


def _place(records: ModelRecords, stored: StoredIncident) -> tuple[bool, int]:
    """Return the place of an incident: those of the page's chunk come first, of these the most severe ones."""
    is_of_chunk = is_of(records.chunk.key, stored)
    return not is_of_chunk, -WEIGHT[stored.incident.severity] if is_of_chunk else 0


def _histories(records: ModelRecords) -> Iterable[Chart]:
    for name in shown_names(records.spec):
        chart = _history(records, Kind.PERFORMANCE, str(name))
        if chart is not None:
            yield chart


def _served(records: ModelRecords) -> Iterable[Chart]:
    for name in drawn_numbers(records.spec):
        chart = _history(records, Kind.OPERATIONS, name)
        if chart is not None:
            yield chart


def _business(records: ModelRecords) -> Iterable[Chart]:
    for name in business_names(records.spec):
        chart = _history(records, Kind.BUSINESS, name)
        if chart is not None:
            yield chart


def _history(records: ModelRecords, kind: Kind, name: str) -> Chart | None:
    of_name = [(key, m) for key, m in records.series if str(m.metric) == name]
    measured = [(key, m) for key, m in of_name if m.kind is kind]
    estimated = [(key, m) for key, m in of_name if m.kind is Kind.ESTIMATED_PERFORMANCE]
    if not measured and not estimated:
        return None
    newest = (measured or estimated)[-1][1]
    reference = records.references.get(newest.model_version)
    calendar, zone = records.spec.calendar, records.spec.zone
    return history_chart(
        History(
            name=name,
            measured=measured,
            estimated=estimated,
            reference=reference.measured(newest.metric) if reference else None,
            spans=tuple(_spans(records))
            if kind is Kind.PERFORMANCE and name == HEADLINE_METRIC[records.spec.task]
            else (),
            time_of=lambda key: calendar.chunk(key).start.astimezone(zone),
            noun=calendar.noun,
        )
    )


def _spans(records: ModelRecords) -> Iterable[Span]:
    keys = records.period.keys
    for entry in records.incidents:
        incident = entry.stored.incident
        if entry.log and incident.cause.family is Family.PERFORMANCE:
            last = incident.last_breached if incident.state is IncidentState.RESOLVED else keys[-1]
            yield Span(max(incident.since, keys[0]), min(last, keys[-1]))


def _metrics(measurements: Sequence[Measurement]) -> Table:
    measured = [m for m in measurements if m.kind is Kind.PERFORMANCE and m.subject not in {"relation", "versions"}]
    estimates = {
        (m.model_version, m.metric): m
        for m in measurements
        if m.kind is Kind.ESTIMATED_PERFORMANCE and m.value is not None
    }
    names = {(m.model_version, m.metric): m for m in measured}
    rows = [(m, estimates.get(key)) for key, m in names.items()]
    rows += [(m, m) for key, m in estimates.items() if key not in names]
    return Table(
        caption="All metrics of the chunk",
        columns=("metric", "version", "value", "95 % interval", "estimate", "reference", "rows", "about"),
        rows=tuple(
            (
                Cell(str(m.metric), status_of(m)),
                Cell(m.model_version),
                Cell(named(m.name, m.value) if m.kind is Kind.PERFORMANCE else NONE, is_number=True),
                Cell(interval(m.name, m.lower, m.upper) if m.kind is Kind.PERFORMANCE else "", is_number=True),
                Cell("" if e is None else named(e.name, e.value), is_number=True),
                Cell("" if m.reference_value is None else named(m.name, m.reference_value), is_number=True),
                Cell(number(m.rows) if m.rows else "", is_number=True),
                Cell(m.reason or ""),
            )
            for m, e in rows
        ),
    )


def _windows(measurements: Sequence[Measurement]) -> Table:
    found = [m for m in measurements if m.kind is Kind.WINDOW]
    return Table(
        caption="Over the last days",
        columns=("number", "of", "version", "value", "99 % interval", "allowed", "reference", "rows", "about"),
        rows=tuple(
            (
                Cell(str(m.metric), status_of(m)),
                Cell(m.subject),
                Cell(m.model_version),
                Cell(named(m.name, m.value), is_number=True),
                Cell(interval(m.name, m.lower, m.upper), is_number=True),
                Cell(allowed(m.name, m.threshold_lower, m.threshold_upper)),
                Cell("" if m.reference_value is None else named(m.name, m.reference_value), is_number=True),
                Cell(number(m.rows) if m.rows else "", is_number=True),
                Cell(m.reason or ""),
            )
            for m in found
        ),
    )


def _together(measurements: Sequence[Measurement]) -> Table:
    found = [m for m in measurements if m.kind is Kind.DRIFT and m.subject == "features"]
    return Table(
        caption="All features at once",
        columns=("comparison", "value", "allowed", "about"),
        rows=tuple(
            (
                Cell(str(m.metric), status_of(m)),
                Cell(number(m.value), is_number=True),
                Cell(allowed("", m.threshold_lower, m.threshold_upper)),
                Cell(m.reason or ""),
            )
            for m in found
        ),
    )


def _objectives(measurements: Sequence[Measurement]) -> Table:
    found = [m for m in measurements if m.kind is Kind.OBJECTIVE]
    return Table(
        caption="Objectives",
        columns=("objective", "number", "value", "about"),
        rows=tuple(
            (
                Cell(m.subject, status_of(m)),
                Cell(str(m.metric).replace("_", " ")),
                Cell(percent(m.value) if m.name != "burn_rate" else number(m.value), is_number=True),
                Cell(m.reason or ""),
            )
            for m in found
        ),
    )


def _decisions(records: ModelRecords) -> Table:
    shown = [decision for decision in records.decisions if decision.topic not in BY_PEOPLE][-DECISIONS_SHOWN:]
    return Table(
        caption="Retraining, gate, promotions and trials",
        columns=("time (UTC)", "question", "answer", "version", "by", "why"),
        rows=tuple(
            (
                Cell(f"{decision.at:%Y-%m-%d %H:%M}"),
                Cell(str(decision.topic)),
                Cell(decision.answer_text),
                Cell(decision.model_version or ""),
                Cell(decision.actor),
                Cell(decision.reason),
            )
            for decision in reversed(shown)
        ),
    )


def _who_changed(text: SpecText | None) -> str:
    if text is None:
        return "not recorded"
    first = f"first used {text.seen_at:%Y-%m-%d %H:%M} UTC"
    if text.commit is None:
        return f"{text.recorded_by}, who ran it; not in git; {first}"
    return f"{text.commit.author}, in commit {text.commit.commit_hash[:12]}; {first}"


def _sources(spec: ModelSpec) -> Iterable[Fact]:
    """Yield the tables of predictions and labels, and the Dagster assets that write them where the spec names some."""
    tables = {"predictions": spec.predictions.table, "labels": spec.labels.table if spec.labels else None}
    written_by = {"predictions": spec.upstream.predictions, "labels": spec.upstream.labels}
    for name, table in tables.items():
        if table is not None:
            asset = written_by[name]
            yield Fact(name, f"table {table}, written by the asset {asset}" if asset else f"table {table}")


def _audit(records: ModelRecords) -> Iterable[Fact]:
    provenance = records.provenance
    if provenance is None:
        return
    yield Fact("revision", str(records.revision or ""))
    yield Fact("spec", provenance.spec_hash)
    yield Fact("spec changed by", _who_changed(records.spec_text))
    yield Fact("reference", provenance.reference_hash)
    yield from _sources(records.spec)
    yield Fact("rows", provenance.input_fingerprint)
    yield Fact("code", provenance.code_version)
    skipped = sum(m.status is Status.SKIPPED for m in records.measurements)
    yield Fact("measurements", f"{len(records.measurements)}, of which {skipped} could not be measured")
    if records.efforts:
        yield Fact("measuring took", effort_words(records.efforts))

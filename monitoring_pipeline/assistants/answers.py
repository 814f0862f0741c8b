"""The answers, as plain data: what the pages say, with the hashes that each number was made from."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from monitoring_pipeline.evaluation.budget.realized import words_of
from monitoring_pipeline.evaluation.business.business_metrics import MEASURES
from monitoring_pipeline.evaluation.business.money import COST, VALUE
from monitoring_pipeline.evaluation.judgement.verdict import deciding_reasons
from monitoring_pipeline.evaluation.operations.measuring import SUBJECTS_OF_SERVING
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.incident import IncidentState, StoredIncident
from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.records.names import MetricName, name_and_of
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.budget import read_spent
from monitoring_pipeline.web_pages.building import build_model_page
from monitoring_pipeline.web_pages.contents.incident import IncidentContents
from monitoring_pipeline.web_pages.contents.incident import sentence_of as sentence_about
from monitoring_pipeline.web_pages.contents.model import ModelContents
from monitoring_pipeline.web_pages.markdown import incident_markdown, model_markdown
from monitoring_pipeline.web_pages.reading import read_period
from monitoring_pipeline.web_pages.safe_text import shortened, visible

LONGEST_HISTORY = 366
NAMES_LISTED = 8
PRODUCERS = {
    Kind.QUALITY: Producer.PREDICTIONS,
    Kind.DRIFT: Producer.DRIFT,
    Kind.PERFORMANCE: Producer.PERFORMANCE,
    Kind.ESTIMATED_PERFORMANCE: Producer.ESTIMATE,
    Kind.OPERATIONS: Producer.PIPELINE,
    Kind.BUSINESS: Producer.BUSINESS,
    Kind.OBJECTIVE: Producer.OBJECTIVES,
    Kind.WINDOW: Producer.WINDOWS,
    Kind.SEGMENT: Producer.SEGMENTS,
    Kind.FAIRNESS: Producer.FAIRNESS,
}
"""The producer of most numbers of a kind; a number of another one has the hashes of the chunk's drift."""
PRODUCERS_OF_SUBJECTS = {VALUE: Producer.VALUE, COST: Producer.COST, MEASURES: Producer.MEASURES}
"""The producers of numbers of the kind business that are not from the user's SQL."""


class QuestionError(LookupError):
    """The question names something that is not there; the message names what is."""


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What a number was made from, as in the audit of a report; equal hashes give equal numbers."""

    producer: str = ""
    revision: int | None = None
    spec: str = ""
    reference: str = ""
    rows: str = ""
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class ModelAnswer:
    """A model and the verdict on its newest judged chunk; without one, verdict and chunk are empty.

    ``false_alarms`` is what the last quarter of a year spent of the budget of false alarms, one sentence each.
    """

    model: str
    owner: str
    task: str
    verdict: str = ""
    chunk: str = ""
    lasting_incidents: int = 0
    false_alarms: tuple[str, ...] = ()
    audit: Audit = Audit()


@dataclass(frozen=True, kw_only=True)
class VerdictAnswer:
    """The verdict on a chunk, with the reasons that decide, the most severe first."""

    model: str
    chunk: str
    verdict: str
    reasons: tuple[str, ...]
    measured: int
    breaches: int
    skipped: int
    audit: Audit


@dataclass(frozen=True, kw_only=True)
class IncidentAnswer:
    """An incident as it is now."""

    incident: str
    model: str
    title: str
    sentence: str
    severity: str
    state: str
    cause: str
    opened: str
    last_breached: str
    resolved: str
    acknowledged_by: str
    outcome: str
    audit: Audit


@dataclass(frozen=True, kw_only=True)
class Number:
    """One measurement on a chunk; ``value`` is null if it could not be measured, and ``reason`` says why."""

    chunk: str
    kind: str
    subject: str
    version: str
    value: float | None
    lower: float | None
    upper: float | None
    reference: float | None
    at_least: float | None
    at_most: float | None
    status: str
    reason: str
    rows: int
    audit: Audit


def about_models(specs: Iterable[ModelSpec], store: Store) -> list[ModelAnswer]:
    """Return every model with its newest verdict."""
    return [_about_model(spec, store) for spec in specs]


def about_verdict(spec: ModelSpec, store: Store, chunk: str | None) -> VerdictAnswer:
    """Return the verdict on a chunk; without one on the newest.

    Raises:
        QuestionError: when the chunk was not judged.
    """
    key = _judged(spec, store, chunk)
    verdict = store.verdicts(spec.name)[key]
    return VerdictAnswer(
        model=spec.name,
        chunk=key,
        verdict=str(verdict.status),
        reasons=tuple(map(_safe, deciding_reasons(verdict))),
        measured=verdict.measured,
        breaches=verdict.breaches,
        skipped=verdict.skipped,
        audit=audit_of(spec, store, key, Producer.VERDICT),
    )


def about_incidents(specs: Iterable[ModelSpec], store: Store, *, with_resolved: bool) -> list[IncidentAnswer]:
    """Return the incidents of models that last; with those that are resolved if asked for."""
    return [
        about_incident(spec, store, stored)
        for spec in specs
        for stored in store.incidents(spec.name)
        if with_resolved or stored.incident.state is not IncidentState.RESOLVED
    ]


def about_incident(spec: ModelSpec, store: Store, stored: StoredIncident) -> IncidentAnswer:
    """Return one incident."""
    incident, handling = stored.incident, stored.handling
    return IncidentAnswer(
        incident=stored.incident_id,
        model=incident.model,
        title=_safe(incident.title),
        sentence=_safe(sentence_about(stored, spec.calendar.noun)),
        severity=str(incident.severity),
        state=str(incident.state),
        cause=_safe(incident.cause.text),
        opened=incident.opened,
        last_breached=incident.last_breached,
        resolved=incident.resolved or "",
        acknowledged_by=_safe(handling.acknowledged_by or ""),
        outcome=str(handling.outcome or ""),
        audit=audit_of(spec, store, incident.last_breached, Producer.VERDICT),
    )


def explanation_of(spec: ModelSpec, store: Store, stored: StoredIncident) -> str:
    """Return the section of an incident in the report of its last breached chunk, as Markdown.

    Raises:
        QuestionError: when that chunk is no longer judged.
    """
    page = build_model_page(spec, store, None, _judged(spec, store, stored.incident.last_breached))
    shown = next((entry for entry in page.incidents if entry.name == stored.incident_id), None)
    if shown is None:
        message = f"the report of {stored.incident.last_breached} does not show {stored.incident_id}"
        raise QuestionError(message)
    return _with_audit(shown, page)


def _with_audit(shown: IncidentContents, page: ModelContents) -> str:
    audit = "\n".join(f"- {fact.name}: `{fact.value}`" for fact in page.audit)
    return visible(f"{incident_markdown(shown)}\nMade from:\n\n{audit}\n")


def history_of(spec: ModelSpec, store: Store, metric: str, subject: str | None, last: int) -> list[Number]:
    """Return a metric over the newest judged chunks, oldest first.

    Args:
        spec: the model.
        store: the store.
        metric: its name, with the part that it is measured of in brackets, such as ``recall[cancelled]``.
        subject: the column or part that it is about; all if it is None.
        last: number of chunks.

    Raises:
        QuestionError: when no such number was measured; the message lists the names of the newest chunk.
    """
    period = read_period(spec, store)
    shown = period.keys[-min(last, LONGEST_HISTORY) :]
    found = store.chunk_measurements(spec.name, [_named(metric)], shown[0], shown[-1], subject=subject)
    if not found:
        raise QuestionError(_not_measured(spec, store.measurements(spec.name, shown[-1]), metric, subject))
    audits: dict[tuple[str, Kind], Audit] = {}
    for chunk, m in found:
        if (chunk, m.kind) not in audits:
            audits[chunk, m.kind] = audit_of(spec, store, chunk, _producer_of(m))
    return [_number(chunk, m, audits[chunk, m.kind]) for chunk, m in found]


def _producer_of(m: Measurement) -> Producer:
    if m.kind is Kind.BUSINESS:
        return PRODUCERS_OF_SUBJECTS.get(m.subject, Producer.BUSINESS)
    is_of_serving = m.kind is Kind.OPERATIONS and m.subject in SUBJECTS_OF_SERVING
    return Producer.OPERATIONS if is_of_serving else PRODUCERS[m.kind]


def report_of(spec: ModelSpec, store: Store, chunk: str | None) -> str:
    """Return the report of a model as Markdown.

    Raises:
        QuestionError: when the chunk was not judged.
    """
    return visible(model_markdown(build_model_page(spec, store, None, _judged(spec, store, chunk))))


def audit_of(spec: ModelSpec, store: Store, chunk: str, producer: Producer) -> Audit:
    """Return what the results of a producer on a chunk were made from; of drift if it has none of its own."""
    for name in (producer, Producer.DRIFT):
        provenance = store.provenance(spec.name, chunk, name)
        if provenance is not None:
            return Audit(
                producer=str(name),
                revision=store.revisions(spec.name, name).get(chunk),
                spec=provenance.spec_hash,
                reference=provenance.reference_hash,
                rows=provenance.input_fingerprint,
                code=provenance.code_version,
            )
    return Audit()


def _about_model(spec: ModelSpec, store: Store) -> ModelAnswer:
    judged = store.verdicts(spec.name)
    chunk = list(judged)[-1] if judged else ""
    return ModelAnswer(
        model=spec.name,
        owner=_safe(spec.owner),
        task=str(spec.task),
        verdict=str(judged[chunk].status) if judged else "",
        chunk=chunk,
        lasting_incidents=sum(s.incident.state is not IncidentState.RESOLVED for s in store.incidents(spec.name)),
        false_alarms=tuple(map(words_of, read_spent(spec, store, spec.calendar.chunk(chunk)))) if judged else (),
        audit=audit_of(spec, store, chunk, Producer.VERDICT) if judged else Audit(),
    )


def _judged(spec: ModelSpec, store: Store, chunk: str | None) -> str:
    """Return the key of a judged chunk, the newest without one."""
    if chunk is None:
        return read_period(spec, store).chunk
    key = spec.calendar.chunk(chunk).key
    if store.verdict(spec.name, key) is None:
        newest = read_period(spec, store).chunk
        message = f"{spec.name}: {key} was not judged; the newest judged {spec.calendar.noun} is {newest}"
        raise QuestionError(message)
    return key


def _named(metric: str) -> MetricName:
    try:
        return name_and_of(metric)
    except ValueError as error:
        raise QuestionError(str(error)) from error


def _not_measured(spec: ModelSpec, measured: Iterable[Measurement], metric: str, subject: str | None) -> str:
    """Return the sentence about a number that is not measured, with names of the newest chunk that are alike."""
    names = {str(m.metric): m.subject for m in measured}
    asked = metric if subject is None else f"{metric} of {subject}"
    if metric in names:
        return f"{spec.name}: {asked} is not measured; {metric} is measured of {names[metric]}, for instance"
    alike = get_close_matches(metric, names, NAMES_LISTED) or sorted(names)[:NAMES_LISTED]
    return f"{spec.name}: {asked} is not measured; did you mean {', '.join(alike)}? {len(names)} numbers are measured"


def _number(chunk: str, m: Measurement, audit: Audit) -> Number:
    return Number(
        chunk=chunk,
        kind=str(m.kind),
        subject=_safe(m.subject),
        version=_safe(m.model_version),
        value=m.value,
        lower=m.lower,
        upper=m.upper,
        reference=m.reference_value,
        at_least=m.threshold_lower,
        at_most=m.threshold_upper,
        status=str(m.status),
        reason=_safe(m.reason or ""),
        rows=m.rows,
        audit=audit,
    )


def _safe(text: str) -> str:
    """Return a text of the users' data as pages show it: without marks that hide text, and not too long."""
    return shortened(visible(text))

"""Reads from the store what the page of a model shows. No rows of predictions are read."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitoring_pipeline.evaluation.budget.realized import Alarm, alarms_of, first_of_quarter, may_have_alarms
from monitoring_pipeline.evaluation.business.money import DRAWN, DRAWN_COSTS
from monitoring_pipeline.evaluation.periods import HEADLINE_METRIC
from monitoring_pipeline.evaluation.profiles.bins import NumericBins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.profiles.quantiles import quantiles_of
from monitoring_pipeline.evaluation.reference.reference import Reference, reference_from_document
from monitoring_pipeline.evaluation.results import KindBreaches
from monitoring_pipeline.evaluation.rule_check.expected_openings import PAGES, WARNINGS
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.decision import Decision
from monitoring_pipeline.records.effort import Effort
from monitoring_pipeline.records.incident import Delivery, IncidentState, LoggedEvent, StoredIncident
from monitoring_pipeline.records.measurement import Kind, Measurement, Provenance, Severity, Verdict
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.records.spec_text import SpecText
from monitoring_pipeline.records.version_card import VersionCard
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.spec.version import VersionRecord
from monitoring_pipeline.web_pages.column_order import drift_in_order

CHUNKS_SHOWN = 366
"""A page shows so many chunks, up to the one that it is about."""
RESOLVED_SHOWN = 3
"""All incidents that last have a section, and so many resolved ones; each other one has a line."""
HISTORY_SHOWN, CHUNKS_AROUND = 90, 30
"""The history of an incident's number has so many chunks, and so many before its first breach and after its end."""
_RANKS = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
QUANTILES_OVER = 90
"""The quantiles of a column are shown over so many chunks."""
COLUMNS_OVER_TIME = 6
Quantiles = tuple[float, ...]
Series = tuple[tuple[str, Measurement], ...]


class NothingJudgedError(LookupError):
    """No chunk of the model has been judged in the period; the message names what to run."""


@dataclass(frozen=True, kw_only=True)
class Period:
    """The judged chunks that a page shows, oldest first; it is about the last of them."""

    verdicts: Mapping[str, Verdict]

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of the chunks."""
        return tuple(self.verdicts)

    @property
    def chunk(self) -> str:
        """The key of the chunk that the page is about."""
        return self.keys[-1]

    @property
    def verdict(self) -> Verdict:
        """The verdict on it."""
        return self.verdicts[self.chunk]


@dataclass(frozen=True, kw_only=True)
class IncidentRecords:
    """An incident with its events and its messages, and if it has a section, the history of the number it is about."""

    stored: StoredIncident
    log: tuple[LoggedEvent, ...] = ()
    deliveries: tuple[Delivery, ...] = ()
    history: Series = ()


@dataclass(frozen=True, kw_only=True)
class ModelRecords:
    """Everything that is stored about one model and belongs on its page.

    Args:
        spec: the model.
        chunk: the chunk that the page is about.
        period: the judged chunks that it shows.
        breaches: breaches by chunk, kind and severity.
        series: the headline metric, the metrics that have a threshold, and the user's own numbers, on all chunks; of
            whole chunks and of versions that serve.
        measurements: all measurements of the chunk.
        profiles: the profiles of the chunk, by version.
        references: the references, by version.
        incidents: all incidents of the model, in order of their opening.
        alarms: the openings of the quarter of a year that ends with the chunk, even if the period is shorter.
        decisions: the audit, oldest first.
        versions: the newest role of each version.
        provenance: what the chunk's drift was measured from, and its revision.
        spec_text: the text of the spec by which it was measured; None if it was not kept.
        quantiles: quantiles of the numeric outputs, and of the numeric columns that come first on the page, by column:
            the key of each chunk, and None where too few rows have a value.
        expected: the false alarms that ``replay`` expects, by cause and together; empty if it was never run.
    """

    spec: ModelSpec
    chunk: Chunk
    period: Period
    breaches: tuple[KindBreaches, ...]
    series: Series
    measurements: tuple[Measurement, ...]
    profiles: Mapping[str, ChunkProfile]
    references: Mapping[str, Reference]
    incidents: tuple[IncidentRecords, ...]
    alarms: tuple[Alarm, ...]
    decisions: tuple[Decision, ...]
    versions: tuple[VersionRecord, ...]
    cards: Mapping[str, VersionCard]
    efforts: Mapping[str, Effort]
    provenance: Provenance | None
    revision: int | None
    spec_text: SpecText | None = None
    quantiles: Mapping[str, tuple[tuple[str, Quantiles | None], ...]] = field(default_factory=dict)
    expected: tuple[Measurement, ...] = ()


def read_period(spec: ModelSpec, store: Store, first: str | None = None, last: str | None = None) -> Period:
    """Return the judged chunks from ``first`` to ``last``; without them the newest ones.

    Raises:
        NothingJudgedError: when no chunk was judged there.
    """
    judged = {
        key: verdict
        for key, verdict in store.verdicts(spec.name).items()
        if (first is None or key >= first) and (last is None or key <= last)
    }
    if not judged:
        where = f" from {first or 'the beginning'} to {last or 'now'}" if first or last else ""
        message = (
            f"{spec.name}: no {spec.calendar.noun} was judged{where}: `monitoring-pipeline backfill {spec.name}` judges"
        )
        raise NothingJudgedError(message)
    kept = list(judged)[-CHUNKS_SHOWN:]
    return Period(verdicts={key: judged[key] for key in kept})


def read_model(spec: ModelSpec, store: Store, period: Period, *, histories: bool = True) -> ModelRecords:
    """Return everything that the page of a model shows; for the overview without the histories of incidents."""
    name, first, last = spec.name, period.keys[0], period.chunk
    profiles = {profile.model_version: profile for profile in store.profiles(name, last) if not profile.segment}
    references = _references(spec, store, profiles)
    chunk = spec.calendar.chunk(last)
    measurements = tuple(store.measurements(name, last))
    found = store.incidents(name)
    drawn = with_section([entry for entry in found if _is_in(entry, period)])
    names = {entry.incident_id for entry in drawn} if histories else set()
    incidents = tuple(_incident(entry, store, period, has_history=entry.incident_id in names) for entry in found)
    provenance = store.provenance(name, last, Producer.DRIFT)
    return ModelRecords(
        spec=spec,
        chunk=chunk,
        period=period,
        breaches=tuple(store.breaches_by_kind(name, first, last)),
        series=tuple(store.chunk_measurements(name, shown_names(spec), first, last, only_serving=True)),
        measurements=measurements,
        profiles=profiles,
        references=references,
        incidents=incidents,
        alarms=_alarms(spec, chunk, incidents, store),
        decisions=tuple(store.decisions(name)),
        versions=tuple(store.versions(name)),
        cards=store.version_cards(name),
        efforts=store.efforts(name, last),
        provenance=provenance,
        spec_text=store.spec_text_of(name, last, Producer.DRIFT),
        revision=store.revisions(name, Producer.DRIFT).get(last),
        quantiles=_quantiles(spec, store, period, _over_time(spec, measurements, profiles)) if histories else {},
        expected=tuple(
            m
            for window in dict.fromkeys(reference.window for reference in references.values())
            for m in store.measurements(name, window)
            if m.name in {WARNINGS, PAGES}
        ),
    )


def shown_names(spec: ModelSpec) -> tuple[MetricName, ...]:
    """Return the numbers whose history a model's page draws: the headline metric first."""
    guarded = [metric for metric in spec.performance.thresholds if metric.name != HEADLINE_METRIC[spec.task]]
    own = (*business_names(spec), *drawn_numbers(spec))
    return (MetricName(HEADLINE_METRIC[spec.task]), *guarded, *(MetricName(name) for name in own))


def business_names(spec: ModelSpec) -> tuple[str, ...]:
    """Return the names of the business numbers whose history a model's page draws."""
    return (*spec.business, *spec.measures, *(DRAWN if spec.value else ()), *(DRAWN_COSTS if spec.cost else ()))


def drawn_numbers(spec: ModelSpec) -> tuple[str, ...]:
    """Return the names of the numbers about the serving of the model whose history its page draws."""
    return spec.operations.drawn


def _references(spec: ModelSpec, store: Store, versions: Iterable[str]) -> dict[str, Reference]:
    documents = {version: store.reference_document(spec.name, version) for version in versions}
    return {version: reference_from_document(text) for version, text in documents.items() if text is not None}


def _over_time(
    spec: ModelSpec, measurements: Sequence[Measurement], profiles: Mapping[str, ChunkProfile]
) -> tuple[str, ...]:
    """Return the columns whose quantiles are shown: the numeric outputs, and the first numeric ones of each version."""
    numeric = {name for name, kind in spec.columns.items() if kind is FeatureKind.NUMERIC}
    first = [
        name
        for version in profiles
        for name in [m.subject for m in drift_in_order(spec, measurements, version) if m.subject in numeric][
            :COLUMNS_OVER_TIME
        ]
    ]
    return tuple(dict.fromkeys([*(name for name in spec.output_columns if name in numeric), *first]))


def _quantiles(
    spec: ModelSpec, store: Store, period: Period, columns: Sequence[str]
) -> dict[str, tuple[tuple[str, Quantiles | None], ...]]:
    """Return the quantiles of columns over the last chunks, each of the version that had most rows."""
    keys = period.keys[-QUANTILES_OVER:]
    found = store.profiles_by_chunk(spec.name, Producer.PROFILE, keys, columns=columns) if columns else {}
    most = {
        key: max((p for p in found.get(key, ()) if not p.segment), key=lambda p: p.rows, default=None) for key in keys
    }
    references = _references(spec, store, {profile.model_version for profile in most.values() if profile is not None})
    return {
        column: tuple((key, _quantiles_of(references, profile, column)) for key, profile in most.items())
        for column in columns
    }


def _quantiles_of(references: Mapping[str, Reference], profile: ChunkProfile | None, column: str) -> Quantiles | None:
    """Return the quantiles of a chunk's column; None if it was counted over other bins than those of today."""
    reference = None if profile is None else references.get(profile.model_version)
    bins = None if reference is None else reference.bins.get(column)
    if profile is None or column not in profile or not isinstance(bins, NumericBins):
        return None
    return quantiles_of(bins, profile[column]) if len(profile[column].counts) == len(bins.cells) else None


def with_section(incidents: Iterable[StoredIncident]) -> list[StoredIncident]:
    """Return the incidents that have a section: those that last, most severe first, then the last resolved ones."""
    entries = list(incidents)
    active = [entry for entry in entries if entry.incident.state is not IncidentState.RESOLVED]
    active.sort(key=lambda entry: (_RANKS[entry.incident.severity], entry.incident.opened))
    return [*active, *last_resolved(entries)[:RESOLVED_SHOWN]]


def last_resolved(incidents: Iterable[StoredIncident]) -> list[StoredIncident]:
    """Return the resolved incidents, the last first."""
    resolved = (entry for entry in incidents if entry.incident.state is IncidentState.RESOLVED)
    return sorted(resolved, key=lambda entry: (entry.incident.last_breached, entry.incident_id), reverse=True)


def _is_in(stored: StoredIncident, period: Period) -> bool:
    return stored.incident.last_breached >= period.keys[0] and stored.incident.since <= period.chunk


def _incident(stored: StoredIncident, store: Store, period: Period, *, has_history: bool) -> IncidentRecords:
    """Return an incident with its records if it lies in the period; otherwise alone."""
    if not _is_in(stored, period):
        return IncidentRecords(stored=stored)
    return IncidentRecords(
        stored=stored,
        log=tuple(store.incident_log(stored.incident_id)),
        deliveries=tuple(store.deliveries(stored.incident_id)),
        history=_history(stored, store, period) if has_history else (),
    )


def _alarms(spec: ModelSpec, last: Chunk, incidents: Sequence[IncidentRecords], store: Store) -> tuple[Alarm, ...]:
    first = first_of_quarter(spec, last)
    entries = [
        (entry.stored, [logged.event for logged in entry.log or store.incident_log(entry.stored.incident_id)])
        for entry in incidents
        if may_have_alarms(entry.stored, first.key, last.key)
    ]
    return tuple(alarms_of(entries, first.key, last.key))


def _first_of_history(since: str, period: Period) -> str:
    """Return the first chunk of an incident's history: some before its first breach, and at least HISTORY_SHOWN."""
    place = next((place for place, key in enumerate(period.keys) if key >= since), 0)
    return period.keys[max(min(place - CHUNKS_AROUND, len(period.keys) - HISTORY_SHOWN), 0)]


def _last_of_history(resolved: str | None, period: Period) -> str:
    """Return the last chunk of an incident's history: the last of the period, or some after its end."""
    after = [key for key in period.keys if resolved is not None and key >= resolved][:CHUNKS_AROUND]
    return after[-1] if after else period.chunk


def _history(stored: StoredIncident, store: Store, period: Period) -> Series:
    """Return the number in an incident's first finding over its history."""
    if not stored.incident.findings:
        return ()
    finding = stored.incident.findings[0]
    first = _first_of_history(stored.incident.since, period)
    last = _last_of_history(stored.incident.resolved, period)
    found = store.chunk_measurements(stored.incident.model, (finding.metric,), first, last, subject=finding.subject)
    return tuple(
        (chunk, m)
        for chunk, m in found
        if (m.kind, m.subject, m.model_version, m.segment)
        in {
            (finding.kind, finding.subject, finding.model_version, finding.segment),
            (Kind.ESTIMATED_PERFORMANCE, finding.subject, finding.model_version, finding.segment),
        }
    )

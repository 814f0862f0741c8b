"""The step that measures a model over its last days, from the stored results of their chunks."""

from collections.abc import Callable

from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.windows.performance import (
    Expected,
    FinalChunk,
    measure_windows,
    metrics_judged,
    metrics_read,
)
from monitoring_pipeline.evaluation.windows.reference_days import ReferenceDays, days_of_reference
from monitoring_pipeline.evaluation.windows.spans import Window, windows_of
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.records.producer import Producer, reference_producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import made_from, outcome_fingerprint
from monitoring_pipeline.steps.references import load_references

OfVersion = dict[str, dict[str, FinalChunk]]


def measure_chunks_over_windows(spec: ModelSpec, kept: Kept) -> Callable[[Chunk], ChunkResults]:
    """Return the function that measures the windows that end with a chunk; what it reads of references is kept."""
    days: dict[str, ReferenceDays] = {}

    def known_days(reference: Reference) -> ReferenceDays:
        if reference.reference_hash not in days:
            days[reference.reference_hash] = _days_of(spec, reference, kept)
        return days[reference.reference_hash]

    return lambda chunk: _measure(spec, chunk, known_days, store=kept.store)


def later_chunks(spec: ModelSpec, chunk: Chunk, *, store: Results) -> tuple[Chunk, ...]:
    """Return the later chunks with final labels whose windows contain this chunk, as their numbers may have changed.

    A chunk whose labels are not final is measured again when they are.
    """
    calendar, longest = spec.calendar, max(spec.windows)
    last = calendar.days_before(chunk, -longest)
    measured = store.chunk_measurements(spec.name, metrics_judged(spec), calendar.next(chunk).key, last.key)
    final = sorted({key for key, m in measured if m.kind is Kind.PERFORMANCE and m.maturity is Maturity.FINAL})
    later = map(calendar.chunk, final)
    return tuple(each for each in later if calendar.first_of_days(each, longest).key <= chunk.key)


def _measure(
    spec: ModelSpec, chunk: Chunk, known_days: Callable[[Reference], ReferenceDays], *, store: Store
) -> ChunkResults:
    windows = windows_of(spec, chunk)
    versions = _final_chunks(spec, chunk, windows, store) if windows else {}
    references = load_references(spec, store, versions)
    measured: list[Measurement] = []
    for version, chunks in versions.items():
        expected = Expected()
        if (reference := references.get(version)) is not None:
            expected = Expected(
                bins=reference.bins | reference.error_bins,
                values=reference.estimates,
                days=known_days(reference),
            )
        measured.extend(measure_windows(spec, version, windows, chunks, expected))
    return ChunkResults(
        producer=Producer.WINDOWS,
        chunk=chunk,
        provenance=made_from(spec, outcome_fingerprint(measured), references),
        measurements=tuple(measured),
    )


def _final_chunks(spec: ModelSpec, chunk: Chunk, windows: tuple[Window, ...], store: Results) -> OfVersion:
    """Return the chunks of the longest window whose labels are final, for each version that the chunk itself has."""
    keys = windows[-1].keys
    metrics: dict[str, dict[str, dict[MetricName, Measurement]]] = {}
    for key, m in store.chunk_measurements(spec.name, metrics_read(spec), keys[0], keys[-1]):
        if m.kind is Kind.PERFORMANCE and m.subject == "model" and m.model_version and not m.segment:
            metrics.setdefault(m.model_version, {}).setdefault(key, {})[m.metric] = m
    labelled: dict[str, dict[str, tuple[ChunkProfile, ...]]] = {}
    for key, profiles in store.profiles_by_chunk(spec.name, Producer.PERFORMANCE, keys).items():
        for profile in profiles:
            of_version = labelled.setdefault(profile.model_version, {})
            of_version[key] = (*of_version.get(key, ()), profile)
    return {
        version: {
            key: FinalChunk(labelled.get(version, {}).get(key, ()), of_chunk)
            for key, of_chunk in sorted(by_chunk.items())
            if any(m.maturity is Maturity.FINAL for m in of_chunk.values())
        }
        for version, by_chunk in sorted(metrics.items())
        if chunk.key in by_chunk
    }


def _days_of(spec: ModelSpec, reference: Reference, kept: Kept) -> ReferenceDays:
    """Return how the days of a reference differ; nothing if its rows are not kept."""
    snapshot = kept.store.snapshot(spec.name, reference.window, reference_producer(reference.model_version))
    if snapshot is None:
        return ReferenceDays()
    rows = kept.snapshots.read(snapshot.uri, ["predicted_at", "label", *spec.output_columns])
    return days_of_reference(spec, reference.bins | reference.error_bins, rows)

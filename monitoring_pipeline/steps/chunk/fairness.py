"""The step that measures the groups of a chunk, and the gaps between them over the last days."""

from monitoring_pipeline.evaluation.fairness.gaps import measure_gaps
from monitoring_pipeline.evaluation.fairness.groups import measure_groups
from monitoring_pipeline.evaluation.fairness.measures import allowed_gaps, rates_of
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    known_labels,
    made_from,
    maturity_of_labels,
    nothing_to_measure,
    outcome_fingerprint,
    required_snapshot,
    rows_of_version,
    versions_in,
)
from monitoring_pipeline.steps.pushdown import ONLY_A_SAMPLE, sampled_chunk


def measure_fairness(spec: ModelSpec, chunk: Chunk, kept: Kept) -> ChunkResults:
    """Measure the groups of every version, and the gaps between them over the last days, earlier chunks included.

    A chunk that was counted where its rows are has no groups, because only a sample of its rows is kept.

    Raises:
        MissingInputError: when the chunk has no predictions.
    """
    predictions = required_snapshot(kept.store, spec, chunk, PREDICTIONS)
    label_rows, labels_fingerprint = known_labels(spec, chunk, kept)
    versions = versions_in(kept.snapshots, predictions)
    reason = "no predictions"
    if sampled_chunk(spec, chunk, kept.store) is not None:
        versions, reason = [], ONLY_A_SAMPLE
    maturity = maturity_of_labels(spec, chunk, kept.store)
    earlier = _earlier(spec, chunk, kept.store)
    measured: list[Measurement] = []
    for version in versions:
        rows = rows_of_version(spec, chunk, version, kept)
        own = tuple(measure_groups(spec, rows, label_rows, model_version=version, maturity=maturity.get(version)))
        chunks = [[m for m in of_chunk if m.model_version == version] for of_chunk in earlier]
        measured += (*own, *measure_gaps(spec, [*chunks, own], model_version=version))
    nothing = nothing_to_measure(Kind.FAIRNESS, "groups", "chunk", reason, severity=Severity.INFO)
    counted = outcome_fingerprint([m for of_chunk in earlier for m in of_chunk])
    inputs = (predictions.fingerprint, labels_fingerprint, *sorted(maturity.values()), counted)
    return ChunkResults(
        producer=Producer.FAIRNESS,
        chunk=chunk,
        provenance=made_from(spec, combined_fingerprint(*inputs)),
        measurements=tuple(measured) or (nothing,),
    )


def later_chunks(spec: ModelSpec, chunk: Chunk, *, store: Results) -> tuple[Chunk, ...]:
    """Return the later measured chunks whose last days contain this chunk, as their gaps may have changed."""
    calendar = spec.calendar
    last = calendar.days_before(chunk, -spec.fairness.days)
    keys = [key for key in store.revisions(spec.name, Producer.FAIRNESS) if chunk.key < key <= last.key]
    return tuple(
        later
        for later in map(calendar.chunk, keys)
        if calendar.first_of_days(later, spec.fairness.days).key <= chunk.key
    )


def _earlier(spec: ModelSpec, chunk: Chunk, store: Results) -> list[list[Measurement]]:
    """Return the numbers of groups on the earlier chunks of the last days, by chunk."""
    first = spec.calendar.first_of_days(chunk, spec.fairness.days)
    if first.key >= chunk.key:
        return []
    names = [MetricName(rate) for measure in allowed_gaps(spec) for rate in rates_of(measure)]
    last = spec.calendar.previous(chunk)
    found: dict[str, list[Measurement]] = {}
    for key, m in store.chunk_measurements(spec.name, names, first.key, last.key):
        if m.kind is Kind.FAIRNESS and m.segment:
            found.setdefault(key, []).append(m)
    return [found[key] for key in sorted(found)]

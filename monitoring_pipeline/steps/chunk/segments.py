"""The step that measures the segments of a chunk."""

import polars as pl

from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.evaluation.segments.broken_columns import measure_broken_columns
from monitoring_pipeline.evaluation.segments.change import measure_change
from monitoring_pipeline.evaluation.segments.drift import measure_drift_of_segments
from monitoring_pipeline.evaluation.segments.of_chunk import MEASURED, SegmentsOfChunk, measure_sizes
from monitoring_pipeline.evaluation.segments.performance import measure_performance_of_segments
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement, Severity
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    known_labels,
    made_from,
    maturity_of_labels,
    nothing_to_measure,
    required_snapshot,
    rows_of_version,
    versions_in,
    with_readable_features,
)
from monitoring_pipeline.steps.pushdown import ONLY_A_SAMPLE, sampled_chunk
from monitoring_pipeline.steps.reference.segments import load_segments
from monitoring_pipeline.steps.references import load_references
from monitoring_pipeline.steps.same_projections import refuse_other_projections


def measure_segments(spec: ModelSpec, chunk: Chunk, kept: Kept) -> ChunkResults:
    """Measure the segments of every version that has a reference: rows, broken columns, drift, performance, changes.

    A chunk that was counted where its rows are has no segments, because only a sample of its rows is kept.

    Raises:
        MissingInputError: when the chunk has no predictions, or segments have not been learned.
    """
    refuse_other_projections(spec, chunk, kept)
    predictions = required_snapshot(kept.store, spec, chunk, PREDICTIONS)
    label_rows, labels_fingerprint = known_labels(spec, chunk, kept)
    maturity = maturity_of_labels(spec, chunk, kept.store)
    references = load_references(spec, kept.store, versions_in(kept.snapshots, predictions))
    reason = "no version has a reference" if predictions.rows else "no predictions"
    if sampled_chunk(spec, chunk, kept.store) is not None:
        references, reason = {}, ONLY_A_SAMPLE
    measured = [
        measurement
        for reference in references.values()
        for measurement in _of_version(
            spec, chunk, reference, label_rows, kept, maturity=maturity.get(reference.model_version)
        )
    ]
    nothing = nothing_to_measure(Kind.SEGMENT, MEASURED, "chunk", reason, severity=Severity.INFO)
    return ChunkResults(
        producer=Producer.SEGMENTS,
        chunk=chunk,
        provenance=made_from(
            spec,
            combined_fingerprint(predictions.fingerprint, labels_fingerprint, *sorted(maturity.values())),
            references,
        ),
        measurements=tuple(measured) or (nothing,),
    )


def _of_version(
    spec: ModelSpec,
    chunk: Chunk,
    reference: Reference,
    labels: pl.DataFrame | None,
    kept: Kept,
    *,
    maturity: Maturity | None,
) -> tuple[Measurement, ...]:
    version = reference.model_version
    comparable = with_readable_features(spec, chunk, kept.store).with_features_in(reference.bins)
    segments = SegmentsOfChunk(
        comparable,
        load_segments(spec, reference, kept),
        {name: bins for name, bins in reference.bins.items() if name in comparable.columns},
        rows_of_version(spec, chunk, version, kept),
    )
    of_columns = (
        *measure_sizes(segments),
        *measure_broken_columns(segments, segments.profiles),
        *measure_drift_of_segments(segments, segments.profiles),
        *measure_change(segments, labels, maturity),
    )
    if labels is None or maturity is None:
        return of_columns
    of_model = measure_performance_of_segments(
        segments, labels, reference.estimates, maturity=maturity, chunk=chunk.key
    )
    return (*of_columns, *of_model)

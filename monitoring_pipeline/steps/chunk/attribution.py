"""The step that splits a change of performance into a part from changed inputs and a part from a changed relation."""

from monitoring_pipeline.evaluation.explanation.by_inputs import SAMPLE_ROWS, attribute_change
from monitoring_pipeline.evaluation.quality.dead_columns import dead_columns
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import (
    LABELS,
    PREDICTIONS,
    made_from,
    nothing_to_measure,
    required_snapshot,
    scan_version,
    versions_in,
    with_readable_features,
)
from monitoring_pipeline.steps.pushdown import noted, sampled_chunk
from monitoring_pipeline.steps.references import load_references, reference_rows
from monitoring_pipeline.steps.same_projections import refuse_other_projections

REFERENCE_ROWS = 2 * SAMPLE_ROWS
"""Rows of the reference that are read; more than are compared, because some have no label."""


def attribute_chunk(spec: ModelSpec, chunk: Chunk, kept: Kept) -> ChunkResults:
    """Split the change of each version's performance against its reference."""
    refuse_other_projections(spec, chunk, kept)
    predictions = required_snapshot(kept.store, spec, chunk, PREDICTIONS)
    labels = required_snapshot(kept.store, spec, chunk, LABELS)
    versions = versions_in(kept.snapshots, predictions)
    label_rows = kept.snapshots.read(labels.uri, ["row_id", "label"])
    references = load_references(spec, kept.store, versions)
    readable = with_readable_features(spec, chunk, kept.store)
    quality = kept.store.measurements(spec.name, chunk.key, Producer.PROFILE)
    measured: list[Measurement] = []
    for version, reference in references.items():
        measured.extend(
            attribute_change(
                readable.with_features_in(reference.bins),
                model_version=version,
                reference_rows=reference_rows(spec, reference, kept, first=REFERENCE_ROWS),
                rows=scan_version(kept.snapshots, predictions, version, versions),
                labels=label_rows,
                seed_parts=(spec.name, version, chunk.key),
                dead=dead_columns(spec, quality, version),
                classifier=reference.classifier,
            )
        )
    reason = "no version has a reference" if versions else "no predictions"
    nothing = nothing_to_measure(Kind.PERFORMANCE, "change", "relation", reason, severity=Severity.INFO)
    return ChunkResults(
        producer=Producer.ATTRIBUTION,
        chunk=chunk,
        provenance=made_from(spec, combined_fingerprint(predictions.fingerprint, labels.fingerprint), references),
        measurements=noted(sampled_chunk(spec, chunk, kept.store), tuple(measured)) or (nothing,),
    )

"""The step that estimates performance without labels."""

from collections.abc import Callable

import polars as pl

from monitoring_pipeline.evaluation.estimation.estimation import estimate_performance
from monitoring_pipeline.evaluation.estimation.of_losses import LossModel, fit_loss_model
from monitoring_pipeline.evaluation.estimation.unlike import cells_of_profile
from monitoring_pipeline.evaluation.labels.declared import NO_LABELS
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    made_from,
    nothing_to_measure,
    required_snapshot,
    with_readable_features,
)
from monitoring_pipeline.steps.pushdown import noted, sampled_chunk
from monitoring_pipeline.steps.references import load_references, reference_rows
from monitoring_pipeline.steps.same_projections import refuse_other_projections


def estimate_chunks(spec: ModelSpec, kept: Kept) -> Callable[[Chunk], ChunkResults]:
    """Return the step that estimates a chunk's performance; a loss model is fitted once for all chunks of a run.

    Chunks in which a feature was left out have a loss model of their own, without that feature.
    """
    fitted: dict[tuple[str, ...], LossModel | None] = {}

    def loss_model(reference: Reference, readable: ModelSpec) -> LossModel | None:
        key = (reference.reference_hash, *readable.features)
        if key not in fitted:
            fitted[key] = _fit(readable, reference, kept)
        return fitted[key]

    def estimate_chunk(chunk: Chunk) -> ChunkResults:
        refuse_other_projections(spec, chunk, kept)
        snapshot = required_snapshot(kept.store, spec, chunk, PREDICTIONS)
        rows = kept.snapshots.read(snapshot.uri, _columns(spec))
        versions = rows["model_version"].unique().sort().to_list()
        references = load_references(spec, kept.store, versions) if spec.labels else {}
        readable = with_readable_features(spec, chunk, kept.store)
        measured: list[Measurement] = []
        for version, reference in references.items():
            version_rows = rows.filter(pl.col("model_version") == version)
            measured.extend(
                estimate_performance(
                    spec,
                    reference.estimation,
                    version_rows,
                    model_version=version,
                    chunk=chunk.key,
                    loss_model=loss_model(reference, readable.with_features_in(reference.bins)),
                    cells=cells_of_profile(reference.bins, reference.profile),
                    reference=reference.estimates,
                )
            )
        reason = "no version has a reference" if rows.height else "no predictions"
        severity = Severity.WARNING
        if spec.labels is None:
            # Nobody expects an estimate then, so that its absence is no line of the verdict.
            reason, severity = NO_LABELS, Severity.INFO
        nothing = nothing_to_measure(Kind.ESTIMATED_PERFORMANCE, "estimate", "model", reason, severity=severity)
        return ChunkResults(
            producer=Producer.ESTIMATE,
            chunk=chunk,
            provenance=made_from(spec, snapshot.fingerprint, references),
            measurements=noted(sampled_chunk(spec, chunk, kept.store), tuple(measured)) or (nothing,),
        )

    return estimate_chunk


def _columns(spec: ModelSpec) -> list[str]:
    features = list(spec.inputs) if spec.task is Task.REGRESSION else []
    return ["row_id", "model_version", *features, *spec.output_columns]


def _fit(spec: ModelSpec, reference: Reference, kept: Kept) -> LossModel | None:
    if spec.task is not Task.REGRESSION or reference.estimation.reason is not None:
        return None
    rows = reference_rows(spec, reference, kept)
    return fit_loss_model(spec, rows)

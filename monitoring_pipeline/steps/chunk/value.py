"""The step that measures what the predictions of a chunk are worth in money."""

import datetime as dt
from collections.abc import Callable

import polars as pl

from monitoring_pipeline.evaluation.business.money import PER_PREDICTION, VALUE
from monitoring_pipeline.evaluation.estimation.unlike import cells_of_profile
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.evaluation.value.measuring import KnownLabels, measure_value
from monitoring_pipeline.evaluation.value.usual import UsualValues, learn_values
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.arrival import labels_arrived
from monitoring_pipeline.steps.inputs import (
    LABELS,
    PREDICTIONS,
    made_from,
    nothing_to_measure,
    required_snapshot,
    with_readable_features,
)
from monitoring_pipeline.steps.pushdown import ONLY_A_SAMPLE, noted, sampled_chunk
from monitoring_pipeline.steps.references import load_references, reference_rows
from monitoring_pipeline.steps.same_projections import refuse_other_projections


def measure_values(spec: ModelSpec, as_of: Callable[[], dt.datetime], kept: Kept) -> Callable[[Chunk], ChunkResults]:
    """Return the step that measures a chunk's value; what is usual is learned once for all chunks of a run."""
    learned: dict[tuple[str, ...], UsualValues] = {}

    def usual(reference: Reference, readable: ModelSpec) -> UsualValues:
        key = (reference.reference_hash, *readable.features)
        if key not in learned:
            learned[key] = learn_values(
                readable,
                reference.estimation,
                cells_of_profile(reference.bins, reference.profile),
                reference_rows(spec, reference, kept),
            )
        return learned[key]

    def measure_chunk(chunk: Chunk) -> ChunkResults:
        refuse_other_projections(spec, chunk, kept)
        predictions = required_snapshot(kept.store, spec, chunk, PREDICTIONS)
        labels = kept.store.snapshots(spec.name, LABELS).get(chunk.key)
        rows = kept.snapshots.read(predictions.uri)
        label_rows = None if labels is None else kept.snapshots.read(labels.uri, ["row_id", "label", "known_at"])
        versions = rows["model_version"].unique().sort().to_list()
        references = load_references(spec, kept.store, versions)
        readable = with_readable_features(spec, chunk, kept.store)
        sampled = sampled_chunk(spec, chunk, kept.store)
        measured: list[Measurement] = []
        states: list[str] = []
        for version in versions:
            own, reference = rows.filter(pl.col("model_version") == version), references.get(version)
            known = None
            if label_rows is not None:
                arrived = labels_arrived(spec, chunk, as_of(), rows=own, labels=label_rows, reference=reference)
                known = KnownLabels(arrived.labels, arrived.maturity, arrived.not_interpretable)
                states.append(arrived.state)
            measured += measure_value(
                readable,
                own,
                known,
                usual(reference, readable.with_features_in(reference.bins)) if reference else None,
                model_version=version,
                only_a_sample=ONLY_A_SAMPLE if sampled else None,
            )
        nothing = nothing_to_measure(Kind.BUSINESS, PER_PREDICTION, VALUE, "no predictions", severity=Severity.INFO)
        inputs = combined_fingerprint(predictions.fingerprint, labels.fingerprint if labels else "", *states)
        return ChunkResults(
            producer=Producer.VALUE,
            chunk=chunk,
            provenance=made_from(spec, inputs, references),
            measurements=noted(sampled, tuple(measured)) or (nothing,),
        )

    return measure_chunk

"""The step that measures realized performance from the labels known so far."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.performance.counted import CountedMetric
from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.evaluation.profiles.labelled import profile_labelled, summed_performance
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.records.measurement import Kind, Measurement
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
)
from monitoring_pipeline.steps.pushdown import noted, sampled_chunk
from monitoring_pipeline.steps.references import load_references


def score_chunk(spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, kept: Kept) -> ChunkResults:
    """Measure every version's performance on the rows whose labels are known."""
    predictions = required_snapshot(kept.store, spec, chunk, PREDICTIONS)
    labels = required_snapshot(kept.store, spec, chunk, LABELS)
    outputs = ["row_id", "predicted_at", "model_version", *spec.output_columns, *spec.carried_columns]
    rows = kept.snapshots.read(predictions.uri, outputs)
    label_rows = kept.snapshots.read(labels.uri, ["row_id", "label", "known_at"])
    versions = rows["model_version"].unique().sort().to_list()
    references = load_references(spec, kept.store, versions)
    measured: list[Measurement] = []
    profiles: list[ChunkProfile] = []
    states: list[str] = []
    sampled = sampled_chunk(spec, chunk, kept.store)
    counted = kept.store.profiles(spec.name, chunk.key, LABELS) if sampled else ()
    for version in versions:
        version_rows = rows.filter(pl.col("model_version") == version)
        scored = _score_version(
            spec,
            chunk,
            as_of,
            rows=version_rows,
            labels=label_rows,
            reference=references.get(version),
            counted=tuple(profile for profile in counted if profile.model_version == version),
        )
        measured.extend(noted(sampled, scored.measurements))
        profiles.extend(scored.profiles)
        states.append(scored.state)
    counts = [repr(counted)] if counted else []
    inputs = combined_fingerprint(predictions.fingerprint, labels.fingerprint, *states, *counts)
    nothing = (nothing_to_measure(Kind.PERFORMANCE, "performance", "model", "no predictions"),)
    return ChunkResults(
        producer=Producer.PERFORMANCE,
        chunk=chunk,
        provenance=made_from(spec, inputs, references),
        measurements=tuple(measured) or nothing,
        profiles=tuple(profiles),
        as_of=as_of,
    )


@dataclass(frozen=True)
class _Scored:
    """The results of one version; ``state`` is text for the fingerprint: maturity and arrival weights at the time."""

    measurements: tuple[Measurement, ...]
    profiles: tuple[ChunkProfile, ...]
    state: str


def _score_version(
    spec: ModelSpec,
    chunk: Chunk,
    as_of: dt.datetime,
    *,
    rows: pl.DataFrame,
    labels: pl.DataFrame,
    reference: Reference | None,
    counted: tuple[ChunkProfile, ...],
) -> _Scored:
    arrived = labels_arrived(spec, chunk, as_of, rows=rows, labels=labels, reference=reference)
    bins = reference.bins | reference.error_bins if reference else {}
    known = labels.select("row_id", "label")
    measurements = measure_performance(
        spec,
        rows,
        arrived.labels,
        model_version=rows["model_version"][0],
        chunk=chunk.key,
        maturity=arrived.maturity,
        not_interpretable=arrived.not_interpretable,
        reference=reference.estimates if reference else {},
        counted={
            summed.metric: CountedMetric(summed.value, summed.error_bound, summed.rows)
            for summed in (summed_performance(spec, bins, [counted]) if counted else ())
        },
    )
    profiles = counted or profile_labelled(spec, bins, rows, known, model_version=rows["model_version"][0])
    measurements = tuple(m.noted(arrived.changed) if m.kind is Kind.PERFORMANCE else m for m in measurements)
    return _Scored(measurements, profiles, arrived.state)

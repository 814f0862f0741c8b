"""The steps that take what is known of a chunk's labels, and measure performance by it."""

import datetime as dt

import polars as pl

from monitoring_pipeline.evaluation.maturity import assess_maturity, maturity_measurements
from monitoring_pipeline.evaluation.performance import measure_performance
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.evaluation.rows import canonical_labels, combined_fingerprint, fingerprint
from monitoring_pipeline.orchestration.inputs import (
    LABELS,
    PREDICTIONS,
    latest_time,
    made_from,
    nothing_to_measure,
    outcome_fingerprint,
    required_snapshot,
)
from monitoring_pipeline.orchestration.ports import Snapshots, Store, Warehouse
from monitoring_pipeline.orchestration.references import load_references
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.measurement import Kind, Measurement
from monitoring_pipeline.spec.model import ModelSpec


def take_labels(
    spec: ModelSpec,
    chunk: Chunk,
    as_of: dt.datetime,
    *,
    warehouse: Warehouse,
    store: Store,
    snapshots: Snapshots,
    id_key: bytes,
) -> ChunkResults:
    """Read the labels that are known by now, and say how mature the chunk is."""
    predictions = required_snapshot(store, spec, chunk, PREDICTIONS)
    read = warehouse.read_labels(spec, chunk, as_of)
    rows = snapshots.read(predictions.uri, ["row_id", "predicted_at"])
    labels = canonical_labels(spec, read.frame, rows, read.accounting, id_key=id_key)
    content = fingerprint(labels.frame)
    snapshot = Snapshot(
        kind=LABELS,
        uri=snapshots.write(labels.frame, model=spec.name, chunk=chunk.key, kind=LABELS, fingerprint=content),
        fingerprint=content,
        rows=read.frame.height,
        latest_at=latest_time(read.frame["known_at"]),
    )
    labelled = rows.join(labels.frame, on="row_id", how="semi").height
    maturity = assess_maturity(spec, chunk, predictions=rows.height, labelled=labelled, as_of=as_of)
    measurements = (*maturity_measurements(maturity), *labels.measurements)
    inputs = combined_fingerprint(predictions.fingerprint, content, outcome_fingerprint(measurements))
    return ChunkResults(
        producer=LABELS,
        chunk=chunk,
        provenance=made_from(spec, inputs),
        measurements=measurements,
        snapshot=snapshot,
        as_of=as_of,
    )


def score_chunk(
    spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, *, store: Store, snapshots: Snapshots
) -> ChunkResults:
    """Measure every version's performance on the rows whose labels are known."""
    predictions = required_snapshot(store, spec, chunk, PREDICTIONS)
    labels = required_snapshot(store, spec, chunk, LABELS)
    outputs = ["row_id", "model_version", *(c for c in spec.columns if c not in spec.features)]
    rows = snapshots.read(predictions.uri, outputs)
    known = snapshots.read(labels.uri, ["row_id", "label"])
    versions = rows["model_version"].unique().sort().to_list()
    references = load_references(spec, store, versions)
    measured: list[Measurement] = []
    states: list[str] = []
    for version in versions:
        own = rows.filter(pl.col("model_version") == version)
        labelled = own.join(known, on="row_id", how="semi").height
        maturity = assess_maturity(spec, chunk, predictions=own.height, labelled=labelled, as_of=as_of)
        states.append(maturity.state)
        reference = references.get(version)
        measured.extend(
            measure_performance(
                spec,
                own,
                known,
                model_version=version,
                maturity=maturity,
                reference_values={b.metric: b.value for b in reference.performance} if reference else {},
            )
        )
    inputs = combined_fingerprint(predictions.fingerprint, labels.fingerprint, *states)
    nothing = (nothing_to_measure(Kind.PERFORMANCE, "performance", "model", "no predictions"),)
    return ChunkResults(
        producer="performance",
        chunk=chunk,
        provenance=made_from(spec, inputs, references),
        measurements=tuple(measured) or nothing,
        as_of=as_of,
    )

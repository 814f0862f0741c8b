"""The step that reads a chunk's labels known so far, and measures their maturity."""

import datetime as dt

import polars as pl

from monitoring_pipeline.evaluation.labels.delay import (
    ages_in_hours,
    expected_labels,
)
from monitoring_pipeline.evaluation.labels.first_seen import with_time_first_seen
from monitoring_pipeline.evaluation.labels.maturity import ExpectedLabels, assess_maturity, maturity_measurements
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.evaluation.rows.canonical import canonical_labels
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint, fingerprint
from monitoring_pipeline.ports.outside import Reading
from monitoring_pipeline.ports.references import References
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import (
    LABELS,
    PREDICTIONS,
    latest_time,
    made_from,
    outcome_fingerprint,
    require_rows_known_before,
    required_snapshot,
)
from monitoring_pipeline.steps.references import load_references
from monitoring_pipeline.steps.refusals import unreadable


def take_labels(spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, reading: Reading) -> ChunkResults:
    """Read the labels known at ``as_of``, write a snapshot of them, and measure the maturity of the chunk.

    Raises:
        SourceError: when the labels cannot be read, do not fit the spec, or are gone.
    """
    predictions = required_snapshot(reading.store, spec, chunk, PREDICTIONS)
    read = reading.warehouse.read_labels(spec, chunk, as_of)
    if not read.accounting.not_yet_known:
        # Rows that are still there without a label, or with a later time, were withdrawn on purpose.
        require_rows_known_before(spec, chunk, LABELS, read.frame, store=reading.store, until=as_of)
    rows = reading.snapshots.read(predictions.uri, ["row_id", "predicted_at", "model_version"])
    labels = canonical_labels(spec, read.frame, rows, read.accounting, id_key=reading.id_key)
    known = _with_times(spec, chunk, labels.frame, as_of, reading)
    content = fingerprint(known)
    snapshot = Snapshot(
        kind=LABELS,
        uri=reading.snapshots.write(known, model=spec.name, chunk=chunk.key, kind=LABELS, fingerprint=content),
        fingerprint=content,
        rows=read.frame.height,
        latest_at=latest_time(known["known_at"] if spec.declared_labels.known_at is None else read.frame["known_at"]),
        state=read.state.fingerprint if known.height == labels.frame.height else f"{read.state.fingerprint} at {as_of}",
    )
    labelled = rows.join(known, on="row_id", how="semi").height
    maturity = assess_maturity(
        spec,
        chunk,
        predictions=rows.height,
        labelled=labelled,
        as_of=as_of,
        expected=_expected(spec, rows, reading.store, as_of),
    )
    measurements = (*maturity_measurements(spec, maturity), *labels.measurements)
    inputs = combined_fingerprint(predictions.fingerprint, content, outcome_fingerprint(measurements))
    return ChunkResults(
        producer=LABELS,
        chunk=chunk,
        provenance=made_from(spec, inputs),
        measurements=measurements,
        snapshot=snapshot,
        as_of=as_of,
    )


def labels_or_refusal(spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, reading: Reading) -> ChunkResults:
    """Read the labels known at ``as_of``; if they cannot be read, return the refusal of the chunk.

    Raises:
        SourceUnreachableError: when the source was away, and the labels of the chunk have been read before.
    """
    try:
        return take_labels(spec, chunk, as_of, reading)
    except SourceError as error:
        return unreadable(spec, chunk, error, producer=LABELS, store=reading.store)


def _with_times(
    spec: ModelSpec, chunk: Chunk, labels: pl.DataFrame, as_of: dt.datetime, reading: Reading
) -> pl.DataFrame:
    """Return the labels with the times of their source, or with the times at which they were first seen."""
    if spec.declared_labels.known_at is not None:
        return labels
    stored = reading.store.snapshot(spec.name, chunk.key, LABELS)
    before = reading.snapshots.read(stored.uri) if stored else None
    return with_time_first_seen(labels, before, as_of)


def _expected(spec: ModelSpec, rows: pl.DataFrame, store: References, as_of: dt.datetime) -> ExpectedLabels | None:
    """Return the numbers of labels expected at ``as_of`` and in the end, from the label delays of the references.

    Return None if a version has no reference, or if its reference has no label delay.
    """
    references = load_references(spec, store, rows["model_version"].unique().sort().to_list())
    parts: list[ExpectedLabels] = []
    for version in rows["model_version"].unique().sort():
        reference = references.get(version)
        if reference is None or reference.label_delay.reason is not None:
            return None
        version_rows = rows.filter(pl.col("model_version") == version)
        parts.append(expected_labels(reference.label_delay, ages_in_hours(version_rows["predicted_at"], as_of)))
    return ExpectedLabels(sum(part.by_now for part in parts), sum(part.eventually for part in parts))

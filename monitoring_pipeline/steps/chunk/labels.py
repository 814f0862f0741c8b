"""The step that reads a chunk's labels known so far, and measures their maturity."""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.labels.delay import (
    ages_in_hours,
    expected_labels,
)
from monitoring_pipeline.evaluation.labels.first_seen import with_time_first_seen
from monitoring_pipeline.evaluation.labels.maturity import ExpectedLabels, assess_maturity, maturity_measurements
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.quality.sampled import Sampled
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.evaluation.rows.canonical import canonical_labels
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint, fingerprint
from monitoring_pipeline.evaluation.rows.joined import rows_with_label
from monitoring_pipeline.ports.counting import Counting
from monitoring_pipeline.ports.outside import Reading
from monitoring_pipeline.ports.references import References
from monitoring_pipeline.ports.snapshots import SnapshotError, Snapshots
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.ports.warehouse import LabelsRead
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
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
    without_forgotten,
)
from monitoring_pipeline.steps.pushdown import noted, rows_counted, sampled_chunk
from monitoring_pipeline.steps.references import load_references
from monitoring_pipeline.steps.refusals import unreadable


def take_labels(spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, reading: Reading) -> ChunkResults:
    """Read the labels known at ``as_of``, write a snapshot of them, and measure the maturity of the chunk.

    Raises:
        SourceError: when the labels cannot be read, do not fit the spec, or are gone.
    """
    predictions = required_snapshot(reading.store, spec, chunk, PREDICTIONS)
    sampled = sampled_chunk(spec, chunk, reading.store)
    counting = reading.warehouse.counting(spec) if sampled else None
    read = _read(spec, chunk, as_of, reading)
    if not read.accounting.not_yet_known:
        # Rows that are still there without a label, or with a later time, were withdrawn on purpose.
        require_rows_known_before(spec, chunk, LABELS, read.frame, store=reading.store, until=as_of)
    rows = reading.snapshots.read(predictions.uri, ["row_id", "predicted_at", "model_version"])
    labels = canonical_labels(spec, read.frame, rows, read.accounting, id_key=reading.id_key)
    seen = _seen_before(spec, chunk, reading)
    labelled_now = without_forgotten(spec, labels.frame, reading.store)
    known = _with_times(spec, labelled_now, as_of, seen.labels)
    content = fingerprint(known)
    snapshot = Snapshot(
        kind=LABELS,
        uri=reading.snapshots.write(known, model=spec.name, chunk=chunk.key, kind=LABELS, fingerprint=content),
        fingerprint=content,
        rows=read.frame.height,
        latest_at=latest_time(known["known_at"] if spec.declared_labels.known_at is None else read.frame["known_at"]),
        state=read.state.fingerprint if known.height == labelled_now.height else f"{read.state.fingerprint} at {as_of}",
    )
    labelled = rows_with_label(rows, known)
    counts = _Counts(rows.height, labelled, _expected(spec, rows, reading.store, as_of))
    if sampled is not None and counting is not None:
        counts = _Counting(spec, chunk, counting, reading.store).all_labels(as_of, sampled, of_sample=counts)
    maturity = assess_maturity(
        spec,
        chunk,
        predictions=counts.predictions,
        labelled=counts.labelled,
        as_of=as_of,
        expected=counts.expected,
    )
    measurements = (*maturity_measurements(spec, maturity), *noted(sampled, labels.measurements), *seen.lost)
    profiled = [repr(counts.profiles)] if counts.profiles else []
    inputs = combined_fingerprint(predictions.fingerprint, content, outcome_fingerprint(measurements), *profiled)
    return ChunkResults(
        producer=LABELS,
        chunk=chunk,
        provenance=made_from(spec, inputs),
        measurements=measurements,
        profiles=counts.profiles,
        snapshot=snapshot,
        as_of=as_of,
    )


@dataclass(frozen=True)
class _Counts:
    """The predictions and labelled predictions of a chunk, the expected labels, and the counts by score and label."""

    predictions: int
    labelled: int
    expected: ExpectedLabels | None
    profiles: tuple[ChunkProfile, ...] = ()


@dataclass(frozen=True)
class _Counting:
    """The counting of the labels of a chunk where its rows are."""

    spec: ModelSpec
    chunk: Chunk
    counting: Counting
    store: Store

    def all_labels(self, as_of: dt.datetime, sampled: Sampled, *, of_sample: _Counts) -> _Counts:
        """Return the numbers of all rows; the expected labels are those of the sample, scaled."""
        spec, chunk = self.spec, self.chunk
        versions = {profile.model_version for profile in self.store.profiles(spec.name, chunk.key, PREDICTIONS)}
        references = load_references(spec, self.store, versions)
        bins = {version: reference.bins | reference.error_bins for version, reference in references.items()}
        labelled = self.counting.labelled(spec, chunk, as_of, rows_counted(spec, chunk, self.store), bins)
        expected, scale = of_sample.expected, sampled.of_rows / max(of_sample.predictions, 1)
        return _Counts(
            sampled.of_rows,
            sum(labelled.rows.values()),
            expected and ExpectedLabels(expected.by_now * scale, expected.eventually * scale),
            labelled.profiles,
        )


def labels_or_refusal(spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, reading: Reading) -> ChunkResults:
    """Read the labels known at ``as_of``; if they cannot be read, return the refusal of the chunk.

    Raises:
        SourceUnreachableError: when the source was away, and the run waits for it, or the labels of the chunk have
            been read before.
    """
    try:
        return take_labels(spec, chunk, as_of, reading)
    except SourceError as error:
        return unreadable(spec, chunk, error, producer=LABELS, reading=reading)


def labels_again(
    spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, reading: Reading, before: pl.DataFrame | None
) -> pl.DataFrame:
    """Return the labels known at ``as_of`` as they are in the warehouse now; nothing is written.

    Args:
        spec: the model.
        chunk: the chunk.
        as_of: the time as of which labels are read.
        reading: the warehouse, and the predictions of the chunk.
        before: the labels of the chunk that were stored earlier; None if there are none.

    Raises:
        SourceError: when the labels cannot be read, or do not fit the spec.
        SnapshotError: when the predictions of the chunk cannot be read.
    """
    predictions = required_snapshot(reading.store, spec, chunk, PREDICTIONS)
    read = _read(spec, chunk, as_of, reading)
    rows = reading.snapshots.read(predictions.uri, ["row_id", "predicted_at", "model_version"])
    labels = canonical_labels(spec, read.frame, rows, read.accounting, id_key=reading.id_key)
    return _with_times(spec, without_forgotten(spec, labels.frame, reading.store), as_of, before)


def _read(spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, reading: Reading) -> LabelsRead:
    """Read the labels of a chunk, or of its sample if its rows are counted where they are."""
    sampled = sampled_chunk(spec, chunk, reading.store)
    counting = reading.warehouse.counting(spec) if sampled else None
    if sampled is None or counting is None:
        return reading.warehouse.read_labels(spec, chunk, as_of)
    return counting.labels_sample(spec, chunk, as_of, sampled.every)


@dataclass(frozen=True)
class _Seen:
    """The labels of a chunk as they were stored last, and the measurement that they are lost."""

    labels: pl.DataFrame | None = None
    lost: tuple[Measurement, ...] = ()


def _seen_before(spec: ModelSpec, chunk: Chunk, reading: Reading) -> _Seen:
    """Return the labels that were stored last, if the source does not state when its labels became known."""
    stored = None
    if spec.declared_labels.known_at is None:
        stored = reading.store.snapshot(spec.name, chunk.key, LABELS)
    if stored is None:
        return _Seen()
    if stored.is_removed:
        return _Seen(lost=(_times_lost("their snapshot was removed by retention.yaml"),))
    try:
        return _Seen(reading.snapshots.read(stored.uri))
    except SnapshotError as error:
        kept = reading.store.kept_rows(spec.name, stored.uri)
        earlier = (
            _read_undamaged(reading.snapshots, each.uri)
            for each in (kept.before if kept else ())
            if not each.is_removed
        )
        return _Seen(next((labels for labels in earlier if labels is not None), None), (_times_lost(str(error)),))


def _read_undamaged(snapshots: Snapshots, uri: str) -> pl.DataFrame | None:
    try:
        return snapshots.read(uri)
    except SnapshotError:
        return None


def _times_lost(reason: str) -> Measurement:
    lost = reason.partition(";")[0]
    return Measurement(
        kind=Kind.QUALITY,
        subject="labels",
        name="labels_first_seen",
        model_version="",
        status=Status.SKIPPED,
        severity=Severity.WARNING,
        reason=f"the times at which labels were first seen are lost, so that they count as seen now: {lost}",
    )


def _with_times(spec: ModelSpec, labels: pl.DataFrame, as_of: dt.datetime, before: pl.DataFrame | None) -> pl.DataFrame:
    """Return the labels with the times of their source, or with the times at which they were first seen."""
    if spec.declared_labels.known_at is not None:
        return labels
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

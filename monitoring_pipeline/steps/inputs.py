"""Inputs that steps read from the store, and the provenance of their results."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields

import polars as pl

import monitoring_pipeline
from monitoring_pipeline.evaluation.quality.suite import unreadable_features
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.evaluation.rows.errors import SourceUnreachableError
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.ports.snapshots import Snapshots
from monitoring_pipeline.ports.upkeep import Upkeep
from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement, Provenance, Severity, Status
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.references import MissingInputError

PREDICTIONS, LABELS = Producer.PREDICTIONS, Producer.LABELS


def required_snapshot(store: Results, spec: ModelSpec, chunk: Chunk, kind: str) -> Snapshot:
    """Return the pointer to a chunk's rows of one kind.

    Raises:
        MissingInputError: when the asset named by ``kind`` has not stored one, or it was removed.
    """
    snapshot = store.snapshot(spec.name, chunk.key, kind)
    if snapshot is None:
        raise missing_input(spec, chunk, kind)
    if snapshot.is_removed:
        message = (
            f"{spec.name} {chunk.key}: its {kind} were removed by retention.yaml; its results stay as they were "
            f"judged. Materialize {spec.name}/{kind} to read them again"
        )
        raise MissingInputError(message)
    return snapshot


def require_rows_known_before(
    spec: ModelSpec, chunk: Chunk, kind: str, rows: pl.DataFrame, *, store: Results, until: dt.datetime | None = None
) -> None:
    """Refuse to replace rows that were read before by no rows.

    A table without rows for a chunk may have been emptied or rebuilt, or its retention may have ended.

    Args:
        spec: the model.
        chunk: the chunk.
        kind: the kind of the rows: predictions or labels.
        rows: the rows that were read now.
        store: contains the snapshot of the rows that were read before.
        until: the time as of which rows were read; rows that became known later need not be there.

    Raises:
        SourceUnreachableError: when no rows were read now, and some were read before.
    """
    if not rows.is_empty():
        return
    before = store.snapshot(spec.name, chunk.key, kind)
    if before is None or not before.rows or (until and before.latest_at and before.latest_at > until):
        return
    table = (spec.labels and kind == LABELS and spec.labels.table) or spec.predictions.table
    message = f"{table} has no {kind} of this {spec.calendar.noun} now, and had some when it was read before"
    raise SourceUnreachableError(message)


def without_forgotten(spec: ModelSpec, rows: pl.DataFrame, store: Upkeep) -> pl.DataFrame:
    """Return canonical rows without those that were removed on request."""
    forgotten = store.forgotten(spec.name)
    return rows.filter(~pl.col("row_id").is_in(forgotten)) if forgotten else rows


def with_readable_features(spec: ModelSpec, chunk: Chunk, store: Results) -> ModelSpec:
    """Return the spec without the features that were left out when the chunk was read.

    The spec itself is returned if every feature was readable.
    """
    faults = store.measurements(spec.name, chunk.key, PREDICTIONS, statuses=(Status.BREACHED, Status.SKIPPED))
    left_out = unreadable_features(spec, faults)
    return spec.with_features_in(spec.features.keys() - left_out)


def missing_input(spec: ModelSpec, chunk: Chunk, asset: str) -> MissingInputError:
    """Return the error that names the asset to run first."""
    return MissingInputError(f"{spec.name} {chunk.key}: nothing from {asset} yet: materialize {spec.name}/{asset}")


def versions_in(snapshots: Snapshots, snapshot: Snapshot) -> list[str]:
    """Return the model versions of the predictions in a snapshot, sorted."""
    return snapshots.read(snapshot.uri, ["model_version"])["model_version"].unique().sort().to_list()


def rows_of_version(
    spec: ModelSpec, chunk: Chunk, version: str, kept: Kept, *, first: int | None = None
) -> pl.DataFrame:
    """Return a chunk's predictions by one model version, or the ``first`` of them, which are a sample.

    They are in the order of the hashes of their IDs.
    """
    snapshot = required_snapshot(kept.store, spec, chunk, PREDICTIONS)
    rows = scan_version(kept.snapshots, snapshot, version, versions_in(kept.snapshots, snapshot))
    return (rows if first is None else rows.head(first)).collect()


def scan_version(snapshots: Snapshots, snapshot: Snapshot, version: str, versions: Collection[str]) -> pl.LazyFrame:
    """Return a snapshot's rows of one of its ``versions``, not yet read."""
    rows = snapshots.scan(snapshot.uri)
    # Most chunks have one version; then no filter has to read the version column with every other column.
    return rows if len(versions) == 1 else rows.filter(pl.col("model_version") == version)


def known_labels(spec: ModelSpec, chunk: Chunk, kept: Kept) -> tuple[pl.DataFrame | None, str]:
    """Return IDs and labels of a chunk, and their fingerprint; None and no text if no labels have been read."""
    snapshot = kept.store.snapshot(spec.name, chunk.key, LABELS) if spec.labels else None
    if snapshot is None or snapshot.is_removed:
        return None, ""
    return kept.snapshots.read(snapshot.uri, ["row_id", "label"]), snapshot.fingerprint


def maturity_of_labels(spec: ModelSpec, chunk: Chunk, store: Results) -> dict[str, Maturity]:
    """Return the maturity of the labels of each version whose performance was measured."""
    measured = store.measurements(spec.name, chunk.key, Producer.PERFORMANCE)
    return {m.model_version: m.maturity for m in measured if m.maturity is not None and m.kind is Kind.PERFORMANCE}


def is_changed(results: ChunkResults, *, store: Results) -> bool:
    """Return whether results were made from other numbers than the stored ones of their producer."""
    return store.provenance(results.chunk.model, results.chunk.key, results.producer) != results.provenance


def made_from(spec: ModelSpec, input_fingerprint: str, references: Mapping[str, Reference] | None = None) -> Provenance:
    """Return the provenance of results that were made by this code from an input and references."""
    hashes = [reference.reference_hash for reference in (references or {}).values()]
    return Provenance(
        spec_hash=spec.spec_hash,
        reference_hash=hashes[0] if len(hashes) == 1 else combined_fingerprint(*hashes) if hashes else "",
        input_fingerprint=input_fingerprint,
        code_version=monitoring_pipeline.__version__,
    )


def outcome_fingerprint(measurements: Sequence[Measurement]) -> str:
    """Return a hash of measurements, for results whose input fingerprint depends on them."""
    return combined_fingerprint(*map(_hashed_text, measurements))


def _hashed_text(measurement: Measurement) -> str:
    # Stored hashes were made from this text; another one would make a new revision of every result.
    values = {field.name: getattr(measurement, field.name) for field in fields(measurement)}
    values |= {"name": str(measurement.metric), "role": str(measurement.role)}
    del values["of"]
    return f"Measurement({', '.join(f'{name}={value!r}' for name, value in values.items())})"


def nothing_to_measure(
    kind: Kind, name: str, subject: str, reason: str, *, severity: Severity = Severity.WARNING
) -> Measurement:
    """Return a skipped measurement with the reason why nothing was measured."""
    return Measurement(
        kind=kind,
        subject=subject,
        name=name,
        model_version="",
        status=Status.SKIPPED,
        severity=severity,
        reason=reason,
    )


def latest_time(times: pl.Series) -> dt.datetime | None:
    """Return the newest of the times; None if there is none."""
    latest = times.max()
    return latest if isinstance(latest, dt.datetime) else None

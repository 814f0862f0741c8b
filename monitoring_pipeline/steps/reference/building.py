"""Builds the reference of a model version once from the rows of its window, and stores it for all steps."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace

import polars as pl

import monitoring_pipeline
from monitoring_pipeline.evaluation.drift.all_features import learn_multivariate_floors
from monitoring_pipeline.evaluation.drift.floors import learn_floors
from monitoring_pipeline.evaluation.profiles.labelled import profile_labelled
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.quality.suite import unreadable_features
from monitoring_pipeline.evaluation.reference.reference import (
    BuiltReference,
    Reference,
    build_reference,
    find_concentrated_nulls,
    reference_from_document,
)
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.evaluation.rows.canonical import canonical_predictions
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint, fingerprint
from monitoring_pipeline.ports.outside import Kept, Outside
from monitoring_pipeline.ports.references import Origin
from monitoring_pipeline.ports.registry import Registry
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.ports.snapshots import Snapshots
from monitoring_pipeline.records.measurement import Provenance
from monitoring_pipeline.records.producer import days_producer, reference_producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.labels import read_canonical_labels
from monitoring_pipeline.steps.references import reference_rows, schema_refusal
from monitoring_pipeline.steps.scoring import scored_by


@dataclass(frozen=True)
class TakenReference:
    """The reference of a version; ``reused`` if it was not built again."""

    reference: Reference
    reused: bool


def take_reference(
    loaded: LoadedSpec, model_version: str, outside: Outside, *, now: dt.datetime, rebuild: bool = False
) -> TakenReference:
    """Build a version's reference from its window, unless it was built from the same declaration before.

    If the version served no rows in its window, for example because it was trained later, it scores those rows now.

    Raises:
        SourceError: when the window's rows cannot be read, or do not fit the spec.
        EmptyReferenceError: when the window has no rows of the version.
    """
    spec = loaded.spec
    chunk = spec.calendar.window(spec.reference[model_version])
    declaration = spec.reference_declaration_hash(model_version)
    store, origin = outside.store, Origin(run_id=outside.run_id, at=now)
    stored = store.provenance(spec.name, chunk.key, reference_producer(model_version))
    document = store.reference_document(spec.name, model_version)
    if stored and stored.spec_hash == declaration and document and not rebuild:
        reference = reference_from_document(document)
        if reference.floors.rules_hash == spec.learned_floors_hash:
            return TakenReference(reference, reused=True)
        relearned = _relearned(spec, reference, outside)
        store.save_reference(relearned, stored, chunk, origin=origin)
        return TakenReference(relearned, reused=True)
    read = outside.warehouse.read_predictions(spec, chunk)
    suite = outside.suites(spec, loaded.suite_path, read.frame)
    if refusal := schema_refusal(spec, suite):
        message = f"{spec.name}: reference.{model_version}: {spec.predictions.table}: {refusal}"
        raise SourceError(message)
    readable = read.frame.drop(unreadable_features(spec, suite.schema), strict=False)
    served = canonical_predictions(spec, readable, id_key=outside.id_key, without_time=read.rows_without_time).frame
    labels = read_canonical_labels(spec, chunk, served, now, outside)
    rows = _with_rows_of(spec, served, model_version, outside.registry)
    readable_spec = spec.with_features_in(readable.columns)
    built = build_reference(
        readable_spec, model_version, chunk.key, rows, labels, table_columns=read.table_columns, as_of=now
    )
    reference = built.reference
    provenance = Provenance(
        spec_hash=declaration,
        reference_hash=reference.reference_hash,
        input_fingerprint=combined_fingerprint(fingerprint(rows), fingerprint(labels)),
        code_version=monitoring_pipeline.__version__,
    )
    version_rows = rows.filter(pl.col("model_version") == model_version)
    findings = (
        *suite.schema_failures,
        *find_concentrated_nulls(readable_spec, version_rows, model_version=model_version),
    )
    store.save_reference(reference, provenance, chunk, origin=origin)
    for results in (
        *_of_chunks(spec, built, provenance),
        ChunkResults(
            producer=reference_producer(model_version),
            chunk=chunk,
            provenance=provenance,
            measurements=findings,
            profiles=(reference.profile, *_labelled(spec, built)),
            snapshot=_kept_rows(spec, chunk, built.rows, model_version, outside.snapshots),
        ),
    ):
        store.replace(results, run_id=origin.run_id, measured_at=origin.at)
    return TakenReference(reference, reused=False)


def _with_rows_of(spec: ModelSpec, served: pl.DataFrame, model_version: str, registry: Registry) -> pl.DataFrame:
    """Return the rows as they were served if the version served some, else with the scores that it gives them now."""
    if served.is_empty() or (served["model_version"] == model_version).any():
        return served
    if not registry.has_version(spec.name, model_version):
        return served
    return scored_by(spec, served.unique("row_id", keep="first", maintain_order=True), model_version, registry)


def _labelled(spec: ModelSpec, built: BuiltReference) -> tuple[ChunkProfile, ...]:
    """Return the counts of the labelled rows of the reference, with which later periods are compared."""
    reference, rows = built.reference, built.rows
    labels = rows.select("row_id", "label").filter(pl.col("label").is_not_null())
    bins = reference.bins | reference.error_bins
    return profile_labelled(spec, bins, rows.drop("label"), labels, model_version=reference.model_version)


def _relearned(spec: ModelSpec, reference: Reference, kept: Kept) -> Reference:
    """Return the reference with floors learned by changed rules from the stored profiles of its days and its rows."""
    spec = spec.with_features_in(reference.bins)
    version = reference.model_version
    chunks = profiles_of_reference(spec, version, kept.store)
    rows = reference_rows(spec, reference, kept)
    return replace(
        reference,
        floors=learn_floors(spec, version, reference.bins, chunks),
        multivariate_floors=learn_multivariate_floors(spec, version, rows, left_out=reference.constant_columns),
    )


def profiles_of_reference(spec: ModelSpec, version: str, store: Results) -> dict[str, ChunkProfile]:
    """Return the stored profiles of the chunks of a version's reference window, by key."""
    keys = [chunk.key for chunk in spec.calendar.chunks_of(spec.reference[version])]
    stored = store.profiles_by_chunk(spec.name, days_producer(version), keys)
    return {key: profiles[0] for key, profiles in stored.items()}


def _of_chunks(spec: ModelSpec, built: BuiltReference, provenance: Provenance) -> Iterator[ChunkResults]:
    """Yield the profiles of the reference's chunks, from which baselines and learned floors are computed."""
    producer = days_producer(built.reference.model_version)
    for key, profile in built.chunks.items():
        yield ChunkResults(
            producer=producer, chunk=spec.calendar.chunk(key), provenance=provenance, profiles=(profile,)
        )


def _kept_rows(spec: ModelSpec, chunk: Chunk, rows: pl.DataFrame, model_version: str, snapshots: Snapshots) -> Snapshot:
    content = fingerprint(rows)
    return Snapshot(
        kind=reference_producer(model_version),
        uri=snapshots.write(rows, model=spec.name, chunk=chunk.key, kind="reference", fingerprint=content),
        fingerprint=content,
        rows=rows.height,
    )

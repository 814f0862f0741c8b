"""Stores a built reference with the data that are kept beside it."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.profiles.labelled import profile_labelled
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.reference.reference import BuiltReference
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.evaluation.rows.fingerprints import fingerprint
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.ports.references import Origin
from monitoring_pipeline.ports.snapshots import Snapshots
from monitoring_pipeline.records.measurement import Measurement, Provenance
from monitoring_pipeline.records.producer import days_producer, reference_producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.declaration import ReferenceDeclaration
from monitoring_pipeline.spec.model import ModelSpec


@dataclass(frozen=True, kw_only=True)
class ToStore:
    """A built reference, what it was built from, and the findings about its rows."""

    spec: ModelSpec
    built: BuiltReference
    window: Chunk
    provenance: Provenance
    declaration: ReferenceDeclaration
    findings: tuple[Measurement, ...]


def store_reference(stored: ToStore, kept: Kept, origin: Origin) -> None:
    """Make a reference the current one of its version, with all that belongs to it; earlier revisions of it stay."""
    reference, chunk, provenance = stored.built.reference, stored.window, stored.provenance
    of_window = ChunkResults(
        producer=reference_producer(reference.model_version),
        chunk=chunk,
        provenance=provenance,
        measurements=stored.findings,
        profiles=(reference.profile, *_labelled(stored.spec, stored.built)),
        snapshot=_kept_rows(stored.spec, chunk, stored.built.rows, reference.model_version, kept.snapshots),
    )
    kept.store.save_reference(
        reference,
        provenance,
        chunk,
        origin=origin,
        declaration=stored.declaration.text,
        results=[*_of_chunks(stored.spec, stored.built, provenance), of_window],
    )


def _labelled(spec: ModelSpec, built: BuiltReference) -> tuple[ChunkProfile, ...]:
    """Return the counts of the labelled rows of the reference, with which later periods are compared."""
    reference, rows = built.reference, built.rows
    labels = rows.select("row_id", "label").filter(pl.col("label").is_not_null())
    bins = reference.bins | reference.error_bins
    return profile_labelled(spec, bins, rows.drop("label"), labels, model_version=reference.model_version)


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

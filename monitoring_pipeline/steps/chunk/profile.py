"""The step that counts every column of a chunk over the bins of the reference."""

import narwhals as nw
import polars as pl

from monitoring_pipeline.evaluation.judgement.lost_coverage import version_without_reference
from monitoring_pipeline.evaluation.profiles.profile import profile_chunk
from monitoring_pipeline.evaluation.quality.columns import measure_columns
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    made_from,
    required_snapshot,
    versions_in,
    with_readable_features,
)
from monitoring_pipeline.steps.reference.refusal import recorded_refusals
from monitoring_pipeline.steps.references import load_references
from monitoring_pipeline.steps.roles import NOT_SERVING


def profile_predictions(spec: ModelSpec, chunk: Chunk, kept: Kept) -> ChunkResults:
    """Count every column of the snapshot over the bins of each version's reference."""
    snapshot = required_snapshot(kept.store, spec, chunk, PREDICTIONS)
    versions = versions_in(kept.snapshots, snapshot)
    references = load_references(spec, kept.store, versions)
    rows = kept.snapshots.scan(snapshot.uri)
    readable = with_readable_features(spec, chunk, kept.store).columns
    profiles = tuple(
        profile_chunk(
            nw.from_native(_of_version(rows, version, versions)),
            {column: bins for column, bins in references[version].bins.items() if column in readable},
            model_version=version,
        )
        for version in versions
        if version in references
    )
    without_reference = tuple(
        _without_reference(spec, chunk, version, snapshot, kept) for version in versions if version not in references
    )
    measured = tuple(
        measurement
        for profile in profiles
        for measurement in measure_columns(references[profile.model_version].columns, profile)
    )
    return ChunkResults(
        producer=Producer.PROFILE,
        chunk=chunk,
        provenance=made_from(spec, snapshot.fingerprint, references),
        measurements=(*measured, *without_reference, *recorded_refusals(spec, references.values(), kept.store)),
        profiles=profiles,
    )


def _of_version(rows: pl.LazyFrame, version: str, versions: list[str]) -> pl.LazyFrame:
    # Most chunks have one version; then no filter has to read the version column with every other column.
    return rows if len(versions) == 1 else rows.filter(pl.col("model_version") == version)


def _without_reference(spec: ModelSpec, chunk: Chunk, version: str, snapshot: Snapshot, kept: Kept) -> Measurement:
    """Return the measurement about a version without a reference: a breach if the version serves."""
    if kept.store.role_at(spec.name, version, chunk.start) in NOT_SERVING:
        return _no_reference(spec, version)
    made_by = kept.snapshots.read(snapshot.uri, ["model_version"])["model_version"]
    return version_without_reference(spec, version, int((made_by == version).sum()), snapshot.rows)


def _no_reference(spec: ModelSpec, version: str) -> Measurement:
    return Measurement(
        kind=Kind.DRIFT,
        subject="model",
        name="reference",
        model_version=version,
        status=Status.SKIPPED,
        severity=Severity.WARNING,
        reason=f"version {version!r} has no reference window; reference knows {', '.join(sorted(spec.reference))}",
    )

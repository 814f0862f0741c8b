"""The step that counts every column of a chunk over the bins of the reference."""

from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw

from monitoring_pipeline.evaluation.judgement.lost_coverage import version_without_reference
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, profile_chunk
from monitoring_pipeline.evaluation.quality.columns import measure_columns
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults, Snapshot
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    made_from,
    missing_input,
    required_snapshot,
    scan_version,
    versions_in,
    with_readable_features,
)
from monitoring_pipeline.steps.pushdown import noted_if_derived, sampled_chunk
from monitoring_pipeline.steps.reference.refusal import recorded_refusals
from monitoring_pipeline.steps.references import load_references
from monitoring_pipeline.steps.roles import NOT_SERVING
from monitoring_pipeline.steps.same_projections import have_other_projections

VALUES_HELD = 5_000_000


def profile_predictions(spec: ModelSpec, chunk: Chunk, kept: Kept) -> ChunkResults:
    """Count every column of the snapshot over the bins of each version's reference.

    A chunk that was counted where its rows are has its profiles already.
    """
    snapshot = required_snapshot(kept.store, spec, chunk, PREDICTIONS)
    versions = versions_in(kept.snapshots, snapshot)
    profiled = _counted(spec, chunk, versions, kept.store) or _count(spec, chunk, snapshot, versions, kept)
    without_reference = tuple(
        _without_reference(spec, chunk, version, snapshot, kept)
        for version in versions
        if version not in profiled.references
    )
    measured = tuple(
        measurement
        for profile in profiled.profiles
        for measurement in measure_columns(profiled.references[profile.model_version].columns, profile)
    )
    refusals = recorded_refusals(spec, profiled.references.values(), kept.store)
    return ChunkResults(
        producer=Producer.PROFILE,
        chunk=chunk,
        provenance=made_from(spec, profiled.fingerprint, profiled.references),
        measurements=(
            *noted_if_derived(spec, sampled_chunk(spec, chunk, kept.store), measured),
            *without_reference,
            *refusals,
        ),
        profiles=profiled.profiles,
    )


@dataclass(frozen=True)
class _Profiled:
    """Profiles by version, the references over whose bins they are, and the fingerprint of what was counted."""

    profiles: tuple[ChunkProfile, ...]
    references: Mapping[str, Reference]
    fingerprint: str


def _counted(spec: ModelSpec, chunk: Chunk, versions: list[str], store: Store) -> _Profiled | None:
    """Return the profiles that were counted where the rows are; None if the rows of the chunk were read.

    Raises:
        MissingInputError: when they were counted over the bins of another reference.
    """
    counted = store.provenance(spec.name, chunk.key, PREDICTIONS)
    if counted is None or sampled_chunk(spec, chunk, store) is None:
        return None
    profiles = store.profiles(spec.name, chunk.key, PREDICTIONS)
    references = load_references(spec, store, {*versions, *(profile.model_version for profile in profiles)})
    if counted.reference_hash != made_from(spec, "", references).reference_hash:
        raise missing_input(spec, chunk, PREDICTIONS)
    return _Profiled(profiles, references, counted.input_fingerprint)


def _count(spec: ModelSpec, chunk: Chunk, snapshot: Snapshot, versions: list[str], kept: Kept) -> _Profiled:
    references = load_references(spec, kept.store, versions)
    if have_other_projections(spec, chunk, references, kept.store):
        raise missing_input(spec, chunk, PREDICTIONS)
    readable = with_readable_features(spec, chunk, kept.store).columns
    # A file of few rows is read once; of many rows one column at a time is held.
    is_small = snapshot.rows * len(readable) <= VALUES_HELD
    profiles: list[ChunkProfile] = []
    for version in versions:
        if version in references:
            bins = {column: own for column, own in references[version].bins.items() if column in readable}
            rows = scan_version(kept.snapshots, snapshot, version, versions)
            rows = rows.select(list(bins)).collect().lazy() if is_small else rows
            profiles.append(profile_chunk(nw.from_native(rows), bins, model_version=version))
    return _Profiled(tuple(profiles), references, snapshot.fingerprint)


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

"""The step that compares a chunk's profiles with what its columns looked like before."""

from monitoring_pipeline.evaluation.drift import measure_drift
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.orchestration.inputs import (
    PREDICTIONS,
    made_from,
    missing_input,
    nothing_to_measure,
    required_snapshot,
)
from monitoring_pipeline.orchestration.ports import Store
from monitoring_pipeline.orchestration.references import load_references
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.measurement import Kind
from monitoring_pipeline.spec.model import ModelSpec


def compare_with_reference(spec: ModelSpec, chunk: Chunk, *, store: Store) -> ChunkResults:
    """Compare the chunk's profiles with the references."""
    profiles = store.profiles(spec.name, chunk.key)
    provenance = store.provenance(spec.name, chunk.key, "profile")
    if provenance is None:
        raise missing_input(spec, chunk, "profile")
    references = load_references(spec, store, [profile.model_version for profile in profiles])
    measured = tuple(
        m
        for profile in sorted(profiles, key=lambda profile: profile.model_version)
        if profile.model_version in references
        for m in measure_drift(spec, references[profile.model_version], profile)
    )
    empty = not required_snapshot(store, spec, chunk, PREDICTIONS).rows
    reason = "no predictions" if empty else "no version has a reference"
    nothing = (nothing_to_measure(Kind.DRIFT, "drifted_columns", "chunk", reason),)
    return ChunkResults(
        producer="drift",
        chunk=chunk,
        provenance=made_from(spec, provenance.input_fingerprint, references),
        measurements=measured or nothing,
    )

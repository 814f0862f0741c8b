"""The step that measures a model's objectives as of a chunk, from the stored results up to that chunk."""

from monitoring_pipeline.evaluation.business.objectives import first_key, later_keys, measure_objectives, names_measured
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import made_from, outcome_fingerprint


def measure_chunk_objectives(spec: ModelSpec, chunk: Chunk, *, store: Results) -> ChunkResults:
    """Measure every objective of the spec over its window, which ends with the chunk."""
    measured = measure_objectives(spec, chunk.key, _history(spec, chunk, store)) if spec.objectives else ()
    return ChunkResults(
        producer=Producer.OBJECTIVES,
        chunk=chunk,
        provenance=made_from(spec, outcome_fingerprint(measured)),
        measurements=measured,
    )


def chunks_after(spec: ModelSpec, chunk: Chunk, *, store: Results) -> tuple[Chunk, ...]:
    """Return the later judged chunks whose windows contain this chunk, because their objectives may have changed."""
    if not spec.objectives:
        return ()
    return tuple(spec.calendar.chunk(key) for key in later_keys(spec, chunk.key, store.verdicts(spec.name)))


def _history(spec: ModelSpec, chunk: Chunk, store: Results) -> list[tuple[str, Measurement]]:
    return store.chunk_measurements(spec.name, names_measured(spec), first_key(spec, chunk.key), chunk.key)

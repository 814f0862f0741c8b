"""Chunks that are refused: why nothing follows from them."""

from monitoring_pipeline.evaluation.quality.suite import READABLE, source_failure
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.errors import SourceError, SourceUnreachableError
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.records.measurement import Measurement, Severity, Status
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    made_from,
    outcome_fingerprint,
)


def unreadable(spec: ModelSpec, chunk: Chunk, error: SourceError, *, producer: str, store: Results) -> ChunkResults:
    """Return what the store shall hold of a chunk whose rows could not be read.

    Raises:
        SourceUnreachableError: ``error``, when the source was away and more is known of the chunk: that stays.
    """
    if isinstance(error, SourceUnreachableError):
        known = store.measurements(spec.name, chunk.key, producer)
        if any(measurement.name != READABLE for measurement in known):
            raise error
    return _refused(spec, chunk, (source_failure(str(error)),), producer=producer)


def refusal(spec: ModelSpec, chunk: Chunk, producer: str, *, store: Results) -> str | None:
    """Return why a chunk's rows were refused when ``producer`` last read them; None when they were not."""
    if store.snapshot(spec.name, chunk.key, producer) or store.provenance(spec.name, chunk.key, producer) is None:
        return None
    critical = [
        m
        for m in store.measurements(spec.name, chunk.key, producer)
        if m.status is Status.BREACHED and m.severity is Severity.CRITICAL
    ]
    return "; ".join(dict.fromkeys(f"{producer}: {m.subject}: {m.reason}" for m in critical)) or f"{producer}: refused"


def _refused(
    spec: ModelSpec, chunk: Chunk, measurements: tuple[Measurement, ...], *, producer: str = PREDICTIONS
) -> ChunkResults:
    return ChunkResults(
        producer=producer,
        chunk=chunk,
        provenance=made_from(spec, outcome_fingerprint(measurements)),
        measurements=measurements,
    )

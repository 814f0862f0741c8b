"""Refused chunks: the results that record a refusal, and its reason."""

from monitoring_pipeline.evaluation.quality.suite import READABLE, source_failure
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.errors import SourceError, SourceUnreachableError
from monitoring_pipeline.ports.outside import Reading
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.records.measurement import Measurement, Severity, Status
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    made_from,
    outcome_fingerprint,
)


def unreadable(
    spec: ModelSpec, chunk: Chunk, error: SourceError, *, producer: Producer, reading: Reading
) -> ChunkResults:
    """Return the results that record that a chunk's rows could not be read.

    Raises:
        SourceUnreachableError: ``error`` itself, when the source was away, and the chunk has results, which stay, or
            the run waits for its source.
    """
    if isinstance(error, SourceUnreachableError):
        stored = reading.store.measurements(spec.name, chunk.key, producer)
        if reading.waits or any(measurement.name != READABLE for measurement in stored):
            raise error
    return refusal_results(spec, chunk, (source_failure(str(error)),), producer=producer)


def refusal(spec: ModelSpec, chunk: Chunk, producer: Producer, *, store: Results) -> str | None:
    """Return the reason why a chunk's rows were refused when ``producer`` last read them; None if they were not."""
    if store.snapshot(spec.name, chunk.key, producer) or store.provenance(spec.name, chunk.key, producer) is None:
        return None
    critical = [
        m
        for m in store.measurements(spec.name, chunk.key, producer)
        if m.status is Status.BREACHED and m.severity is Severity.CRITICAL
    ]
    return "; ".join(dict.fromkeys(f"{producer}: {m.subject}: {m.reason}" for m in critical)) or f"{producer}: refused"


def refusal_results(
    spec: ModelSpec, chunk: Chunk, measurements: tuple[Measurement, ...], *, producer: Producer = PREDICTIONS
) -> ChunkResults:
    """Return the results of a refused chunk: measurements without a snapshot."""
    return ChunkResults(
        producer=producer,
        chunk=chunk,
        provenance=made_from(spec, outcome_fingerprint(measurements)),
        measurements=measurements,
    )

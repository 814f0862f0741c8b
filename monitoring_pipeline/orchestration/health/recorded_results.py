"""The measurements by which failures of the pipeline are recorded on chunks, and by which they recover."""

from collections.abc import Iterator, Sequence

from dagster import DagsterInstance

from monitoring_pipeline.evaluation.operations.pipeline_health import (
    PRODUCER,
    FailedRun,
    overdue_measurement,
    recovered,
    run_failure_measurement,
    with_failure,
)
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.orchestration.health.failed_runs import is_superseded
from monitoring_pipeline.orchestration.health.recording_request import (
    FailureConfig,
)
from monitoring_pipeline.orchestration.runs.job_names import nightly_job_name
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import made_from, outcome_fingerprint


def failure_results(
    spec: ModelSpec, config: FailureConfig, *, instance: DagsterInstance, store: Store
) -> Iterator[ChunkResults]:
    """Yield the results that record a failure on its chunks, except those that a later run has taken up."""
    for key in config.chunks:
        chunk = spec.calendar.chunk(key)
        if config.kind == "overdue":
            stands = store.verdict(spec.name, key) is None
            failure = overdue_measurement(spec, chunk)
        else:
            stands = not is_superseded(instance, config.run_id, key)
            run = FailedRun(job=config.job, run_id=config.run_id, step=config.step, message=config.message)
            failure = run_failure_measurement(run)
        if stands:
            known = store.measurements(spec.name, key, PRODUCER)
            yield _results(spec, chunk, with_failure(known, failure))


def recovered_results(spec: ModelSpec, chunk: Chunk, job_name: str, *, store: Store) -> ChunkResults | None:
    """Return the results that end the failures of a chunk that a run has judged; None if nothing changes.

    Chunks on which nothing ever failed get no results, so that their tables stay as they were.
    """
    known = store.measurements(spec.name, chunk.key, PRODUCER)
    now_known = recovered(known, job_name, nightly_job_name(spec))
    return _results(spec, chunk, now_known) if now_known != tuple(known) else None


def _results(spec: ModelSpec, chunk: Chunk, measurements: Sequence[Measurement]) -> ChunkResults:
    return ChunkResults(
        producer=PRODUCER,
        chunk=chunk,
        provenance=made_from(spec, outcome_fingerprint(measurements)),
        measurements=tuple(measurements),
    )

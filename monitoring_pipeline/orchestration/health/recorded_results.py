"""Results that record a failure of the pipeline on its chunks, or the recovery from it."""

from collections.abc import Iterator, Sequence

from dagster import DagsterInstance

from monitoring_pipeline.evaluation.operations.pipeline_health import (
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
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import made_from, outcome_fingerprint


def failure_results(
    spec: ModelSpec, config: FailureConfig, *, instance: DagsterInstance, store: Store
) -> Iterator[ChunkResults]:
    """Yield the results that record a failure on its chunks.

    A chunk is left out if a later run covers it, or if an overdue chunk has got its verdict.
    """
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
            recorded = store.measurements(spec.name, key, Producer.PIPELINE)
            yield _results(spec, chunk, with_failure(recorded, failure))


def recovered_results(
    spec: ModelSpec, chunk: Chunk, job_name: str, *, store: Store, names: Names = PLAIN
) -> ChunkResults | None:
    """Return the results that end the failures of a chunk after a run has judged it; None if nothing changes.

    A chunk without recorded failures gets no results, so that its stored results do not change.

    Args:
        spec: the model.
        chunk: the chunk.
        job_name: the job of the run.
        store: the store.
        names: the names of definitions.
    """
    before = store.measurements(spec.name, chunk.key, Producer.PIPELINE)
    after = recovered(before, job_name, names.nightly_job(spec))
    return _results(spec, chunk, after) if after != tuple(before) else None


def _results(spec: ModelSpec, chunk: Chunk, measurements: Sequence[Measurement]) -> ChunkResults:
    return ChunkResults(
        producer=Producer.PIPELINE,
        chunk=chunk,
        provenance=made_from(spec, outcome_fingerprint(measurements)),
        measurements=tuple(measurements),
    )

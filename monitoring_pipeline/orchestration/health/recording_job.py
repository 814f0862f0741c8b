"""The job that turns failed runs and overdue chunks into measurements."""

import datetime as dt
from collections.abc import Callable, Sequence

import dagster as dg

from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors
from monitoring_pipeline.orchestration.health.recorded_results import failure_results
from monitoring_pipeline.orchestration.health.recording_request import (
    JOB,
    OP,
    FailureConfig,
)
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec

RETRIES = dg.RetryPolicy(max_retries=4, delay=10, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)

AfterRecording = Callable[[ModelSpec, Sequence[Chunk], Store, dt.datetime], None]
"""Runs after failures of a model were written, with the chunks that have failures recorded, and the present time."""
RecordSpecs = Callable[[Store, dt.datetime], None]
"""Updates the incidents about unusable specs from the present files."""


def build_record_failures_job(
    specs: Sequence[ModelSpec],
    after: AfterRecording,
    record_specs: RecordSpecs = lambda _, __: None,
    names: Names = PLAIN,
) -> dg.JobDefinition:
    """Return the job that records the failure in its config, and then calls ``after`` for the recorded chunks."""
    by_name = {spec.name: spec for spec in specs}

    @dg.op(name=names.of(OP), retry_policy=RETRIES, description="Writes the failure as measurements of its chunks.")
    @hidden_in_errors()
    @names.given
    def record(
        context: dg.OpExecutionContext,
        config: FailureConfig,
        store: dg.ResourceParam[Store],
        clock: dg.ResourceParam[Clock],
    ) -> None:
        spec, now = by_name.get(config.model), clock()
        if spec is None:
            # Either a spec file is unusable, or the model's spec broke after the sensor was loaded.
            context.log.warning("%s: no model with a usable spec", config.model)
            record_specs(store, now)
            return
        written = 0
        for results in failure_results(spec, config, instance=context.instance, store=store):
            store.replace(results, run_id=context.run_id, measured_at=now)
            written += 1
        context.log.info("%s: %s: written on %d chunks", config.model, config.kind, written)
        # Includes chunks that an earlier attempt wrote before it died.
        chunks = [spec.calendar.chunk(key) for key in config.chunks]
        touched = [chunk for chunk in chunks if store.measurements(spec.name, chunk.key, Producer.PIPELINE)]
        if touched:
            after(spec, touched, store, now)

    @dg.job(
        name=names.of(JOB),
        executor_def=dg.in_process_executor,
        description="Records failed runs and overdue chunks as measurements of the chunks that they concern.",
    )
    def record_failures() -> None:
        record()

    return record_failures

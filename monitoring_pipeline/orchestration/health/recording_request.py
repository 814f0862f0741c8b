"""Requests for runs that record a failure of the pipeline, and the limit of attempts."""

import dagster as dg
from dagster import DagsterInstance, RunsFilter

from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.orchestration.runs.requests import ASKED_AGAIN, UNFINISHED

JOB, SENSOR, OP = "record_failures", "pipeline_health", "record"
MOST_TRIES = 3
"""The maximum number of runs that try to record one failure."""
FAILURE_TAG = "monitoring_pipeline/failure"
"""Tag that names the failure that a run records; all attempts share its value."""


class FailureConfig(dg.Config):
    """One failure to record.

    With ``kind: run`` it is a failed run, named by its ID, on its chunks. With ``overdue`` it is chunks without a
    verdict in time. With ``spec`` it is a spec file whose incident is out of date; ``model`` is then the file's name.
    """

    model: str
    chunks: list[str]
    kind: str
    run_id: str = ""
    job: str = ""
    step: str = ""
    message: str = ""


def tries_of(instance: DagsterInstance, failure: str) -> int | None:
    """Return the number of attempts to record a failure; None while one is unfinished, or after the maximum."""
    runs = instance.get_runs(RunsFilter(tags={FAILURE_TAG: failure}))
    may_try = len(runs) < MOST_TRIES and not any(run.status in UNFINISHED for run in runs)
    return len(runs) if may_try else None


def recording_request(run_key: str, config: FailureConfig, failure: str = "", names: Names = PLAIN) -> dg.RunRequest:
    """Return the request to record a failure, which is named by ``failure``, or by ``run_key`` if that is empty."""
    return dg.RunRequest(
        run_key=run_key,
        run_config=dg.RunConfig(ops={names.of(OP): config}),
        tags={"model": names.of(config.model), "monitoring_pipeline/trigger": SENSOR, FAILURE_TAG: failure or run_key}
        | ASKED_AGAIN,
    )

"""Requests for runs that record a failure of the pipeline, and how often one is tried."""

import dagster as dg
from dagster import DagsterInstance, RunsFilter

from monitoring_pipeline.orchestration.runs.requests import ASKED_AGAIN, UNFINISHED

JOB, SENSOR, OP = "record_failures", "pipeline_health", "record"
MOST_TRIES = 3
"""Most runs for one failure: a failure that cannot be recorded is not asked for forever."""
FAILURE_TAG = "monitoring_pipeline/failure"
"""What a run records: all tries of it share the value."""


class FailureConfig(dg.Config):
    """One failure: of a run (``kind: run``, with its id) on some chunks, or chunks without a verdict (``overdue``).

    Or a file of specs whose incident is out of date (``spec``); ``model`` is the name of the file then.
    """

    model: str
    chunks: list[str]
    kind: str
    run_id: str = ""
    job: str = ""
    step: str = ""
    message: str = ""


def tries_of(instance: DagsterInstance, failure: str) -> int | None:
    """Return how often a failure's recording has been tried; None while that is under way, or after too many tries."""
    runs = instance.get_runs(RunsFilter(tags={FAILURE_TAG: failure}))
    is_done = len(runs) < MOST_TRIES and not any(run.status in UNFINISHED for run in runs)
    return len(runs) if is_done else None


def recording_request(run_key: str, config: FailureConfig, failure: str = "") -> dg.RunRequest:
    """Return the request to record a failure; ``failure`` names it, where the run's key does not."""
    return dg.RunRequest(
        run_key=run_key,
        run_config=dg.RunConfig(ops={OP: config}),
        tags={"model": config.model, "monitoring_pipeline/trigger": SENSOR, FAILURE_TAG: failure or run_key}
        | ASKED_AGAIN,
    )

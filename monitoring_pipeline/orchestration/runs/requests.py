"""Run requests that sensors repeat until their work is done."""

from dagster import DagsterRunStatus

from monitoring_pipeline.orchestration.runs.dagster_private import IN_PROGRESS_RUN_STATUSES, MAX_RETRIES_TAG

UNFINISHED = [*IN_PROGRESS_RUN_STATUSES, DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED]

ASKED_AGAIN = {MAX_RETRIES_TAG: "0"}
"""Tag that switches off Dagster's retries, because the sensor requests the run again if it dies."""

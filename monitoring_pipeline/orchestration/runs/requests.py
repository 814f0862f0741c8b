"""Run requests that sensors repeat until their work is done."""

from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES, DagsterRunStatus
from dagster._core.storage.tags import MAX_RETRIES_TAG

UNFINISHED = [*IN_PROGRESS_RUN_STATUSES, DagsterRunStatus.QUEUED, DagsterRunStatus.NOT_STARTED]


ASKED_AGAIN = {MAX_RETRIES_TAG: "0"}
"""Tag of a run that its sensor asks for again when it has died: Dagster need not do so too."""

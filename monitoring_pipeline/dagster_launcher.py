"""Dagster's own launcher of runs, which also notices that a run's process is gone.

Without this a run whose process was killed together with its code server stays "started" for ever, and, since a model
has one run at a time, no other run of the model would start again.
"""

import os
import socket

from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher
from dagster._core.storage.dagster_run import DagsterRun

PROCESS_TAG = "monitoring_pipeline/process"
"""Tag of runs that a command executes in its own process: host and process id."""


class WatchedRunLauncher(DefaultRunLauncher):
    """Launches runs through the code server, and tells which of them have lost their process."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Run monitoring may ask."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether the process that executes a run is alive.

        A run that names no process, or one on another host, counts as running: nothing is known against it.
        """
        if PROCESS_TAG in run.tags:
            return _result(alive=_process_is_alive(run.tags[PROCESS_TAG]), where=run.tags[PROCESS_TAG])
        client = self._get_grpc_client_for_termination(run.run_id)
        if client is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return _result(alive=_server_executes(client, run.run_id), where="the code server that launched it")


def this_process() -> str:
    """Return the value of the tag for runs that this process executes."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _process_is_alive(tag: str) -> bool:
    host, _, process_id = tag.rpartition(":")
    if host != socket.gethostname():
        return True
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _server_executes(client: object, run_id: str) -> bool:
    from dagster._core.errors import DagsterUserCodeUnreachableError
    from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult
    from dagster._serdes import deserialize_value

    try:
        answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run_id), timeout=10)  # type: ignore[attr-defined]
    except DagsterUserCodeUnreachableError:
        return False
    return deserialize_value(answer, CanCancelExecutionResult).can_cancel


def _result(*, alive: bool, where: str) -> CheckRunHealthResult:
    if alive:
        return CheckRunHealthResult(WorkerStatus.RUNNING)
    return CheckRunHealthResult(WorkerStatus.FAILED, f"its process is gone from {where}")

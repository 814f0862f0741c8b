"""Dagster's default run launcher, extended to detect runs whose process has ended.

Without it, a run whose process was killed together with its code server would stay "started" for ever. No other run of
the model would start again, because a model has one run at a time.
"""

import json
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from dagster import DagsterEventType, DagsterRun, DefaultRunLauncher, deserialize_value

from monitoring_pipeline.orchestration.runs.dagster_private import (
    GRPC_INFO_TAG,
    CanCancelExecutionRequest,
    CanCancelExecutionResult,
    CheckRunHealthResult,
    DagsterUserCodeUnreachableError,
    WorkerStatus,
)

__all__ = ["WatchedRunLauncher"]

PROCESS_TAG = "monitoring_pipeline/process"
"""Tag of runs that a command executes in its own process: host and process id."""

ANSWER_SECONDS = 10
CLOCK_SECONDS = 2.0
"""Error of the start time of a process, because it is computed from ticks since the start of the machine."""


class WatchedRunLauncher(DefaultRunLauncher):
    """Launches runs through the code server, and detects runs whose process has ended."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """True, so that Dagster's run monitoring checks the health of runs."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Return whether the process that executes a run is alive.

        A process on this machine is checked by its id. The code server is asked only about runs on other machines,
        because a reloaded server has no record of earlier runs, and a run may outlive its server. A run counts as
        running if nothing can be learned about its process.
        """
        if PROCESS_TAG in run.tags:
            return self._health_of_command(run, run.tags[PROCESS_TAG])
        server = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
        process = self._worker_of(run) if _is_on_this_machine(server) else None
        if process is not None:
            process_id, seen_at = process
            return _result(alive=process_is_alive(process_id, seen_at), where=f"process {process_id}")
        executes = self._server_executes(run)
        return _result(alive=executes is not False, where="the code server that launched it")

    def _health_of_command(self, run: DagsterRun, tag: str) -> CheckRunHealthResult:
        host, _, process_id = tag.rpartition(":")
        if host != socket.gethostname():
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        record = self._instance.get_run_record_by_id(run.run_id)
        seen_at = record.create_timestamp.timestamp() if record else time.time()
        return _result(alive=process_is_alive(int(process_id), seen_at), where=f"process {tag}")

    def _worker_of(self, run: DagsterRun) -> tuple[int, float] | None:
        """Return the id of the process that a code server started for a run, and the time of its report, if any."""
        events = self._instance.get_records_for_run(run.run_id, of_type=DagsterEventType.ENGINE_EVENT).records
        for record in reversed(events):
            event = record.event_log_entry.dagster_event
            entry = event.engine_event_data.metadata.get("pid") if event else None
            if entry is not None and str(entry.value).isdecimal():
                return int(str(entry.value)), record.event_log_entry.timestamp
        return None

    def _server_executes(self, run: DagsterRun) -> bool | None:
        """Return whether a run's code server reports that it executes the run; ``None`` if it does not answer."""
        client = self._get_grpc_client_for_termination(run.run_id)
        if client is None:
            return None
        try:
            answer = client.can_cancel_execution(CanCancelExecutionRequest(run_id=run.run_id), timeout=ANSWER_SECONDS)
        except DagsterUserCodeUnreachableError:
            # The server is busy or restarting, or the network is down. Run monitoring will ask again.
            return None
        return deserialize_value(answer, CanCancelExecutionResult).can_cancel


def this_process() -> str:
    """Return the value of the tag for runs that this process executes."""
    return f"{socket.gethostname()}:{os.getpid()}"


def process_is_alive(process_id: int, seen_at: float) -> bool:
    """Return whether a process of this machine that was seen at a time (seconds since 1970) is still alive.

    A process with the same id that began later is another one. A process that ended, but was not waited for, is not
    alive.
    """
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it belongs to another user
    began_at = _began_at(process_id)
    return began_at is None or (began_at > 0 and began_at <= seen_at + CLOCK_SECONDS)


def _began_at(process_id: int) -> float | None:
    """Return the start of a process (seconds since 1970); 0 if it has ended, ``None`` if the system has no /proc."""
    try:
        # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name may contain spaces and parentheses.
        fields = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        machine = Path("/proc/stat").read_text(encoding="utf-8").splitlines()
    except OSError:
        return 0.0 if Path("/proc/self/stat").exists() else None
    state, ticks = fields[0], int(fields[19])
    machine_began_at = next(int(line.split()[1]) for line in machine if line.startswith("btime "))
    return 0.0 if state in {"Z", "X"} else machine_began_at + ticks / os.sysconf("SC_CLK_TCK")


def _is_on_this_machine(server: Mapping[str, object]) -> bool:
    local_names = {"localhost", "127.0.0.1", "::1", socket.gethostname()}
    return bool(server.get("socket")) or server.get("host") in local_names


def _result(*, alive: bool, where: str) -> CheckRunHealthResult:
    if alive:
        return CheckRunHealthResult(WorkerStatus.RUNNING)
    return CheckRunHealthResult(WorkerStatus.FAILED, f"its process is gone: {where}")

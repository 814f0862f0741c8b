"""The run launcher detects runs whose process has ended, and no others."""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.launcher.base import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG, WILL_RETRY_TAG
from dagster._daemon.monitoring.run_monitoring import monitor_started_run
from dagster._grpc.client import DagsterGrpcClient

from monitoring_pipeline.backfill import dagster_instance
from monitoring_pipeline.dagster_launcher import PROCESS_TAG, WatchedRunLauncher, process_is_alive, this_process
from monitoring_pipeline.orchestration.runs.requests import ASKED_AGAIN

ELSEWHERE = "127.0.0.2"
"""An address of this machine that the launcher takes for another machine."""


@dg.job
def nothing() -> None:
    pass


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """An instance in a file, with the project's dagster.yaml."""
    home = tmp_path_factory.mktemp("dagster")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        with dagster_instance(home) as opened:
            yield opened


@pytest.fixture(scope="module")
def dead() -> int:
    """Id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@contextmanager
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def health(instance: dg.DagsterInstance, run: dg.DagsterRun) -> WorkerStatus:
    launcher = instance.run_launcher
    assert isinstance(launcher, WatchedRunLauncher)
    assert launcher.supports_check_run_worker_health
    return launcher.check_run_worker_health(run).status


def started(instance: dg.DagsterInstance, *, worker: int | None = None, **tags: str) -> dg.DagsterRun:
    """Return a run that has started; with ``worker``, its code server has reported that process."""
    run = instance.create_run_for_job(nothing, tags=tags, status=dg.DagsterRunStatus.STARTED)
    if worker is not None:
        instance.report_engine_event(
            f"Started process for run (pid: {worker}).", run, EngineEventData.in_process(worker)
        )
    return run


def server(**place: object) -> dict[str, str]:
    return {GRPC_INFO_TAG: json.dumps(place)}


def test_process_that_ended_is_not_alive_even_if_nobody_waited_for_it(dead: int) -> None:
    assert process_is_alive(os.getpid(), time.time())
    assert not process_is_alive(dead, time.time())
    with sleeper() as process:
        assert process_is_alive(process.pid, time.time())
        process.send_signal(signal.SIGKILL)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert not process_is_alive(process.pid, time.time())


def test_process_that_began_after_the_id_was_seen_is_another_one() -> None:
    with sleeper() as process:
        assert not process_is_alive(process.pid, time.time() - 3600)


def test_run_of_a_command_fails_after_the_process_of_the_command_ended(instance: dg.DagsterInstance, dead: int) -> None:
    assert health(instance, started(instance, **{PROCESS_TAG: this_process()})) is WorkerStatus.RUNNING
    here, away = socket.gethostname(), "another-host"
    assert health(instance, started(instance, **{PROCESS_TAG: f"{here}:{dead}"})) is WorkerStatus.FAILED
    assert health(instance, started(instance, **{PROCESS_TAG: f"{away}:{dead}"})) is WorkerStatus.RUNNING


def test_run_outlives_its_code_server_and_fails_with_its_process(instance: dg.DagsterInstance, dead: int) -> None:
    gone = server(host="localhost", socket="/tmp/a-server-that-is-gone")
    assert health(instance, started(instance, worker=os.getpid(), **gone)) is WorkerStatus.RUNNING
    assert health(instance, started(instance, worker=dead, **gone)) is WorkerStatus.FAILED
    this_host = server(host=socket.gethostname(), port=1)
    assert health(instance, started(instance, worker=dead, **this_host)) is WorkerStatus.FAILED


def test_run_whose_process_is_unknown_counts_as_running(instance: dg.DagsterInstance, dead: int) -> None:
    assert health(instance, started(instance)) is WorkerStatus.RUNNING
    no_answer = server(host=ELSEWHERE, port=1)
    assert health(instance, started(instance, worker=dead, **no_answer)) is WorkerStatus.RUNNING


def test_run_that_a_remote_code_server_does_not_execute_fails(
    instance: dg.DagsterInstance, dead: int, tmp_path: Path
) -> None:
    (tmp_path / "empty.py").write_text("import dagster as dg\ndefs = dg.Definitions()\n", encoding="utf-8")
    with socket.socket() as listener:
        listener.bind((ELSEWHERE, 0))
        port = listener.getsockname()[1]
    command = [str(Path(sys.executable).with_name("dagster")), "api", "grpc", "-f", str(tmp_path / "empty.py")]
    process = subprocess.Popen([*command, "-h", ELSEWHERE, "-p", str(port)], cwd=tmp_path, env={"HOME": str(tmp_path)})
    try:
        client = DagsterGrpcClient(host=ELSEWHERE, port=port)
        deadline = time.monotonic() + 60
        while client.health_check_query() != "SERVING":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        run = started(instance, worker=dead, **server(host=ELSEWHERE, port=port))
        assert health(instance, run) is WorkerStatus.FAILED
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(("tags", "will_retry"), [({}, "true"), (ASKED_AGAIN, "false")])
def test_run_monitoring_fails_a_lost_run_and_allows_one_retry(
    instance: dg.DagsterInstance, dead: int, tags: dict[str, str], will_retry: str
) -> None:
    gone = server(host="localhost", socket="/tmp/a-server-that-is-gone")
    alive, lost = (started(instance, worker=worker, **gone, **tags) for worker in (os.getpid(), dead))
    for run in (alive, lost):
        record = instance.get_run_record_by_id(run.run_id)
        monitor_started_run(instance, None, record, logging.getLogger("monitoring"))
    assert instance.get_run_by_id(alive.run_id).status is dg.DagsterRunStatus.STARTED
    failed = instance.get_run_by_id(lost.run_id)
    assert failed.status is dg.DagsterRunStatus.FAILURE
    assert failed.tags[WILL_RETRY_TAG] == will_retry

"""A real ``dagster dev`` on a world, as a separate process."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitoring_pipeline.shipped_files import dagster_yaml
from monitoring_pipeline_tests.worlds.libraries import library_variables
from monitoring_pipeline_tests.worlds.world import World

REPOSITORY = Path(__file__).parents[2]
STARTS_WITHIN_SECONDS, SENSOR_SECONDS = 600, 5
LOCATION = {"repositoryLocationName": "monitoring_pipeline", "repositoryName": "__repository__"}


@dataclass(frozen=True)
class Server:
    """A running ``dagster dev``."""

    url: str
    log: Path
    process: subprocess.Popen[bytes] | None = None

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """Return the answer to a GraphQL query."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer
        return answer["data"]

    def wait(self, what: str, seconds: float, done: Callable[[], Any]) -> Any:
        """Wait until a function returns a true value, and return that value."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := done():
                return found
            time.sleep(0.5)
        tail = "".join(self.log.read_text(encoding="utf-8").splitlines(keepends=True)[-60:])
        return pytest.fail(f"{what}: not within {seconds} seconds\n{tail}")

    def runs(self, job: str) -> list[dict[str, Any]]:
        """Return id, status and tags of the runs of a job."""
        answer = self.ask(
            "query ($filter: RunsFilter!) { runsOrError(filter: $filter) { __typename ... on Runs { results "
            "{ runId status tags { key value } } } } }",
            filter={"pipelineName": job},
        )
        return [
            {"status": run["status"], "id": run["runId"], **{tag["key"]: tag["value"] for tag in run["tags"]}}
            for run in answer["runsOrError"]["results"]
        ]

    def kill(self) -> None:
        """Kill the process and all that it has started: webserver, daemon, code server and runs."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def start_sensor(self, name: str) -> None:
        """Turn a sensor on."""
        started = self.ask(
            "mutation ($sensor: SensorSelector!) { startSensor(sensorSelector: $sensor) { __typename "
            "... on Sensor { sensorState { status } } } }",
            sensor=LOCATION | {"sensorName": name},
        )["startSensor"]
        assert started["sensorState"]["status"] == "RUNNING"

    def launch(self, job: str, **tags: str) -> str:
        """Launch a run of a job, and return its id."""
        selector = LOCATION | {"pipelineName": job}
        params = {
            "selector": selector,
            "executionMetadata": {"tags": [{"key": k, "value": v} for k, v in tags.items()]},
        }
        launched = self.ask(
            "mutation ($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename "
            "... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }",
            params=params,
        )["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return launched["run"]["runId"]


def environment(world: World) -> dict[str, str]:
    """Return the environment that a process needs, without settings of the developer."""
    settings = world.settings
    return library_variables() | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(world.folder),
        "DAGSTER_HOME": str(settings.dagster_home),
        "MONITORING_PIPELINE_HOME": str(settings.home),
        "MONITORING_PIPELINE_MODELS": str(settings.models),
        "MONITORING_PIPELINE_STORE_URL": settings.store_url,
        "MONITORING_PIPELINE_LATE_LABELS_SECONDS": str(SENSOR_SECONDS),
    }


@contextmanager
def dagster_dev(world: World, **more: str) -> Iterator[Server]:
    """Run ``dagster dev`` on a world until the end of the block, with more variables of the environment."""
    home = world.settings.dagster_home
    home.mkdir(exist_ok=True)
    rules = dagster_yaml().read_text(encoding="utf-8")
    assert "poll_interval_seconds: 30" in rules
    (home / "dagster.yaml").write_text(rules.replace("poll_interval_seconds: 30", "poll_interval_seconds: 3"))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = ["dagster", "dev", "-w", str(REPOSITORY / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port)]
    server = Server(f"http://127.0.0.1:{port}", world.folder / "dagster.log")
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=world.folder, env=environment(world) | more, stdout=log, stderr=log, start_new_session=True
        )
    server = Server(server.url, server.log, process)
    try:
        server.wait("dagster dev answers", STARTS_WITHIN_SECONDS, lambda: _loaded(server, process))
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=120)
        except subprocess.TimeoutExpired:
            server.kill()


def _loaded(server: Server, process: subprocess.Popen[bytes]) -> bool:
    """Return whether the code location is loaded. Fail at once, with the message of Dagster, if it cannot be."""
    assert process.poll() is None, server.log.read_text(encoding="utf-8")
    query = (
        "{ workspaceOrError { ... on Workspace { locationEntries { loadStatus locationOrLoadError { __typename "
        "... on PythonError { message causes { message } } } } } } }"
    )
    try:
        entries = server.ask(query)["workspaceOrError"]["locationEntries"]
    except (urllib.error.URLError, ConnectionError):
        return False
    loads = [entry["locationOrLoadError"] for entry in entries if entry["loadStatus"] == "LOADED"]
    assert all(load["__typename"] == "RepositoryLocation" for load in loads), loads
    return bool(loads)

"""A real ``dagster dev``: a backfill through GraphQL, then the late-label sensor on labels that arrive late."""

import json
import os
import shutil
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

import dagster as dg
import duckdb
import pytest

from monitoring_pipeline.shipped_files import dagster_yaml
from monitoring_pipeline.spec.chunk import chunk_of_key
from monitoring_pipeline_tests.world import DAYS, LOANS, World, make_world

pytestmark = pytest.mark.slow
REPOSITORY = Path(__file__).parents[2]
STARTS_WITHIN_SECONDS, FINISHES_WITHIN_SECONDS, TICKS_WATCHED = 120, 180, 3
SENSOR_SECONDS = 5
LOCATION = {"repositoryLocationName": "monitoring_pipeline", "repositoryName": "__repository__"}
ASSETS = (
    "reference", "predictions", "profile", "drift", "estimate", "labels", "performance", "attribution", "verdict",
)  # fmt: skip


@dataclass(frozen=True)
class Server:
    """A running ``dagster dev``."""

    url: str
    log: Path

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """Return the answer to a GraphQL query."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer
        return answer["data"]

    def wait(self, what: str, seconds: float, done: Callable[[], Any]) -> Any:
        """Wait until something is so, and return it."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := done():
                return found
            time.sleep(0.5)
        tail = "".join(self.log.read_text(encoding="utf-8").splitlines(keepends=True)[-60:])
        return pytest.fail(f"{what}: not within {seconds} seconds\n{tail}")

    def runs(self, job: str) -> list[dict[str, Any]]:
        """Return the runs of a job: status and partition."""
        answer = self.ask(
            "query ($filter: RunsFilter!) { runsOrError(filter: $filter) { __typename ... on Runs { results "
            "{ status tags { key value } } } } }",
            filter={"pipelineName": job},
        )
        return [
            {"status": run["status"], **{tag["key"]: tag["value"] for tag in run["tags"]}}
            for run in answer["runsOrError"]["results"]
        ]


def _environment(world: World) -> dict[str, str]:
    settings = world.settings
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(world.folder),
        "DAGSTER_HOME": str(settings.dagster_home),
        "MONITORING_PIPELINE_HOME": str(settings.home),
        "MONITORING_PIPELINE_MODELS": str(settings.models),
        "MONITORING_PIPELINE_STORE_URL": settings.store_url,
        "MONITORING_PIPELINE_LATE_LABELS_SECONDS": str(SENSOR_SECONDS),
    }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world whose Dagster is the one that ``dagster dev`` runs."""
    make_world(tmp_path / "world")
    with dg.DagsterInstance.ephemeral() as unused:
        yield World(tmp_path / "world", unused)


@contextmanager
def _dagster_dev(world: World) -> Iterator[Server]:
    home = world.settings.dagster_home
    home.mkdir()
    shutil.copy(dagster_yaml(), home / "dagster.yaml")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = ["dagster", "dev", "-w", str(REPOSITORY / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port)]
    server = Server(f"http://127.0.0.1:{port}", world.folder / "dagster.log")
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=world.folder, env=_environment(world), stdout=log, stderr=log, start_new_session=True
        )
    try:
        server.wait("dagster dev answers", STARTS_WITHIN_SECONDS, lambda: _loaded(server, process))
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _loaded(server: Server, process: subprocess.Popen[bytes]) -> bool:
    """Return whether the code location is there; fail at once, with what Dagster says, when it cannot be loaded."""
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


def _write(world: World, *statements: str) -> None:
    """Change the warehouse as a user's loader would: short, and again when a reader is in the way."""
    for _ in range(200):
        try:
            world.execute(*statements)
        except duckdb.IOException:
            time.sleep(0.1)
        else:
            return
    pytest.fail("the warehouse was never free to be written")


def _backfill(server: Server, days: tuple[str, ...]) -> str:
    launched = server.ask(
        "mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) { __typename "
        "... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }",
        params={
            "assetSelection": [{"path": [LOANS, asset]} for asset in ASSETS],
            "partitionNames": list(days),
        },
    )["launchPartitionBackfill"]
    assert launched["__typename"] == "LaunchBackfillSuccess", launched
    query = "query ($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill { status } } }"

    def ended() -> str | None:
        status = server.ask(query, id=launched["backfillId"])["partitionBackfillOrError"]["status"]
        return status if status not in ("REQUESTED", "CANCELING") else None

    return server.wait("the backfill ends", FINISHES_WITHIN_SECONDS, ended)


def test_backfill_and_late_labels(world):
    days, late = DAYS[4:8], (DAYS[5], DAYS[7])
    spec = world.loaded(LOANS).spec
    windows = " OR ".join(
        f"\"Scored At\" >= '{chunk.start:%F %T}' AND \"Scored At\" < '{chunk.end:%F %T}'"
        for chunk in (chunk_of_key(spec, day) for day in late)
    )
    held_back = f'SELECT "Application ID" FROM "Loan Scores" WHERE ({windows}) AND "Application ID" LIKE \'%3\''
    world.execute(
        f"CREATE TABLE held_back AS SELECT * FROM Outcomes WHERE Ref IN ({held_back})",
        "DELETE FROM Outcomes WHERE Ref IN (SELECT Ref FROM held_back)",
    )
    with _dagster_dev(world) as server:
        assert _backfill(server, days) == "COMPLETED_SUCCESS"
        with world.store() as store:
            assert tuple(store.verdicts(LOANS)) == days
            labelled = {day: store.snapshot(LOANS, day, "labels").rows for day in days}
        assert [labelled[day] < 200 for day in days] == [day in late for day in days]
        before = world.tables()["chunk_revisions"]

        started = server.ask(
            "mutation ($sensor: SensorSelector!) { startSensor(sensorSelector: $sensor) { __typename "
            "... on Sensor { sensorState { status } } } }",
            sensor=LOCATION | {"sensorName": "late_labels"},
        )["startSensor"]
        assert started["sensorState"]["status"] == "RUNNING"
        _write(world, "INSERT INTO Outcomes SELECT * FROM held_back")

        job = f"{LOANS}_late_labels"
        ended = server.wait(
            "both days are measured again",
            FINISHES_WITHIN_SECONDS,
            lambda: [r for r in server.runs(job) if r["status"] in ("SUCCESS", "FAILURE")][1:] and server.runs(job),
        )
        assert sorted((run["status"], run["dagster/partition"]) for run in ended) == [("SUCCESS", d) for d in late]
        _wait_for_ticks(server, TICKS_WATCHED)
        assert len(server.runs(job)) == len(late)
    added = [row for row in world.tables()["chunk_revisions"] if row not in before]
    assert {row[:4] for row in added} == {
        (LOANS, day, producer, 2) for day in late for producer in ("labels", "performance", "attribution", "verdict")
    }


def _wait_for_ticks(server: Server, count: int) -> None:
    """Wait until the sensor has looked so many times more."""
    query = (
        "query ($sensor: SensorSelector!) { sensorOrError(sensorSelector: $sensor) { ... on Sensor { sensorState "
        "{ ticks(limit: 100) { timestamp status } } } } }"
    )

    def ticks() -> list[dict[str, Any]]:
        answer = server.ask(query, sensor=LOCATION | {"sensorName": "late_labels"})
        return answer["sensorOrError"]["sensorState"]["ticks"]

    last = max(tick["timestamp"] for tick in ticks())
    server.wait("the sensor looks again", 120, lambda: sum(t["timestamp"] > last for t in ticks()) >= count)
    assert {tick["status"] for tick in ticks()} <= {"SUCCESS", "SKIPPED", "STARTED"}


def test_dg_lists_the_definitions(world):
    listed = subprocess.run(
        ["dg", "list", "defs", "--json"],
        cwd=REPOSITORY,
        env=_environment(world),
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr
    for name in (f"{LOANS}/verdict", f"{LOANS}_nightly", f"{LOANS}_schedule", "late_labels"):
        assert name in listed.stdout

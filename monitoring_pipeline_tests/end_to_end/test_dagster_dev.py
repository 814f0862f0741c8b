"""A real ``dagster dev``: a backfill through GraphQL, then the late-label sensor on labels that arrive late."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from monitoring_pipeline_tests.end_to_end.dagster_dev import LOCATION, REPOSITORY, Server, dagster_dev, environment
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, World, make_world

pytestmark = pytest.mark.slow
FINISHES_WITHIN_SECONDS, TICKS_WATCHED = 900, 3
ASSETS = (
    "reference", "predictions", "profile", "drift", "estimate", "labels", "performance", "windows",
    "attribution", "verdict",
)  # fmt: skip


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return a world that shares its Dagster instance with ``dagster dev``."""
    make_world(tmp_path / "world")
    with dg.DagsterInstance.ephemeral() as unused:
        yield World(tmp_path / "world", unused)


def _write(world: World, *statements: str) -> None:
    """Change the warehouse as a user's loader would: briefly, and again if a reader holds the lock."""
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


def test_late_labels_after_a_backfill_are_measured_once_more(world):
    days, late = DAYS[4:8], (DAYS[5], DAYS[7])
    spec = world.loaded(LOANS).spec
    windows = " OR ".join(
        f"\"Scored At\" >= '{chunk.start:%F %T}' AND \"Scored At\" < '{chunk.end:%F %T}'"
        for chunk in (spec.calendar.chunk(day) for day in late)
    )
    held_back = f'SELECT "Application ID" FROM "Loan Scores" WHERE ({windows}) AND "Application ID" LIKE \'%3\''
    world.execute(
        f"CREATE TABLE held_back AS SELECT * FROM Outcomes WHERE Ref IN ({held_back})",
        "DELETE FROM Outcomes WHERE Ref IN (SELECT Ref FROM held_back)",
    )
    with dagster_dev(world) as server:
        assert _backfill(server, days) == "COMPLETED_SUCCESS"
        with world.store() as store:
            assert tuple(store.verdicts(LOANS)) == days
            labelled = {day: store.snapshot(LOANS, day, "labels").rows for day in days}
        assert [labelled[day] < 200 for day in days] == [day in late for day in days]
        before = world.tables()["chunk_revisions"]

        server.start_sensor("late_labels")
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
    of_labels = ("labels", "performance", "attribution")
    assert {row[:4] for row in added if row[2] in of_labels} == {
        (LOANS, day, producer, 2) for day in late for producer in of_labels
    }
    # Windows of later days contain the late ones, and their verdicts are made again.
    assert {row[2] for row in added} == {*of_labels, "windows", "verdict"}
    assert {row[1] for row in added if row[2] == "windows"} >= set(late)


def _wait_for_ticks(server: Server, count: int) -> None:
    """Wait for a number of further ticks of the sensor."""
    query = (
        "query ($sensor: SensorSelector!) { sensorOrError(sensorSelector: $sensor) { ... on Sensor { sensorState "
        "{ ticks(limit: 100) { timestamp status } } } } }"
    )

    def ticks() -> list[dict[str, Any]]:
        answer = server.ask(query, sensor=LOCATION | {"sensorName": "late_labels"})
        return answer["sensorOrError"]["sensorState"]["ticks"]

    last = max(tick["timestamp"] for tick in ticks())
    seconds = FINISHES_WITHIN_SECONDS
    server.wait("the sensor looks again", seconds, lambda: sum(t["timestamp"] > last for t in ticks()) >= count)
    assert {tick["status"] for tick in ticks()} <= {"SUCCESS", "SKIPPED", "STARTED"}


def test_dg_lists_the_definitions(world):
    listed = subprocess.run(
        ["dg", "list", "defs", "--json"],
        cwd=REPOSITORY,
        env=environment(world),
        capture_output=True,
        text=True,
        check=False,
    )
    assert listed.returncode == 0, listed.stderr
    for name in (f"{LOANS}/verdict", f"{LOANS}_nightly", f"{LOANS}_schedule", "late_labels"):
        assert name in listed.stdout

"""From breach to action under a real ``dagster dev``: incidents, Slack, an acknowledgement, a retraining, a failure."""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline_tests.end_to_end.dagster_dev import Server, dagster_dev
from monitoring_pipeline_tests.end_to_end.kill_nine import slack_process
from monitoring_pipeline_tests.end_to_end.mortal_night import AGE_DECIDES, ALERTING, RETRAINING
from monitoring_pipeline_tests.slack_server import TOKEN
from monitoring_pipeline_tests.world import DAYS, FIRST, FIRST_ROW, LAST, LOANS, World, make_world

pytestmark = pytest.mark.slow
SECONDS = 90
NIGHTLY, RETRAIN, RECORD = f"{LOANS}_nightly", f"{LOANS}_retrain", "record_failures"
ENDED = ("SUCCESS", "FAILURE", "CANCELED")


@dataclass(frozen=True)
class Place:
    """A world whose last day is yesterday, and the Slack that it tells."""

    world: World
    night: str
    slack: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "MONITORING_PIPELINE_ID_KEY": "world",
            "MONITORING_PIPELINE_ACTIONS_SECONDS": "2",
            "MONITORING_PIPELINE_WAREHOUSE_LOCK_SECONDS": "1",
            "MONITORING_PIPELINE_SECRETS__SLACK": TOKEN,
            "MONITORING_PIPELINE_SLACK_API": self.slack,
            "OMP_NUM_THREADS": "1",
        }

    def messages(self, method: str = "chat.postMessage") -> list[dict[str, Any]]:
        """Return what Slack has accepted, in order."""
        log = self.world.folder / "slack.log"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        entries = [json.loads(line) for line in lines if line.endswith("}")]
        return [entry["message"] for entry in entries if entry["method"] == method]

    def roots(self) -> list[dict[str, Any]]:
        """Return the first messages of threads in the channel of those on call."""
        return [m for m in self.messages() if "thread_ts" not in m and m["channel"] == "C0000ONCALL"]

    def incidents(self) -> dict[str, str]:
        """Return the state of each cause's incident."""
        with self.world.store() as store:
            return {entry.incident.cause: entry.incident.state.value for entry in store.incidents(LOANS)}


def shift(world: World, days: int) -> dict[str, Any]:
    """Move a world's rows by so many days, and return the parts of its spec that name days."""
    by = f"INTERVAL {days} DAY"
    world.execute(
        f'UPDATE "Loan Scores" SET "Scored At" = "Scored At" + {by}',
        f'UPDATE "Outcomes" SET "Reported At" = "Reported At" + {by}',
    )
    first, start, end = (day + dt.timedelta(days=days) for day in (FIRST_ROW, FIRST, LAST + dt.timedelta(days=1)))
    return {"start": start, "end": end, "reference": {"2024.1": {"start": first, "end": start}}}


@contextmanager
def _place(folder: Path) -> Iterator[Place]:
    make_world(folder)
    (folder / "specs" / "delivery_minutes.yaml").unlink()
    with dg.DagsterInstance.ephemeral() as unused, slack_process(folder, latency=0.05) as slack:
        world = World(folder, unused)
        berlin = world.loaded(LOANS).spec.zone
        days = (dt.datetime.now(berlin).date() - dt.timedelta(days=1) - LAST).days
        own = shift(world, days) | {"performance": {"thresholds": {"auroc": {"lower": 0.7}}}}
        world.execute(AGE_DECIDES)
        world.change_spec(LOANS, **own)
        before = [(dt.date.fromisoformat(day) + dt.timedelta(days=days)).isoformat() for day in (DAYS[0], DAYS[-2])]
        assert world.failures(LOANS, *before) == ()
        world.change_spec(LOANS, **own, retraining=RETRAINING)
        (folder / "alerting.yaml").write_text(yaml.safe_dump(ALERTING), encoding="utf-8")
        yield Place(world, (LAST + dt.timedelta(days=days)).isoformat(), slack)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with _place(tmp_path / "world") as made:
        yield made


def wait_for_run(server: Server, job: str, run_id: str, status: str) -> None:
    ended = server.wait(
        f"run of {job}", SECONDS, lambda: [r for r in server.runs(job) if r["id"] == run_id and r["status"] in ENDED]
    )
    assert ended[0]["status"] == status


def test_from_breach_to_action(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = place.world.settings.warehouse
    with dagster_dev(place.world, **place.environment) as server:
        wait_for_run(server, NIGHTLY, server.launch(NIGHTLY, **{"dagster/partition": place.night}), "SUCCESS")
        for sensor in ("alerts", "retraining", "pipeline_health", "late_labels"):
            server.start_sensor(sensor)
        first = server.wait("the incident is told", SECONDS, place.roots)
        print(first, place.incidents())

        for name, value in place.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(place.world.folder))
        with place.world.store() as store:
            told = next(e for e in store.incidents(LOANS) if e.incident.cause == "inputs")
        said = CliRunner().invoke(
            main, ["incidents", "acknowledge", told.incident_id, "--reason", "looking", "--by", "ana"]
        )
        assert said.exit_code == 0, said.output
        server.wait(
            "the message says so", SECONDS, lambda: any("ana" in json.dumps(m) for m in place.messages("chat.update"))
        )

        server.wait(
            "the retraining is over", SECONDS, lambda: [r for r in server.runs(RETRAIN) if r["status"] in ENDED]
        )
        away = warehouse.with_name("away.duckdb")
        warehouse.rename(away)
        wait_for_run(server, NIGHTLY, server.launch(NIGHTLY, **{"dagster/partition": place.night}), "FAILURE")
        print(place.incidents())
        server.wait("it is told", SECONDS, lambda: len(place.roots()) > len(first))
        print(place.incidents())
        away.rename(warehouse)
        wait_for_run(server, NIGHTLY, server.launch(NIGHTLY, **{"dagster/partition": place.night}), "SUCCESS")
        print(place.incidents())
        server.wait("its end is told", SECONDS, lambda: [m for m in place.messages() if "thread_ts" in m])
        print(json.dumps(place.messages(), indent=1)[:6000])
        print(server.runs(RETRAIN), server.runs(RECORD), server.runs("deliver_alerts"))
        with place.world.store() as store:
            print(store.decisions(LOANS))
    assert 0

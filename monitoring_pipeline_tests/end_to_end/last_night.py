"""A world whose last day is yesterday, and its Slack, for a real ``dagster dev`` with a real clock."""

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import yaml

from monitoring_pipeline_tests.end_to_end.kill_nine import slack_process
from monitoring_pipeline_tests.end_to_end.mortal_night import AGE_DECIDES, ALERTING, RETRAINING
from monitoring_pipeline_tests.slack_server import TOKEN
from monitoring_pipeline_tests.worlds.world import (
    DAYS,
    DRIFT_FROM,
    FIRST,
    FIRST_ROW,
    LAST,
    LOANS,
    World,
    make_world,
    midnight,
)


@dataclass(frozen=True)
class LastNight:
    """A world whose days are judged except the last, ``night``. On it an incident opens and a retraining is due."""

    world: World
    night: str
    slack: str

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment that a process needs beside that of the world."""
        return {
            "MONITORING_PIPELINE_ID_KEY": "world",
            "MONITORING_PIPELINE_ACTIONS_SECONDS": "2",
            "MONITORING_PIPELINE_WAREHOUSE_LOCK_SECONDS": "1",
            "MONITORING_PIPELINE_SECRETS__SLACK": TOKEN,
            "MONITORING_PIPELINE_SLACK_API": self.slack,
            "OMP_NUM_THREADS": "1",
        }

    def messages(self, method: str = "chat.postMessage") -> list[dict[str, Any]]:
        """Return the messages to the channel of those on call that Slack has accepted, in order."""
        log = self.world.folder / "slack.log"
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
        entries = [json.loads(line) for line in lines if line.endswith("}")]
        own = [entry["message"] for entry in entries if entry["method"] == method]
        return [message for message in own if message["channel"] == "C0000ONCALL"]

    def threads(self) -> dict[str, list[str]]:
        """Return the threads of those on call: the first line of the first message, and those of its replies."""
        first = {m["ts"]: m["text"].splitlines()[0] for m in self.messages() if "thread_ts" not in m}
        assert len(set(first.values())) == len(first), first
        threads: dict[str, list[str]] = {title: [] for title in first.values()}
        for message in self.messages():
            if "thread_ts" in message:
                threads[first[message["thread_ts"]]].append(message["text"].splitlines()[0])
        return threads

    def incidents(self) -> dict[str, str]:
        """Return the state of the incident of each cause."""
        with self.world.store() as store:
            return {entry.incident.cause.text: entry.incident.state.value for entry in store.incidents(LOANS)}

    def decided(self) -> list[tuple[str, str]]:
        """Return topics and answers of the decisions about versions that the night caused.

        Labels of earlier days arrive all the time and cause decisions about those days too.
        """
        with self.world.store() as store:
            decisions = [d for d in store.decisions(LOANS) if d.chunk in {self.night, None}]
        return [(d.topic, d.answer) for d in decisions if d.topic in {"retraining", "gate", "promotion"}]


@contextmanager
def last_night(folder: Path) -> Iterator[LastNight]:
    """Make the world in a folder, and run the Slack server."""
    make_world(folder)
    (folder / "specs" / "delivery_minutes.yaml").unlink()
    with dg.DagsterInstance.ephemeral() as unused, slack_process(folder, latency=0.05) as slack:
        world = World(folder, unused)
        berlin = world.loaded(LOANS).spec.zone
        world.execute(_doubled_only_from(LAST, berlin))
        days = (dt.datetime.now(berlin).date() - dt.timedelta(days=1) - LAST).days
        own = _shift(world, days) | {"performance": {"thresholds": {"auroc": {"lower": 0.7}}}, "schedule": "23:30"}
        world.execute(AGE_DECIDES)
        world.change_spec(LOANS, **own)
        before = [(dt.date.fromisoformat(day) + dt.timedelta(days=days)).isoformat() for day in (DAYS[0], DAYS[-2])]
        # No alert is sent yet, and nothing is decided.
        assert world.failures(LOANS, *before) == ()
        world.change_spec(LOANS, **own, retraining=RETRAINING)
        (folder / "alerting.yaml").write_text(yaml.safe_dump(ALERTING), encoding="utf-8")
        yield LastNight(world, (LAST + dt.timedelta(days=days)).isoformat(), slack)


def _doubled_only_from(day: dt.date, zone: ZoneInfo) -> str:
    """Return the statement that lets the income double on a later day, whose night opens an incident at once."""
    return (
        'UPDATE "Loan Scores" SET "Annual Income" = "Annual Income" / 2 '
        f"WHERE \"Scored At\" >= '{midnight(DRIFT_FROM, zone)}' AND \"Scored At\" < '{midnight(day, zone)}'"
    )


def _shift(world: World, days: int) -> dict[str, Any]:
    """Move the rows of a world by some days, and return the parts of its spec that contain days."""
    by = f"INTERVAL {days} DAY"
    world.execute(
        f'UPDATE "Loan Scores" SET "Scored At" = "Scored At" + {by}',
        f'UPDATE "Outcomes" SET "Reported At" = "Reported At" + {by}',
    )
    first, start, end = (day + dt.timedelta(days=days) for day in (FIRST_ROW, FIRST, LAST + dt.timedelta(days=1)))
    return {"start": start, "end": end, "reference": {"2024.1": {"start": first, "end": start}}}

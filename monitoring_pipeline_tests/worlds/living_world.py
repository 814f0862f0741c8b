"""The small world with a simulated clock, in which nights run one after another."""

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.orchestration.jobs.alert_delivery import LEASE
from monitoring_pipeline.records.decision import Decision, Topic
from monitoring_pipeline.records.incident import LoggedEvent, StoredIncident
from monitoring_pipeline_tests.worlds.world import LOANS, QUIET, World, copy_world

LONG_AGO = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
ALERTING = {"channels": {"log": {"file": "alerts.jsonl"}}, "routes": [{"channel": "log"}]}
TRAINER = "monitoring_pipeline_tests.registry.trainers_for_tests:boosting"
PROMPTLY = """
    UPDATE "Outcomes" SET "Reported At" = "Scored At" + INTERVAL 1 HOUR
    FROM "Loan Scores" WHERE "Ref" = "Application ID"
"""
"""Every outcome is known within an hour, so that a night and a backfill a year later read the same labels."""
TURNED_ROUND = """
    UPDATE "Outcomes" SET "Outcome" = CASE WHEN "Default Probability" > .5 THEN 'repaid' ELSE 'default' END,
                          "Reported At" = "Reported At" + INTERVAL 1 SECOND
    FROM "Loan Scores" WHERE "Ref" = "Application ID" AND
"""
"""The outcomes of some rows are the opposite of their predictions."""
TWO_NIGHTS = {"open": {"chunks": 2, "of": 3}, "resolve": {"chunks": 2, "of": 2}, "reopen_within": 1}


@dataclass
class _Time:
    """The present time of the simulated clock."""

    now: dt.datetime = LONG_AGO


@dataclass(frozen=True)
class LivingWorld(World):
    """A world of the loan model whose clock is set by hand; ``told`` contains the announced events by day."""

    clock: _Time = field(default_factory=_Time)
    told: dict[str, list[str]] = field(default_factory=dict)

    @cached_property
    def definitions(self) -> dg.Definitions:
        return build_definitions(self.settings, lambda: self.clock.now)

    @cached_property
    def nightly(self) -> dg.JobDefinition:
        return self.definitions.resolve_job_def(f"{LOANS}_nightly")

    def live(self, day: str) -> dg.ExecuteInProcessResult:
        """Run the nightly job of a day at its time; then record the due events of the outbox in ``told``."""
        self.clock.now = night_of(self, day)
        result = self.run_at_once(self.nightly, day)
        self.told[day] = self.due()
        return result

    def run_at_once(self, job: dg.JobDefinition, day: str) -> dg.ExecuteInProcessResult:
        return job.execute_in_process(instance=self.instance, partition_key=day, run_config=QUIET, raise_on_error=False)

    def late_labels(self, day: str) -> dg.ExecuteInProcessResult:
        return self.run_at_once(self.definitions.resolve_job_def(f"{LOANS}_late_labels"), day)

    def due(self) -> list[str]:
        """Mark all due messages as sent, as a delivery does, and return their causes, kinds and chunks."""
        with self.store() as store:
            claimed = store.claim(self.clock.now, lease=LEASE)
            store.mark_sent([alert.alert_id for alert in claimed], self.clock.now, None)
        return [f"{a.stored.incident.cause.text} {a.event.kind} {a.event.chunk}" for a in claimed]

    def incidents(self) -> list[StoredIncident]:
        with self.store() as store:
            return store.incidents(LOANS)

    def log(self, incident_id: str) -> list[LoggedEvent]:
        with self.store() as store:
            return store.incident_log(incident_id)

    def decisions(self, topic: Topic | None = None) -> list[Decision]:
        with self.store() as store:
            return store.decisions(LOANS, topic=topic)

    def on(self, day: str, statement: str) -> None:
        """Execute a statement after appending a condition that selects the rows of a day."""
        chunk = self.loaded(LOANS).spec.calendar.chunk(day)
        window = {"start": chunk.start.replace(tzinfo=None), "end": chunk.end.replace(tzinfo=None)}
        self.execute(f'{statement} "Scored At" >= $start AND "Scored At" < $end', **window)


def night_of(world: World, day: str) -> dt.datetime:
    """Return the time at which the nightly run of a day starts."""
    spec = world.loaded(LOANS).spec
    time = dt.time.fromisoformat(spec.schedule)
    return dt.datetime.combine(dt.date.fromisoformat(day) + dt.timedelta(days=1), time, spec.zone).astimezone(dt.UTC)


def settle(source: Path, folder: Path, instance: dg.DagsterInstance, **parts: Any) -> LivingWorld:
    """Return a copy of a world with a channel for alerts, and with ``parts`` replaced in the spec of loans."""
    world = LivingWorld(copy_world(source, folder), instance)
    (world.folder / "alerting.yaml").write_text(yaml.safe_dump(ALERTING), encoding="utf-8")
    if parts:
        world.change_spec(LOANS, **parts)
    return world

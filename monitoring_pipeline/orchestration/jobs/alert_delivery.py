"""Delivers alerts: a sensor sees that messages are due, and a run of one job sends them."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Protocol

import dagster as dg
from dagster import DagsterInstance, RunsFilter

from monitoring_pipeline.orchestration.runs.dagster_private import IN_PROGRESS_RUN_STATUSES
from monitoring_pipeline.orchestration.runs.requests import ASKED_AGAIN, UNFINISHED
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.steps.chunk.incidents import Rules

JOB, SENSOR = "deliver_alerts", "alerts"
LEASE = dt.timedelta(minutes=15)
"""How long a delivery may hold messages while nobody knows whether it lives."""
LEASE_OF_THE_DEAD = dt.timedelta(minutes=1)
"""The same when Dagster knows of no delivery that is running: time for one that is just beginning."""


class Failure(Protocol):
    """A message that a channel did not take."""

    @property
    def channel(self) -> str:
        """The channel."""
        ...

    @property
    def error(self) -> str:
        """What it said."""
        ...


class DeliveryReport(Protocol):
    """What became of the messages of one delivery."""

    @property
    def sent(self) -> tuple[int, ...]:
        """Those that arrived."""
        ...

    @property
    def dropped(self) -> Mapping[int, str]:
        """Those that need not be sent any more, and why."""
        ...

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Those that a channel did not take."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What went amiss beside."""
        ...


class Delivery(Protocol):
    """Sends what is due in the outbox."""

    def __call__(self, store: Store, clock: Clock, lease: dt.timedelta) -> DeliveryReport:
        """Send everything that is due, channel by channel."""
        ...


def build_delivery_job() -> dg.JobDefinition:
    """Return the job that sends what is due; a channel that is down fails nothing, its messages stay due."""

    @dg.op(name="deliver", description="Sends every message that is due; what a channel does not take is due later.")
    def deliver(
        context: dg.OpExecutionContext,
        store: dg.ResourceParam[Store],
        delivery: dg.ResourceParam[Delivery],
        clock: dg.ResourceParam[Clock],
    ) -> None:
        report = delivery(store, clock, lease(context.instance, context.run_id))
        for failure in report.failures:
            context.log.warning("%s: %s", failure.channel, failure.error)
        for note in report.notes:
            context.log.warning("%s", note)
        context.add_output_metadata(
            {"sent": len(report.sent), "dropped": len(report.dropped), "failed": len(report.failures)}
        )

    @dg.job(
        name=JOB,
        executor_def=dg.in_process_executor,
        tags={JOB: "all"},
        description="Sends the alerts that are due to their channels.",
    )
    def deliver_alerts() -> None:
        deliver()

    return deliver_alerts


def build_alerts_sensor(job: dg.JobDefinition, *, interval_seconds: int) -> dg.SensorDefinition:
    """Return the sensor that asks for a delivery whenever messages are due and none is under way."""

    @dg.sensor(
        name=SENSOR,
        # By its name: Dagster would copy a sensor that holds the job, and warn of its own beta parameters.
        job_name=job.name,
        minimum_interval_seconds=interval_seconds,
        description="Asks for a delivery when alerts are due.",
    )
    def alerts(
        context: dg.SensorEvaluationContext,
        store: dg.ResourceParam[Store],
        clock: dg.ResourceParam[Clock],
        alerting: dg.ResourceParam[Rules],
    ) -> dg.RunRequest | dg.SkipReason:
        due = store.due_alerts(clock(), lease=LEASE_OF_THE_DEAD)
        if not due:
            return dg.SkipReason("no alert is due")
        # Raises in the tick, where it is seen, instead of in one delivery after another.
        alerting()
        if delivery_under_way(context.instance):
            return dg.SkipReason(f"{len(due)} alerts are due, and a delivery is under way")
        # A message that is due again, after a failure or a delivery that died, makes another key.
        tries = context.instance.get_runs_count(RunsFilter(job_name=JOB))
        return dg.RunRequest(run_key=hashlib.sha256(f"{due}:{tries}".encode()).hexdigest()[:16], tags=ASKED_AGAIN)

    return alerts


def delivery_under_way(instance: DagsterInstance) -> bool:
    """Whether a delivery has been asked for that has not ended."""
    return bool(instance.get_runs(RunsFilter(job_name=JOB, statuses=UNFINISHED), limit=1))


def lease(instance: DagsterInstance, own_run_id: str) -> dt.timedelta:
    """Return for how long a delivery leaves alone what another one has taken and not marked."""
    running = instance.get_runs(RunsFilter(job_name=JOB, statuses=list(IN_PROGRESS_RUN_STATUSES)))
    return LEASE if any(run.run_id != own_run_id for run in running) else LEASE_OF_THE_DEAD

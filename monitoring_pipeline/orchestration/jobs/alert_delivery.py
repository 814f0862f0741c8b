"""Delivery of alerts: a sensor finds due messages and requests a run of the job that sends them."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from typing import Protocol

import dagster as dg
from dagster import DagsterInstance, RunsFilter

from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors
from monitoring_pipeline.orchestration.runs.dagster_private import IN_PROGRESS_RUN_STATUSES
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.orchestration.runs.requests import ASKED_AGAIN, UNFINISHED
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.steps.chunk.incidents import Rules

JOB, SENSOR = "deliver_alerts", "alerts"
LEASE = dt.timedelta(minutes=15)
"""How long messages stay reserved for the delivery that took them, while another delivery may be running."""
SHORT_LEASE = dt.timedelta(minutes=1)
"""The same if Dagster lists no other running delivery; it leaves time for a delivery that is just starting."""


class Failure(Protocol):
    """A message that a channel did not accept."""

    @property
    def channel(self) -> str:
        """The channel."""
        ...

    @property
    def error(self) -> str:
        """The error of the channel."""
        ...


class DeliveryReport(Protocol):
    """The outcomes of the messages of one delivery."""

    @property
    def sent(self) -> tuple[int, ...]:
        """The IDs of the messages that were sent."""
        ...

    @property
    def dropped(self) -> Mapping[int, str]:
        """The reasons why messages are no longer to be sent, by ID."""
        ...

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The messages that a channel did not accept."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """Other problems of the delivery."""
        ...


class Delivery(Protocol):
    """Sends the due messages of the outbox."""

    def __call__(self, store: Store, clock: Clock, lease: dt.timedelta) -> DeliveryReport:
        """Send all due messages, channel by channel."""
        ...


def build_delivery_job(names: Names = PLAIN) -> dg.JobDefinition:
    """Return the job that sends the due messages. If a channel is down, the run succeeds and its messages stay due."""

    @dg.op(
        name=names.of("deliver"),
        description="Sends every due message; one that a channel does not accept is due again later.",
    )
    @hidden_in_errors()
    @names.given
    def deliver(
        context: dg.OpExecutionContext,
        store: dg.ResourceParam[Store],
        delivery: dg.ResourceParam[Delivery],
        clock: dg.ResourceParam[Clock],
    ) -> None:
        report = delivery(store, clock, lease(context.instance, context.run_id, names))
        for failure in report.failures:
            context.log.warning("%s: %s", failure.channel, failure.error)
        for note in report.notes:
            context.log.warning("%s", note)
        context.add_output_metadata(
            {"sent": len(report.sent), "dropped": len(report.dropped), "failed": len(report.failures)}
        )

    @dg.job(
        name=names.of(JOB),
        executor_def=dg.in_process_executor,
        tags={JOB: names.prefix or "all"},
        description="Sends the due alerts to their channels.",
    )
    def deliver_alerts() -> None:
        deliver()

    return deliver_alerts


def build_alerts_sensor(job: dg.JobDefinition, *, interval_seconds: int, names: Names = PLAIN) -> dg.SensorDefinition:
    """Return the sensor that requests a delivery if messages are due and no delivery is under way."""

    @dg.sensor(
        name=names.of(SENSOR),
        # The name, because Dagster would copy a sensor that holds the job, and warn about Dagster's beta parameters.
        job_name=job.name,
        minimum_interval_seconds=interval_seconds,
        description="Requests a delivery when alerts are due.",
    )
    @hidden_in_errors()
    @names.given
    def alerts(
        context: dg.SensorEvaluationContext,
        store: dg.ResourceParam[Store],
        clock: dg.ResourceParam[Clock],
        alerting: dg.ResourceParam[Rules],
    ) -> dg.RunRequest | dg.SkipReason:
        due = store.due_alerts(clock(), lease=SHORT_LEASE)
        if not due:
            return dg.SkipReason("no alert is due")
        # Unreadable rules raise here, so that the tick fails visibly instead of one delivery after another.
        alerting()
        if delivery_under_way(context.instance, names):
            return dg.SkipReason(f"{len(due)} alerts are due, and a delivery is under way")
        # A message that is due again, after a failure or after a delivery that died, changes the key.
        tries = context.instance.get_runs_count(RunsFilter(job_name=names.of(JOB)))
        return dg.RunRequest(run_key=hashlib.sha256(f"{due}:{tries}".encode()).hexdigest()[:16], tags=ASKED_AGAIN)

    return alerts


def delivery_under_way(instance: DagsterInstance, names: Names = PLAIN) -> bool:
    """Return whether a requested delivery has not ended."""
    return bool(instance.get_runs(RunsFilter(job_name=names.of(JOB), statuses=UNFINISHED), limit=1))


def lease(instance: DagsterInstance, this_run_id: str, names: Names = PLAIN) -> dt.timedelta:
    """Return the time for which claimed messages that were not marked as sent stay reserved for another delivery."""
    running = instance.get_runs(RunsFilter(job_name=names.of(JOB), statuses=list(IN_PROGRESS_RUN_STATUSES)))
    return LEASE if any(run.run_id != this_run_id for run in running) else SHORT_LEASE

"""Messages of a dead delivery are free when Dagster reports its failure; those of a running one stay reserved."""

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest

from monitoring_pipeline.alerting.delivery.delivery import DeliveryReport
from monitoring_pipeline.orchestration.jobs.alert_delivery import (
    JOB,
    LEASE,
    SHORT_LEASE,
    build_alerts_sensor,
    build_delivery_job,
)
from monitoring_pipeline.spec.alerting import AlertingRules
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.alerting.cases import NOW
from monitoring_pipeline_tests.alerting.test_stored_outbox import desk_of
from monitoring_pipeline_tests.worlds.world import QUIET

STARTED = dg.DagsterRunStatus.STARTED


@dataclass
class Counter:
    """An outbox with one alert, and deliveries that count the alerts that they can claim."""

    store: ResultStore
    instance: dg.DagsterInstance
    now: dt.datetime = NOW
    taken: list[int] = field(default_factory=list)

    def deliver(self) -> int:
        """Run a delivery that claims alerts and does not mark them; return how many it claimed."""

        def delivery(store, clock, lease):
            self.taken.append(len(store.claim(clock(), lease=lease)))
            return DeliveryReport(sent=(), repeated=(), dropped={}, postponed=(), failures=(), notes=())

        resources = {"store": self.store, "clock": lambda: self.now, "delivery": delivery}
        build_delivery_job().execute_in_process(instance=self.instance, resources=resources, run_config=QUIET)
        return self.taken[-1]

    def asks(self) -> bool:
        """Return whether the sensor requests a delivery."""
        sensor = build_alerts_sensor(build_delivery_job(), interval_seconds=30)
        resources = {"store": self.store, "clock": lambda: self.now, "alerting": AlertingRules}
        with dg.build_sensor_context(instance=self.instance, resources=resources) as context:
            return bool(sensor.evaluate_tick(context).run_requests)

    def start_another(self) -> dg.DagsterRun:
        """Return a run of another delivery that has started and not ended."""

        @dg.job(name=JOB)
        def another() -> None:
            pass

        return self.instance.create_run_for_job(another, status=STARTED)


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with ResultStore.open(f"sqlite:///{tmp_path / 'results.db'}") as store, dg.DagsterInstance.ephemeral() as instance:
        desk_of(store).write("churn")
        yield Counter(store, instance)


def test_messages_of_a_running_delivery_are_reserved_until_the_lease_ends(counter: Counter) -> None:
    counter.start_another()
    assert counter.deliver() == 1
    counter.now += LEASE - SHORT_LEASE
    assert not counter.asks()
    assert counter.deliver() == 0
    counter.now += SHORT_LEASE
    assert counter.deliver() == 1


def test_messages_of_a_dead_delivery_are_free_when_dagster_reports_its_failure(counter: Counter) -> None:
    dead = counter.start_another()
    assert counter.deliver() == 1
    counter.now += SHORT_LEASE
    assert not counter.asks()
    counter.instance.report_run_failed(dead)
    assert counter.asks()
    assert counter.deliver() == 1


def test_messages_taken_within_the_short_lease_stay_reserved(counter: Counter) -> None:
    assert counter.deliver() == 1
    counter.now += SHORT_LEASE - dt.timedelta(seconds=1)
    assert not counter.asks()
    assert counter.deliver() == 0

"""What a delivery that has died holds is free as soon as Dagster knows; what one that lives holds is not."""

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
    LEASE_OF_THE_DEAD,
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
    """An outbox with one alert, which a delivery has claimed, and deliveries that say what they may take."""

    store: ResultStore
    instance: dg.DagsterInstance
    now: dt.datetime = NOW
    taken: list[int] = field(default_factory=list)

    def deliver(self) -> int:
        """Return how many alerts a delivery gets, and let it keep them."""

        def delivery(store, clock, lease):
            self.taken.append(len(store.claim(clock(), lease=lease)))
            return DeliveryReport(sent=(), repeated=(), dropped={}, postponed=(), failures=(), notes=())

        resources = {"store": self.store, "clock": lambda: self.now, "delivery": delivery}
        build_delivery_job().execute_in_process(instance=self.instance, resources=resources, run_config=QUIET)
        return self.taken[-1]

    def asks(self) -> bool:
        """Return whether the sensor asks for a delivery."""
        sensor = build_alerts_sensor(build_delivery_job(), interval_seconds=30)
        resources = {"store": self.store, "clock": lambda: self.now, "alerting": AlertingRules}
        with dg.build_sensor_context(instance=self.instance, resources=resources) as context:
            return bool(sensor.evaluate_tick(context).run_requests)

    def start_another(self) -> dg.DagsterRun:
        """Return a delivery that is under way."""

        @dg.job(name=JOB)
        def another() -> None:
            pass

        return self.instance.create_run_for_job(another, status=STARTED)


@pytest.fixture
def counter(tmp_path: Path) -> Iterator[Counter]:
    with ResultStore.open(f"sqlite:///{tmp_path / 'results.db'}") as store, dg.DagsterInstance.ephemeral() as instance:
        desk_of(store).write("churn")
        yield Counter(store, instance)


def test_what_a_living_delivery_holds_is_left_until_its_lease_ends(counter: Counter) -> None:
    counter.start_another()
    assert counter.deliver() == 1
    counter.now += LEASE - LEASE_OF_THE_DEAD
    assert not counter.asks()
    assert counter.deliver() == 0
    counter.now += LEASE_OF_THE_DEAD
    assert counter.deliver() == 1


def test_what_a_dead_delivery_held_is_free_as_soon_as_dagster_knows(counter: Counter) -> None:
    dead = counter.start_another()
    assert counter.deliver() == 1
    counter.now += LEASE_OF_THE_DEAD
    assert not counter.asks()
    counter.instance.report_run_failed(dead)
    assert counter.asks()
    assert counter.deliver() == 1


def test_what_was_claimed_a_moment_ago_is_left_alone(counter: Counter) -> None:
    assert counter.deliver() == 1
    counter.now += LEASE_OF_THE_DEAD - dt.timedelta(seconds=1)
    assert not counter.asks()
    assert counter.deliver() == 0

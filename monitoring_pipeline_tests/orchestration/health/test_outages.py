"""Nights whose source is away: they are run again with growing pauses, and reported only if the outage lasts."""

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from monitoring_pipeline.orchestration.runs.outages import AWAY_TAG
from monitoring_pipeline.records.incident import IncidentState
from monitoring_pipeline_tests.worlds.living_world import PROMPTLY, LivingWorld, night_of, settle
from monitoring_pipeline_tests.worlds.made_once import made_once
from monitoring_pipeline_tests.worlds.sensors_on import SensorsOn
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS

DAY = DAYS[1]
SENSORS = ("outages", "pipeline_health")
MINUTES = dt.timedelta(minutes=1)
HOLD_LOCK = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"


class Nights:
    """A world of one night, and the sensors; ``log`` has the minutes after the night at which runs started."""

    def __init__(self, world: LivingWorld, *sensors: str):
        self.world, self.log = world, []
        self.on = SensorsOn(world.definitions, world.instance)
        self.on.turn_on(*sensors)

    def schedule(self) -> dg.ExecuteInProcessResult:
        """Run the night of the day as the schedule does."""
        self.world.clock.now = night_of(self.world, DAY)
        return self.on.scheduled(f"{LOANS}_nightly", f"{LOANS}_schedule", DAY)

    def wait(self, hours: float) -> None:
        """Let time pass; the sensors tick every two minutes in the first hour of the night, and then every ten."""
        began, until = night_of(self.world, DAY), self.world.clock.now + dt.timedelta(hours=hours)
        while self.world.clock.now < until:
            self.world.clock.now += 2 * MINUTES if self.world.clock.now < began + 62 * MINUTES else 20 * MINUTES
            if self.on.tick():
                self.log.append(round((self.world.clock.now - night_of(self.world, DAY)) / MINUTES))

    def judged(self) -> int:
        with self.world.store() as store:
            return len(store.verdicts(LOANS))


@contextmanager
def moved(world: LivingWorld) -> Iterator[None]:
    path, away = Path(world.settings.warehouse), world.folder / "elsewhere.duckdb"
    path.rename(away)
    yield
    away.rename(path)


@contextmanager
def locked(world: LivingWorld) -> Iterator[None]:
    command = [sys.executable, "-c", HOLD_LOCK, world.settings.warehouse]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"held\n"
        yield
        writer.communicate()


@contextmanager
def without_labels(world: LivingWorld) -> Iterator[None]:
    world.execute("ALTER TABLE Outcomes RENAME TO loading")
    yield
    world.execute("ALTER TABLE loading RENAME TO Outcomes")


@pytest.fixture(scope="module")
def first_night(untouched_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world whose first day has been judged."""

    def make(folder: Path) -> None:
        with dg.DagsterInstance.ephemeral() as instance:
            world = settle(untouched_folder, folder, instance)
            world.execute(PROMPTLY)
            assert world.live(DAYS[0]).success

    return made_once("first_night", make, tmp_path_factory)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance that can keep which sensors are on."""
    with dg.DagsterInstance.local_temp(overrides={"telemetry": {"enabled": False}}) as instance:
        yield instance


@pytest.fixture
def nights(first_night: Path, tmp_path: Path, instance: dg.DagsterInstance) -> Nights:
    return Nights(settle(first_night, tmp_path / "world", instance), *SENSORS)


@pytest.fixture(scope="module")
def undisturbed(first_night: Path, tmp_path_factory: pytest.TempPathFactory) -> LivingWorld:
    with dg.DagsterInstance.ephemeral() as instance:
        world = settle(first_night, tmp_path_factory.mktemp("undisturbed") / "world", instance)
        assert Nights(world).schedule().success
        return world


@pytest.mark.parametrize(("away", "hours"), [(moved, 4.2), (locked, 0.1), (without_labels, 0.1)])
def test_night_after_an_outage_equals_an_undisturbed_one_and_nobody_was_alerted(nights, undisturbed, away, hours):
    world, before = nights.world, nights.world.tables()
    with away(world):
        result = nights.schedule()
        (failed,) = [event.step_failure_data.user_failure_data for event in result.all_events if event.is_step_failure]
        assert failed.description.startswith(
            f"{LOANS} {DAY}: nothing is recorded, and the run is started again at 04:32 Europe/Berlin: "
        )
        nights.wait(hours=hours)
        assert nights.log == [minutes for minutes in (2, 6, 14, 30, 62, 122, 182, 242) if minutes <= 60 * hours]
        assert nights.judged() == 1
        if away is not without_labels:
            assert world.tables() == before
    nights.wait(hours=1)
    assert world.tables() == undisturbed.tables()
    assert world.incidents() == undisturbed.incidents() == []
    assert world.due() == []
    assert nights.judged() == 2


def test_outage_that_lasts_is_reported_once_after_its_last_run(first_night, tmp_path, instance):
    world = settle(first_night, tmp_path / "world", instance, incidents={"outage": "1h"})
    nights = Nights(world, *SENSORS)
    with moved(world):
        nights.schedule()
        nights.wait(hours=0.95)
        assert (world.due(), nights.judged()) == ([], 1)
        nights.wait(hours=9)
    assert nights.log == [2, 6, 14, 30, 60]
    assert [event.split()[1:] for event in world.due()] == [["opened", DAY]]
    assert nights.judged() == 2
    assert {tags["monitoring_pipeline/trigger"] for tags in nights.on.requested} == {"outages"}
    assert world.live(DAY).success
    assert {entry.incident.state for entry in world.incidents()} == {IncidentState.RESOLVED}


def test_wrong_rows_are_reported_at_once_and_not_read_again(nights):
    world = nights.world
    world.execute('ALTER TABLE "Loan Scores" RENAME "Application ID" TO reference')
    assert not nights.schedule().success
    assert len(world.due()) == 1
    nights.wait(hours=2)
    assert nights.on.requested == []


@pytest.mark.parametrize("sensors", [(), ("pipeline_health",)])
def test_outage_is_reported_at_once_if_nothing_would_run_the_night_again(first_night, tmp_path, instance, sensors):
    nights = Nights(settle(first_night, tmp_path / "world", instance), *sensors)
    with moved(nights.world):
        assert not nights.schedule().success
        assert len(nights.world.due()) == 1
        nights.wait(hours=1)
    assert nights.world.due() == []


def test_outage_is_reported_at_once_if_the_spec_wants_it(first_night, tmp_path, instance):
    world = settle(first_night, tmp_path / "world", instance, incidents={"outage": "0h"})
    nights = Nights(world, *SENSORS)
    with moved(world):
        nights.schedule()
    assert len(world.due()) == 1


def test_run_by_hand_does_not_wait(nights):
    with moved(nights.world):
        assert not nights.world.live(DAY).success
    assert nights.world.told[DAY] != []


def test_request_of_one_failed_run_is_the_same_at_every_tick(nights):
    """So a daemon that is killed between two ticks starts no second run for it."""
    with moved(nights.world):
        nights.schedule()
        nights.world.clock.now += 3 * MINUTES
        first, second = nights.on.requests("outages"), nights.on.requests("outages")
    assert first == second
    (request,) = first
    (failed,) = nights.world.instance.get_runs()
    assert request.run_key == f"outage:{failed.run_id}"


def test_run_made_from_one_that_waited_is_judged_by_its_own_failure(nights):
    """Dagster copies the tags of a run to one that is executed again by hand."""
    world = nights.world
    with moved(world):
        nights.schedule()
    (failed,) = world.instance.get_runs()
    world.execute('ALTER TABLE "Loan Scores" RENAME "Application ID" TO reference')
    world.nightly.execute_in_process(
        instance=world.instance, partition_key=DAY, tags=dict(failed.tags), raise_on_error=False
    )
    assert all(run.tags[AWAY_TAG] == failed.run_id for run in world.instance.get_runs())
    nights.wait(hours=1)
    assert nights.log == []

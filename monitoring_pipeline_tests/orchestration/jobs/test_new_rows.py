"""The trigger ``new_rows``: a chunk runs once its rows are there and have stopped changing."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from monitoring_pipeline_tests.worlds.living_world import LivingWorld, night_of, settle
from monitoring_pipeline_tests.worlds.sensors_on import SensorsOn
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS

SENSOR = f"{LOANS}_new_rows"
DAY = DAYS[0]
ROWS = '"Loan Scores"'
OF_DAY = f"""FROM waiting WHERE "Scored At" >= TIMESTAMP '{DAY}' - INTERVAL 1 HOUR
    AND "Scored At" < TIMESTAMP '{DAY}' + INTERVAL 23 HOUR"""
MINUTES = dt.timedelta(minutes=1)


class Loads:
    """A world whose first monitored day is not loaded yet, at midnight after it."""

    def __init__(self, world: LivingWorld):
        self.world = world
        world.execute(
            f"CREATE TABLE waiting AS FROM {ROWS} WHERE \"Scored At\" >= TIMESTAMP '{DAY}' - INTERVAL 1 HOUR",
            f"DELETE FROM {ROWS} WHERE \"Scored At\" >= TIMESTAMP '{DAY}' - INTERVAL 1 HOUR",
        )
        self.midnight = world.loaded(LOANS).spec.calendar.chunk(DAY).end
        world.clock.now = self.midnight
        self.on = SensorsOn(world.definitions, world.instance)
        self.on.cursors[SENSOR] = None
        self.keys: set[str | None] = set()

    def load(self, part: str = "TRUE") -> None:
        self.world.execute(f"INSERT INTO {ROWS} {OF_DAY} AND {part}")

    def empty(self) -> None:
        self.world.execute(f"DELETE FROM {ROWS} WHERE \"Scored At\" >= TIMESTAMP '{DAY}' - INTERVAL 1 HOUR")

    def ticks(self, minutes: int) -> list[str | None]:
        """Let time pass with a tick every five minutes, and return the chunks that are newly requested."""
        asked: list[str | None] = []
        for _ in range(minutes // 5):
            self.world.clock.now += 5 * MINUTES
            asked += [each.partition_key for each in self.on.requests(SENSOR) if each.run_key not in self.keys
                      if not self.keys.add(each.run_key)]  # fmt: skip
        return asked


@pytest.fixture
def loads(untouched_folder: Path, tmp_path: Path) -> Iterator[Loads]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield Loads(settle(untouched_folder, tmp_path / "world", instance, upstream={"trigger": "new_rows"}))


def test_model_with_the_trigger_has_the_sensor_and_no_schedule(loads):
    assert f"{LOANS}_schedule" not in {each.name for each in loads.world.definitions.schedules or ()}


def test_chunk_runs_once_after_its_rows_have_not_changed_for_the_time_of_the_spec(loads):
    assert loads.ticks(30) == []
    loads.load("age < 40")
    assert loads.ticks(15) == []
    loads.load("age >= 40")
    assert loads.ticks(15) == []
    assert loads.ticks(5) == [DAY]
    assert loads.ticks(300) == []


def test_chunk_that_grows_after_its_run_runs_again(loads):
    loads.load("age < 40")
    assert loads.ticks(20) == [DAY]
    loads.load("age >= 40")
    assert loads.ticks(20) == [DAY]
    assert loads.ticks(300) == []


def test_chunk_that_is_emptied_and_loaded_again_unchanged_does_not_run_again(loads):
    loads.load()
    assert loads.ticks(20) == [DAY]
    loads.empty()
    assert loads.ticks(60) == []
    loads.load()
    assert loads.ticks(60) == []


def test_chunk_that_returns_to_an_earlier_state_runs_again(loads):
    loads.load()
    assert loads.ticks(20) == [DAY]
    loads.load()
    assert loads.ticks(20) == [DAY]
    loads.empty()
    loads.load()
    assert loads.ticks(20) == [DAY]


def test_chunk_without_rows_runs_two_hours_after_its_scheduled_time(loads):
    last_call = night_of(loads.world, DAY) + dt.timedelta(hours=2)
    before = round((last_call - loads.midnight) / MINUTES) - 5
    assert loads.ticks(before) == []
    assert loads.ticks(5) == [DAY]
    loads.load()
    assert loads.ticks(60) == [DAY]


def test_chunk_runs_at_the_last_call_while_the_warehouse_is_away(loads):
    path = Path(loads.world.settings.warehouse)
    path.rename(path.with_suffix(".away"))
    loads.world.clock.now = night_of(loads.world, DAY) + dt.timedelta(hours=2)
    assert loads.ticks(5) == [DAY]
    path.with_suffix(".away").rename(path)
    loads.load()
    assert loads.ticks(20) == [DAY]


def test_an_outage_between_two_looks_changes_nothing(loads):
    loads.load()
    assert loads.ticks(10) == []
    path = Path(loads.world.settings.warehouse)
    path.rename(path.with_suffix(".away"))
    assert loads.ticks(5) == []
    path.with_suffix(".away").rename(path)
    assert loads.ticks(5) == [DAY]


def test_a_tick_that_is_repeated_requests_the_same_run(loads):
    """A daemon that is killed before the cursor is stored evaluates the tick again."""
    loads.load()
    loads.ticks(15)
    loads.world.clock.now += 5 * MINUTES
    cursor = loads.on.cursors[SENSOR]
    first = loads.on.requests(SENSOR)
    loads.world.clock.now += MINUTES
    loads.on.cursors[SENSOR] = cursor
    assert [each.run_key for each in loads.on.requests(SENSOR)] == [each.run_key for each in first] != []


def test_requested_chunk_is_measured_and_not_asked_for_again_without_the_cursor(loads):
    loads.load()
    while not (ran := loads.on.tick()):
        loads.world.clock.now += 5 * MINUTES
    assert [result.success for result in ran] == [True]
    with loads.world.store() as store:
        assert list(store.verdicts(LOANS)) == [DAY]
    loads.on.cursors[SENSOR] = None
    assert loads.ticks(60) == []


@pytest.mark.parametrize("cursor", ["", "{", "[]", '{"2024-03-25": 1}', '{"2024-03-25": {"state": null}}'])
def test_cursor_that_cannot_be_read_is_begun_again(loads, cursor):
    loads.load()
    loads.on.cursors[SENSOR] = cursor
    assert loads.ticks(20) == [DAY]

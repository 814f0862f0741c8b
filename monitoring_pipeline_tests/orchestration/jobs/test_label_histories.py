"""Random histories of a table of labels: the stored performance follows its last state."""

import datetime as dt
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitoring_pipeline.composition import open_outside
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.orchestration.jobs.late_labels import late_label_requests
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.chunk.labels import take_labels
from monitoring_pipeline.steps.chunk.performance import score_chunk
from monitoring_pipeline.steps.refusals import refusal_results
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, SPECS, World, copy_world

DAY = DAYS[1]
START = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
PART = "hash(Ref) % 5 = {}"
OPERATIONS = {
    "insert": "INSERT INTO Outcomes SELECT * FROM whole w WHERE {part} AND Ref NOT IN (SELECT Ref FROM Outcomes)",
    "update": "UPDATE Outcomes SET Outcome = CASE Outcome WHEN 'default' THEN 'repaid' ELSE 'default' END WHERE {part}",
    "correct": "INSERT INTO Outcomes SELECT Ref, 'default', {later} FROM whole WHERE {part}",
    "delete": "DELETE FROM Outcomes WHERE {part} AND Ref NOT IN (SELECT min(Ref) FROM whole)",
    "null": "UPDATE Outcomes SET Outcome = NULL WHERE {part}",
    "withdraw": "INSERT INTO Outcomes SELECT Ref, NULL, {later} FROM whole WHERE {part}",
    "rebuild": "CREATE OR REPLACE TABLE Outcomes AS SELECT * FROM whole",
    "duplicate": "INSERT INTO Outcomes SELECT * FROM Outcomes WHERE {part}",
    "reorder": "CREATE OR REPLACE TABLE Outcomes AS SELECT * FROM Outcomes ORDER BY {part}, hash(Ref)",
    "tick": "SELECT 1",
}
SHAPES = {
    "with times": {},
    "without times": {"known_at": None},
    "coded otherwise": {"values": {"default": 1, "repaid": 0}, "positive": 1},
}


@dataclass(frozen=True)
class Home:
    """A world where the day of these tests is measured; each example restores it."""

    world: World
    spec: ModelSpec

    @property
    def chunk(self) -> Chunk:
        """The chunk of the day."""
        return self.spec.calendar.chunk(DAY)

    def restore(self) -> None:
        """Bring the store and the table of labels to the state after the first measurement."""
        for stored in self.world.folder.glob("results.db*"):
            stored.unlink()
        for kept in self.world.folder.glob("kept.db*"):
            shutil.copy(kept, kept.with_name(kept.name.replace("kept", "results")))
        self.change("rebuild", 0)

    def change(self, operation: str, part: int) -> None:
        """Change the table of labels."""
        later = '"Reported At" + INTERVAL 1 HOUR'
        self.world.execute(OPERATIONS[operation].format(part=PART.format(part), later=later))


def measure(home: Home, outside: Outside, now: dt.datetime) -> None:
    """Do what a run of the late-label job does for labels and performance."""
    for step in (
        lambda: take_labels(home.spec, home.chunk, now, outside),
        lambda: score_chunk(home.spec, home.chunk, now, outside),
    ):
        outside.store.replace(step(), run_id="run", measured_at=now)


def tick(home: Home, outside: Outside, now: dt.datetime) -> list[str | None]:
    """Make the runs that the sensor requests for the day, and return their keys."""
    asked = [r.run_key for r in late_label_requests(home.spec, outside.store, outside.warehouse, now=now)]
    for _ in asked:
        measure(home, outside, now)
    return asked


def results(home: Home, outside: Outside) -> list[Measurement]:
    """Return the stored measurements of labels and performance, without the numbers of rows that are not labels yet.

    Labels of other days, and rows without a label where the table has no times, change nothing that is measured.
    """
    return [
        measurement
        for producer in (Producer.LABELS, Producer.PERFORMANCE)
        for measurement in outside.store.measurements(LOANS, DAY, producer)
        if measurement.name not in {"labels_outside_window", "labels_not_yet_known"}
    ]


@pytest.fixture(scope="module", params=SHAPES)
def home(
    request: pytest.FixtureRequest, untouched_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Home]:
    folder = copy_world(untouched_folder, tmp_path_factory.mktemp("histories") / "world")
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(folder, instance)
        labels: dict[str, Any] = SPECS[LOANS]["labels"] | SHAPES[request.param]
        world.change_spec(LOANS, labels=labels)
        spec = world.loaded(LOANS).spec
        chunk = spec.calendar.chunk(DAY)
        window = {"start": chunk.start.replace(tzinfo=None), "end": chunk.end.replace(tzinfo=None)}
        assert world.run(LOANS, DAY, as_of=START).success
        world.execute(
            'CREATE TABLE whole AS SELECT o.* FROM Outcomes o WHERE Ref IN (SELECT "Application ID" '
            'FROM "Loan Scores" WHERE "Scored At" >= $start AND "Scored At" < $end)',
            **window,
        )
        for stored in world.folder.glob("results.db*"):
            shutil.copy(stored, stored.with_name(stored.name.replace("results", "kept")))
        yield Home(world, spec)


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(st.tuples(st.sampled_from(sorted(OPERATIONS)), st.integers(0, 4)), min_size=1, max_size=8))
def test_performance_after_any_history_of_labels_equals_that_of_a_first_reading(
    home: Home, history: list[tuple[str, int]]
) -> None:
    home.restore()
    now, keys = START, list[str | None]()
    with open_outside(home.world.settings) as outside:
        for operation, part in history:
            home.change(operation, part)
            now += dt.timedelta(hours=1)
            if operation == "tick":
                keys += tick(home, outside, now)
        keys += tick(home, outside, now)
        assert tick(home, outside, now + dt.timedelta(hours=1)) == []
        assert len(set(keys)) == len(keys)
        followed = results(home, outside)
        outside.store.replace(_emptied(home), run_id="run", measured_at=now)
        measure(home, outside, now)
        assert results(home, outside) == followed


def _emptied(home: Home) -> ChunkResults:
    """Return results without a snapshot, so that the next reading is the first."""
    return refusal_results(home.spec, home.chunk, (), producer=Producer.LABELS)

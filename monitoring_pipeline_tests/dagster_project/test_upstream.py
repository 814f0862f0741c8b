"""Assets of a project that write the rows: shown before those of the model, and able to start its runs."""

import datetime as dt
from collections.abc import Iterator

import dagster as dg
import pytest

from monitoring_pipeline.dagster_project.project import settings_of
from monitoring_pipeline.definitions import project_definitions
from monitoring_pipeline_tests.dagster_project.test_project import MONITORED, QUIET
from monitoring_pipeline_tests.worlds.one_model_world import OneModelWorld

SCORES = dg.AssetKey(["marts", "scores"])
PREDICTIONS, LABELS = dg.AssetKey(["ml", "m", "predictions"]), dg.AssetKey(["ml", "m", "labels"])
DAILY = {zone: dg.DailyPartitionsDefinition("2024-03-25", timezone=zone) for zone in ("UTC", "America/New_York")}


class Project:
    """A project with an asset ``marts/scores``, and the monitoring of the model that it feeds."""

    def __init__(self, world: OneModelWorld, instance: dg.DagsterInstance, partitions: dg.PartitionsDefinition | None):
        world.spec(**MONITORED, upstream={"predictions": "marts/scores", "labels": "outcomes", "trigger": "upstream"})

        @dg.asset(key=SCORES, partitions_def=partitions)
        def scores() -> None: ...

        @dg.asset
        def outcomes() -> None: ...

        self.instance, self.cursor, self.now = instance, None, dt.datetime(2024, 4, 3, 3, tzinfo=dt.UTC)
        given = {"prefix": "ml", "models": world.folder / "models"}
        monitoring = project_definitions(settings_of(given), clock=lambda: self.now)
        self.definitions = dg.Definitions.merge(dg.Definitions(assets=[scores, outcomes]), monitoring)

    def write(self, key: str | None) -> None:
        """Materialize a partition of the scores."""
        job = self.definitions.resolve_implicit_global_asset_job_def()
        assert job.execute_in_process(
            instance=self.instance, asset_selection=[SCORES], partition_key=key, run_config=QUIET
        ).success

    def tick(self) -> list[str | None]:
        """Evaluate the sensor, and return the partitions that it requests."""
        repository = self.definitions.get_repository_def()
        resources = {"ml_clock": (self.definitions.resources or {})["ml_clock"]}
        with dg.build_sensor_context(
            instance=self.instance, repository_def=repository, resources=resources, cursor=self.cursor
        ) as context:
            data = repository.get_sensor_def("ml_m_upstream").evaluate_tick(context)
        self.cursor = data.cursor
        return [request.partition_key for request in data.run_requests or []]


@pytest.fixture
def world(tmp_path, monkeypatch) -> OneModelWorld:
    return OneModelWorld(tmp_path, monkeypatch)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.mark.parametrize("partitions", [None, *DAILY.values(), dg.StaticPartitionsDefinition(["a", "b"])], ids=str)
def test_assets_of_the_project_are_shown_before_those_of_the_model(world, instance, partitions):
    definitions = Project(world, instance, partitions).definitions
    dg.Definitions.validate_loadable(definitions)
    graph = definitions.resolve_asset_graph()
    assert SCORES in graph.get(PREDICTIONS).parent_keys
    assert dg.AssetKey("outcomes") in graph.get(LABELS).parent_keys
    assert not [key for key in graph.get(SCORES).child_keys if key != PREDICTIONS]
    assert definitions.get_repository_def().schedule_defs == []
    (reference,) = graph.get(PREDICTIONS).metadata["dagster/code_references"].code_references
    assert reference.file_path == str(world.folder / "models" / "m.yaml")


def test_night_runs_after_a_partition_of_another_time_zone(world, instance):
    """Dagster cannot match windows of time in two zones; the run must not try."""
    world.rows("2024-03-25", "2024-04-03", "10 minutes")
    project = Project(world, instance, DAILY["UTC"])
    project.tick()
    project.write("2024-04-02")
    project.now += dt.timedelta(hours=2)
    (key,) = project.tick()
    job = project.definitions.resolve_job_def("ml_m_nightly")
    assert job.execute_in_process(instance=instance, partition_key=key, run_config=QUIET).success
    assert list(world.verdicts()) == ["2024-04-02"]


@pytest.mark.parametrize("zone", DAILY)
def test_partition_starts_the_chunk_of_its_key_as_soon_as_the_chunk_has_ended(world, instance, zone):
    """At 3:00 UTC of the 3rd, the day of the 2nd has ended in UTC, and in New York it has not."""
    project = Project(world, instance, DAILY[zone])
    project.write("2024-04-01")
    assert project.tick() == []  # what was written before the sensor was turned on
    project.write("2024-04-01")
    project.write("2024-04-02")
    project.write("2024-03-30")  # before the model is monitored
    assert project.tick() == ["2024-04-01"]
    assert project.tick() == []
    project.now += dt.timedelta(hours=1)
    assert project.tick() == ["2024-04-02"]
    assert project.tick() == []


def test_each_of_two_partitions_between_two_ticks_starts_its_chunk_and_a_repetition_starts_it_again(world, instance):
    project = Project(world, instance, DAILY["UTC"])
    project.tick()
    for key in ("2024-04-01", "2024-04-02", "2024-04-01"):
        project.write(key)
    project.now += dt.timedelta(days=1)
    assert project.tick() == ["2024-04-01", "2024-04-02", "2024-04-01"]


def test_asset_without_partitions_starts_the_chunk_that_ended_last(world, instance):
    project = Project(world, instance, None)
    project.tick()
    project.write(None)
    project.now = dt.datetime.now(dt.UTC)
    (key,) = project.tick()
    yesterday = project.now.astimezone(dt.timezone(dt.timedelta(hours=-5))).date() - dt.timedelta(days=1)
    assert abs((dt.date.fromisoformat(str(key)) - yesterday).days) <= 1


def test_partitions_that_are_no_chunks_start_nothing(world, instance):
    project = Project(world, instance, dg.StaticPartitionsDefinition(["a", "b"]))
    project.tick()
    project.write("a")
    assert project.tick() == []


def test_trigger_without_an_asset_is_refused(world):
    world.spec(**MONITORED, upstream={"trigger": "upstream"})
    message = world.run("spec", "check", exit_code=1)
    assert "trigger: upstream needs the asset that writes the predictions" in message

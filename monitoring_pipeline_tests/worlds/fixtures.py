"""Fixtures of worlds: one untouched, one monitored on all days, one with a trained challenger; tests change copies."""

from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import dagster as dg
import pytest

from monitoring_pipeline.steps.versions.gate import run_gate
from monitoring_pipeline.steps.versions.training import train_challenger
from monitoring_pipeline_tests.worlds.made_once import made_once
from monitoring_pipeline_tests.worlds.retraining_world import AGE_DECIDES, KEY, NOW, RETRAINING, outside
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, World, copy_world, make_world


@pytest.fixture(scope="session")
def untouched_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with specs, suites and warehouse, in which nothing runs."""
    return made_once("untouched", make_world, tmp_path_factory)


@pytest.fixture(scope="session")
def monitored(untouched_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world where both models have been monitored on all days, in one run each; tests only read it."""

    def monitor(folder: Path) -> None:
        copy_world(untouched_folder, folder)
        (folder / "dagster").mkdir()
        with dg.DagsterInstance.local_temp(str(folder / "dagster")) as instance:
            for model in (LOANS, DELIVERIES):
                assert World(folder, instance).failures(model, DAYS[0], DAYS[-1]) == ()

    folder = made_once("monitored", monitor, tmp_path_factory)
    only_read = AssertionError("other tests read the monitored world: run days in `lived_in_world`")
    with (
        dg.DagsterInstance.local_temp(str(folder / "dagster")) as instance,
        mock.patch.object(instance, "create_run", side_effect=only_read),
    ):
        yield World(folder, instance)


@pytest.fixture
def world(untouched_folder: Path, tmp_path: Path) -> Iterator[World]:
    """A world where nothing has been monitored."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(copy_world(untouched_folder, tmp_path / "world"), instance)


@pytest.fixture
def lived_in_world(monitored: World, tmp_path: Path) -> Iterator[World]:
    """A copy of the monitored world, which a test may change."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(copy_world(monitored.folder, tmp_path / "world"), instance)


@pytest.fixture(scope="session")
def trained_folder(untouched_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world in which outcomes depend on age, with one challenger that passed the gate and is not promoted."""

    def train(folder: Path) -> None:
        with dg.DagsterInstance.ephemeral() as instance:
            world = World(copy_world(untouched_folder, folder), instance)
            world.change_spec(LOANS, retraining=RETRAINING)
            world.execute(AGE_DECIDES)
            with outside(world) as ports:
                version = train_challenger(world.loaded(LOANS).spec, decision_key=KEY, now=NOW, outside=ports)
                assert version == "1"
                gate = run_gate(world.loaded(LOANS).spec, version, decision_key=KEY, now=NOW, outside=ports)
                assert gate.answer == "passed", gate.reason

    return made_once("trained", train, tmp_path_factory)


@pytest.fixture
def judged(trained_folder: Path, tmp_path: Path) -> Iterator[World]:
    """A copy of the world with a judged challenger; the files of MLflow stay where they were written."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(copy_world(trained_folder, tmp_path / "world"), instance)

"""Worlds to monitor: one untouched, one monitored on all its days; each test works on a copy."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from monitoring_pipeline.steps.versions.gate import run_gate
from monitoring_pipeline.steps.versions.training import train_challenger
from monitoring_pipeline_tests.worlds.retraining_world import AGE_DECIDES, KEY, NOW, RETRAINING, outside
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, World, copy_world, make_world


@pytest.fixture(scope="session")
def untouched_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Specs, suites and warehouse; nobody runs anything in it."""
    folder = tmp_path_factory.mktemp("untouched") / "world"
    make_world(folder)
    return folder


@pytest.fixture(scope="session")
def monitored(untouched_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Both models monitored on all days, one run each; only to be read."""
    folder = copy_world(untouched_folder, tmp_path_factory.mktemp("monitored") / "world")
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(folder, instance)
        for model in (LOANS, DELIVERIES):
            assert world.failures(model, DAYS[0], DAYS[-1]) == ()
        yield world


@pytest.fixture
def world(untouched_folder: Path, tmp_path: Path) -> Iterator[World]:
    """A world where nothing has been monitored."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(copy_world(untouched_folder, tmp_path / "world"), instance)


@pytest.fixture
def lived_in_world(monitored: World, tmp_path: Path) -> Iterator[World]:
    """A world where both models have been monitored on all days."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(copy_world(monitored.folder, tmp_path / "world"), instance)


@pytest.fixture(scope="session")
def trained_folder(untouched_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world where age decides, with one challenger trained and judged, and no one promoted."""
    folder = copy_world(untouched_folder, tmp_path_factory.mktemp("trained") / "world")
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(folder, instance)
        world.change_spec(LOANS, retraining=RETRAINING)
        world.execute(AGE_DECIDES)
        with outside(world) as own:
            version = train_challenger(world.loaded(LOANS).spec, decision_key=KEY, now=NOW, adapters=own)
            assert version == "1"
            gate = run_gate(world.loaded(LOANS).spec, version, decision_key=KEY, now=NOW, adapters=own)
            assert gate.answer == "passed", gate.reason
    return folder


@pytest.fixture
def judged(trained_folder: Path, tmp_path: Path) -> Iterator[World]:
    """A copy of it; MLflow's files stay where they were written."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield World(copy_world(trained_folder, tmp_path / "world"), instance)

"""Worlds to monitor: one untouched, one monitored on all its days; each test works on a copy."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from monitoring_pipeline_tests.world import DAYS, DELIVERIES, LOANS, World, copy_world, make_world


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

"""A disk that becomes full at any time of the first night: the same command finishes it, with the same rows."""

import shutil
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from benchmarks.compare_homes import compare_homes
from monitoring_pipeline_tests.worlds.one_model_world import NAME, OneModelWorld

COMMAND = ("backfill", NAME, "--from", "2024-02-05", "--to", "2024-02-06")


class FullDisk:
    """Lets the file of the store have only so many pages, as SQLite does by itself on a full disk."""

    def __init__(self) -> None:
        self.pages: int | None = None

    def limit(self, connection: sqlite3.Connection, _record: object) -> None:
        file = connection.execute("PRAGMA database_list").fetchone()[2]
        if self.pages is not None and Path(file).name == "results.db":
            connection.execute(f"PRAGMA max_page_count = {self.pages}")


@pytest.fixture
def disk():
    full = FullDisk()
    event.listen(sa.Engine, "connect", full.limit)
    yield full
    event.remove(sa.Engine, "connect", full.limit)


@pytest.fixture
def world(tmp_path, monkeypatch) -> OneModelWorld:
    world = OneModelWorld(tmp_path, monkeypatch)
    world.rows("2024-01-01", "2024-02-08", "20 minutes")
    world.spec(start="2024-02-01", reference={"1": {"start": "2024-01-01", "end": "2024-02-01"}})
    return world


def _pages(home: Path) -> int:
    with sqlite3.connect(home / "results.db") as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.close()
    return pages


def test_same_command_finishes_a_night_whose_disk_was_full(world: OneModelWorld, disk: FullDisk) -> None:
    home, calm = world.folder / "home", world.folder / "calm"
    world.run("migrate")
    empty = _pages(home)
    shutil.copytree(home, world.folder / "empty")
    world.run(*COMMAND)
    home.rename(calm)
    for share in (0.3, 0.9):
        shutil.copytree(world.folder / "empty", home)
        disk.pages = empty + int(share * (_pages(calm) - empty))
        assert "its disk is full" in world.run(*COMMAND, exit_code=1)
        disk.pages = None
        world.run(*COMMAND)
        assert all(compared.is_equal for compared in compare_homes(str(calm), str(home))), share
        shutil.rmtree(home)

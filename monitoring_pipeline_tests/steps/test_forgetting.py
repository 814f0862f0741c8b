"""Forgetting: the rows of a person are nowhere, do not come back, and no stored number changes."""

import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline.composition import open_outside
from monitoring_pipeline.records.audit import AuditAction
from monitoring_pipeline.records.producer import reference_producer
from monitoring_pipeline.steps.forgetting import Forgotten, forget, hashed_ids
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, World

KEY = b"world"
# The first row of the reference, and one of the third monitored day, both of one person.
OF_REFERENCE, OF_A_DAY = "A-000000", "A-002400"
HASHES = hashed_ids([OF_REFERENCE, OF_A_DAY], KEY)


@pytest.fixture
def kept(lived_in_world: World) -> World:
    """A monitored world of its own."""
    return lived_in_world


def forgotten(world: World) -> Forgotten:
    with open_outside(world.settings) as outside:
        files = SnapshotFiles(world.settings.snapshots)
        spec = world.loaded(LOANS).spec
        return forget(spec, [OF_REFERENCE, OF_A_DAY], outside, files, now=outside.clock(), actor="officer")


def files_with_rows(world: World) -> list[str]:
    """The files that have a row of the person."""
    folder = Path(world.settings.snapshots)
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*.parquet"))
        if "row_id" in (rows := pl.read_parquet(path)).columns and rows["row_id"].is_in(HASHES).any()
    ]


def test_rows_are_in_no_file_and_no_table_and_numbers_stay(kept):
    assert len(files_with_rows(kept)) == 3
    before = {name: rows for name, rows in kept.tables(LOANS).items() if name != "snapshots"}
    removed = forgotten(kept)
    assert (removed.ids, removed.rows, removed.files, removed.unreadable) == (2, 3, 3, ())
    assert files_with_rows(kept) == []
    assert {name: rows for name, rows in kept.tables(LOANS).items() if name != "snapshots"} == before
    written = b"".join(path.read_bytes() for path in kept.folder.glob("results.db*"))
    with kept.store() as store:
        (entry,) = [each for each in store.audit(LOANS) if each.action is AuditAction.FORGOTTEN]
        assert store.forgotten(LOANS) == HASHES
    assert entry.actor == "officer"
    for name in (OF_REFERENCE, OF_A_DAY, *HASHES):
        assert name not in repr(entry)
    # The hash stays in the list of what must not be read again, and nowhere else.
    assert OF_A_DAY.encode() not in written
    for table in ("measurements", "incidents", "incident_events", "profiles", "decisions", "model_references"):
        assert not any(hashed in repr(kept.ask(f"SELECT * FROM {table}")) for hashed in HASHES)


def test_rows_do_not_come_back_by_any_reading(kept):
    with kept.store() as store:
        reference = store.snapshot(LOANS, "2024-03-15/2024-03-25", reference_producer("2024.1"))
    forgotten(kept)
    assert kept.failures(LOANS, DAYS[2]) == ()
    assert files_with_rows(kept) == []
    with kept.store() as store:
        pointed = store.snapshot(LOANS, "2024-03-15/2024-03-25", reference_producer("2024.1"))
    assert reference is not None
    assert pointed is not None
    assert pointed.rows == reference.rows - 1
    path = Path(kept.settings.snapshots) / pointed.uri
    path.unlink()
    with open_outside(kept.settings) as outside:
        assert outside.snapshots.read(pointed.uri).height == pointed.rows
    assert files_with_rows(kept) == []


DIES = """
import os, signal, sys
from pathlib import Path
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline_tests.steps.test_forgetting import forgotten
from monitoring_pipeline_tests.worlds.world import World
folder, owner, name, nth = sys.argv[1:]
owner = {"store": ResultStore, "files": SnapshotFiles}[owner]
calls, whole = iter(range(1, 100)), getattr(owner, name)
def dies(*given, **named):
    if next(calls) == int(nth):
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(*given, **named)
setattr(owner, name, dies)
forgotten(World(Path(folder), None))
"""


@pytest.mark.parametrize("death", ["store point_to 2", "files remove 1"])
def test_killed_removal_is_finished_by_the_next(kept, death):
    command = [sys.executable, "-c", DIES, str(kept.folder), *death.split()]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert files_with_rows(kept)
    forgotten(kept)
    assert files_with_rows(kept) == []


def test_command_takes_ids_as_they_are_in_the_table(kept, monkeypatch):
    settings = kept.settings
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(settings.home))
    monkeypatch.setenv("MONITORING_PIPELINE_MODELS", str(settings.models))
    monkeypatch.setenv("MONITORING_PIPELINE_ID_KEY", "world")
    result = CliRunner().invoke(main, ["forget", LOANS, "--id", OF_REFERENCE, "--id", HASHES[0], "--by", "officer"])
    assert result.exit_code == 0, result.output
    assert result.output.startswith("removed ")
    assert " rows of " in result.output

"""Backfills whose chunks are measured by several processes: the same results, clear failures, and no process left."""

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from monitoring_pipeline.backfill import RangeRun, run_range
from monitoring_pipeline.chunk_processes import ChunkProcesses, _is_sendable, chunk_processes
from monitoring_pipeline.warehouse.errors import WarehouseLockedError
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, World, copy_world

WORKERS = 2
DIRT = (
    # A day without rows, one of three rows, one that is refused, a dead column, labels that are missing or twice there.
    """DELETE FROM "Loan Scores" WHERE "Scored At"::DATE = DATE '2024-03-28'""",
    """DELETE FROM "Loan Scores" WHERE "Scored At"::DATE = DATE '2024-03-29' AND hash("Application ID") % 60 > 0""",
    """UPDATE "Loan Scores" SET "Default Probability" = 3.5 WHERE "Scored At"::DATE = DATE '2024-03-30'""",
    """UPDATE "Loan Scores" SET "Annual Income" = NULL WHERE "Scored At"::DATE = DATE '2024-04-01'""",
    """DELETE FROM "Outcomes" WHERE hash("Ref") % 7 = 0""",
    """INSERT INTO "Outcomes" SELECT * FROM "Outcomes" WHERE hash("Ref") % 11 = 0""",
    """UPDATE ops.deliveries SET distance_km = 'NaN'::DOUBLE WHERE promised_at::DATE = DATE '2024-04-02'""",
)
PARENT = """
import os, sys, time
from monitoring_pipeline.chunk_processes import chunk_processes
from monitoring_pipeline.settings import Settings

if __name__ == "__main__":
    with chunk_processes(Settings(), 2) as processes:
        first = processes.pool.submit(os.getpid).result()
        print(*processes.pool._processes, flush=True)
        time.sleep(60)
"""


def _run(world: World, model: str, processes: ChunkProcesses | None, **options: object) -> RangeRun:
    spec = world.loaded(model).spec
    chunks = [spec.calendar.chunk(day) for day in (DAYS[0], DAYS[-1])]
    return run_range(world.definitions, world.instance, spec, *chunks, processes=processes, **options)  # type: ignore[arg-type]


@pytest.mark.slow
def test_results_equal_those_of_one_process(world: World, tmp_path: Path) -> None:
    world.execute(*DIRT)
    with dg.DagsterInstance.ephemeral() as instance:
        one = World(copy_world(world.folder, tmp_path / "one"), instance)
        with chunk_processes(world.settings, WORKERS) as processes:
            for model in (LOANS, DELIVERIES):
                several, single = _run(world, model, processes), _run(one, model, None)
                assert (several.success, several.failures) == (single.success, single.failures)
        assert world.tables() == one.tables()
        with world.store() as several_store, one.store() as single_store:
            efforts, of_one = several_store.efforts(LOANS, DAYS[0]), single_store.efforts(LOANS, DAYS[0])
        assert efforts.keys() == of_one.keys()
        assert efforts["drift"].cpu_seconds > 0
    assert {row[0] for row in world.ask("SELECT DISTINCT status FROM verdicts")} > {"ok"}


@pytest.mark.slow
def test_killed_process_is_named_and_the_next_run_completes(world: World) -> None:
    with chunk_processes(world.settings, WORKERS) as processes:
        assert processes is not None

        def kill_one(*_: object) -> None:
            for process in list(processes.pool._processes)[:1]:
                os.kill(process, signal.SIGKILL)

        failed = _run(world, DELIVERIES, processes, report=kill_one)
    assert not failed.success
    assert "a process that measured chunks was ended, perhaps for want of memory; try fewer --workers" in str(failed)
    assert _run(world, DELIVERIES, None).success


@pytest.mark.slow
def test_chunks_keep_their_results_when_other_processes_cannot_reach_the_source(lived_in_world: World) -> None:
    before = lived_in_world.tables(DELIVERIES)
    Path(lived_in_world.settings.warehouse).rename(lived_in_world.folder / "moved.duckdb")
    with chunk_processes(lived_in_world.settings, WORKERS) as processes:
        failed = _run(lived_in_world, DELIVERIES, processes)
    assert not failed.success
    assert "not read again, so the stored results stay" in str(failed.failures)
    assert lived_in_world.tables(DELIVERIES)["measurements"] == before["measurements"]


def test_one_worker_is_this_process(world: World) -> None:
    with chunk_processes(world.settings, 1) as processes:
        assert processes is None


def test_processes_end_when_their_parent_is_killed(world: World, tmp_path: Path) -> None:
    (tmp_path / "parent.py").write_text(PARENT, encoding="utf-8")
    environment = os.environ | {
        "MONITORING_PIPELINE_HOME": str(world.settings.home),
        "MONITORING_PIPELINE_MODELS": str(world.settings.models),
    }
    parent = subprocess.Popen([sys.executable, "parent.py"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    children = [int(text) for text in parent.stdout.readline().split()]
    assert children
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    parent.stdout.close()
    assert not [child for child in children if Path(f"/proc/{child}").exists()]


class _NeedsTwo(Exception):
    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} {second}")


def test_error_that_cannot_be_sent_is_recognised() -> None:
    assert _is_sendable(WarehouseLockedError("the file is locked"))
    assert not _is_sendable(_NeedsTwo("a", "b"))
    with pytest.raises(TypeError):
        pickle.loads(pickle.dumps(_NeedsTwo("a", "b")))

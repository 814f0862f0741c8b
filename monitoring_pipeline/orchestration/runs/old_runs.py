"""Removes finished runs of models from Dagster's history, with their events and logs."""

import contextlib
import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from monitoring_pipeline.orchestration.runs.dagster_private import SqliteEventLogStorage
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.spec.model import ModelSpec

FINISHED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
RUNS_AT_ONCE = 100


@dataclass(frozen=True)
class RemovedRuns:
    """How many runs were removed, or would be, and the bytes of their files of events (SQLite only)."""

    runs: int = 0
    bytes: int = 0


def remove_old_runs(
    instance: DagsterInstance,
    specs: Iterable[ModelSpec],
    *,
    before: dt.datetime,
    names: Names = PLAIN,
    dry_run: bool = False,
) -> RemovedRuns:
    """Remove the runs of models that ended before a time; runs of other jobs of the instance are left alone.

    The events of a run go first, so that a run whose removal was interrupted is found again.
    """
    runs = size = 0
    for spec in specs:
        wanted = RunsFilter(statuses=FINISHED, tags={"model": names.of(spec.name)}, updated_before=before)
        if dry_run:
            records = instance.get_run_records(filters=wanted)
            runs += len(records)
            size += sum(_size(instance, record.dagster_run.run_id) for record in records)
            continue
        while records := instance.get_run_records(filters=wanted, limit=RUNS_AT_ONCE):
            for record in records:
                size += _size(instance, record.dagster_run.run_id)
                _remove(instance, record.dagster_run.run_id)
            runs += len(records)
    return RemovedRuns(runs, size)


def _remove(instance: DagsterInstance, run_id: str) -> None:
    instance.event_log_storage.delete_events(run_id)
    with contextlib.suppress(NotImplementedError):
        instance.compute_log_manager.delete_logs(prefix=[run_id])
    instance.delete_run(run_id)
    for path in _files(instance, run_id):
        path.unlink(missing_ok=True)


def _files(instance: DagsterInstance, run_id: str) -> list[Path]:
    """Return the files of SQLite with the events of one run."""
    storage = instance.event_log_storage
    if not isinstance(storage, SqliteEventLogStorage):
        return []
    path = Path(storage.path_for_shard(run_id))
    return [path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")]


def _size(instance: DagsterInstance, run_id: str) -> int:
    return sum(path.stat().st_size for path in _files(instance, run_id) if path.exists())

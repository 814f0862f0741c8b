"""Dagster's events in SQLite files: the same as without kept connections, with few openings of a file."""

import multiprocessing
import sqlite3
import warnings
from pathlib import Path

import dagster as dg
import pytest

from monitoring_pipeline.backfill import dagster_instance
from monitoring_pipeline.orchestration.runs.sqlite_storage import FILES_KEPT_OPEN

KEYS = [str(number) for number in range(40)]
PARTITIONS = dg.StaticPartitionsDefinition(KEYS)


def _job() -> dg.JobDefinition:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)

        @dg.asset(partitions_def=PARTITIONS, backfill_policy=dg.BackfillPolicy.single_run())
        def counted(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
            for key in context.partition_keys:
                context.add_asset_metadata({"key": key}, partition_key=key)
            return dg.MaterializeResult()

        jobs = [dg.define_asset_job("job", [counted])]
        return dg.Definitions(assets=[counted], jobs=jobs).resolve_job_def("job")


JOB = _job()


def _run(instance: dg.DagsterInstance, keys: int) -> str:
    tags = {"dagster/asset_partition_range_start": KEYS[0], "dagster/asset_partition_range_end": KEYS[keys - 1]}
    return JOB.execute_in_process(instance=instance, tags=tags).run_id


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Dagster's folder, in SQLite."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.delenv("DAGSTER_POSTGRES_URL", raising=False)
    return tmp_path


def test_more_partitions_open_no_more_connections(home, monkeypatch):
    opened: list[str] = []
    connect = sqlite3.dbapi2.connect

    def counting(*words, **options):
        opened.append(str(words[0]))
        return connect(*words, **options)

    with dagster_instance(home) as instance:
        _run(instance, 1)
        monkeypatch.setattr(sqlite3.dbapi2, "connect", counting)
        numbers: list[int] = []
        for keys in (2, 20):
            opened.clear()
            _run(instance, keys)
            numbers.append(len(opened))
    assert numbers[0] == numbers[1], opened


def test_events_are_read_by_another_instance(home):
    with dagster_instance(home) as instance:
        run = _run(instance, 5)
        with dagster_instance(home) as other:
            assert other.get_materialized_partitions(dg.AssetKey("counted")) == set(KEYS[:5])
            assert len(other.all_logs(run)) == len(instance.all_logs(run))
    assert not list(home.glob("history/**/*.db-wal"))


def test_deleted_and_wiped_runs_leave_no_events(home):
    with dagster_instance(home) as instance:
        gone, other = _run(instance, 2), _run(instance, 2)
        instance.delete_run(gone)
        assert instance.all_logs(gone) == []
        assert instance.all_logs(other)
        instance.wipe()
        assert instance.all_logs(other) == []
        again = _run(instance, 1)
        assert instance.all_logs(again)


def test_more_runs_than_open_files_are_all_read(home):
    with dagster_instance(home) as instance:
        runs = [instance.create_run_for_job(JOB).run_id for _ in range(FILES_KEPT_OPEN + 2)]
        for run in runs:
            instance.report_engine_event(f"of {run}", instance.get_run_by_id(run))
        assert [instance.all_logs(run)[-1].message for run in runs] == [f"of {run}" for run in runs]


def _write(instance: dg.DagsterInstance, run: str) -> None:
    instance.report_engine_event("of a child", instance.get_run_by_id(run))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_forked_process_writes_through_connections_of_its_own(home):
    with dagster_instance(home) as instance:
        run = _run(instance, 1)
        child = multiprocessing.get_context("fork").Process(target=_write, args=(instance, run))
        child.start()
        child.join(60)
        assert child.exitcode == 0
        _write(instance, run)
        assert [entry.message for entry in instance.all_logs(run)].count("of a child") == 2

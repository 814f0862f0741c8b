"""One dagster.yaml stores runs in SQLite, or in PostgreSQL if a URL is set; both by real runs."""

import time
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._serdes import serialize_value

from monitoring_pipeline.backfill import dagster_instance
from monitoring_pipeline.settings import with_driver
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, World


@pytest.fixture
def dagster_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Dagster's folder, with nothing else set."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster home"))
    monkeypatch.delenv("DAGSTER_POSTGRES_URL", raising=False)
    return tmp_path / "dagster home"


def test_runs_are_stored_in_sqlite_without_a_url(world, dagster_home):
    with dagster_instance(dagster_home) as instance:
        assert World(world.folder, instance).failures(DELIVERIES, DAYS[0]) == ()
    with dagster_instance(dagster_home) as reopened:
        assert [run.status for run in reopened.get_runs()] == [dg.DagsterRunStatus.SUCCESS]
    assert (dagster_home / "history" / "runs.db").is_file()


def test_runs_are_stored_in_postgresql_with_a_url(world, dagster_home, monkeypatch, postgresql_server):
    name = f"dagster_{time.time_ns()}"
    administrator = sa.create_engine(with_driver(f"{postgresql_server}/postgres"), isolation_level="AUTOCOMMIT")
    with administrator.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
        connection.exec_driver_sql(f"CREATE ROLE {name} LOGIN SUPERUSER PASSWORD 'geh/eim'")
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", f"{postgresql_server.replace('postgres@', f'{name}:geh%2Feim@')}/{name}")
    with dagster_instance(dagster_home) as instance:
        seen: list[str] = []
        inner = World(world.folder, instance)
        run = inner.run(DELIVERIES, DAYS[0])
        assert run.success
        instance.watch_event_logs(run.run_id, None, lambda event, _: seen.append(event.message))
        deadline = time.monotonic() + 20
        while not seen and time.monotonic() < deadline:
            time.sleep(0.05)
        assert seen
        keys = instance.get_materialized_partitions(dg.AssetKey([DELIVERIES, "verdict"]))
        assert keys == {DAYS[0]}
        assert "eim" not in serialize_value(instance.get_ref())
        reference = instance.get_ref()
    with dg.DagsterInstance.from_ref(reference) as reopened:
        assert [run.status for run in reopened.get_runs()] == [dg.DagsterRunStatus.SUCCESS]
    database = sa.create_engine(with_driver(f"{postgresql_server}/{name}"))
    with database.connect() as connection:
        assert connection.exec_driver_sql("SELECT status FROM runs").scalars().all() == ["SUCCESS"]
    database.dispose()
    administrator.dispose()
    assert not (dagster_home / "history").exists()


@pytest.mark.parametrize(("given", "used"), [
    ("postgresql://u:p@h:1/d", "postgresql+psycopg2://u:p@h:1/d"),
    ("postgres://h/d?sslmode=require", "postgresql+psycopg2://h/d?sslmode=require"),
    ("postgresql+psycopg://h/d", "postgresql+psycopg://h/d"),
])  # fmt: skip
def test_url_without_driver_names_psycopg2(given, used):
    assert with_driver(given) == used

"""A folder with one model of any cadence on a real DuckDB file, driven by the commands and by Dagster's schedules."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import pytest
import yaml
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline.definitions import build_definitions, build_resources
from monitoring_pipeline.settings import Settings

NAME = "m"
SPEC: dict[str, Any] = {
    "name": NAME,
    "task": "binary",
    "owner": "team:x",
    "timezone": "America/New_York",
    "predictions": {"table": "scores", "id": "id", "time": "ts", "score": "score"},
    "labels": {
        "table": "outcomes", "id": "id", "label": "label", "positive": 1, "known_at": "known_at", "delay": "1h",
    },
    "features": {"a": "numeric", "c": "categorical"},
    "drift": {"multivariate": []},
}  # fmt: skip


class OneModelWorld:
    """A folder with a warehouse, a spec and a home."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.warehouse = folder, folder / "w.duckdb"
        (folder / "models").mkdir()
        for name, value in {
            "HOME": folder / "home", "MODELS": folder / "models", "WAREHOUSE": self.warehouse,
        }.items():  # fmt: skip
            monkeypatch.setenv(f"MONITORING_PIPELINE_{name}", str(value))
        monkeypatch.setenv("DAGSTER_HOME", str(folder / "home" / "dagster"))
        monkeypatch.setenv("COLUMNS", "200")

    def spec(self, **fields: Any) -> None:
        (self.folder / "models" / "m.yaml").write_text(yaml.safe_dump(SPEC | fields), encoding="utf-8")

    def rows(self, first: str, last: str, step: str, *, drifted_from: str = "9999-01-01", where: str = "true") -> None:
        """Make a prediction in every step of time (UTC), with a shifted input from some time on."""
        with closing(duckdb.connect(str(self.warehouse))) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            number = "(hash(epoch_us(ts) + {}) % 10007) / 10007.0::DOUBLE"
            connection.execute(
                f"""CREATE TABLE scores AS
                SELECT 'r' || epoch_us(ts) AS id, ts, {number.format(7)} AS score, chr(65 + (epoch(ts) % 4)::INT) AS c,
                       {number.format(13)} + CASE WHEN ts >= TIMESTAMP '{drifted_from}' THEN 0.5 ELSE 0 END AS a
                FROM (SELECT unnest(range(TIMESTAMP '{first}', TIMESTAMP '{last}', INTERVAL '{step}')) AS ts)
                WHERE {where}"""
            )
            connection.execute(
                f"""CREATE TABLE outcomes AS SELECT id, ts + INTERVAL 30 MINUTE AS known_at,
                CASE WHEN {number.format(19)} < score THEN 1 ELSE 0 END AS label FROM scores"""
            )

    def run(self, *words: str, exit_code: int = 0) -> str:
        """Run a command, and return what it printed."""
        result = CliRunner().invoke(main, words, catch_exceptions=False)
        assert result.exit_code == exit_code, result.output
        return result.output

    def ask(self, query: str, *parameters: str, home: str = "home") -> list[tuple[Any, ...]]:
        """Return the rows of a query on the store."""
        with closing(sqlite3.connect(f"file:{self.folder / home / 'results.db'}?mode=ro", uri=True)) as connection:
            return connection.execute(query, parameters).fetchall()

    def number(self, query: str) -> Any:
        """Return the only value of a query on the warehouse."""
        with closing(duckdb.connect(str(self.warehouse), read_only=True)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            ((value,),) = connection.execute(query).fetchall()
            return value

    def verdicts(self) -> dict[str, str]:
        return dict(self.ask("SELECT chunk, status FROM current_verdicts ORDER BY chunk"))

    @contextmanager
    def night(self, tick: str, zone: str) -> Iterator[list[str | None]]:
        """Evaluate the schedule at a local time, run what it requests, and yield the requested partitions."""
        definitions = build_definitions(Settings())
        repository = definitions.get_repository_def()
        moment = dt.datetime.fromisoformat(tick).replace(tzinfo=ZoneInfo(zone))
        with (
            dg.DagsterInstance.ephemeral() as instance,
            dg.build_schedule_context(
                instance=instance, scheduled_execution_time=moment, repository_def=repository
            ) as context,
        ):
            evaluated = repository.get_schedule_def(f"{NAME}_schedule").evaluate_tick(context)
            keys = [request.partition_key for request in evaluated.run_requests or []]
            for key in keys:
                job = definitions.resolve_job_def(f"{NAME}_nightly")
                assert job.execute_in_process(instance=instance, partition_key=key).success
            yield keys

    def execute(self, statement: str) -> None:
        """Execute a statement in the warehouse."""
        with closing(duckdb.connect(str(self.warehouse))) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.execute(statement)

    def late_labels(self) -> list[str | None]:
        """Evaluate the sensor of late labels, run what it requests, and return the requested partitions."""
        definitions, resources = build_definitions(Settings()), build_resources(Settings())
        repository = definitions.get_repository_def()
        needed = {name: resources[name] for name in ("store", "warehouse", "clock")}
        with (
            dg.DagsterInstance.ephemeral() as instance,
            dg.build_sensor_context(instance=instance, repository_def=repository, resources=needed) as context,
        ):
            evaluated = repository.get_sensor_def("late_labels").evaluate_tick(context)
            requests = list(evaluated.run_requests or [])
            for request in requests:
                job = definitions.resolve_job_def(str(request.job_name))
                assert job.execute_in_process(instance=instance, partition_key=request.partition_key).success
        return [request.partition_key for request in requests]

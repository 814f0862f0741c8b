"""A monitored home that any version can run.

Only interfaces of users are named here: commands, jobs, sensors, settings and stored tables. No module inside the
package is imported, so that the same code drives the version that made a stored home and the one that opens it.
"""

import datetime as dt
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from unittest.mock import patch
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
from click.testing import CliRunner

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
ID_KEY = "stored home"


@dataclass
class LivedHome:
    """A home, the clock that its runs read, and the Dagster instance that records them."""

    folder: Path
    instance: dg.DagsterInstance
    now: dt.datetime = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which a deployment finds this home."""
        places = {
            "HOME": str(self.folder),
            "MODELS": str(self.folder / "specs"),
            "ID_KEY": ID_KEY,
            "WAREHOUSE_LOCK_SECONDS": "1",
            "WAREHOUSE": "",
            "STORE_URL": "",
            "SNAPSHOTS": "",
            "ALERTING": "",
        }
        others = {"MLFLOW_TRACKING_URI": "", "DAGSTER_HOME": "", "DAGSTER_POSTGRES_URL": "", "COLUMNS": "2000"}
        return {f"MONITORING_PIPELINE_{name}": value for name, value in places.items()} | others

    @cached_property
    def definitions(self) -> dg.Definitions:
        """All definitions that Dagster loads, with this home's clock."""
        from monitoring_pipeline.definitions import build_definitions
        from monitoring_pipeline.settings import Settings

        with patch.dict(os.environ, self.environment):
            return build_definitions(Settings(), lambda: self.now)

    def run(
        self,
        job: str,
        *,
        day: str | None = None,
        config: dict[str, object] | None = None,
        tags: dict[str, str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        """Run a job by its name, in this process."""
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            partition_key=day,
            run_config=QUIET | (config or {}),
            tags=tags or {},
            raise_on_error=False,
        )

    def live(self, model: str, day: str, schedule: str, zone: str) -> dg.ExecuteInProcessResult:
        """Run the nightly job of a day at its time, then the runs that the night's decisions request."""
        self.now = night_of(day, schedule, zone)
        result = self.run(f"{model}_nightly", day=day)
        for request in self.requests("retraining"):
            assert self.answer(request).success
        return result

    def answer(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        """Make the run that a sensor requests."""
        assert request.job_name is not None
        return self.run(
            request.job_name, day=request.partition_key, config=dict(request.run_config), tags=dict(request.tags)
        )

    def requests(self, sensor: str) -> list[dg.RunRequest]:
        """Return the runs that a sensor requests now."""
        repository = self.definitions.get_repository_def()
        resources = dict(repository.get_top_level_resources())
        with dg.build_sensor_context(instance=self.instance, repository_def=repository, resources=resources) as context:
            return list(repository.get_sensor_def(sensor).evaluate_tick(context).run_requests or [])

    def command(self, *words: str, terminal: dict[str, str] | None = None) -> str:
        """Run a command of ``monitoring-pipeline`` and return its output, as a pipe or a terminal gets it."""
        from monitoring_pipeline.cli import main

        with patch.dict(os.environ, self.environment | (terminal or {})):
            ran = CliRunner().invoke(main, words)
        assert ran.exit_code == 0, f"{words}: {ran.output}{ran.exception!r}"
        return ran.output

    def ask(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Query the store's file."""
        with closing(sqlite3.connect(self.folder / "results.db")) as connection:
            return connection.execute(sql, values).fetchall()

    def change(self, *statements: str, **values: object) -> None:
        """Change the warehouse."""
        with duckdb.connect(self.folder / "warehouse.duckdb") as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for statement in statements:
                used = {name: value for name, value in values.items() if f"${name}" in statement}
                connection.execute(statement, used)


def night_of(day: str, schedule: str, zone: str) -> dt.datetime:
    """Return the start of the nightly run of a day."""
    local = dt.datetime.combine(dt.date.fromisoformat(day) + dt.timedelta(days=1), dt.time.fromisoformat(schedule))
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)


@contextmanager
def opened(folder: Path) -> Iterator[LivedHome]:
    """Open a home with a temporary Dagster instance."""
    with dg.DagsterInstance.ephemeral() as instance:
        yield LivedHome(folder, instance)

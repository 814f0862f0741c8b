"""One night that may be killed at any moment: the nightly run, the retraining that follows, and the alerts.

As a process, ``python -m monitoring_pipeline_tests.end_to_end.mortal_night``: it imports everything once and then, for
each line ``{"folder": ..., "slack": ..., "now": ...}`` on its standard input, forks a child that runs the night to its
end; it answers with the child's process id, and, when the child has ended, with its exit code. The child does what
Dagster's daemon does (run monitoring, retries, sensors, queue), only within one process, and one thing after another.
"""

import datetime as dt
import json
import os
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.launcher.base import WorkerStatus
from dagster._core.storage.tags import PARTITION_NAME_TAG, RUN_KEY_TAG

from monitoring_pipeline.backfill import dagster_instance, run_range
from monitoring_pipeline.dagster_launcher import PROCESS_TAG, this_process
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.orchestration.runs.partitions import AS_OF_TAG
from monitoring_pipeline.orchestration.runs.requests import UNFINISHED
from monitoring_pipeline.settings import Settings
from monitoring_pipeline_tests.slack_server import TOKEN
from monitoring_pipeline_tests.worlds.world import (
    DAGSTER_URL_FILE,
    DAYS,
    LOANS,
    QUIET,
    STORE_URL_FILE,
    World,
    make_world,
)

NIGHT, BEFORE = DAYS[-1], DAYS[:-1]
NOW = dt.datetime(2024, 4, 6, 6, tzinfo=dt.UTC)
LONG_AFTER = dt.datetime(2024, 8, 1, tzinfo=dt.UTC)
RETRAINING: dict[str, Any] = {
    "trainer": "monitoring_pipeline_tests.registry.trainers_for_tests:boosting",
    "holdout_days": 8,
    "promotion": "automatic",
    "breached": {"chunks": 2, "of": 4},
    "gate": {"minimum_rows": 100},
}
ALERTING = {
    "channels": {"oncall": {"slack": "#ml-oncall"}, "boss": {"slack": "#boss"}},
    "routes": [{"channel": "oncall"}, {"channel": "boss"}],
}
AGE_DECIDES = """
    CREATE OR REPLACE TABLE "Outcomes" AS
    SELECT "Ref", "Reported At", CASE WHEN hash("Ref") % 1000 < CASE WHEN age > 50 THEN 800 ELSE 200 END
                                      THEN 'default' ELSE 'repaid' END AS "Outcome"
    FROM "Outcomes" JOIN "Loan Scores" ON "Ref" = "Application ID"
"""
"""Outcomes that do not depend on the champion's scores but on age."""
SENSORS = ("pipeline_health", "retraining", "alerts")
MOST_ROUNDS = 12
MORNING = "morning"


def make_evening(folder: Path, store_url: str | None = None) -> None:
    """Make the world before the night: all earlier days are judged without alerts, and alerts are set up."""
    make_world(folder)
    if store_url is not None:
        (folder / STORE_URL_FILE).write_text(store_url, encoding="utf-8")
    with dg.DagsterInstance.ephemeral() as instance:
        world = World(folder, instance)
        (folder / "specs" / "delivery_minutes.yaml").unlink()
        world.change_spec(LOANS, retraining=RETRAINING, performance={"thresholds": {"auroc": {"lower": 0.7}}})
        world.execute(AGE_DECIDES)
        definitions = build_definitions(world.settings, clock=lambda: LONG_AFTER)
        spec = world.loaded(LOANS).spec
        chunks = (spec.calendar.chunk(BEFORE[0]), spec.calendar.chunk(BEFORE[-1]))
        assert run_range(definitions, instance, spec, *chunks).success
    (folder / "alerting.yaml").write_text(yaml.safe_dump(ALERTING), encoding="utf-8")


def settings_of(folder: Path, slack: str) -> Settings:
    with dg.DagsterInstance.ephemeral() as unused:
        own = World(folder, unused).settings
    parts = {"alerting": folder / "alerting.yaml", "secrets": {"slack": TOKEN}, "slack_api": slack}
    given = {name: getattr(own, name) for name in ("home", "models", "warehouse", "store_url", "snapshots", "id_key")}
    outside = {"MLFLOW_TRACKING_URI": own.mlflow_tracking_uri, "DAGSTER_HOME": own.dagster_home}
    return Settings.model_validate(given | parts | outside)


class Night:
    """The work of Dagster's daemon in one night."""

    def __init__(self, folder: Path, slack: str, now: dt.datetime, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.definitions = build_definitions(settings_of(folder, slack), clock=lambda: now)
        self.progress = folder / "progress"

    def live(self) -> None:
        """Execute requested runs until there is none."""
        self.bury_the_dead()
        if not self.instance.get_runs(
            dg.RunsFilter(job_name=f"{LOANS}_nightly", statuses=[dg.DagsterRunStatus.SUCCESS]), limit=1
        ):
            # The killed run and the next one read as of the same time because labels arrive all the time.
            as_of = {AS_OF_TAG: NOW.isoformat()}
            self.run(dg.RunRequest(job_name=f"{LOANS}_nightly", partition_key=NIGHT, tags=as_of))
        for _ in range(MOST_ROUNDS):
            requests = list(self.requests())
            if not requests:
                return
            for request in requests:
                self.run(request)
        raise AssertionError(f"never quiet: {requests}")

    def bury_the_dead(self) -> None:
        """Report killed runs as failed, as run monitoring does."""
        for run in self.instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
            health = self.instance.run_launcher.check_run_worker_health(run)
            assert health.status is WorkerStatus.FAILED, (run.status, health)
            self.instance.report_run_failed(run)

    def requests(self) -> Iterator[dg.RunRequest]:
        """Yield the requests of every sensor without those whose key has a run already."""
        for name in SENSORS:
            sensor = self.definitions.get_repository_def().get_sensor_def(name)
            with dg.build_sensor_context(
                instance=self.instance, resources=dict(self.definitions.resources or {}), sensor_name=name
            ) as context:
                asked = sensor.evaluate_tick(context).run_requests or []
            for request in asked:
                known = dg.RunsFilter(tags={RUN_KEY_TAG: f"{request.run_key}"})
                if not self.instance.get_runs(known, limit=1):
                    job_name = request.job_name or sensor.job_name
                    yield request.with_replaced_attrs(job_name=job_name)

    def run(self, request: dg.RunRequest) -> None:
        """Execute a run in this process."""
        note(self.progress, request.job_name)
        tags = {PROCESS_TAG: this_process()} | dict(request.tags)
        if request.run_key:
            tags[RUN_KEY_TAG] = request.run_key
        if request.partition_key:
            tags[PARTITION_NAME_TAG] = request.partition_key
        self.definitions.resolve_job_def(request.job_name).execute_in_process(
            instance=self.instance,
            run_config=QUIET | dict(request.run_config),
            partition_key=request.partition_key,
            tags=tags,
        )


def lead(folder: Path, slack: str, now: dt.datetime) -> None:
    """Run a night to its end."""
    os.environ["DAGSTER_HOME"] = str(folder / "dagster")
    if (folder / DAGSTER_URL_FILE).exists():
        os.environ["DAGSTER_POSTGRES_URL"] = (folder / DAGSTER_URL_FILE).read_text(encoding="utf-8")
    with dagster_instance(folder / "dagster") as instance:
        Night(folder, slack, now, instance).live()
    note(folder / "progress", MORNING)


def note(progress: Path, job: str) -> None:
    """Append the beginning of a job, with its time."""
    with progress.open("a", encoding="utf-8") as file:
        file.write(f"{time.time()} {job}\n")


def serve() -> None:
    """Fork a child for each line."""
    import matplotlib.figure  # noqa: F401
    import mlflow.models
    import mlflow.pyfunc
    import mlflow.sklearn  # noqa: F401
    import skops.io  # noqa: F401
    import slack_sdk  # noqa: F401
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: F401

    import monitoring_pipeline.alerting.delivery.delivery
    import monitoring_pipeline.registry.gate_records  # noqa: F401
    import monitoring_pipeline_tests.registry.trainers_for_tests  # noqa: F401

    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            os.setsid()
            code = 1
            try:
                log = os.open(Path(asked["folder"]) / "night.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
                os.dup2(log, 1)
                os.dup2(log, 2)
                lead(Path(asked["folder"]), asked["slack"], dt.datetime.fromisoformat(asked["now"]))
                code = 0
            except BaseException:  # noqa: BLE001 - any exception must be printed, and the child must end here
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()

"""A small synthetic world for tests: two models with their tables and specs, made from fixed seeds.

``loan_default`` is binary, in Europe/Berlin, with text IDs and labels, quoted column names and no prediction column.
``delivery_minutes`` is a regression in Asia/Kolkata with integer IDs. There are ten days of reference and twelve
monitored days. The clocks of Berlin change on 2024-03-31. Income doubles from 2024-04-03 on.
"""

import datetime as dt
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import numpy as np
import polars as pl
import yaml

from monitoring_pipeline.backfill import run_range
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.orchestration.runs.partitions import AS_OF_TAG
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.loading import LoadedSpec, load_specs
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse

LOANS, DELIVERIES = "loan_default", "delivery_minutes"
FIRST_ROW, FIRST, LAST = dt.date(2024, 3, 15), dt.date(2024, 3, 25), dt.date(2024, 4, 5)
CLOCK_CHANGE, DRIFT_FROM = dt.date(2024, 3, 31), dt.date(2024, 4, 3)
ROWS_A_DAY = 200
DAYS = tuple((FIRST + dt.timedelta(days=n)).isoformat() for n in range((LAST - FIRST).days + 1))
TABLES = ("chunk_revisions", "measurements", "profiles", "verdicts", "snapshots", "model_references")
STORE_URL_FILE, DAGSTER_URL_FILE = "store.url", "dagster.url"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
OF_A_RUN = ("run_id", "measured_at", "created_at", "known_since")

LOANS_SPEC: dict[str, Any] = {
    "name": LOANS,
    "task": "binary",
    # Its drift has no effect on the model, and is a warning for the tests of incidents and alerts.
    "drift": {"severity": "warning"},
    "owner": "risk@example.com",
    "timezone": "Europe/Berlin",
    "start": FIRST,
    "end": LAST + dt.timedelta(days=1),
    "schedule": "04:30",
    "predictions": {
        "table": "Loan Scores",
        "id": "Application ID",
        "time": "Scored At",
        "model_version": "VERSION",
        "score": "Default Probability",
        "decision_threshold": 0.4,
    },
    "labels": {
        "table": "Outcomes",
        "id": "Ref",
        "label": "Outcome",
        "known_at": "Reported At",
        "positive": "default",
        "delay": "2d",
        "lookback": "30d",
    },
    "features": {
        "income": {"kind": "numeric", "column": "Annual Income"},
        "employment": {"kind": "categorical", "column": "EMPLOYMENT"},
        "age": "numeric",
    },
    "reference": {"2024.1": {"start": FIRST_ROW, "end": FIRST}},
    "performance": {"thresholds": {"auroc": {"lower": 0.6}}},
}
DELIVERIES_SPEC: dict[str, Any] = {
    "name": DELIVERIES,
    "task": "regression",
    "owner": "team:logistics",
    "timezone": "Asia/Kolkata",
    "start": FIRST,
    "end": LAST + dt.timedelta(days=1),
    "predictions": {"table": "ops.deliveries", "id": "parcel", "time": "promised_at", "prediction": "minutes"},
    "labels": {
        "table": "ops.arrivals",
        "id": "parcel",
        "label": "actual_minutes",
        "known_at": "arrived_at",
        "delay": "12h",
    },
    "features": {"distance_km": "numeric", "vehicle": "categorical"},
    "reference": {"1": {"start": FIRST_ROW, "end": FIRST}},
}
SPECS = {LOANS: LOANS_SPEC, DELIVERIES: DELIVERIES_SPEC}


@dataclass(frozen=True)
class World:
    """A folder with specs, suites, a warehouse and all results of monitoring, and a Dagster instance."""

    folder: Path
    instance: dg.DagsterInstance

    @cached_property
    def settings(self) -> Settings:
        """The settings, with every path set explicitly."""
        return Settings.model_validate(
            {
                "home": self.folder,
                "models": self.folder / "specs",
                "warehouse": self.folder / "warehouse.duckdb",
                "warehouse_lock_seconds": 1,
                "store_url": store_url_of(self.folder),
                "snapshots": str(self.folder / "snapshots"),
                "id_key": "world",
                "MLFLOW_TRACKING_URI": f"sqlite:///{self.folder / 'mlflow.db'}",
                "DAGSTER_HOME": self.folder / "dagster",
                "DAGSTER_POSTGRES_URL": "",
            }
        )

    @property
    def definitions(self) -> dg.Definitions:
        """The definitions of the specs as they are now."""
        return build_definitions(self.settings)

    @property
    def warehouse(self) -> DuckDBWarehouse:
        """The warehouse as the pipeline reads it."""
        return DuckDBWarehouse(Path(self.settings.warehouse), lock_timeout_seconds=1)

    def loaded(self, model: str) -> LoadedSpec:
        """The spec of a model as it is now."""
        return next(entry for entry in load_specs(self.settings.models) if entry.spec.name == model)

    def change_spec(self, model: str, **parts: object) -> None:
        """Write a model's spec again, with ``parts`` replaced."""
        text = yaml.safe_dump(SPECS[model] | parts, sort_keys=False)
        (self.folder / "specs" / f"{model}.yaml").write_text(text, encoding="utf-8")

    def execute(self, *statements: str, **values: object) -> list[tuple[Any, ...]]:
        """Execute statements in the warehouse and return the rows of the last; the connection is closed at once."""
        with duckdb.connect(Path(self.settings.warehouse)) as connection:
            connection.execute("SET TimeZone = 'UTC'")
            for statement in statements:
                used = {name: value for name, value in values.items() if f"${name}" in statement}
                rows = connection.execute(statement, used).fetchall()
        return rows

    def run(self, model: str, day: str, as_of: dt.datetime | None = None) -> dg.ExecuteInProcessResult:
        """Run the nightly job on one chunk, as the schedule does."""
        job = self.definitions.resolve_job_def(f"{model}_nightly")
        return job.execute_in_process(
            instance=self.instance,
            partition_key=day,
            tags={AS_OF_TAG: as_of.isoformat()} if as_of else {},
            run_config=QUIET,
            raise_on_error=False,
        )

    def failures(self, model: str, first: str, last: str = "") -> tuple[str, ...]:
        """Run a range as the command line does, and return the messages of its failures."""
        spec = self.loaded(model).spec
        chunks = [spec.calendar.chunk(day) for day in (first, last or first)]
        run = run_range(self.definitions, self.instance, spec, *chunks)
        assert run.success == (not run.failures)
        return run.failures

    @contextmanager
    def store(self) -> Iterator[ResultStore]:
        """The open store."""
        with ResultStore.open(self.settings.store_url) as opened:
            yield opened

    def ask(self, sql: str, **values: object) -> list[tuple[Any, ...]]:
        """Query the store with SQL."""
        with self.store() as store:
            return store.query(sql, values)[1]

    def tables(self, model: str = "") -> dict[str, list[tuple[Any, ...]]]:
        """Return the rows of the store's tables in a fixed order, without the columns that depend on the run."""
        kept: dict[str, list[tuple[Any, ...]]] = {}
        with self.store() as store:
            for table in TABLES:
                columns, rows = store.query(f"SELECT * FROM {table}", {})
                positions = [n for n, column in enumerate(columns) if column not in OF_A_RUN]
                of_model = [row for row in rows if row[columns.index("model")] in (model or row)]
                kept[table] = sorted((tuple(row[n] for n in positions) for row in of_model), key=repr)
        return kept


def store_url_of(folder: Path) -> str:
    """Return the URL of a world's store: that in its file STORE_URL_FILE, else SQLite in the folder."""
    file = folder / STORE_URL_FILE
    return file.read_text(encoding="utf-8") if file.exists() else f"sqlite:///{folder / 'results.db'}"


def make_world(folder: Path) -> None:
    """Write specs, warehouse and drafted suites into a folder."""
    from monitoring_pipeline.quality.drafting import draft_suite

    (folder / "specs").mkdir(parents=True)
    for model, spec in SPECS.items():
        (folder / "specs" / f"{model}.yaml").write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    loans, outcomes = loan_tables()
    deliveries, arrivals = delivery_tables()
    tables = {
        '"Loan Scores"': loans, '"Outcomes"': outcomes, "ops.deliveries": deliveries, "ops.arrivals": arrivals,
    }  # fmt: skip
    with duckdb.connect(folder / "warehouse.duckdb") as connection:
        connection.execute("CREATE SCHEMA ops")
        for name, rows in tables.items():
            connection.register("rows_to_insert", rows.to_arrow())
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM rows_to_insert")
            connection.unregister("rows_to_insert")
    warehouse = DuckDBWarehouse(folder / "warehouse.duckdb")
    for loaded in load_specs(folder / "specs"):
        window = next(iter(loaded.spec.reference.values()))
        reference = warehouse.read_predictions(loaded.spec, loaded.spec.calendar.window(window)).frame
        loaded.suite_path.write_text(draft_suite(loaded.spec, reference), encoding="utf-8")


def copy_world(source: Path, folder: Path) -> Path:
    """Copy a world that is not in use, with all results of monitoring."""
    # A reader in another process makes and removes the files of SQLite's log, which are empty while nobody writes.
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("dagster", "*.db-wal", "*.db-shm", "*.unfinished-*"))
    return folder


def loan_tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return scores and outcomes: well calibrated, with an AUROC of about 0.8; outcomes are known within 40 hours."""
    random = np.random.default_rng(1)
    times = _times(random, ZoneInfo("Europe/Berlin"))
    count = len(times)
    income = random.lognormal(10, 0.4, count)
    drifted = np.array([time >= midnight(DRIFT_FROM, ZoneInfo("Europe/Berlin")) for time in times])
    age = random.integers(18, 80, count)
    odds = 1.5 * random.standard_normal(count) - 0.5
    score = 1 / (1 + np.exp(-odds))
    ids = [f"A-{n:06d}" for n in range(count)]
    loans = pl.DataFrame(
        {
            "Application ID": ids,
            "Scored At": times,
            "VERSION": "2024.1",
            "Annual Income": np.where(drifted, 2 * income, income),
            "EMPLOYMENT": random.choice(["employed", "self-employed", "none"], count, p=[0.6, 0.3, 0.1]),
            "age": age,
            "Default Probability": score,
        }
    )
    outcome = np.where(random.random(count) < score, "default", "repaid")
    reported_at = _later(times, random.uniform(0, 40, count))
    return loans, pl.DataFrame({"Ref": ids, "Outcome": outcome, "Reported At": reported_at})


def delivery_tables() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return promised and actual minutes: mean absolute error about 4; arrivals are known within 6 hours."""
    random = np.random.default_rng(2)
    times = _times(random, ZoneInfo("Asia/Kolkata"))
    count = len(times)
    distance = random.gamma(4, 3, count)
    minutes = 10 + 2 * distance
    ids = np.arange(count) + 1_000
    deliveries = pl.DataFrame(
        {
            "parcel": ids,
            "promised_at": times,
            "minutes": minutes,
            "distance_km": distance,
            "vehicle": random.choice(["bike", "van"], count),
        }
    )
    actual = minutes + 5 * random.standard_normal(count)
    return deliveries, pl.DataFrame(
        {"parcel": ids, "actual_minutes": actual, "arrived_at": _later(times, random.uniform(0, 6, count))}
    )


def midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return the begin of a day in a zone, in UTC and without a zone."""
    return dt.datetime.combine(day, dt.time(), zone).astimezone(dt.UTC).replace(tzinfo=None)


def _times(random: np.random.Generator, zone: ZoneInfo) -> list[dt.datetime]:
    """Return naive UTC times: ROWS_A_DAY within each local day, with the first instant of the day among them."""
    times: list[dt.datetime] = []
    for n in range((LAST - FIRST_ROW).days + 1):
        start, end = (midnight(FIRST_ROW + dt.timedelta(days=n + after), zone) for after in (0, 1))
        seconds = np.concatenate([[0], random.integers(0, (end - start).total_seconds(), ROWS_A_DAY - 1)])
        times += [start + dt.timedelta(seconds=int(second)) for second in np.sort(seconds)]
    return times


def _later(times: Sequence[dt.datetime], hours: np.ndarray) -> list[dt.datetime]:
    return [time + dt.timedelta(hours=float(wait)) for time, wait in zip(times, hours, strict=True)]

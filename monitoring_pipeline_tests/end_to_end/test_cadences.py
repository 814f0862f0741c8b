"""Models that score by the hour, the week or the month, and one that scores on weekdays only, on real DuckDB files.

Each goes through backfill, a scheduled run, incidents and the tables of the command line.
"""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.orchestration.health.overdue_chunks import overdue_requests
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.loading import load_specs
from monitoring_pipeline.store.results import ResultStore

pytestmark = pytest.mark.slow
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


class World:
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

    def verdicts(self) -> dict[str, str]:
        return dict(self.ask("SELECT chunk, status FROM current_verdicts ORDER BY chunk"))

    @contextmanager
    def night(self, tick: str, zone: str) -> Iterator[list[str | None]]:
        """Evaluate the schedule at a local time, run what it requests, and yield the requested partitions."""
        from zoneinfo import ZoneInfo

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


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """An empty world."""
    return World(tmp_path, monkeypatch)


def test_hourly_model_is_monitored_over_the_night_of_a_clock_change(world):
    # New York skips the hour from 02:00 to 03:00 on 9 March 2025.
    world.rows("2025-02-20", "2025-03-10", "20 seconds", drifted_from="2025-03-09 05:00")
    world.spec(
        cadence="hour", start="2025-03-07", reference={"1": {"start": "2025-02-21", "end": "2025-03-06"}},
        objectives={"rows_are_there": {"metric": "volume_ratio", "kind": "quality", "lower": 0.9, "days": 2,
                                       "counts": "predictions"}},
    )  # fmt: skip
    keys = [f"2025-03-08T{hour}:00" for hour in (22, 23)] + [f"2025-03-09T{hour}:00" for hour in ("00", "01")]
    table = world.run("backfill", NAME, "--from", keys[0], "--to", keys[-1])
    assert all(key in table for key in keys)
    assert "hours of America/New_York" in table
    with world.night("2025-03-09T04:15", "America/New_York") as asked:
        assert asked == ["2025-03-09T03:00"]
    assert list(world.verdicts()) == [*keys, "2025-03-09T03:00"]
    assert {rows for (rows,) in world.ask("SELECT value FROM current_measurements WHERE name = 'rows'")} == {180.0}
    # Midnight in New York is 05:00 UTC, so that the drift begins with the third hour.
    ((title, since),) = world.ask("SELECT title, since FROM incidents WHERE cause LIKE '%input%'")
    assert "on 3 of 3 hours" in title
    assert since == "2025-03-09T00:00"
    budget = world.ask("SELECT DISTINCT status, reason FROM current_measurements WHERE name = 'error_budget_left'")
    assert budget == [("skipped", "5 of 48 hours have a value, 12 are needed")] or len(budget) > 1
    shown = world.run("show", NAME, "--from", "2025-03-08", "--to", "2025-03-09", "--by", "day")
    assert "2025-03-08" in shown
    assert "verdicts (hours)" in shown
    assert "T03:00" in world.run("show", NAME, "--from", "2025-03-09", "--to", "2025-03-09")
    rehearsed = world.run("rehearse", NAME, "--from", keys[2], "--to", "2025-03-09T03:00")
    assert "rehearsal of 2025-03-09T00:00 to 2025-03-09T03:00, 3 hours" in rehearsed
    assert world.ask("SELECT count(*) FROM current_verdicts", home=f"home/rehearsals/{NAME}") == [(3,)]
    world.run("replay", NAME)


@pytest.mark.parametrize(("cadence", "first", "drifted_from", "keys", "night", "unit"), [
    ("week", "2024-10-07", "2024-11-04 05:00", ["2024-10-21", "2024-10-28", "2024-11-04", "2024-11-11", "2024-11-18"],
     "2024-11-25T06:00", "weeks"),
    ("month", "2024-10-01", "2024-12-01 05:00", ["2024-10", "2024-11", "2024-12", "2025-01", "2025-02"],
     "2025-03-01T06:00", "months"),
])  # fmt: skip
def test_weekly_and_monthly_models_are_monitored(world, cadence, first, drifted_from, keys, night, unit):
    world.rows("2023-06-01", "2025-03-10", "1 hours", drifted_from=drifted_from)
    reference = {"1": {"start": "2023-06-14", "end": "2024-10-01"}}
    world.spec(cadence=cadence, start=first, reference=reference, incidents={"horizon": "90d"})
    table = world.run("backfill", NAME, "--from", keys[0], "--to", keys[-2])
    assert f"{unit} of America/New_York" in table
    with world.night(night, "America/New_York") as asked:
        assert asked == [keys[-1]]
    assert list(world.verdicts()) == keys
    assert not world.ask("SELECT * FROM current_measurements WHERE name = 'volume_ratio' AND status = 'breached'")
    ((title, since),) = world.ask("SELECT title, since FROM incidents WHERE cause LIKE '%input%'")
    assert f"on 3 of 3 {unit}" in title
    assert since == keys[2]
    assert f"verdicts ({unit})" in world.run("show", NAME, "--from", keys[0], "--to", keys[-1], "--by", "year")
    rehearsed = world.run("rehearse", NAME, "--from", keys[2], "--to", keys[3])
    assert f"2 {unit}" in rehearsed


def test_weekday_model_with_an_outage_on_a_wednesday_has_one_incident_and_none_at_the_weekend(world):
    on_weekdays = (
        "dayofweek(ts - INTERVAL 5 HOUR) BETWEEN 1 AND 5 AND CAST(ts - INTERVAL 5 HOUR AS DATE) != '2025-02-12'"
    )
    world.rows("2025-01-06 05:00", "2025-02-22 05:00", "5 minutes", where=on_weekdays)
    world.spec(start="2025-02-03", reference={"1": {"start": "2025-01-06", "end": "2025-02-01"}})
    world.run("backfill", NAME, "--from", "2025-02-03", "--to", "2025-02-18")
    incidents = world.ask("SELECT cause, severity, opened, resolved FROM incidents")
    assert [incident[:3] for incident in incidents] == [("source", "critical", "2025-02-12")]
    rows = dict(world.ask("SELECT chunk, status FROM current_measurements WHERE name = 'rows'"))
    assert {key for key, status in rows.items() if status == "breached"} == {"2025-02-12"}
    weekend = {"2025-02-08", "2025-02-09", "2025-02-15", "2025-02-16"}
    assert {key for key, status in rows.items() if status == "skipped"} == weekend
    reasons = world.ask("SELECT DISTINCT reason FROM current_measurements WHERE name = 'rows' AND chunk = '2025-02-15'")
    assert reasons == [("no predictions are expected: the reference has none on Saturdays",)]
    # The weekend is neither fine nor breached: of the days after the outage, only those with predictions count.
    verdicts = world.verdicts()
    assert {verdicts[key] for key in weekend} == {"unknown"}
    (loaded,) = load_specs(Settings().models)
    with ResultStore.open(Settings().store_url) as store:
        monday = dt.datetime(2025, 2, 24, 18, tzinfo=dt.UTC)
        missed = [request.run_key for request in overdue_requests([loaded.spec], store=store, now=monday)]
    assert missed == ["overdue:m:2025-02-21"]

"""The demo as a user runs it. It prints the table of the README and finds known facts about flights of 2013."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, roc_auc_score

from monitoring_pipeline.evaluation.periods import PeriodSummary
from monitoring_pipeline.evaluation.privacy.shown_values import LEAST_ROWS_SHOWN
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.steps.periods import measure_period, summarize
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline_tests.docs.pages import read_page
from monitoring_pipeline_tests.end_to_end.documented_commands import Group, call_command, commands_of, type_command
from monitoring_pipeline_tests.worlds.world import World

pytestmark = pytest.mark.slow
OF_NO_CHUNK = ("model_references",)
LATE, MINUTES, OUTCOME = "flight_delay", "arrival_delay", "flight_outcome"
MONTHS = {"2013-03": 31, "2013-04": 30}
APRIL = [f"2013-04-{day:02d}" for day in range(1, 31)]
NIGHTS = APRIL[14:24]
JULY = [f"2013-07-{day:02d}" for day in range(8, 15)]
WEATHER = {
    "temperature_fahrenheit", "dew_point_fahrenheit", "humidity_percent", "wind_speed_mph", "precipitation_inches",
    "pressure_millibars", "visibility_miles",
}  # fmt: skip


class FlightsWorld(World):
    """A home of the demo; the specs are those of the package."""

    @property
    def settings(self) -> Settings:
        """Return the settings of a home."""
        given = {"home": self.folder, "MLFLOW_TRACKING_URI": "", "DAGSTER_HOME": "", "DAGSTER_POSTGRES_URL": ""}
        return Settings.model_validate(given)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a home with March and April 2013 from what ``make demo-2013`` runs, and the output of the command."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, type_command(".venv/bin/monitoring-pipeline demo --last-day 2013-04-30", folder)


@pytest.fixture(scope="module")
def flights(demo: tuple[Path, str]) -> Iterator[FlightsWorld]:
    """The same home, with a week of July and the last day of the year."""
    with dg.DagsterInstance.ephemeral() as instance:
        world = FlightsWorld(demo[0] / ".monitoring_pipeline", instance)
        for model in (LATE, MINUTES):
            assert world.failures(model, "2013-12-31") == ()
        assert world.failures(LATE, JULY[0], JULY[-1]) == ()
        yield world


def test_demo_prints_the_table_of_the_readme(demo):
    _, printed = demo
    (block,) = re.findall(r"```text\n(day .*?)```", read_page("README.md"), re.DOTALL)
    shown = rows_with_reasons(block)
    found = [re.sub(r"\s+", " ", line) for line in printed.splitlines()]
    assert len(shown) > 1
    for row, reason in shown:
        assert any(line == f"{row} {reason}".rstrip() or line.startswith(f"{row} {reason}; ") for line in found), row


def rows_with_reasons(block: str) -> list[tuple[str, str]]:
    """Return the rows of a table in a terminal, each with the reason below it, which a pipe has beside it."""
    rows = re.split(r"\n(?=\d)", re.sub(r"\A.*\n", "\n", block, count=1))[1:]
    parts = (re.sub(r"\s+", " ", row).strip().partition(" reason: ") for row in rows)
    return [(row, re.sub(r" \(and \d+ more\)$", "", reason)) for row, _, reason in parts]


def test_days_of_the_demo_monitored_again_change_nothing(demo):
    folder, _ = demo
    world = FlightsWorld(folder / ".monitoring_pipeline", dg.DagsterInstance.ephemeral())
    before = world.tables()
    assert len(before["verdicts"]) == 3 * 61
    for model in (LATE, OUTCOME):
        call_command(f".venv/bin/monitoring-pipeline backfill {model} --from 2013-04-22 --to 2013-04-23", folder)
    assert world.tables() == before


def test_commands_about_the_demo_run_and_print_their_numbers(demo):
    folder, _ = demo
    commands = commands_of(Group.DEMO)
    assert len(commands) >= 15
    printed = {command: call_command(command, folder) for command in commands}
    assert "2013-04" in printed[next(c for c in commands if "--by month" in c)]
    for name in ("what_is_wrong", "what_we_knew", "estimate_quality"):
        assert "auroc" in printed[next(c for c in commands if name in c)]


def test_commands_about_incidents_run_on_an_incident_of_the_demo(demo):
    folder, printed = demo
    commands = commands_of(Group.INCIDENT)
    assert len(commands) >= 6
    named = {word for command in commands for word in command.split() if re.fullmatch(r"[0-9a-f]{8}", word)}
    assert len(named) == 1
    assert named <= set(re.findall(r"[0-9a-f]{8}", printed))
    shown = {command: call_command(command, folder) for command in commands}
    assert "acknowledged by" in shown[next(c for c in commands if "mute" in c)]
    assert "outcome: real" in shown[next(c for c in commands if "outcome" in c)]


def _of_month(world: World, model: str, metric: str, month: str) -> Measurement:
    days = [f"{month}-{day + 1:02d}" for day in range(MONTHS[month])]
    with world.store() as store:
        kept = Kept(store=store, snapshots=SnapshotFiles(world.settings.snapshots))
        measured = measure_period(world.loaded(model).spec, days, kept)
    (found,) = [m for m in measured if m.name == metric]
    return found


def _joined(world: World, model: str, label: str, output: str, month: str) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and outputs of a month of New York, straight from the DuckDB file."""
    sql = f"""
        SELECT CAST({label} AS DOUBLE) AS label, CAST({output} AS DOUBLE) AS output
        FROM {model}_predictions JOIN flight_labels USING (flight_id)
        WHERE strftime(predicted_at AT TIME ZONE 'America/New_York', '%Y-%m') = $month
    """
    with duckdb.connect(Path(world.settings.warehouse), read_only=True) as connection:
        rows = connection.execute(sql, {"month": month}).fetchnumpy()
    return rows["label"], rows["output"]


@pytest.mark.parametrize("month", MONTHS)
def test_auroc_of_a_month_equals_that_of_scikit_learn(flights, month):
    label, score = _joined(flights, LATE, "late", "score", month)
    measured = _of_month(flights, LATE, "auroc", month)
    assert measured.rows == len(label) > 25_000
    assert measured.value == pytest.approx(roc_auc_score(label, score), abs=1e-12)


@pytest.mark.parametrize("month", MONTHS)
def test_mean_absolute_error_of_a_month_equals_that_of_scikit_learn(flights, month):
    label, minutes = _joined(flights, MINUTES, "arrival_delay_minutes", "predicted_minutes", month)
    measured = _of_month(flights, MINUTES, "mean_absolute_error", month)
    assert measured.rows == len(label) > 25_000
    assert measured.value == pytest.approx(mean_absolute_error(label, minutes), rel=1e-12)


def test_auroc_of_april_is_below_that_of_march(flights):
    march, april = (_of_month(flights, LATE, "auroc", month) for month in MONTHS)
    assert april.upper < march.lower


def _summary(world: World, days: list[str]) -> PeriodSummary:
    with world.store() as store:
        return summarize(world.loaded(LATE).spec, "1", days, store=store)


def test_fall_of_april_is_a_change_given_the_score(flights):
    april = _summary(flights, APRIL)
    given, by = (april.changes[MetricName(part, "mean_bias")] for part in ("change_given_score", "change_by_score"))
    assert given.upper < -0.05
    assert abs(by.value) < abs(given.value) / 5
    assert april.changes[MetricName("change_given_score", "auroc")].upper < 0
    # No estimate can show the fall because the scores did not change: the estimates of April and March agree.
    march = _summary(flights, [f"2013-03-{day:02d}" for day in range(1, 32)])
    assert march.estimated.lower < april.estimated.value < march.estimated.upper
    assert april.realized.value < march.realized.lower


def test_metric_from_counts_equals_that_of_rows_within_the_binning(flights):
    april, exact = _summary(flights, APRIL), _of_month(flights, LATE, "auroc", "2013-04")
    assert april.realized.value == pytest.approx(exact.value, abs=0.002)
    assert april.realized.lower < exact.lower < exact.upper < april.realized.upper


def test_weather_of_july_drifts_and_the_model_keeps_its_thresholds(flights):
    july = _summary(flights, JULY)
    assert july.drifted["temperature_fahrenheit"] == len(JULY)
    spec = flights.loaded(LATE).spec
    assert july.realized.upper > spec.performance.thresholds[MetricName("auroc")].lower
    with flights.store() as store:
        estimates = [m for day in JULY for m in store.measurements(LATE, day) if m.kind is Kind.ESTIMATED_PERFORMANCE]
    assert {m.status for m in estimates} == {Status.OK}


def test_single_nights_store_the_same_tables_as_one_run(flights, tmp_path):
    shutil.copy(Path(flights.settings.warehouse), tmp_path / "warehouse.duckdb")
    with dg.DagsterInstance.ephemeral() as instance:
        nights = FlightsWorld(tmp_path, instance)
        for day in NIGHTS:
            assert nights.run(LATE, day).success
    in_one_run = {
        table: [row for row in rows if row[1] in NIGHTS or row[2].startswith("reference") or table in OF_NO_CHUNK]
        for table, rows in flights.tables(LATE).items()
    }
    for table in ("verdicts", "snapshots"):
        assert {row[1] for row in in_one_run[table]} >= set(NIGHTS)
    assert without_windows(nights.tables(LATE)) == without_windows(in_one_run)


def without_windows(tables):
    """Return tables without what looks back over the days before: windows, and the judgement that is made from them."""
    return {
        table: [row for row in rows if table == "verdicts" or row[2] not in {"windows", "verdict"}]
        for table, rows in tables.items()
    }


@pytest.mark.parametrize("model", [LATE, MINUTES])
def test_missing_weather_on_new_years_eve_is_a_breach(flights, model):
    with flights.store() as store:
        found = store.measurements(model, "2013-12-31")
        verdict = store.verdict(model, "2013-12-31")
    empty = {m.subject for m in found if m.name == "null_share" and m.status is Status.BREACHED}
    drifted = {m.subject for m in found if m.kind == "drift" and m.status is Status.BREACHED}
    assert empty == WEATHER
    # Air pressure varies so much within the reference that a day without any need not drift.
    assert drifted >= WEATHER - {"pressure_millibars"}
    for column in WEATHER:
        assert any(f" {column} null_share: every value of {column} is null" in reason for reason in verdict.reasons)


@pytest.mark.parametrize("model", [LATE, MINUTES])
def test_unseen_destinations_are_breaches_on_their_days_only(flights, model):
    sql = f"""
        WITH rows AS (
            SELECT destination, CAST(predicted_at AT TIME ZONE 'America/New_York' AS DATE) AS day
            FROM {model}_predictions
        )
        SELECT CAST(day AS VARCHAR), destination, COUNT(*) FROM rows
        WHERE destination NOT IN (SELECT destination FROM rows WHERE day < DATE '2013-03-01')
          AND (day BETWEEN DATE '2013-03-01' AND DATE '2013-04-30' OR day = DATE '2013-12-31')
        GROUP BY ALL ORDER BY ALL
    """
    with duckdb.connect(Path(flights.settings.warehouse), read_only=True) as connection:
        occurred = connection.execute(sql).fetchall()
    assert occurred
    with flights.store() as store:
        breached = {
            chunk: m
            for chunk, m in store.chunk_measurements(model, [MetricName("unseen_share")], "2013-03-01", "2013-12-31")
            if m.subject == "destination" and m.status is Status.BREACHED and chunk not in JULY
        }
    assert set(breached) == {day for day, _, _ in occurred}
    for day, m in breached.items():
        flights_of_day = [(destination, rows) for of, destination, rows in occurred if of == day]
        reason = str(m.reason)
        assert sum(rows for _, rows in flights_of_day) == round((m.value or 0.0) * m.rows)
        assert all((f"'{name}' ({rows})" in reason) is (rows >= LEAST_ROWS_SHOWN) for name, rows in flights_of_day)


@pytest.mark.parametrize("model", [LATE, MINUTES])
def test_reference_has_a_breach_of_the_plane_age_missing_for_mq(flights, model):
    with flights.store() as store:
        found = store.measurements(model, "2013-01-01/2013-03-01")
    (plane_age,) = [m for m in found if m.subject == "plane_age_years" and "MQ" in str(m.reason)]
    assert plane_age.status is Status.BREACHED

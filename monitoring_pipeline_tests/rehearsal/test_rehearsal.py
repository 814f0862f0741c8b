"""Rehearsed nights of the small world: a promotion, alerts in files only, and the same results after a kill."""

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.orchestration.runs.partitions import OutsidePartitionsError
from monitoring_pipeline.ports.registry import DECISION_TAG, TRAINED_UNTIL_TAG
from monitoring_pipeline.records.decision import Topic
from monitoring_pipeline.rehearsal.home import RehearsalHome, open_home
from monitoring_pipeline.rehearsal.nights import rehearse
from monitoring_pipeline.rehearsal.progress import FILE, RehearsalError, alone_in, read_progress
from monitoring_pipeline.rehearsal.registry_copy import copy_registry
from monitoring_pipeline.rehearsal.summary import stored_alerts, summarize_rehearsal
from monitoring_pipeline.reports.terminal.rehearsal import summary_tables
from monitoring_pipeline.shipped_files import read_sql
from monitoring_pipeline.spec.loading import LoadedSpec, load_specs
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.rehearsal.rehearsed_world import (
    FIRST,
    LAST,
    OF_A_DELIVERY,
    OF_A_RUN,
    TABLES,
    chunks_of,
    make_rehearsable,
    rehearse_world,
    settings_of,
)
from monitoring_pipeline_tests.worlds.world import LOANS, copy_world

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:::mlflow"),
    # A warning by a migration of MLflow, whose text does not mention MLflow.
    pytest.mark.filterwarnings("ignore:The ..noload.. loader strategy"),
]


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, list[Any]]:
    """The world, the home of its rehearsal, and the reports of the nights."""
    folder = tmp_path_factory.mktemp("rehearsed") / "world"
    make_rehearsable(folder)
    home = folder.parent / "home"
    before = (folder / "warehouse.duckdb").read_bytes()
    told = rehearse_world(folder, home)
    assert (folder / "warehouse.duckdb").read_bytes() == before
    assert not (folder / "results.db").exists()
    assert not (folder / "mlflow.db").exists()
    return folder, home, told


def loaded_of(folder: Path) -> LoadedSpec:
    return next(entry for entry in load_specs(folder / "specs") if entry.spec.name == LOANS)


def tables_of(home: Path) -> dict[str, list[str]]:
    """Every row of every table, without paths, the id of the run, and columns that differ after a killed delivery."""
    kept: dict[str, list[str]] = {}
    with ResultStore.open(f"sqlite:///{home / 'results.db'}") as store:
        for table in TABLES:
            columns, rows = store.query(f"SELECT * FROM {table}", {})
            wanted = [n for n, name in enumerate(columns) if name not in OF_A_RUN | OF_A_DELIVERY]
            kept[table] = sorted(repr([str(row[n]).replace(str(home), "") for n in wanted]) for row in rows)
    return kept


def test_worthless_model_is_replaced_within_the_rehearsal(rehearsed: tuple[Path, Path, list[Any]]) -> None:
    folder, home, told = rehearsed
    assert [night.chunk.key for night in told] == [str(FIRST + dt.timedelta(days=n)) for n in range(6)]
    assert [failure for night in told for failure in night.failures] == []
    summary = summarize_rehearsal(settings_of(folder), loaded_of(folder), home)
    (march,) = summary.months
    assert (march.asked, dict(march.gate), march.promoted) == (1, {"passed": 1}, ("1",))
    assert march.nights == summary.progress.nights == 6
    assert march.comparison is not None
    assert march.comparison.versions == ("", "1")
    assert march.comparison.difference is not None
    assert march.comparison.difference.value > 0
    titles = [str(table.title) for table in summary_tables(summary)]
    assert "rehearsal of 2024-03-25 to 2024-03-30, 6 nights" in titles[0]


def test_results_of_a_rehearsal_are_known_since_its_simulated_nights(rehearsed: tuple[Path, Path, list[Any]]) -> None:
    _, home, _ = rehearsed
    sql = "SELECT producer, chunk, measured_at, known_since FROM chunk_revisions WHERE chunk >= :first"
    with ResultStore.open(f"sqlite:///{home / 'results.db'}") as store:
        _, rows = store.query(sql, {"first": str(FIRST)})
        first, last = str(FIRST + dt.timedelta(days=1)), str(LAST + dt.timedelta(days=2))
        assert {"predictions", "drift", "performance", "verdict"} <= {row[0] for row in rows}
        assert [row for row in rows if not first <= str(row[2]) < last or not first <= str(row[3]) < last] == []
        query = read_sql("queries/what_we_knew.sql")
        asked = {"model": LOANS, "chunk": str(FIRST), "name": None}
        assert store.query(query, asked | {"on_day": str(FIRST)})[1] == []
        known = store.query(query, asked | {"on_day": first})[1]
    assert {row[0] for row in known} >= {"quality", "drift", "performance"}


def test_days_of_a_replaced_version_request_no_retraining(
    rehearsed: tuple[Path, Path, list[Any]],
) -> None:
    _, home, _ = rehearsed
    with ResultStore.open(f"sqlite:///{home / 'results.db'}") as store:
        nights = {d.chunk: (d.answer, d.reason) for d in store.decisions(LOANS, topic=Topic.RETRAINING)}
    assert nights["2024-03-29"] == ("no", "version 1 has no judged day yet")
    assert nights["2024-03-30"][1].startswith("not asked for: performance is breached on 0 of 0 chunks")


def test_promoted_version_serves_from_the_next_midnight_beside_the_former_one(
    rehearsed: tuple[Path, Path, list[Any]],
) -> None:
    folder, home, _ = rehearsed
    with open_home(settings_of(folder), loaded_of(folder), home) as own:
        spec = own.loaded.spec
        (promoted,) = [d for d in own.store.decisions(LOANS) if d.answer == "promoted"]
        day = promoted.at.astimezone(spec.zone).date()
        versions = {
            offset: _versions_served(own, (day + dt.timedelta(days=offset)).isoformat()) for offset in (-1, 0, 1)
        }
        assert versions == {-1: {"2024.1": 200}, 0: {"2024.1": 200}, 1: {"1": 200, "2024.1": 200}}
        chunk = spec.calendar.chunk((day + dt.timedelta(days=1)).isoformat())
        served = own.warehouse.read_predictions(spec, chunk).frame
        logged = own.log.read_predictions(spec, chunk).frame
        assert served.schema == logged.schema
        assert served.filter(pl.col("model_version") == "2024.1").equals(logged)
        mine = served.filter(pl.col("model_version") == "1")
        scores = own.registry.predictor(LOANS, "1")(
            logged.select(pl.col("income").cast(pl.Float64), "employment", pl.col("age").cast(pl.Float64)).to_pandas()
        )
        assert mine["score"].to_list() == np.asarray(scores)[:, 1].tolist()
        # The user's queries have no result for a version without logged rows.
        assert own.warehouse.business_metric(spec, "SELECT 1", chunk, "1") is None
        assert own.warehouse.business_metric(spec, "SELECT 1", chunk, "2024.1") == 1.0


def _versions_served(home: RehearsalHome, key: str) -> dict[str, int]:
    from monitoring_pipeline.store.snapshots import SnapshotFiles

    snapshot = home.store.snapshot(LOANS, key, "predictions")
    assert snapshot is not None
    rows = SnapshotFiles(home.settings.snapshots).read(snapshot.uri, ["model_version"])
    return dict(rows["model_version"].value_counts().iter_rows())


def test_shadow_rows_are_not_duplicates_in_the_suite(rehearsed: tuple[Path, Path, list[Any]]) -> None:
    _, home, _ = rehearsed
    with ResultStore.open(f"sqlite:///{home / 'results.db'}") as store:
        found = {
            (m.status, m.rows)
            for m in store.measurements(LOANS, "2024-03-30", "predictions")
            if m.name == "column_values_to_be_unique"
        }
    assert found == {("ok", 200)}


def test_alerts_are_planned_by_the_deployments_rules_and_go_to_files_alone(
    rehearsed: tuple[Path, Path, list[Any]],
) -> None:
    folder, home, _ = rehearsed
    with ResultStore.open(f"sqlite:///{home / 'results.db'}") as store:
        alerts = stored_alerts(store, LOANS)
    assert {alert.planned.channel for alert in alerts} == {"team", "boss", "machine"}
    zone = loaded_of(folder).spec.zone
    due = {
        name: {_local(a.planned.due_at, zone) for a in alerts if a.planned.channel == name} for name in ("team", "boss")
    }
    # The digest's hour, and the end of the quiet hours, which do not apply to a webhook.
    assert due == {"team": {"09:00"}, "boss": {"07:30"}}
    assert all(_local(a.planned.due_at, zone) < "06:00" for a in alerts if a.planned.channel == "machine")
    within = [alert for alert in alerts if alert.planned.due_at.date() <= LAST]
    assert {alert.state for alert in within} <= {"sent", "dropped"}
    assert all(
        alert.sent_at == alert.planned.due_at or alert.planned.channel == "machine" for alert in within if alert.sent_at
    )
    told = {path.stem: len(path.read_text(encoding="utf-8").splitlines()) for path in (home / "alerts").iterdir()}
    assert set(told) == {"team", "boss", "machine"}
    assert told["boss"] == sum(a.state == "sent" and a.planned.channel == "boss" for a in alerts)


def _local(moment: dt.datetime, zone: dt.tzinfo) -> str:
    return f"{moment.astimezone(zone):%H:%M}"


def test_rehearsal_stopped_in_the_middle_and_started_again_ends_the_same(
    rehearsed: tuple[Path, Path, list[Any]], tmp_path: Path
) -> None:
    folder, whole, _ = rehearsed
    home = tmp_path / "home"
    assert _stop_when(_the_first_night_runs, folder, home, signal.SIGINT) == 130
    assert _stop_when(_late_labels_are_taken, folder, home, signal.SIGKILL) == -signal.SIGKILL
    assert _stop_when(_the_challenger_is_trained, folder, home, signal.SIGTERM) == 143
    assert _failures_in(home) == []
    stopped_at = read_progress(home)
    assert stopped_at is not None
    assert stopped_at.chunk <= str(LAST)
    told = rehearse_world(folder, home)
    assert told[0].chunk.key == stopped_at.chunk
    assert tables_of(home) == tables_of(whole)
    for path in (whole / "alerts").iterdir():
        assert _keys(home / "alerts" / path.name) == _keys(path)
    assert rehearse_world(folder, home) == []


def _failures_in(home: Path) -> list[Any]:
    """Return the failures of retrainings and of runs that were recorded."""
    with ResultStore.open(f"sqlite:///{home / 'results.db'}") as store:
        decisions = store.query("SELECT key FROM decisions WHERE answer = 'failed'", {})[1]
        runs = store.query("SELECT chunk, reason FROM measurements WHERE subject = 'pipeline' AND name = 'run'", {})[1]
    return [*decisions, *runs]


def _keys(file: Path) -> list[str]:
    return [json.loads(line)["idempotency_key"] for line in file.read_text(encoding="utf-8").splitlines()]


def _the_first_night_runs(progress: dict[str, Any]) -> bool:
    return progress["phase"] == 0 and bool(progress["tasks"])


def _late_labels_are_taken(progress: dict[str, Any]) -> bool:
    return progress["phase"] == 1 and bool(progress["tasks"]) and progress["day"] >= "2024-03-27"


def _the_challenger_is_trained(progress: dict[str, Any]) -> bool:
    return any(task["job"] == f"{LOANS}_retrain" for task in progress["tasks"] or ())


def _stop_when(
    moment: Callable[[dict[str, Any]], bool], folder: Path, home: Path, number: signal.Signals
) -> int | None:
    """Send the command a signal while it is at work, and return its exit code."""
    environment = {
        "OMP_NUM_THREADS": "1",
        "MONITORING_PIPELINE_HOME": str(folder),
        "MONITORING_PIPELINE_MODELS": str(folder / "specs"),
        "MONITORING_PIPELINE_ID_KEY": "world",
    }
    command = ["rehearse", LOANS, "--from", str(FIRST), "--to", str(LAST), "--home", str(home)]
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", "from monitoring_pipeline.cli import main; main()", *command],
        env=os.environ | environment,
    )
    try:
        deadline = time.monotonic() + 600
        while not ((home / FILE).exists() and moment(json.loads((home / FILE).read_text(encoding="utf-8")))):
            assert process.poll() is None, "the rehearsal ended before it was stopped"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        time.sleep(0.3)
        process.send_signal(number)
        process.wait(30)
    finally:
        process.kill()
        process.wait()
    return process.returncode


def test_copied_registry_keeps_numbers_and_leaves_out_decisions(
    rehearsed: tuple[Path, Path, list[Any]], tmp_path: Path
) -> None:
    folder, home, _ = rehearsed
    loaded = loaded_of(folder)
    window = ReferenceWindow(start=FIRST, end=LAST)
    spec = loaded.spec.model_copy(update={"reference": loaded.spec.reference | {"1": window, "3": window}})
    with open_home(settings_of(folder), loaded, home) as own:
        copied = copy_registry(spec, own.registry, tmp_path)
        real = own.registry.version_tags(LOANS, "1")
    assert DECISION_TAG in real
    tags = copied.version_tags(LOANS, "1")
    assert tags == {name: value for name, value in real.items() if name != DECISION_TAG}
    assert TRAINED_UNTIL_TAG in tags
    assert [copied.has_version(LOANS, version) for version in ("1", "2", "3", "2024.1")] == [True, False, False, False]


def test_folder_with_another_rehearsal_or_other_files_is_refused(
    rehearsed: tuple[Path, Path, list[Any]], tmp_path: Path
) -> None:
    folder, home, _ = rehearsed
    settings, loaded = settings_of(folder), loaded_of(folder)
    with pytest.raises(RehearsalError, match="first: 2024-03-25, now 2024-03-26"):
        rehearse(settings, loaded, *chunks_of(loaded, dt.date(2024, 3, 26), LAST), folder=home)
    other = copy_world(folder, tmp_path / "world")
    (other / "alerting.yaml").unlink()
    with pytest.raises(RehearsalError, match="alerting rules, warehouse or code have changed"):
        rehearse(settings_of(other), loaded_of(other), *chunks_of(loaded, FIRST, LAST), folder=home)
    with pytest.raises(OutsidePartitionsError, match="2024-03-25 to 2024-04-05"):
        rehearse(settings, loaded, *chunks_of(loaded, FIRST, dt.date(2024, 5, 1)), folder=home)
    with alone_in(home), pytest.raises(RehearsalError, match="another rehearsal is running there"):
        rehearse(settings, loaded, *chunks_of(loaded, FIRST, LAST), folder=home)
    with pytest.raises(RehearsalError, match="has files but no rehearsal"):
        rehearse(settings, loaded, *chunks_of(loaded, FIRST, LAST), folder=folder, restart=True)
    assert (folder / "specs").exists()
    with pytest.raises(RehearsalError, match="no rehearsal of loan_default"):
        summarize_rehearsal(settings, loaded, tmp_path / "nothing")

"""Homes that earlier versions have made: the code at hand opens them, prints the same of them, and lives on in them."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from benchmarks.compare_homes import compare_homes
from monitoring_pipeline_tests.homes.lived_home import LivedHome, night_of, opened
from monitoring_pipeline_tests.homes.printing import NEXT_MORNING, PRINTED, commands, without_frames
from monitoring_pipeline_tests.homes.stored_home import HERE, unpack
from monitoring_pipeline_tests.homes.story import LIVED, LOANS, MODELS, SCHEDULES, ZONES, live_next

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:::mlflow")]
NAME = "ee8dedf"
PAGES, LATER_PAGES = (
    sorted(path.stem for path in (HERE / NAME / folder).glob("*.txt")) for folder in (PRINTED, NEXT_MORNING)
)
STORED_TABLES = (
    "alerts", "chunk_revisions", "decisions", "incident_events", "incidents", "measurements", "model_references",
    "model_versions", "profiles", "snapshots", "verdicts",
)  # fmt: skip
ANSWERED = frozenset({"incidents", "alerts"})
"""Tables whose rows change as time goes on; all others only grow."""


@dataclass(frozen=True)
class Reworded:
    """A wanted change of words: on pages whose names match, today's words stand for the older ones."""

    pages: str
    today: str
    before: str
    why: str


REWORDED = (
    Reworded(
        pages=r"show_(?!.*_by_month)",
        today=r"\bnot measured\b",
        before="0",
        why="where no column was compared, the count of drifted columns is unknown and was printed as 0",
    ),
)
"""Words only: a number, a status, a day or a name that differs is a fault of the code."""


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivedHome]:
    """The home as it was stored; only commands that read."""
    with opened(unpack(NAME, tmp_path_factory.mktemp("stored") / "home")) as home:
        yield home


@pytest.fixture(scope="module")
def continued(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LivedHome]:
    """The home after one more night of all models, with labels that came late and a delivery."""
    with opened(unpack(NAME, tmp_path_factory.mktemp("continued") / "home")) as home:
        live_next(home)
        yield home


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home as it was stored, which no code has opened."""
    return unpack(NAME, tmp_path_factory.mktemp("untouched") / "home")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[LivedHome]:
    """A home to change, on the morning after its last night."""
    with opened(unpack(NAME, tmp_path / "home")) as home:
        home.now = night_of(LIVED[-1], SCHEDULES[LOANS], ZONES[LOANS])
        yield home


def in_older_words(page: str, text: str) -> str:
    for change in REWORDED:
        if re.match(change.pages, page):
            text = re.sub(change.today, change.before, text)
    return text


def rows_of(folder: Path, table: str) -> set[tuple[object, ...]]:
    with closing(sqlite3.connect(folder / "results.db")) as connection:
        return set(connection.execute(f"SELECT * FROM {table}"))


# ------------------------------------------------------------------------------------------------------------ opening


@pytest.mark.parametrize("page", PAGES)
def test_command_on_a_stored_home_prints_the_same(page: str, stored: LivedHome) -> None:
    before = (HERE / NAME / PRINTED / f"{page}.txt").read_text(encoding="utf-8")
    printed = without_frames(stored.command(*commands(stored)[page]))
    assert in_older_words(page, printed) == before


def test_store_that_was_opened_and_migrated_keeps_every_row(stored: LivedHome, untouched: Path) -> None:
    stored.command("incidents")
    compared = compare_homes(str(untouched), str(stored.folder))
    assert {c.table for c in compared if c.rows[0]} == set(STORED_TABLES)
    assert [c for c in compared if not c.is_equal] == []


def test_story_of_the_stored_home_holds_every_kind_of_decision_incident_and_alert(untouched: Path) -> None:
    with closing(sqlite3.connect(untouched / "results.db")) as connection:
        decided = set(connection.execute("SELECT DISTINCT topic, answer FROM decisions WHERE topic <> 'mute'"))
        states = {state for (state,) in connection.execute("SELECT DISTINCT state FROM incidents")}
        alerts = {state for (state,) in connection.execute("SELECT DISTINCT state FROM alerts")}
        names = {name for (name,) in connection.execute("SELECT DISTINCT name FROM measurements")}
    assert decided >= {
        ("retraining", "yes"), ("retraining", "no"), ("gate", "passed"), ("gate", "refused"), ("shadow", "started"),
        ("trial", "promote"), ("promotion", "promoted"), ("promotion", "refused"), ("rollback", "rolled_back"),
        ("acknowledgement", "acknowledged"), ("outcome", "real"),
    }  # fmt: skip
    assert states >= {"open", "ongoing", "resolved"}
    assert alerts >= {"sent", "due"}
    assert names >= {"recall[lost [item]]", "confusion[held=customs->lost [item]]", "loss_difference[1-2024.1]"}


def test_dagster_yaml_that_a_deployment_has_copied_still_loads(
    untouched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "dagster"
    folder.mkdir()
    folder.joinpath("dagster.yaml").write_bytes((untouched / "dagster" / "dagster.yaml").read_bytes())
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    monkeypatch.delenv("DAGSTER_POSTGRES_URL", raising=False)
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        assert type(instance.run_launcher).__name__ == "WatchedRunLauncher"
        assert instance.get_runs_count() == 0


# ---------------------------------------------------------------------------------------------------------- living on


def test_retraining_that_was_decided_before_is_not_asked_for_again(home: LivedHome) -> None:
    assert home.requests("retraining") == []


def test_retraining_whose_run_is_missing_is_asked_for_by_its_stored_key(home: LivedHome) -> None:
    ((asked, at),) = home.ask("SELECT key, at FROM decisions WHERE topic = 'retraining' AND answer = 'yes'")
    with closing(sqlite3.connect(home.folder / "results.db")) as connection:
        connection.execute("DELETE FROM decisions WHERE at >= ? AND topic <> 'retraining'", (at,))
        connection.commit()
    (request,) = home.requests("retraining")
    assert (request.job_name, request.run_config) == (
        f"{LOANS}_retrain",
        {"ops": {f"{LOANS}_train": {"config": {"decision_key": asked}}}},
    )


@pytest.mark.parametrize("model", MODELS)
def test_last_night_again_changes_no_row(model: str, home: LivedHome, untouched: Path) -> None:
    assert home.live(model, LIVED[-1], SCHEDULES[model], ZONES[model]).success
    different = [c for c in compare_homes(str(untouched), str(home.folder)) if not c.is_equal]
    assert different == []


@pytest.mark.parametrize("page", LATER_PAGES)
def test_command_after_the_next_night_prints_the_same(page: str, continued: LivedHome) -> None:
    before = (HERE / NAME / NEXT_MORNING / f"{page}.txt").read_text(encoding="utf-8")
    printed = without_frames(continued.command(*commands(continued, later=True)[page]))
    assert in_older_words(page, printed) == before


@pytest.mark.parametrize("table", sorted(set(STORED_TABLES) - ANSWERED))
def test_next_night_leaves_every_stored_row_as_it_was(table: str, continued: LivedHome, untouched: Path) -> None:
    assert rows_of(untouched, table) <= rows_of(continued.folder, table)


def test_next_night_builds_no_reference_again(continued: LivedHome, untouched: Path) -> None:
    assert rows_of(untouched, "model_references") == rows_of(continued.folder, "model_references")


def test_next_night_revises_only_days_whose_labels_changed(continued: LivedHome, untouched: Path) -> None:
    new = rows_of(continued.folder, "chunk_revisions") - rows_of(untouched, "chunk_revisions")
    revised = {(model, chunk) for model, chunk, _, revision, *_ in new if revision > 1 and "/" not in str(chunk)}
    assert (LOANS, LIVED[-2]) in revised
    assert {model for model, _ in revised} == {LOANS}


def test_next_night_keeps_the_names_of_incidents_and_what_people_said(continued: LivedHome, untouched: Path) -> None:
    kept = "incident_id, model, cause, opened, since, acknowledged_by, acknowledged_at, muted_until, outcome"
    with closing(sqlite3.connect(untouched / "results.db")) as connection:
        before = set(connection.execute(f"SELECT {kept} FROM incidents"))
    assert before <= set(continued.ask(f"SELECT {kept} FROM incidents"))
    causes = continued.ask("SELECT model, cause FROM incidents WHERE state <> 'resolved'")
    assert len(causes) == len(set(causes))


def test_next_night_doubles_no_event_and_no_alert(continued: LivedHome) -> None:
    for doubled in (
        "SELECT incident_id, kind, chunk FROM incident_events GROUP BY 1, 2, 3 HAVING COUNT(*) > 1",
        "SELECT event_id, channel FROM alerts GROUP BY 1, 2 HAVING COUNT(*) > 1",
        "SELECT model, key FROM decisions GROUP BY 1, 2 HAVING COUNT(*) > 1",
    ):
        assert continued.ask(doubled) == []


def test_alerts_that_were_pending_are_sent_once_and_sent_ones_stay(continued: LivedHome, untouched: Path) -> None:
    with closing(sqlite3.connect(untouched / "results.db")) as connection:
        sent = connection.execute("SELECT alert_id, sent_at FROM alerts WHERE state = 'sent'").fetchall()
        pending = connection.execute(
            "SELECT alert_id FROM alerts WHERE state = 'due' AND due_at < '2024-04-08'"
        ).fetchall()
    assert pending
    now = {alert: (state, attempts, at) for alert, state, attempts, at in continued.ask(
        "SELECT alert_id, state, attempts, sent_at FROM alerts"
    )}  # fmt: skip
    assert [(alert, now[alert][2]) for alert, _ in sent] == sent
    assert {now[alert][0] for (alert,) in pending} == {"sent"}

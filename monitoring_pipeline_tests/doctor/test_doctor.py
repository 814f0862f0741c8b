"""What the doctor finds in a real home that works, and in the same home after each thing that breaks at night."""

import datetime as dt
import json
import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from monitoring_pipeline.backfill import dagster_instance
from monitoring_pipeline.cli import main
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.doctor.checks.alerts import outbox
from monitoring_pipeline.doctor.checks.files import home
from monitoring_pipeline.doctor.deployment import examined
from monitoring_pipeline.doctor.examining import CHECKS, examine
from monitoring_pipeline.doctor.findings import Finding, Level
from monitoring_pipeline.orchestration.runs.names import Names
from monitoring_pipeline.settings import Settings
from monitoring_pipeline_tests.alerting.cases import NOW as WRITTEN
from monitoring_pipeline_tests.alerting.test_stored_outbox import desk_of
from monitoring_pipeline_tests.worlds.world import DELIVERIES, LOANS, World

NOW = dt.datetime(2024, 4, 6, 12, tzinfo=dt.UTC)


def found(settings: Settings, now: dt.datetime) -> dict[str, list[Finding]]:
    by_check: dict[str, list[Finding]] = {}
    for each in examine(settings, now):
        by_check.setdefault(each.check, []).append(each.finding)
    return by_check


def levels(findings: list[Finding]) -> list[Level]:
    return [finding.level for finding in findings]


@pytest.fixture
def later() -> dt.datetime:
    """Return the present, which is after every result of the world."""
    return dt.datetime.now(dt.UTC)


def test_home_that_works_has_no_problem_and_is_not_changed(lived_in_world: World, later: dt.datetime) -> None:
    settings = lived_in_world.settings
    before = {path: path.stat().st_mtime_ns for path in lived_in_world.folder.rglob("*")}
    by_check = found(settings, later)
    assert not [each for findings in by_check.values() for each in findings if each.level is Level.PROBLEM]
    assert "24 judged chunks" in by_check["store"][0].seen
    assert by_check["snapshots"][0].seen == "50 are there, as they were written"
    assert by_check["sources"][0].seen == "the tables of 2 models can be read"
    assert levels(by_check["id key"]) == [Level.OK]
    after = {path: path.stat().st_mtime_ns for path in lived_in_world.folder.rglob("*")}
    changed = {path.name for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    # A reader of SQLite in WAL mode makes its two files beside the database.
    assert changed <= {"results.db-shm", "results.db-wal", lived_in_world.folder.name}


def test_home_that_does_not_exist_is_not_made(tmp_path: Path, later: dt.datetime) -> None:
    by_check = found(
        Settings.model_validate({"home": tmp_path / "none", "DAGSTER_HOME": "", "MLFLOW_TRACKING_URI": ""}), later
    )
    assert levels(by_check["home"]) == levels(by_check["store"]) == [Level.WARNING]
    assert levels(by_check["id key"]) == [Level.WARNING]
    assert levels(by_check["sources"]) == [Level.PROBLEM]
    assert "arrival_delay, flight_delay, flight_outcome: " in by_check["sources"][0].seen
    assert list(tmp_path.iterdir()) == []


def _lose_a_snapshot(world: World) -> None:
    next((world.folder / "snapshots").rglob(f"{LOANS}/2024-03-28/predictions-*")).unlink()


def _damage_the_newest_snapshot(world: World) -> None:
    path = next((world.folder / "snapshots").rglob(f"{LOANS}/2024-04-05/predictions-*"))
    path.write_bytes(path.read_bytes()[:-200])


def _damage_the_store(world: World) -> None:
    path = world.folder / "results.db"
    with sqlite3.connect(path) as store:
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[8192:16384] = os.urandom(8192)
    path.write_bytes(bytes(content))


def _newer_schema(world: World) -> None:
    with sqlite3.connect(world.folder / "results.db") as store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")


def _lose_a_table(world: World) -> None:
    world.execute('DROP TABLE "Loan Scores"')


def _break_a_spec(world: World) -> None:
    world.change_spec(LOANS, task="guessing")


def _missing_secret(world: World) -> None:
    text = "channels:\n  risk: {slack: '#risk', token: slack_token}\nroutes:\n  - {channel: risk}\n"
    (world.folder / "alerting.yaml").write_text(text, encoding="utf-8")


def _alert_that_waits(world: World) -> None:
    with world.store() as store:
        desk_of(store).write("m", channel="risk")
        store.record_channels(working=set(), failing={"risk": "slack: channel_not_found"}, at=NOW)


@pytest.mark.parametrize(
    ("broken", "check", "words"),
    [
        (_lose_a_snapshot, "snapshots", "snapshot of loan_default 2024-03-28 is gone"),
        (_damage_the_newest_snapshot, "snapshots", "snapshot of loan_default 2024-04-05 is damaged"),
        (_damage_the_store, "store", "is damaged"),
        (_newer_schema, "store", "has schema revision '9999'"),
        (_lose_a_table, "sources", "Loan Scores"),
        (_break_a_spec, "specs", "task"),
        (_missing_secret, "channels", "channel risk (slack): no secret 'slack_token'"),
        (_alert_that_waits, "outbox", "1 messages to risk wait for more than an hour: slack: channel_not_found"),
    ],
)
def test_what_breaks_is_found_with_its_remedy(
    lived_in_world: World, later: dt.datetime, broken: Callable[[World], None], check: str, words: str
) -> None:
    broken(lived_in_world)
    by_check = found(lived_in_world.settings, later)
    (problem,) = [each for each in by_check[check] if each.level is Level.PROBLEM]
    assert words in problem.seen
    assert problem.remedy
    others = {name for name, findings in by_check.items() if Level.PROBLEM in levels(findings)} - {check}
    assert others == set()


def test_clock_that_was_set_back_is_found(lived_in_world: World) -> None:
    (clock,) = found(lived_in_world.settings, dt.datetime(2024, 1, 1, tzinfo=dt.UTC))["clock"]
    assert clock.level is Level.PROBLEM
    assert "the clock shows 2024-01-01 00:00 UTC" in clock.seen


def test_night_without_a_verdict_is_found_with_the_command_that_mends_it(lived_in_world: World) -> None:
    with sqlite3.connect(lived_in_world.folder / "results.db") as store:
        store.execute("DELETE FROM verdicts WHERE model = ? AND chunk >= '2024-04-04'", [LOANS])
    late, fine = found(lived_in_world.settings, NOW)["nights"]
    assert late.level is Level.PROBLEM
    assert late.seen == f"{LOANS}: no verdict of 2024-04-04 to 2024-04-05; the newest is of 2024-04-03"
    assert f"backfill {LOANS} --from 2024-04-04 --to 2024-04-05" in late.remedy
    assert fine.seen == "1 models are judged up to their last chunk"


@pytest.mark.parametrize("prefix", ["", "ml"])
def test_remedies_name_what_dagster_lists(lived_in_world: World, prefix: str) -> None:
    with sqlite3.connect(lived_in_world.folder / "results.db") as store:
        store.execute("DELETE FROM verdicts WHERE chunk >= '2024-04-04'")
    _alert_that_waits(lived_in_world)
    with lived_in_world.store() as store:
        store.record_channels(working={"risk"}, failing={}, at=NOW)
    lived_in_world.change_spec(DELIVERIES, upstream={"predictions": "scores", "trigger": "upstream"})
    settings = lived_in_world.settings.model_copy(update={"prefix": prefix})
    by_check = found(settings, NOW)
    repository = build_definitions(settings).get_repository_def()
    sensors = {sensor.name for sensor in repository.sensor_defs}
    remedies = {each.remedy.split(", ")[0].removeprefix("turn on ") for each in by_check["nights"] if each.remedy}
    assert remedies & sensors == {Names(prefix).of(f"{DELIVERIES}_upstream")}
    assert remedies - sensors == {schedule.name for schedule in repository.schedule_defs}
    (waiting,) = [each.seen for each in by_check["outbox"] if each.level is Level.PROBLEM]
    assert waiting.split("`")[1] in sensors


def test_messages_wait_an_hour_after_they_are_due_and_are_named_a_week_after_they_were_given_up(
    lived_in_world: World,
) -> None:
    hour, week = dt.timedelta(hours=1), dt.timedelta(days=7)
    with lived_in_world.store() as store:
        desk = desk_of(store)
        desk.write("fresh", channel="risk")
        desk.write("escalates", channel="risk", due_at=WRITTEN + 8 * hour)

        def seen(after: dt.timedelta) -> list[str]:
            with examined(lived_in_world.settings, WRITTEN + after) as deployment:
                return [finding.seen.partition(";")[0] for finding in outbox(deployment)]

        assert seen(hour / 2) == seen(hour) == ["no message waits"]
        assert seen(hour * 1.5) == ["1 messages to risk wait for more than an hour"]
        assert seen(hour * 9.5) == ["2 messages to risk wait for more than an hour"]
        store.mark_failed([alert_id for alert_id, _ in store.due_alerts(WRITTEN, lease=hour)], "no such channel", None)
        assert seen(hour) == ["1 messages to risk were given up within 7 days"]
        assert seen(week * 0.99)[-1] == "1 messages to risk were given up within 7 days"
        assert seen(week * 1.01) == ["1 messages to risk wait for more than an hour"]


def test_chunk_that_was_judged_again_counts_once(lived_in_world: World, later: dt.datetime) -> None:
    with sqlite3.connect(lived_in_world.folder / "results.db") as store:
        columns = [name for _, name, *_ in store.execute("PRAGMA table_info(chunk_revisions)")]
        of_verdicts = [name for _, name, *_ in store.execute("PRAGMA table_info(verdicts)")]
        for table, names in (("chunk_revisions", columns), ("verdicts", of_verdicts)):
            raised = ", ".join("revision + 1" if name == "revision" else name for name in names)
            store.execute(f"INSERT INTO {table} SELECT {raised} FROM {table} WHERE producer = 'verdict'")
    assert "24 judged chunks" in found(lived_in_world.settings, later)["store"][0].seen


def test_comparison_of_packages_needs_the_registry(lived_in_world: World) -> None:
    dependencies = {"file": "requirements.txt"}
    lived_in_world.change_spec(LOANS, operations={"dependencies": dependencies})
    assert len(found(lived_in_world.settings, NOW)["registry"]) == 1


@pytest.fixture
def dagster_home(
    lived_in_world: World, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Settings, dg.DagsterInstance]]:
    """Yield the settings of a home with a Dagster instance, and the instance, whose storage reads the environment."""
    settings = lived_in_world.settings
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    with dagster_instance(settings.dagster_home) as instance:
        yield settings, instance


def test_daemon_that_is_gone_and_failed_runs_are_found(dagster_home: tuple[Settings, dg.DagsterInstance]) -> None:
    settings, instance = dagster_home
    now = dt.datetime.now(dt.UTC)
    by_check = found(settings, now)
    assert by_check["daemon"][0].seen == "the daemon has never run, so nothing runs by itself"
    schedules, sensors = by_check["automation"]
    assert schedules.seen == f"2 of 2 schedules are off: {DELIVERIES}_schedule, {LOANS}_schedule"
    assert "late_labels" in sensors.seen
    assert by_check["runs"][0].level is Level.OK

    from dagster._core.test_utils import create_run_for_test
    from dagster._daemon.types import DaemonHeartbeat

    instance.add_daemon_heartbeat(DaemonHeartbeat(now.timestamp() - 10, "SCHEDULER", "id", []))
    create_run_for_test(instance, job_name=f"{LOANS}_nightly", status=dg.DagsterRunStatus.FAILURE)
    by_check = found(settings, now + dt.timedelta(seconds=5))
    assert by_check["daemon"][0].level is Level.OK
    assert by_check["runs"][0].seen == f"1 runs of {LOANS}_nightly failed within 7 days"
    (gone,) = found(settings, now + dt.timedelta(hours=1))["daemon"]
    assert gone.level is Level.PROBLEM
    assert "the daemon was last seen on" in gone.seen


def test_home_that_others_may_read_is_a_warning(lived_in_world: World, later: dt.datetime) -> None:
    folder = lived_in_world.settings.home
    for mode, wanted in ((0o755, [Level.WARNING, Level.OK]), (0o700, [Level.OK])):
        folder.chmod(mode)
        with examined(lived_in_world.settings, later) as deployment:
            assert levels(list(home(deployment))) == wanted
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_check_that_fails_is_a_problem_and_stops_no_other(
    lived_in_world: World, later: dt.datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "not for you")

    monkeypatch.setattr("monitoring_pipeline.doctor.checks.files.shutil.disk_usage", refuse)
    by_check = found(lived_in_world.settings, later)
    assert by_check["disk"][0].seen == "cannot be checked: [Errno 13] not for you"
    assert list(by_check) == [check.name for check in CHECKS if check.name in by_check]
    assert len(by_check) == len(CHECKS) - len({"automation", "runs", "registry"})


def test_command_prints_the_findings_and_fails_with_a_problem(
    lived_in_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = lived_in_world.settings
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(settings.home))
    monkeypatch.setenv("MONITORING_PIPELINE_MODELS", str(settings.models))
    monkeypatch.setenv("MONITORING_PIPELINE_WAREHOUSE", settings.warehouse)
    fine = CliRunner().invoke(main, ["doctor", "--json"])
    assert fine.exit_code == 0, fine.output
    records = json.loads(fine.stdout)
    assert {record["level"] for record in records} == {"ok", "warning"}
    assert all((record["remedy"] is None) == (record["level"] == "ok") for record in records)
    _lose_a_snapshot(lived_in_world)
    broken = CliRunner().invoke(main, ["doctor"])
    assert broken.exit_code == 1
    assert "1 problem and " in broken.output
    assert "snapshot of loan_default 2024-03-28 is gone" in broken.output

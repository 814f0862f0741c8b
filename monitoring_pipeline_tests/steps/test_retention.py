"""Retention: what is old goes, numbers stay, open incidents keep their rows, and a killed removal is finished."""

import datetime as dt
import os
import signal
from pathlib import Path

import dagster as dg
import pytest

from monitoring_pipeline.evaluation.results import REMOVED
from monitoring_pipeline.orchestration.runs.old_runs import remove_old_runs
from monitoring_pipeline.records.incident import IncidentState
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.parsing.documents import SpecError
from monitoring_pipeline.spec.retention import RetentionRules, load_retention_rules
from monitoring_pipeline.steps.inputs import PREDICTIONS, required_snapshot
from monitoring_pipeline.steps.references import MissingInputError
from monitoring_pipeline.steps.retention import Removed, retain
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, QUIET, World

WEEK, YEAR = dt.timedelta(days=7), dt.timedelta(days=365)
# Labels of loans may change for 30 + 2 days after the end of a chunk.
LATER = dt.datetime(2024, 3, 30, 12, tzinfo=dt.UTC) + dt.timedelta(days=32)
RULES = RetentionRules(snapshots=WEEK, revisions=WEEK, dagster_runs=WEEK)
OLD_DAYS = [day for day in DAYS if day < "2024-03-30"]


@pytest.fixture
def kept(lived_in_world: World) -> World:
    """A monitored world of its own."""
    return lived_in_world


def retained(world: World, now: dt.datetime, rules: RetentionRules = RULES, **options: bool) -> Removed:
    with ResultStore.open(world.settings.store_url) as store:
        files = SnapshotFiles(world.settings.snapshots)
        (removed,) = retain([world.loaded(LOANS).spec], rules, store, files, now=now, actor="test", **options)
    return removed


def files_of(world: World) -> set[str]:
    folder = Path(world.settings.snapshots)
    return {str(path.relative_to(folder)) for path in folder.rglob("*.parquet")}


def days_with_rows(world: World) -> list[str]:
    with world.store() as store:
        return [*store.snapshots(LOANS, PREDICTIONS)]


def test_old_rows_go_and_every_kept_day_has_the_same_numbers(kept):
    before, tables = files_of(kept), kept.tables(LOANS)
    dry = retained(kept, LATER, dry_run=True)
    assert files_of(kept) == before
    removed = retained(kept, LATER)
    gone = before - files_of(kept)
    assert (removed.files, removed.bytes) == (dry.files, dry.bytes) == (2 * len(OLD_DAYS), removed.bytes)
    assert removed.bytes > 1_000
    assert {uri.split("/")[1] for uri in gone} == set(OLD_DAYS)
    assert days_with_rows(kept) == [day for day in DAYS if day not in OLD_DAYS]
    after = kept.tables(LOANS)
    assert {name: rows for name, rows in after.items() if name != "snapshots"} == {
        name: rows for name, rows in tables.items() if name != "snapshots"
    }
    assert kept.failures(LOANS, DAYS[-4], DAYS[-1]) == ()
    assert kept.tables(LOANS) == after
    with kept.store() as store:
        entry = store.audit(LOANS)[-1]
    assert (entry.actor, entry.details["files"], entry.details["bytes"]) == ("test", removed.files, removed.bytes)
    assert retained(kept, LATER).files == 0


def test_removed_rows_are_said_to_be_removed_and_can_be_read_again(kept):
    retained(kept, LATER)
    spec = kept.loaded(LOANS).spec
    with kept.store() as store, pytest.raises(MissingInputError, match="were removed by retention"):
        required_snapshot(store, spec, spec.calendar.chunk(DAYS[0]), PREDICTIONS)
    assert kept.failures(LOANS, DAYS[0]) == ()
    assert DAYS[0] in days_with_rows(kept)


def test_chunks_of_open_incidents_are_kept(kept):
    with kept.store() as store:
        open_since = min(
            each.incident.since for each in store.incidents(LOANS) if each.incident.state is not IncidentState.RESOLVED
        )
    removed = retained(kept, LATER + YEAR)
    assert removed.kept_from == open_since
    assert days_with_rows(kept) == [day for day in DAYS if day >= open_since]


def test_replaced_results_go_and_current_ones_stay(kept):
    kept.execute('UPDATE "Loan Scores" SET age = age + 1 WHERE hash("Application ID") % 50 = 0')
    assert kept.failures(LOANS, DAYS[0]) == ()
    current = "SELECT * FROM current_measurements WHERE model = 'loan_default' ORDER BY chunk, producer, position"
    before, files = kept.ask(current), files_of(kept)
    now = dt.datetime.now(dt.UTC) + WEEK + dt.timedelta(hours=1)
    rules = RetentionRules(revisions=WEEK)
    removed = retained(kept, now, rules)
    assert removed.revisions >= 5
    assert removed.files == 1
    assert len(files - files_of(kept)) == 1
    assert kept.ask(current) == before
    assert kept.ask("SELECT count(*) FROM chunk_revisions WHERE model = 'loan_default' AND chunk = '2024-03-25' "
                    "AND producer = 'predictions'") == [(1,)]  # fmt: skip


DEATHS = {
    "before the first file": (SnapshotFiles, "remove", 1),
    "between files": (SnapshotFiles, "remove", 4),
    "before it is recorded": (ResultStore, "finish_removal", 1),
    "before replaced results": (ResultStore, "remove_superseded", 1),
    "before the audit": (ResultStore, "record", 1),
}


@pytest.mark.parametrize("death", DEATHS)
def test_killed_removal_leaves_no_pointer_to_a_removed_file_and_the_next_one_finishes(kept, monitored, death):
    owner, name, nth = DEATHS[death]
    if (child := os.fork()) == 0:
        calls, whole = iter(range(1, 100)), getattr(owner, name)

        def dies(*given, **named):
            if next(calls) == nth:
                os.kill(os.getpid(), signal.SIGKILL)
            return whole(*given, **named)

        setattr(owner, name, dies)
        retained(kept, LATER)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    with kept.store() as store:
        pointed = {each.uri for kind in ("predictions", "labels") for each in store.snapshots(LOANS, kind).values()}
    assert pointed <= files_of(kept)
    retained(kept, LATER)
    assert files_of(kept) == {
        uri for uri in files_of(monitored) if not (uri.startswith(LOANS) and uri.split("/")[1] in OLD_DAYS)
    }
    assert kept.ask(f"SELECT count(*) FROM snapshots WHERE uri LIKE '{REMOVED}%'") == [(0,)]


def test_old_runs_of_models_go_with_their_events_and_other_runs_stay(kept, tmp_path):
    @dg.job
    def others() -> None:
        pass

    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        world = World(kept.folder, instance)
        assert world.failures(LOANS, DAYS[-1]) == ()
        others.execute_in_process(instance=instance, run_config=QUIET)
        specs = [world.loaded(LOANS).spec]
        now = dt.datetime.now(dt.UTC)
        assert remove_old_runs(instance, specs, before=now - WEEK).runs == 0
        later = now + dt.timedelta(minutes=1)
        assert remove_old_runs(instance, specs, before=later, dry_run=True).runs == 1
        run_id = next(run.run_id for run in instance.get_runs() if run.job_name != "others")
        removed = remove_old_runs(instance, specs, before=later)
        assert removed.runs == 1
        assert [run.job_name for run in instance.get_runs()] == ["others"]
        left = instance.fetch_materializations(dg.AssetKey([LOANS, "verdict"]), limit=100).records
        assert run_id not in {record.run_id for record in left}
        assert not [path for path in (tmp_path / "dagster").rglob(f"*{run_id}*") if path.is_file()]


def test_asset_removes_and_shows_what(kept):
    assert "retention" not in [key.path[-1] for key in kept.definitions.resolve_asset_graph().get_all_asset_keys()]
    (kept.folder / "retention.yaml").write_text("snapshots: 7d\nrevisions: 30d\n", encoding="utf-8")
    definitions = kept.definitions
    assert definitions.resolve_schedule_def("retention_schedule").cron_schedule == "0 5 * * *"
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_job_def("retention_job").execute_in_process(instance=instance, run_config=QUIET)
    (event,) = result.get_asset_materialization_events()
    metadata = event.materialization.metadata
    assert metadata["files"].value > 0
    assert DELIVERIES in str(metadata["models"].value)
    assert DELIVERIES in {entry.model for entry in kept_audit(kept)}


def kept_audit(world: World):
    with world.store() as store:
        return store.audit()


@pytest.mark.parametrize(("text", "message"), [("snapshots: 1d", "at least 7d"), ("snapshot: 90d", "snapshot")])
def test_rules_that_cannot_be_used_are_refused(tmp_path, text, message):
    path = tmp_path / "retention.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SpecError, match=message):
        load_retention_rules(path)


def test_nothing_is_removed_without_a_file(kept):
    assert not Settings.model_validate({"home": kept.folder}).retention_rules().removes
    before = files_of(kept)
    assert retained(kept, LATER + YEAR, RetentionRules()).files == 0
    assert files_of(kept) == before

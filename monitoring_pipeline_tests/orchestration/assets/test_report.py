"""The reports that Dagster writes: when they are requested, what is written, and what a person reads if they fail."""

import html
import sys
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest
import yaml

from monitoring_pipeline.orchestration.assets.report import overview_key
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, QUIET, World

OVERVIEW = overview_key()
REPORT = dg.AssetKey([LOANS, "report"])


@dataclass
class Daemon:
    """Evaluates the conditions of a world tick by tick, as Dagster's daemon does, and runs what they request."""

    world: World
    requested: list[set[dg.AssetKey]] = field(default_factory=list)
    _cursor: Any = None

    def tick(self) -> set[dg.AssetKey]:
        """Return the assets that a tick requests, after they were run."""
        definitions = self.world.definitions
        result = dg.evaluate_automation_conditions(
            definitions,
            self.world.instance,
            asset_selection=dg.AssetSelection.assets(REPORT, OVERVIEW),
            cursor=self._cursor,
        )
        self._cursor = result.cursor
        requested = {entry.key for entry in result.results if entry.true_subset.size}
        if requested:
            assert materialized(self.world, *requested).success
        return requested


def materialized(world: World, *keys: dg.AssetKey) -> dg.ExecuteInProcessResult:
    """Run assets for real, and return the result of the run."""
    job = world.definitions.resolve_implicit_global_asset_job_def()
    return job.get_subset(asset_selection=set(keys)).execute_in_process(
        instance=world.instance, run_config=QUIET, raise_on_error=False
    )


def metadata(world: World, key: dg.AssetKey) -> dict[str, Any]:
    """Return the metadata of the newest materialization of an asset."""
    event = world.instance.get_latest_materialization_event(key)
    assert event is not None
    assert event.asset_materialization is not None
    return {name: entry.value for name, entry in event.asset_materialization.metadata.items()}


def failure(result: dg.ExecuteInProcessResult) -> str:
    """Return the message of the one step that failed."""
    (failed,) = result.filter_events(lambda event: event.is_step_failure)
    assert failed.step_failure_data.user_failure_data is not None
    return failed.step_failure_data.user_failure_data.description


def test_reports_are_requested_once_after_each_run_however_many_chunks_it_measured(lived_in_world: World) -> None:
    daemon = Daemon(lived_in_world)
    assert daemon.tick() == set()
    assert lived_in_world.failures(LOANS, DAYS[0], DAYS[2]) == ()
    assert daemon.tick() == {REPORT, OVERVIEW}
    assert daemon.tick() == set()
    assert lived_in_world.run(LOANS, DAYS[-1]).success
    assert daemon.tick() == {REPORT, OVERVIEW}
    assert daemon.tick() == set()


def test_report_is_requested_after_a_run_that_failed_on_refused_rows(lived_in_world: World) -> None:
    daemon = Daemon(lived_in_world)
    daemon.tick()
    lived_in_world.execute('ALTER TABLE "Loan Scores" RENAME "Application ID" TO other')
    assert lived_in_world.failures(LOANS, DAYS[-1]) != ()
    assert daemon.tick() == {REPORT, OVERVIEW}
    assert metadata(lived_in_world, REPORT)["verdict"] == "critical"


def test_written_files_are_the_newest_state_and_link_to_each_other(lived_in_world: World) -> None:
    lived_in_world.settings.alerting.write_text(yaml.safe_dump({"site": "http://site.example"}), encoding="utf-8")
    assert materialized(lived_in_world, REPORT, OVERVIEW).success
    shown, overview = metadata(lived_in_world, REPORT), metadata(lived_in_world, OVERVIEW)
    folder = lived_in_world.folder / "reports"
    assert (shown["file"], overview["file"]) == (str(folder / f"{LOANS}.html"), str(folder / "index.html"))
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", f"{LOANS}.html"]
    page, index = ((folder / name).read_text(encoding="utf-8") for name in (f"{LOANS}.html", "index.html"))
    assert f"on {DAYS[-1]}</title>" in page
    assert 'href="index.html"' in page
    assert f'href="{LOANS}.html"' in index
    assert (shown["bytes"], overview["bytes"]) == (len(page.encode()), len(index.encode()))
    with lived_in_world.store() as store:
        assert (shown["chunk"], shown["verdict"]) == (DAYS[-1], str(store.verdicts(LOANS)[DAYS[-1]].status))
    assert html.escape(shown["sentence"]).replace("&#x27;", "&#39;") in page
    assert shown["report"] == f"http://site.example/models/{LOANS}?chunk={DAYS[-1]}"
    assert overview["report"] == "http://site.example"
    assert overview["models"] == 2
    assert 0 < shown["seconds"] < 300


def test_no_run_of_a_night_draws_a_report(monitored: World) -> None:
    repository = monitored.definitions.get_repository_def()
    for what in ("nightly", "late_labels"):
        assert REPORT not in repository.get_job(f"{LOANS}_{what}").asset_layer.executable_asset_keys
    runs = monitored.instance.get_runs()
    assert runs
    assert monitored.instance.get_latest_materialization_event(REPORT) is None


def test_report_of_a_model_that_was_never_judged_fails_in_a_sentence(world: World) -> None:
    assert failure(materialized(world, REPORT)) == (
        f"{LOANS}: no day was judged: `monitoring-pipeline backfill {LOANS}` judges"
    )


@pytest.mark.parametrize("key", [REPORT, OVERVIEW])
def test_missing_library_fails_in_a_sentence_with_the_extra(
    world: World, key: dg.AssetKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Python takes a module that is None for one that is not installed.
    monkeypatch.setitem(sys.modules, "altair", None)
    assert failure(materialized(world, key)) == "altair not installed: pip install 'monitoring-pipeline[report]'"
    assert not (world.folder / "reports").exists()

"""Days that are read again while their source is away: their results stay, and the run fails with a reason."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import PARENT_RUN_ID_TAG, RESUME_RETRY_TAG, ROOT_RUN_ID_TAG

from monitoring_pipeline.orchestration.health.recording_job import build_record_failures_job
from monitoring_pipeline.orchestration.health.sensor import build_pipeline_health_sensor
from monitoring_pipeline_tests.worlds.living_world import night_of, settle
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, QUIET

DAY = DAYS[6]
LOANS_TABLE = '"Loan Scores"'
OF_THE_DAY = '"Scored At" >= $start AND "Scored At" < $end'
IDS = f'SELECT "Application ID" FROM {LOANS_TABLE} WHERE {OF_THE_DAY}'
AWAY = {
    "no predictions table": ([f"ALTER TABLE {LOANS_TABLE} RENAME TO moved"], "predictions.table: no table"),
    "no labels table": (["ALTER TABLE Outcomes RENAME TO moved"], "labels.table: no table 'Outcomes'"),
    "no predictions of the day": ([f"DELETE FROM {LOANS_TABLE} WHERE {OF_THE_DAY}"], "has no predictions of this day"),
    "no labels of the day": ([f"DELETE FROM Outcomes WHERE Ref IN ({IDS})"], "Outcomes has no labels of this day"),
}  # fmt: skip


def _execute(world, *statements):
    chunk = world.loaded(LOANS).spec.calendar.chunk(DAY)
    world.execute(*statements, start=chunk.start.replace(tzinfo=None), end=chunk.end.replace(tzinfo=None))


@pytest.mark.parametrize("away", AWAY)
def test_judged_day_keeps_its_results_when_the_source_is_away(lived_in_world, away):
    statements, reason = AWAY[away]
    before = lived_in_world.tables()
    _execute(lived_in_world, *statements)
    (failure,) = lived_in_world.failures(LOANS, DAY)
    assert failure.startswith(f"{LOANS} {DAY}: not read again, so the stored results stay: ")
    assert reason in failure
    assert lived_in_world.tables() == before


def test_range_measures_other_days_during_an_outage_and_a_resumed_run_fails(lived_in_world):
    before = lived_in_world.tables()
    _execute(lived_in_world, f"DELETE FROM {LOANS_TABLE} WHERE {OF_THE_DAY}", f"UPDATE {LOANS_TABLE} SET age = age + 1")
    (failure,) = lived_in_world.failures(LOANS, DAY, DAYS[7])
    assert failure.startswith(f"{LOANS} {DAY}: not read again")
    added = set(lived_in_world.tables()["chunk_revisions"]) - set(before["chunk_revisions"])
    assert {row[1] for row in added} == {DAYS[7]}
    assert {"predictions", "profile", "performance", "verdict"} <= {row[2] for row in added}

    (failed,) = lived_in_world.instance.get_runs()
    resumed = lived_in_world.definitions.resolve_job_def(f"{LOANS}_nightly").execute_in_process(
        instance=lived_in_world.instance,
        asset_selection=[dg.AssetKey([LOANS, "incidents"])],
        tags=failed.tags | {RESUME_RETRY_TAG: "true", PARENT_RUN_ID_TAG: failed.run_id, ROOT_RUN_ID_TAG: failed.run_id},
        run_config=QUIET,
        raise_on_error=False,
    )
    assert not resumed.success


def test_late_label_run_on_an_empty_table_keeps_the_results_of_the_day(lived_in_world):
    before = lived_in_world.tables()
    _execute(lived_in_world, "DELETE FROM Outcomes")
    job = lived_in_world.definitions.resolve_job_def(f"{LOANS}_late_labels")
    result = job.execute_in_process(
        instance=lived_in_world.instance, partition_key=DAY, run_config=QUIET, raise_on_error=False
    )
    assert {event.step_key for event in result.filter_events(lambda e: e.is_step_failure)} == {f"{LOANS}__incidents"}
    assert lived_in_world.tables() == before


def test_refusal_stays_when_the_source_is_away(lived_in_world):
    lived_in_world.execute(f"ALTER TABLE {LOANS_TABLE} RENAME VERSION TO release")
    assert "not read again" not in lived_in_world.failures(LOANS, DAY)[0]
    before = lived_in_world.tables()
    Path(lived_in_world.settings.warehouse).unlink()
    assert "not read again" in lived_in_world.failures(LOANS, DAY)[0]
    assert lived_in_world.tables() == before


def test_open_incident_stays_during_an_outage_and_the_failed_run_is_recorded(lived_in_world, tmp_path):
    with dg.DagsterInstance.ephemeral() as instance:
        world = settle(lived_in_world.folder, tmp_path / "told", instance)
        assert world.live(DAYS[10]).success
        before = world.incidents()
        assert {entry.incident.cause.text for entry in before} >= {"inputs"}
        Path(world.settings.warehouse).rename(world.folder / "elsewhere.duckdb")
        assert not world.live(DAYS[10]).success
        assert world.told[DAYS[10]] == []
        assert world.incidents() == before
        specs = [world.loaded(LOANS).spec]
        sensor = build_pipeline_health_sensor(specs, build_record_failures_job(specs, print), interval_seconds=30)
        with (
            world.store() as store,
            dg.build_sensor_context(
                instance=instance, resources={"store": store, "clock": lambda: night_of(world, DAYS[10])}
            ) as context,
        ):
            (request,) = sensor.evaluate_tick(context).run_requests
        asked = request.run_config["ops"]["record"]["config"]
        assert asked["chunks"] == [DAYS[10]]
        assert "no such DuckDB file" in asked["message"]

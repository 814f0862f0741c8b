"""Results of checks: each chunk keeps its own, whatever other chunks were measured since."""

import dagster as dg
import pytest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus as Recorded

from monitoring_pipeline.evaluation.judgement.verdict import deciding_reasons
from monitoring_pipeline.orchestration.assets.verdict import outcome_of_verdict
from monitoring_pipeline.records.measurement import Verdict, VerdictStatus
from monitoring_pipeline_tests.worlds.world import DAYS, DRIFT_FROM, LOANS, World

DRIFTED = {day for day in DAYS if day >= str(DRIFT_FROM)}
CHECKS = {
    ("predictions", "schema"), ("predictions", "values"), ("predictions", "rows"), ("profile", "columns"),
    ("drift", "drift"), ("estimate", "estimate"), ("labels", "labels"), ("performance", "performance"),
    ("windows", "windows"),
    ("verdict", "verdict"),
}  # fmt: skip
DAY = DAYS[4]


def results(world: World, asset: str, check: str) -> dict[str, bool]:
    """Return what Dagster shows for each partition: whether the check passed; a result about old rows is not shown."""
    key = dg.AssetCheckKey(dg.AssetKey([LOANS, asset]), check)
    shown = {}
    for info in world.instance.event_log_storage.get_asset_check_partition_info([key]):
        assert info.partition_key is not None
        if info.is_current and info.latest_execution_status is not Recorded.PLANNED:
            shown[info.partition_key] = info.latest_execution_status is Recorded.SUCCEEDED
    return shown


def evaluations(world: World, run_id: str) -> list[dg.AssetCheckEvaluation]:
    """Return the results that a run recorded."""
    records = world.instance.all_logs(run_id, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    return [record.get_dagster_event().asset_check_evaluation_data for record in records]


def test_range_records_one_result_for_each_check_and_chunk(monitored: World) -> None:
    (run,) = [run for run in monitored.instance.get_runs() if run.job_name == f"{LOANS}_nightly"]
    found = evaluations(monitored, run.run_id)
    assert sorted((e.asset_key.path[-1], e.check_name, e.partition) for e in found) == sorted(
        (asset, check, day) for asset, check in CHECKS for day in DAYS
    )
    failed = [e for e in found if not e.passed]
    assert {(e.asset_key.path[-1], e.partition) for e in failed} >= {("drift", day) for day in DRIFTED}
    for evaluation in failed:
        assert evaluation.severity is dg.AssetCheckSeverity.WARN
    for evaluation in (e for e in failed if e.partition in DRIFTED):
        assert "income wasserstein" in str(evaluation.metadata["reasons"].value)


def test_check_of_the_verdict_is_the_verdict_with_its_reasons(monitored: World) -> None:
    with monitored.store() as store:
        verdicts = store.verdicts(LOANS)
    is_ok = {day: verdict.status is VerdictStatus.OK for day, verdict in verdicts.items()}
    assert set(is_ok.values()) == {True, False}
    assert results(monitored, "verdict", "verdict") == is_ok
    (run,) = [run for run in monitored.instance.get_runs() if run.job_name == f"{LOANS}_nightly"]
    for found in (e for e in evaluations(monitored, run.run_id) if e.check_name == "verdict"):
        verdict = verdicts[str(found.partition)]
        assert found.metadata["verdict"].value == str(verdict.status)
        assert found.description == (*deciding_reasons(verdict), "ok")[0]
        assert all(reason in str(found.metadata["reasons"].value) for reason in deciding_reasons(verdict)[:5])


@pytest.mark.parametrize(("status", "shown"), [
    (VerdictStatus.OK, (True, False, "ok")),
    (VerdictStatus.WARNING, (False, False, "warning: drift income: moved")),
    (VerdictStatus.CRITICAL, (False, True, "warning: drift income: moved")),
])  # fmt: skip
def test_outcome_of_a_verdict(status: VerdictStatus, shown: tuple[bool, bool, str]) -> None:
    reasons = ("warning: drift income: moved", "info: nothing")
    outcome = outcome_of_verdict(Verdict(status=status, reasons=reasons, measured=1, breaches=1, skipped=0))
    assert (outcome.passed, outcome.is_critical, outcome.description) == shown


def test_single_night_and_range_show_the_same_results(world: World, monitored: World) -> None:
    for day in (DAYS[0], DAYS[-1]):
        assert world.run(LOANS, day).success
    for asset, check in CHECKS:
        of_the_range = results(monitored, asset, check)
        assert set(of_the_range) == set(DAYS)
        assert results(world, asset, check) == {day: of_the_range[day] for day in (DAYS[0], DAYS[-1])}
    assert results(world, "drift", "drift") == {DAYS[0]: True, DAYS[-1]: False}


def test_backfill_of_old_days_leaves_a_red_day_red(world: World) -> None:
    assert world.run(LOANS, DAYS[-1]).success
    assert world.failures(LOANS, DAYS[0], DAYS[1]) == ()
    assert results(world, "drift", "drift") == {DAYS[0]: True, DAYS[1]: True, DAYS[-1]: False}


def test_corrected_day_turns_green_and_the_others_stay(lived_in_world: World) -> None:
    world = lived_in_world
    assert world.failures(LOANS, DAYS[-2], DAYS[-1]) == ()
    assert results(world, "drift", "drift") == {DAYS[-2]: False, DAYS[-1]: False}
    world.execute(
        'UPDATE "Loan Scores" SET "Annual Income" = "Annual Income" / 2 '
        """WHERE ("Scored At" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin')::DATE = $day::DATE""",
        day=DAYS[-2],
    )
    assert world.run(LOANS, DAYS[-2]).success
    assert results(world, "drift", "drift") == {DAYS[-2]: True, DAYS[-1]: False}


def test_refused_day_of_a_range_is_red_and_the_other_days_have_results(world: World) -> None:
    chunk = world.loaded(LOANS).spec.calendar.chunk(DAYS[5])
    of_the_day = f"\"Scored At\" >= '{chunk.start:%F %T}' AND \"Scored At\" < '{chunk.end:%F %T}'"
    world.execute(
        'ALTER TABLE "Loan Scores" RENAME TO stored',
        'CREATE VIEW "Loan Scores" AS SELECT * REPLACE '
        f"(CASE WHEN {of_the_day} THEN error('no') ELSE age END AS age) FROM stored",
    )
    assert len(world.failures(LOANS, DAYS[4], DAYS[6])) == 1
    assert results(world, "predictions", "schema") == {DAYS[4]: True, DAYS[5]: False, DAYS[6]: True}
    assert results(world, "drift", "drift") == {DAYS[4]: True, DAYS[6]: True}
    assert results(world, "verdict", "verdict") == {DAYS[4]: True, DAYS[5]: False, DAYS[6]: True}


def test_refused_night_is_red_on_its_day(lived_in_world: World) -> None:
    world = lived_in_world
    assert world.run(LOANS, DAY).success
    assert results(world, "predictions", "schema") == {DAY: True}
    world.execute('ALTER TABLE "Loan Scores" RENAME "Application ID" TO other')
    assert not world.run(LOANS, DAY).success
    assert results(world, "predictions", "schema") == {DAY: False}
    assert results(world, "drift", "drift") == {}

"""A range in one run, single nights, and a repeated range leave the same tables."""

import datetime as dt

import pytest

from monitoring_pipeline.steps.references import load_reference
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, QUIET, SPECS, TABLES

DAYS_COMPARED = DAYS[:9]
"""From the first day, because windows look back, to the days after the clock change."""


@pytest.mark.parametrize("model", [LOANS, DELIVERIES])
def test_range_leaves_the_same_tables_as_single_nights(world, monitored, model):
    for day in DAYS_COMPARED:
        assert world.run(model, day).success
    one_by_one = world.tables(model)
    of_the_range = {
        table: [
            row
            for row in rows
            if table == "model_references" or row[1] in DAYS_COMPARED or row[2].startswith("reference")
        ]
        for table, rows in monitored.tables(model).items()
    }
    assert {table: len(rows) > 0 for table, rows in one_by_one.items()} == dict.fromkeys(TABLES, True)
    assert one_by_one == of_the_range
    assert world.failures(model, DAYS_COMPARED[0], DAYS_COMPARED[-1]) == ()
    assert world.tables(model) == one_by_one


def test_second_run_does_not_build_the_reference_again(lived_in_world):
    before = lived_in_world.ask("SELECT model, model_version, reference_hash, run_id, created_at FROM model_references")
    assert lived_in_world.run(LOANS, DAYS[0]).success
    after = lived_in_world.ask("SELECT model, model_version, reference_hash, run_id, created_at FROM model_references")
    assert after == before


def test_changed_rows_make_a_new_revision_and_keep_the_old_one(lived_in_world):
    before = lived_in_world.tables(LOANS)
    lived_in_world.execute('UPDATE "Loan Scores" SET age = age + 1 WHERE "Application ID" = $id',
                           id=_an_id_of(lived_in_world, DAYS[2]))  # fmt: skip
    assert lived_in_world.failures(LOANS, DAYS[0], DAYS[-1]) == ()
    after = lived_in_world.tables(LOANS)
    for table in TABLES:
        assert set(before[table]) <= set(after[table])
    added = [row for row in after["chunk_revisions"] if row not in before["chunk_revisions"]]
    assert {(row[1], row[3]) for row in added} == {(DAYS[2], 2)}


@pytest.mark.parametrize("rebuild", [False, True])
def test_reference_is_built_again_if_rebuild_is_set(lived_in_world, rebuild):
    (before,) = lived_in_world.ask("SELECT reference_hash FROM model_references WHERE model = :model", model=LOANS)
    lived_in_world.execute('UPDATE "Loan Scores" SET age = age + 1')
    job = lived_in_world.definitions.resolve_job_def(f"{LOANS}_nightly")
    config = {"ops": {f"{LOANS}__reference": {"config": {"rebuild": rebuild}}}}
    assert job.execute_in_process(
        instance=lived_in_world.instance, partition_key=DAYS[0], run_config=QUIET | config
    ).success
    (current,) = lived_in_world.ask(
        "SELECT reference_hash FROM model_references WHERE model = :model AND is_current", model=LOANS
    )
    assert (current != before) is rebuild


def test_changed_declaration_builds_the_reference_again(lived_in_world):
    sources = {name: feature for name, feature in SPECS[LOANS]["features"].items() if name != "age"}
    lived_in_world.change_spec(LOANS, features=sources)
    assert lived_in_world.failures(LOANS, DAYS[0]) == ()
    columns = lived_in_world.ask(
        "SELECT column_name FROM profiles WHERE model = :model AND chunk = :day "
        "AND producer = 'profile' AND revision = 2 ORDER BY position",
        model=LOANS,
        day=DAYS[0],
    )
    assert columns == [("income",), ("employment",), ("score",), ("prediction",)]


def test_changed_false_alarm_share_learns_floors_again_from_stored_profiles(lived_in_world):
    lived_in_world.execute('UPDATE "Loan Scores" SET age = age + 1')
    before = _current_reference(lived_in_world)
    lived_in_world.change_spec(LOANS, drift={"false_alarm_share": 0.4})
    assert lived_in_world.failures(LOANS, DAYS[0]) == ()
    after = _current_reference(lived_in_world)
    assert after.profile == before.profile
    assert after.floors.days == before.floors.days == 10
    assert len(after.floors.floors) == len(before.floors.floors) > 0
    for column in ("age", "income"):
        floors = [r.floors.floor(column, "jensen_shannon", 60) for r in (after, before)]
        assert floors[0] < floors[1]


def _current_reference(world):
    with world.store() as store:
        return load_reference(world.loaded(LOANS).spec, store, "2024.1")


def test_as_of_tag_without_a_zone_fails_the_labels(world):
    result = world.run(LOANS, DAYS[0], as_of=dt.datetime(2024, 4, 1))  # noqa: DTZ001
    failed = {event.step_key: event for event in result.filter_events(lambda e: e.is_step_failure)}
    assert set(failed) == {f"{LOANS}__labels"}
    assert (
        "'2024-04-01T00:00:00' has no zone"
        in failed[f"{LOANS}__labels"].step_failure_data.user_failure_data.description
    )


def _an_id_of(world, day: str) -> str:
    ((row_id,),) = world.execute(
        'SELECT "Application ID" FROM "Loan Scores" WHERE "Scored At" >= CAST($moment AS TIMESTAMP) LIMIT 1',
        moment=f"{day} 11:00:00",
    )
    return row_id

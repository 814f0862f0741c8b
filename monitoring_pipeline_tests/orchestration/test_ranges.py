"""A range in one run, the nights one by one, and the same once more leave the same tables."""

import pytest

from monitoring_pipeline_tests.world import DAYS, DELIVERIES, LOANS, TABLES

DAYS_COMPARED = DAYS[4:9]  # with the clock change in the middle


@pytest.mark.parametrize("model", [LOANS, DELIVERIES])
def test_one_by_one_equals_one_range_and_a_third_time_changes_nothing(world, monitored, model):
    for day in DAYS_COMPARED:
        assert world.run(model, day).success
    one_by_one = world.tables(model)
    of_the_range = {
        table: [row for row in rows if table == "model_references" or row[1] in DAYS_COMPARED or "/" in row[1]]
        for table, rows in monitored.tables(model).items()
    }
    assert {table: len(rows) > 0 for table, rows in one_by_one.items()} == dict.fromkeys(TABLES, True)
    assert one_by_one == of_the_range
    assert world.failures(model, DAYS_COMPARED[0], DAYS_COMPARED[-1]) == ()
    assert world.tables(model) == one_by_one


def test_a_second_run_reads_the_reference_and_does_not_build_it_again(lived_in_world):
    before = lived_in_world.ask("SELECT model, model_version, reference_hash, run_id, created_at FROM model_references")
    assert lived_in_world.run(LOANS, DAYS[0]).success
    after = lived_in_world.ask("SELECT model, model_version, reference_hash, run_id, created_at FROM model_references")
    assert after == before


def test_changed_rows_make_a_new_revision_and_keep_the_old(lived_in_world):
    before = lived_in_world.tables(LOANS)
    lived_in_world.execute('UPDATE "Loan Scores" SET age = age + 1 WHERE "Application ID" = $id',
                           id=_an_id_of(lived_in_world, DAYS[2]))  # fmt: skip
    assert lived_in_world.failures(LOANS, DAYS[0], DAYS[-1]) == ()
    after = lived_in_world.tables(LOANS)
    for table in TABLES:
        assert set(before[table]) <= set(after[table])
    added = [row for row in after["chunk_revisions"] if row not in before["chunk_revisions"]]
    assert {(row[1], row[3]) for row in added} == {(DAYS[2], 2)}


def _an_id_of(world, day: str) -> str:
    midnight = f"{day} 11:00:00"
    ((row_id,),) = world.execute(
        'SELECT "Application ID" FROM "Loan Scores" WHERE "Scored At" >= CAST($noon AS TIMESTAMP) LIMIT 1',
        noon=midnight,
    )
    return row_id

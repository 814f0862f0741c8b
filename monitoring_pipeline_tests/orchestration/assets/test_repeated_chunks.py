"""A day whose rows are made from the inputs of the day before, in the real steps and in the store."""

from monitoring_pipeline.records.measurement import Status
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS

COPIED, COPIES = DAYS[1], DAYS[2:4]
OF_DAY = "CAST(\"Scored At\" AT TIME ZONE 'UTC' AT TIME ZONE 'Europe/Berlin' AS DATE)"


def test_source_that_stops_is_a_warning_on_every_day_and_other_days_are_not(lived_in_world):
    for days_later, day in enumerate(COPIES, start=1):
        lived_in_world.execute(
            f"DELETE FROM \"Loan Scores\" WHERE {OF_DAY} = '{day}'",
            f"""INSERT INTO "Loan Scores" SELECT * REPLACE (
                    "Application ID" || '-{days_later}' AS "Application ID",
                    "Scored At" + INTERVAL {days_later} DAY AS "Scored At"
                ) FROM "Loan Scores" WHERE {OF_DAY} = '{COPIED}'""",
            f"""INSERT INTO "Outcomes" SELECT "Outcomes".* REPLACE (
                    "Ref" || '-{days_later}' AS "Ref", "Reported At" + INTERVAL {days_later} DAY AS "Reported At"
                ) FROM "Outcomes" JOIN "Loan Scores" ON "Ref" = "Application ID" WHERE {OF_DAY} = '{COPIED}'""",
        )
    assert lived_in_world.failures(LOANS, DAYS[0], DAYS[4]) == ()
    with lived_in_world.store() as store:
        found = {day: next(m for m in store.measurements(LOANS, day) if m.name == "repeated_chunk") for day in DAYS[:5]}
    assert {day for day, m in found.items() if m.status is Status.BREACHED} == set(COPIES)
    assert all(f"as on {day}" in found[copy].reason for day, copy in zip((COPIED, COPIES[0]), COPIES, strict=True))

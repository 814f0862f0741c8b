"""Windows of a monitored world, from real runs to stored results."""

import datetime as dt

from monitoring_pipeline.records.measurement import Kind
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.steps.chunk.windows import later_chunks, measure_chunks_over_windows
from monitoring_pipeline_tests.worlds.retraining_world import outside_of
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS

LATER = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)


def _windows(world, model, day):
    with world.store() as store:
        return tuple(store.measurements(model, day, Producer.WINDOWS))


def test_run_of_a_day_measures_its_windows_and_those_of_later_days(lived_in_world):
    lived_in_world.change_spec(LOANS, windows=[3])
    assert lived_in_world.failures(LOANS, *DAYS[-2:]) == ()
    before = _windows(lived_in_world, LOANS, DAYS[-1])
    assert {m.kind for m in before} == {Kind.WINDOW}
    assert {str(m.metric) for m in before} == {"auroc[3 days]"}
    scored = 'SELECT "Application ID" FROM "Loan Scores" WHERE "Scored At" < \'2024-04-04 22:00\''
    lived_in_world.execute(f"DELETE FROM Outcomes WHERE Ref IN ({scored}) AND Ref NOT LIKE '%7'")
    assert lived_in_world.failures(LOANS, DAYS[-2]) == ()
    after = _windows(lived_in_world, LOANS, DAYS[-1])
    assert after != before
    with lived_in_world.store() as store:
        spec = lived_in_world.loaded(LOANS).spec
        measure = measure_chunks_over_windows(spec, outside_of(lived_in_world, store))
        assert measure(spec.calendar.chunk(DAYS[-1])).measurements == after
        assert [chunk.key for chunk in later_chunks(spec, spec.calendar.chunk(DAYS[-2]), store=store)] == [DAYS[-1]]
        assert later_chunks(spec, spec.calendar.chunk(DAYS[-1]), store=store) == ()
        far = spec.calendar.earlier(spec.calendar.chunk(DAYS[0]), 5)
        assert later_chunks(spec, far, store=store) == ()

"""Performance of several chunks together, from their snapshots."""

import duckdb
import pytest
from sklearn.metrics import mean_absolute_error, roc_auc_score

from monitoring_pipeline.orchestration.periods import measure_period
from monitoring_pipeline.spec.chunk import chunk_of_key
from monitoring_pipeline.spec.measurement import Measurement
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline_tests.world import DAYS, DELIVERIES, LOANS, ROWS_A_DAY, World


def _period(world: World, model: str, days: tuple[str, ...]) -> dict[str, Measurement]:
    with world.store() as store:
        measured = measure_period(
            world.loaded(model).spec, days, store=store, snapshots=SnapshotFiles(world.settings.snapshots)
        )
    return {m.name: m for m in measured}


def test_it_is_that_of_all_rows_together(monitored):
    days = DAYS[5:8]
    start = chunk_of_key(monitored.loaded(LOANS).spec, days[0]).start.replace(tzinfo=None)
    end = chunk_of_key(monitored.loaded(LOANS).spec, days[-1]).end.replace(tzinfo=None)
    with duckdb.connect(monitored.settings.warehouse, read_only=True) as connection:
        rows = connection.execute(
            'SELECT "Default Probability", Outcome = \'default\' FROM "Loan Scores" '
            'JOIN Outcomes ON Ref = "Application ID" WHERE "Scored At" >= $1 AND "Scored At" < $2',
            [start, end],
        ).fetchnumpy()
    score, label = rows.values()
    measured = _period(monitored, LOANS, days)
    assert measured["auroc"].rows == len(label) == len(days) * ROWS_A_DAY
    assert measured["auroc"].value == pytest.approx(roc_auc_score(label, score), abs=1e-12)


def test_days_that_were_never_monitored_are_left_out(monitored):
    assert _period(monitored, LOANS, ("2024-03-01", *DAYS[:2])) == _period(monitored, LOANS, DAYS[:2])
    assert _period(monitored, LOANS, ("2024-03-01",)) == {}


def test_an_id_that_is_scored_again_on_another_day_keeps_the_days_apart(world):
    days = DAYS[:2]
    first, second = (chunk_of_key(world.loaded(DELIVERIES).spec, day).start.replace(tzinfo=None) for day in days)
    world.execute(
        "CREATE TABLE again AS SELECT * REPLACE (promised_at + INTERVAL 1 DAY AS promised_at, minutes + 3 AS minutes) "
        "FROM ops.deliveries WHERE promised_at >= $first AND promised_at < $second",
        first=first,
        second=second,
    )
    world.execute("INSERT INTO ops.deliveries SELECT * FROM again")
    assert world.failures(DELIVERIES, *days) == ()
    after = chunk_of_key(world.loaded(DELIVERIES).spec, days[1]).end.replace(tzinfo=None)
    rows = world.execute(
        "SELECT minutes, actual_minutes FROM ops.deliveries JOIN ops.arrivals USING (parcel) "
        "WHERE promised_at >= $first AND promised_at < $after",
        first=first,
        after=after,
    )
    measured = _period(world, DELIVERIES, days)["mean_absolute_error"]
    assert measured.rows == len(rows) == 3 * ROWS_A_DAY
    assert measured.value == pytest.approx(mean_absolute_error(*zip(*rows, strict=True)), rel=1e-12)

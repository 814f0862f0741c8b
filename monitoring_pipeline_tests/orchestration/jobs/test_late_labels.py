"""The late-label sensor as a state machine: it requests one run per arrival of labels."""

import datetime as dt
from collections.abc import Callable
from typing import Any, cast

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster import DagsterRunStatus

from monitoring_pipeline.composition import build_adapters
from monitoring_pipeline.definitions import build_resources
from monitoring_pipeline.orchestration.jobs.late_labels import MOST_TRIES, late_label_requests
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.store.engine import create_store_engine
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, QUIET, SPECS, World

UTC = dt.UTC
NEEDED = ("store", "warehouse", "clock")
LATE = ("2024-03-27", "2024-03-31")


def _evaluate(world: World) -> dg.SensorResult:
    repository = world.definitions.get_repository_def()
    adapters = {name: adapter for name, adapter in build_resources(world.settings).items() if name in NEEDED}
    with dg.build_sensor_context(instance=world.instance, repository_def=repository, resources=adapters) as context:
        return repository.get_sensor_def("late_labels").evaluate_tick(context)


def _run_requests(world: World, requests: list[dg.RunRequest]) -> None:
    for request in requests:
        job = world.definitions.resolve_job_def(str(request.job_name))
        result = job.execute_in_process(instance=world.instance, partition_key=request.partition_key, run_config=QUIET)
        assert result.success


def _hold_back_labels(world: World, days: tuple[str, ...]) -> None:
    """Move the labels of the last 50 predictions of each day to another table."""
    world.execute("CREATE TABLE held_back AS SELECT * FROM Outcomes WHERE false")
    for day in days:
        chunk = world.loaded(LOANS).spec.calendar.chunk(day)
        ids = (
            'SELECT "Application ID" FROM "Loan Scores" WHERE "Scored At" >= $start AND "Scored At" < $end '
            'ORDER BY "Scored At" DESC LIMIT 50'
        )
        window = {"start": chunk.start.replace(tzinfo=None), "end": chunk.end.replace(tzinfo=None)}
        world.execute(f"INSERT INTO held_back SELECT * FROM Outcomes WHERE Ref IN ({ids})", **window)
    world.execute("DELETE FROM Outcomes WHERE Ref IN (SELECT Ref FROM held_back)")


def _release_labels(world: World) -> None:
    world.execute("INSERT INTO Outcomes SELECT * FROM held_back", "DROP TABLE held_back")


def test_late_label_sensor_without_monitored_chunks_skips(world):
    evaluated = _evaluate(world)
    assert evaluated.run_requests == []
    assert evaluated.skip_message == "no labels have changed"


def test_late_label_sensor_without_new_labels_skips(lived_in_world):
    assert _evaluate(lived_in_world).run_requests == []


def test_days_with_new_labels_are_requested_until_they_are_measured(lived_in_world):
    _hold_back_labels(lived_in_world, LATE)
    assert lived_in_world.failures(LOANS, DAYS[0], DAYS[-1]) == ()
    assert _evaluate(lived_in_world).run_requests == []
    before = lived_in_world.tables()
    _release_labels(lived_in_world)

    first, second = _evaluate(lived_in_world).run_requests, _evaluate(lived_in_world).run_requests
    assert [(r.job_name, r.partition_key) for r in first] == [(f"{LOANS}_late_labels", day) for day in LATE]
    assert [r.run_key for r in first] == [r.run_key for r in second]
    assert len({r.run_key for r in first}) == len(LATE)

    _run_requests(lived_in_world, first)
    assert _evaluate(lived_in_world).run_requests == []
    added = [row for row in lived_in_world.tables()["chunk_revisions"] if row not in before["chunk_revisions"]]
    assert {row[:3] for row in added} == {
        *(
            (LOANS, day, producer)
            for day in LATE
            for producer in ("labels", "performance", "windows", "attribution", "verdict")
        ),
        # The windows of later days contain these days.
        *((LOANS, day, producer) for day in DAYS if day > LATE[0] for producer in ("windows", "verdict")),
    }
    labelled = lived_in_world.ask(
        "SELECT chunk, revision, rows FROM measurements WHERE name = 'auroc' AND kind = 'performance' "
        "AND model = :model AND chunk = :day "
        "ORDER BY revision",
        model=LOANS,
        day=LATE[0],
    )
    assert labelled == [(LATE[0], 1, 200), (LATE[0], 2, 150), (LATE[0], 3, 200)]


class _StoreInUse:
    """A store in which a run stores its results after the first read about labels."""

    def __init__(self, store: Any, run: Callable[[], None]) -> None:
        self._store, self._run = store, run

    def __getattr__(self, name: str) -> Any:
        read = getattr(self._store, name)

        def read_and_run(*arguments: object) -> Any:
            answer = read(*arguments)
            if Producer.LABELS in arguments:
                run, self._run = self._run, lambda: None
                run()
            return answer

        return read_and_run


def test_run_that_ends_while_the_sensor_reads_is_not_requested_again(lived_in_world):
    _hold_back_labels(lived_in_world, LATE[:1])
    assert lived_in_world.run(LOANS, LATE[0]).success
    _release_labels(lived_in_world)
    adapters = build_adapters(lived_in_world.settings)
    requests = _evaluate(lived_in_world).run_requests
    with lived_in_world.store() as store:
        in_use = cast("Store", _StoreInUse(store, lambda: _run_requests(lived_in_world, requests)))
        spec, now = lived_in_world.loaded(LOANS).spec, adapters.clock()
        assert [r.partition_key for r in requests] == [LATE[0]]
        assert list(late_label_requests(spec, in_use, adapters.warehouse, now=now)) == []


def test_second_arrival_is_requested_with_another_run_key(lived_in_world):
    _hold_back_labels(lived_in_world, LATE[:1])
    assert lived_in_world.run(LOANS, LATE[0]).success
    one = "(SELECT Ref FROM held_back ORDER BY Ref LIMIT 1)"
    lived_in_world.execute(f"INSERT INTO Outcomes SELECT * FROM held_back WHERE Ref IN {one}",
                           f"DELETE FROM held_back WHERE Ref IN {one}")  # fmt: skip
    first = _evaluate(lived_in_world).run_requests
    _run_requests(lived_in_world, first)
    _release_labels(lived_in_world)
    second = _evaluate(lived_in_world).run_requests
    assert [r.partition_key for r in (*first, *second)] == [LATE[0], LATE[0]]
    assert first[0].run_key != second[0].run_key


def _labels_of(world: World, day: str) -> tuple[float, float]:
    """Return the number of labels and the AUROC on which a day is measured."""
    ((present,), (auroc,)) = world.ask(
        "SELECT value FROM current_measurements WHERE model = :model AND chunk = :day AND (name = 'labels_present' "
        "OR name = 'auroc' AND kind = 'performance') ORDER BY name DESC",
        model=LOANS,
        day=day,
    )
    return present, auroc


def test_state_of_labels_that_returns_is_measured_again(lived_in_world):
    day = LATE[0]
    whole = _labels_of(lived_in_world, day)
    keys = []
    for change in (_hold_back, _release_labels, _hold_back, _release_labels):
        change(lived_in_world)
        (request,) = _evaluate(lived_in_world).run_requests
        _run_requests(lived_in_world, [request])
        keys.append(request.run_key)
        assert _evaluate(lived_in_world).run_requests == []
        assert _labels_of(lived_in_world, day)[0] == (150 if change is _hold_back else 200)
    assert len(set(keys)) == len(keys)
    assert _labels_of(lived_in_world, day) == whole


def _hold_back(world: World) -> None:
    _hold_back_labels(world, LATE[:1])


def test_labels_corrected_in_place_are_measured_again(lived_in_world):
    day = LATE[0]
    present, before = _labels_of(lived_in_world, day)
    window = lived_in_world.loaded(LOANS).spec.calendar.chunk(day)
    lived_in_world.execute(
        "UPDATE Outcomes SET Outcome = CASE Outcome WHEN 'default' THEN 'repaid' ELSE 'default' END WHERE Ref IN "
        '(SELECT "Application ID" FROM "Loan Scores" WHERE "Scored At" >= $start AND "Scored At" < $end)',
        start=window.start.replace(tzinfo=None),
        end=window.end.replace(tzinfo=None),
    )
    _run_requests(lived_in_world, _evaluate(lived_in_world).run_requests)
    assert _labels_of(lived_in_world, day) == (present, pytest.approx(1 - before))
    assert _evaluate(lived_in_world).run_requests == []


def test_home_without_states_compares_numbers_of_rows_and_newest_times(lived_in_world):
    engine = create_store_engine(lived_in_world.settings.store_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE snapshots SET state = NULL"))
    engine.dispose()
    assert _evaluate(lived_in_world).run_requests == []
    _hold_back_labels(lived_in_world, LATE)
    assert [r.partition_key for r in _evaluate(lived_in_world).run_requests] == list(LATE)


_MATURITY = "SELECT maturity FROM measurements WHERE name = 'auroc' AND kind = 'performance' ORDER BY revision"


def test_provisional_chunk_becomes_final_after_the_label_delay(world):
    day = DAYS[3]
    spec = world.loaded(LOANS).spec
    end = spec.calendar.chunk(day).end
    two_days_later = end + dt.timedelta(hours=47)
    assert world.run(LOANS, day, as_of=two_days_later).success
    assert world.ask(_MATURITY) == [("provisional",)]
    with world.store() as store:

        def asked(now: dt.datetime) -> list[str | None]:
            return [r.run_key for r in late_label_requests(spec, store, world.warehouse, now=now)]

        assert asked(two_days_later) == []
        assert asked(end + dt.timedelta(days=2) - dt.timedelta(microseconds=1)) == []
        assert asked(end + dt.timedelta(days=2)) == [f"{LOANS}:{day}:final"]
        assert asked(end + dt.timedelta(days=9)) == [f"{LOANS}:{day}:final"]
    requests = _evaluate(world).run_requests
    _run_requests(world, requests)
    assert world.ask(_MATURITY) == [
        ("provisional",), ("final",),
    ]  # fmt: skip
    assert _evaluate(world).run_requests == []


def test_labels_known_after_the_as_of_time_are_not_counted(world):
    day = DAYS[3]
    spec = world.loaded(LOANS).spec
    end = spec.calendar.chunk(day).end
    assert world.run(LOANS, day, as_of=end).success
    ((labels,),) = world.ask("SELECT rows FROM snapshots WHERE kind = 'labels'")
    assert 0 < labels < 200
    with world.store() as store:
        assert list(late_label_requests(spec, store, world.warehouse, now=end)) == []
        later = list(late_label_requests(spec, store, world.warehouse, now=end + dt.timedelta(hours=12)))
    assert [r.partition_key for r in later] == [day]


def test_days_older_than_the_lookback_are_not_requested(lived_in_world):
    _hold_back_labels(lived_in_world, LATE)
    assert [r.partition_key for r in _evaluate(lived_in_world).run_requests] == list(LATE)
    lived_in_world.change_spec(LOANS, labels=SPECS[LOANS]["labels"] | {"lookback": "5d"})
    assert [r.partition_key for r in _evaluate(lived_in_world).run_requests] == list(LATE[1:])


@pytest.mark.parametrize("statement", ["DROP TABLE ops.arrivals", "DROP TABLE ops.deliveries",
                                       "ALTER TABLE ops.arrivals RENAME parcel TO parcel_id"])  # fmt: skip
def test_broken_tables_of_one_model_do_not_stop_requests_for_another(lived_in_world, statement):
    _hold_back_labels(lived_in_world, LATE)
    lived_in_world.execute(statement)
    assert [r.partition_key for r in _evaluate(lived_in_world).run_requests] == list(LATE)


def test_skip_reason_names_models_with_unreadable_labels(lived_in_world):
    lived_in_world.execute("DROP TABLE ops.arrivals")
    evaluated = _evaluate(lived_in_world)
    assert evaluated.run_requests == []
    assert evaluated.skip_message == f"cannot read the labels of {DELIVERIES}"


def test_day_with_unreadable_labels_is_requested_after_their_correction(lived_in_world):
    lived_in_world.execute("ALTER TABLE Outcomes RENAME Outcome TO gone")
    assert not lived_in_world.run(LOANS, DAYS[5]).success
    lived_in_world.execute("ALTER TABLE Outcomes RENAME gone TO Outcome")
    requests = _evaluate(lived_in_world).run_requests
    assert [r.partition_key for r in requests] == [DAYS[5]]
    _run_requests(lived_in_world, requests)
    assert _evaluate(lived_in_world).run_requests == []


def test_failed_run_for_an_arrival_is_requested_again_up_to_the_limit(lived_in_world):
    def end(request: dg.RunRequest, status: DagsterRunStatus) -> str:
        job = lived_in_world.definitions.resolve_job_def(str(request.job_name))
        return lived_in_world.instance.create_run_for_job(job, tags=dict(request.tags), status=status).run_id

    _hold_back_labels(lived_in_world, LATE[:1])
    keys = []
    for _ in range(MOST_TRIES):
        (request,) = _evaluate(lived_in_world).run_requests
        keys.append(request.run_key)
        run_id = end(request, DagsterRunStatus.FAILURE)
    assert len(set(keys)) == MOST_TRIES
    assert _evaluate(lived_in_world).run_requests == []

    lived_in_world.instance.delete_run(run_id)
    (request,) = _evaluate(lived_in_world).run_requests
    for status in (DagsterRunStatus.STARTED, DagsterRunStatus.CANCELED, DagsterRunStatus.SUCCESS):
        run_id = end(request, status)
        assert _evaluate(lived_in_world).run_requests == []
        lived_in_world.instance.delete_run(run_id)


def test_day_without_predictions_is_not_requested(lived_in_world):
    lived_in_world.execute('ALTER TABLE "Loan Scores" RENAME VERSION TO release')
    assert not lived_in_world.run(LOANS, LATE[0]).success
    _hold_back_labels(lived_in_world, LATE)
    assert [r.partition_key for r in _evaluate(lived_in_world).run_requests] == list(LATE[1:])

"""A model without labels, and one with labels in the table of predictions and no times: from backfill to incidents."""

import dagster as dg
import pytest

from monitoring_pipeline.composition import open_outside
from monitoring_pipeline.definitions import build_resources
from monitoring_pipeline.records.measurement import Kind, Measurement, Status, VerdictStatus
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, QUIET, World

LABELS_FIELDS = {"label": "Is Bad", "positive": "default", "delay": "2d", "lookback": "30d"}
ADD_LABELS = (
    'ALTER TABLE "Loan Scores" ADD COLUMN "Is Bad" VARCHAR',
    'UPDATE "Loan Scores" s SET "Is Bad" = (SELECT Outcome FROM Outcomes o WHERE o.Ref = s."Application ID")',
    "DROP TABLE Outcomes",
)


def _measured(world: World, day: str) -> list[Measurement]:
    with world.store() as store:
        return store.measurements(LOANS, day)


def _late_labels(world: World) -> list[dg.RunRequest]:
    """Return the requests of the sensor of late labels, and make their runs."""
    repository = world.definitions.get_repository_def()
    resources = build_resources(world.settings)
    needed = {name: resources[name] for name in ("store", "warehouse", "clock")}
    with dg.build_sensor_context(instance=world.instance, repository_def=repository, resources=needed) as context:
        requests = list(repository.get_sensor_def("late_labels").evaluate_tick(context).run_requests or [])
    for request in requests:
        job = world.definitions.resolve_job_def(str(request.job_name))
        tags = {"dagster/run_key": str(request.run_key), **request.tags}
        ran = job.execute_in_process(
            instance=world.instance, partition_key=request.partition_key, run_config=QUIET, tags=tags
        )
        assert ran.success
    return requests


def test_model_without_labels_is_judged_by_drift_and_quality(world):
    world.execute("DROP TABLE Outcomes")
    world.change_spec(LOANS, labels=None, performance={})
    assert world.failures(LOANS, DAYS[0], DAYS[-2]) == ()
    assert world.run(LOANS, DAYS[-1]).success

    verdicts = dict(world.ask("SELECT chunk, status FROM current_verdicts WHERE model = :model", model=LOANS))
    assert set(verdicts) == set(DAYS)
    assert VerdictStatus.UNKNOWN not in verdicts.values()
    assert "labels" not in str(world.ask("SELECT reasons FROM current_verdicts"))
    measured = _measured(world, DAYS[0])
    assert {m.kind for m in measured if m.status is not Status.SKIPPED} == {Kind.DRIFT, Kind.QUALITY, Kind.OPERATIONS}
    (estimate,) = (m for m in measured if m.kind is Kind.ESTIMATED_PERFORMANCE)
    assert (estimate.status, estimate.reason) == (Status.SKIPPED, "no labels are declared")
    assert not [m for m in measured if m.kind is Kind.PERFORMANCE or "label" in f"{m.subject} {m.name}"]
    causes = {cause for (cause,) in world.ask("SELECT cause FROM incidents WHERE model = :model", model=LOANS)}
    # Income doubles in the last days.
    assert causes == {"inputs"}

    repository = world.definitions.get_repository_def()
    assert f"{LOANS}_late_labels" not in repository.job_names
    assert not {f"{LOANS}/{name}" for name in ("labels", "performance", "attribution")} & {
        key.to_user_string() for key in repository.assets_defs_by_key
    }
    assert _late_labels(world) == []


def test_labels_in_the_table_of_predictions_give_the_performance_of_a_table_of_their_own(world, monitored):
    before = [m for m in _measured(monitored, DAYS[3]) if m.kind is Kind.PERFORMANCE]
    world.execute(*ADD_LABELS)
    world.change_spec(LOANS, labels=LABELS_FIELDS)
    world.execute('CREATE TABLE late AS SELECT "Application ID" AS id, "Is Bad" AS bad FROM "Loan Scores"')
    day = DAYS[3]
    held_back = (
        'UPDATE "Loan Scores" SET "Is Bad" = NULL WHERE "Scored At" >= $start AND "Scored At" < $end '
        'AND hash("Application ID") % 4 = 0'
    )
    window = world.loaded(LOANS).spec.calendar.chunk(day)
    world.execute(held_back, start=window.start.replace(tzinfo=None), end=window.end.replace(tzinfo=None))
    assert world.failures(LOANS, DAYS[0], DAYS[5]) == ()
    assert world.run(LOANS, DAYS[6]).success

    measured = {m.name: m for m in _measured(world, day)}
    assert measured["labels_present"].value == 200 - (measured["labels_not_yet_known"].value or 0) < 200
    assert "labels_before_prediction" not in measured
    assert not [
        m for m in measured.values() if m.subject == "chunk" and "label" in m.name and m.status is not Status.OK
    ]
    assert [r.partition_key for r in _late_labels(world)] == []

    world.execute('UPDATE "Loan Scores" s SET "Is Bad" = (SELECT bad FROM late WHERE id = s."Application ID")')
    assert [r.partition_key for r in _late_labels(world)] == [day]
    assert _late_labels(world) == []
    after = {(m.name, m.segment): m.value for m in _measured(world, day) if m.kind is Kind.PERFORMANCE}
    assert after[("auroc", "")] == pytest.approx({(m.name, m.segment): m.value for m in before}[("auroc", "")])
    first, second = _known_at(world, day)
    assert first < second

    world.execute('UPDATE "Loan Scores" SET "Is Bad" = NULL WHERE "Scored At" >= $start AND "Scored At" < $end',
                  start=window.start.replace(tzinfo=None), end=window.end.replace(tzinfo=None))  # fmt: skip
    assert [r.partition_key for r in _late_labels(world)] == [day]
    assert {m.name: m.value for m in _measured(world, day)}["labels_present"] == 0


def _known_at(world: World, day: str) -> list[object]:
    """Return the times at which the labels of a day were first seen, in order."""
    with open_outside(world.settings) as outside:
        snapshot = outside.store.snapshot(LOANS, day, "labels")
        assert snapshot is not None
        return outside.snapshots.read(snapshot.uri)["known_at"].unique().sort().to_list()

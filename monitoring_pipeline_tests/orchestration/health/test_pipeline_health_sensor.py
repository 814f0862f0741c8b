"""The sensor of failed runs and overdue chunks as a state machine, and the job that records them."""

import datetime as dt
import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    WILL_RETRY_TAG,
)

from monitoring_pipeline.evaluation.judgement.verdict import judge
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.orchestration.health.failed_runs import keys_of_run
from monitoring_pipeline.orchestration.health.recorded_results import recovered_results
from monitoring_pipeline.orchestration.health.recording_job import build_record_failures_job
from monitoring_pipeline.orchestration.health.recording_request import JOB
from monitoring_pipeline.orchestration.health.sensor import build_pipeline_health_sensor
from monitoring_pipeline.records.measurement import Measurement, Status
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.steps.inputs import made_from
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.spec.cases import binary_spec
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, QUIET, World

SPEC, OTHER = binary_spec(start="2024-01-01"), binary_spec(name="upsell", start="2024-01-01")
NIGHTLY, LATE = "churn_nightly", "churn_late_labels"
DAY, DAY_BEFORE = "2024-03-10", "2024-03-09"
NIGHT = dt.datetime(2024, 3, 11, 5, 10, tzinfo=dt.UTC)
OLD = "2024-02-01"


@dataclass
class Pipeline:
    """A store, an instance, a clock, and fake jobs under the names of the real ones, which fail on request."""

    store: ResultStore
    instance: dg.DagsterInstance
    now: dt.datetime = NIGHT
    cursor: str | None = None
    told: list[tuple[str, list[str]]] = field(default_factory=list)
    asked: set[str | None] = field(default_factory=set)

    def __post_init__(self) -> None:
        def after(spec, chunks, store, now):
            assert store is self.store
            assert now == self.now
            self.told.append((spec.name, [chunk.key for chunk in chunks]))

        specs = [SPEC, OTHER]
        job = build_record_failures_job(specs, after)
        sensor = build_pipeline_health_sensor(specs, job, interval_seconds=30)
        self.resources = {"store": self.store, "clock": lambda: self.now}
        definitions = dg.Definitions(jobs=[job], sensors=[sensor], resources=self.resources)
        self.job, self.sensor = definitions.resolve_job_def(JOB), sensor

    def run(self, job_name: str, *days: str, message: str = "", on_purpose: bool = False) -> str:
        """Run a job on one day or a range; it fails if there is a message."""

        @dg.op(name="drift")
        def step() -> None:
            if on_purpose:
                raise dg.Failure(description=message, allow_retries=False)
            if message:
                raise ValueError(message)

        @dg.job(name=job_name)
        def job() -> None:
            step()

        tags = {"dagster/partition": days[0]} if len(days) == 1 else {}
        if len(days) == 2:
            tags = {ASSET_PARTITION_RANGE_START_TAG: days[0], ASSET_PARTITION_RANGE_END_TAG: days[1]}
        result = job.execute_in_process(instance=self.instance, tags=tags, raise_on_error=False, run_config=QUIET)
        assert result.success == (not message)
        if result.success:
            self.finish(job_name, *days)
        return result.run_id

    def finish(self, job_name: str, *days: str) -> None:
        """Store the results that a successful run ends with: the verdicts, and the recovery."""
        for key in days:
            chunk = SPEC.calendar.chunk(key)
            self.judged(key)
            if results := recovered_results(SPEC, chunk, job_name, store=self.store):
                self.store.replace(results, run_id="test", measured_at=self.now)

    def judged(self, *days: str, model: str = SPEC.name) -> None:
        spec = SPEC if model == SPEC.name else OTHER
        for key in days:
            verdict = ChunkResults(
                producer="verdict", chunk=spec.calendar.chunk(key), provenance=made_from(spec, "x"), verdict=judge(())
            )
            self.store.replace(verdict, run_id="test", measured_at=self.now)

    def tick(self) -> list[dg.RunRequest]:
        """Evaluate the sensor, and keep its cursor as the daemon does."""
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor, resources=self.resources) as context:
            evaluated = self.sensor.evaluate_tick(context)
        self.cursor = evaluated.cursor
        return list(evaluated.run_requests or [])

    def record(self, requests: list[dg.RunRequest]) -> list[dg.ExecuteInProcessResult]:
        """Run the requests with new run keys, as the daemon does."""
        new = [request for request in requests if request.run_key not in self.asked]
        self.asked |= {request.run_key for request in new}
        return [
            self.job.execute_in_process(
                instance=self.instance, run_config=dict(request.run_config) | QUIET, tags=request.tags,
                raise_on_error=False,
            )
            for request in new
        ]  # fmt: skip

    def health(self, key: str, model: str = SPEC.name) -> dict[str, Measurement]:
        return {m.name: m for m in self.store.measurements(model, key, Producer.PIPELINE)}

    def is_breached(self, key: str) -> bool:
        return any(m.status is Status.BREACHED for m in self.health(key).values())


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    with ResultStore.open(f"sqlite:///{tmp_path}/r.db") as store, dg.DagsterInstance.ephemeral() as instance:
        yield Pipeline(store, instance)


def test_health_sensor_without_failures_skips_with_a_reason(pipeline):
    assert pipeline.tick() == []
    pipeline.judged(DAY_BEFORE)
    pipeline.run(NIGHTLY, DAY)
    assert pipeline.tick() == []
    assert pipeline.store.measurements(SPEC.name, DAY) == []
    with dg.build_sensor_context(instance=pipeline.instance, resources=pipeline.resources) as context:
        assert pipeline.sensor.evaluate_tick(context).skip_message == "no run has failed, and no chunk is overdue"


@pytest.mark.parametrize("job_name", [NIGHTLY, LATE])
def test_failed_run_is_recorded_once_and_updates_incidents(pipeline, job_name):
    run_id = pipeline.run(job_name, DAY, message="cannot read 'Anna Schmidt'\nand more")
    first, second = pipeline.tick(), pipeline.tick()
    assert [request.run_key for request in first] == [request.run_key for request in second] == [run_id]
    assert first[0].tags["model"] == SPEC.name
    pipeline.record(first)
    pipeline.record(second)
    (health,) = pipeline.health(DAY).values()
    assert health.status is Status.BREACHED
    assert health.reason == f"run {run_id} failed in step drift: ValueError: cannot read ..."
    assert pipeline.told == [(SPEC.name, [DAY])]


def test_later_success_recovers_a_failure_and_a_second_failure_is_recorded(pipeline):
    pipeline.run(NIGHTLY, DAY, message="no")
    pipeline.record(pipeline.tick())
    pipeline.run(NIGHTLY, DAY)
    assert [(m.status, m.value) for m in pipeline.health(DAY).values()] == [(Status.OK, 0.0)]
    assert pipeline.record(pipeline.tick()) == []
    again = pipeline.run(NIGHTLY, DAY, message="no, again")
    pipeline.record(pipeline.tick())
    assert pipeline.health(DAY)["run"].reason.startswith(f"run {again} failed")


def test_success_of_the_late_label_job_does_not_recover_the_nightly_job(pipeline):
    pipeline.run(NIGHTLY, DAY, message="no")
    pipeline.record(pipeline.tick())
    pipeline.run(LATE, DAY)
    assert pipeline.is_breached(DAY)
    pipeline.run(NIGHTLY, DAY)
    assert not pipeline.is_breached(DAY)


def test_failed_run_that_dagster_will_retry_is_not_recorded(pipeline):
    died = pipeline.run(NIGHTLY, DAY, message="killed")
    pipeline.instance.add_run_tags(died, {WILL_RETRY_TAG: "true"})
    assert pipeline.tick() == []
    pipeline.instance.add_run_tags(died, {WILL_RETRY_TAG: "false"})
    assert [request.run_key for request in pipeline.tick()] == [died]


def test_failure_recovered_before_the_tick_is_not_requested(pipeline):
    pipeline.run(NIGHTLY, DAY, message="no")
    pipeline.run(NIGHTLY, DAY)
    assert pipeline.tick() == []


def test_failure_recovered_before_its_recording_is_not_written(pipeline):
    pipeline.run(NIGHTLY, DAY, message="no")
    requests = pipeline.tick()
    pipeline.run(NIGHTLY, DAY)
    pipeline.record(requests)
    assert pipeline.health(DAY) == {}
    assert pipeline.told == []


def test_failed_range_is_recorded_within_the_horizon_and_recovers_chunk_by_chunk(pipeline):
    run_id = pipeline.run(NIGHTLY, OLD, DAY, message="no")
    (request,) = pipeline.tick()
    young = ["2024-03-08", DAY_BEFORE, DAY]
    assert request.run_config["ops"]["record"]["config"]["chunks"] == young
    pipeline.record([request])
    assert pipeline.told == [(SPEC.name, young)]
    assert pipeline.health("2024-03-07") == {}
    pipeline.run(NIGHTLY, DAY)
    assert [pipeline.is_breached(key) for key in young] == [True, True, False]
    assert run_id in pipeline.health(DAY_BEFORE)["run"].reason


def test_chunk_of_a_failed_range_that_ran_again_is_left_out(pipeline):
    pipeline.run(NIGHTLY, DAY_BEFORE, DAY, message="no")
    pipeline.run(NIGHTLY, DAY)
    (request,) = pipeline.tick()
    assert request.run_config["ops"]["record"]["config"]["chunks"] == [DAY_BEFORE]


def test_failed_backfill_of_old_chunks_is_not_recorded(pipeline):
    pipeline.run(NIGHTLY, "2024-01-01", OLD, message="no")
    pipeline.run(LATE, OLD, message="no")
    assert pipeline.tick() == []


def test_failures_of_other_jobs_and_of_runs_without_chunks_are_ignored(pipeline):
    pipeline.run("nightly_of_somebody_else", DAY, message="no")
    pipeline.run(NIGHTLY, message="no")
    assert pipeline.tick() == []


def test_failure_about_refused_rows_is_not_recorded(pipeline):
    refused = Measurement(
        kind="quality", subject="chunk", name="readable", model_version="", value=0.0, status=Status.BREACHED,
        severity="critical", reason="no such table",
    )  # fmt: skip
    results = ChunkResults(
        producer="predictions",
        chunk=SPEC.calendar.chunk(DAY),
        provenance=made_from(SPEC, "x"),
        measurements=(refused,),
    )
    pipeline.store.replace(results, run_id="test", measured_at=NIGHT)
    pipeline.run(NIGHTLY, DAY, message="no such table", on_purpose=True)
    assert pipeline.tick() == []
    crashed = pipeline.run(NIGHTLY, DAY, message="a crash")
    assert [request.run_key for request in pipeline.tick()] == [crashed]


def test_message_of_a_deliberate_failure_is_recorded_unchanged(pipeline):
    pipeline.run(NIGHTLY, DAY, message="tag 'as_of' has no zone", on_purpose=True)
    pipeline.record(pipeline.tick())
    assert pipeline.health(DAY)["run"].reason.endswith("in step drift: tag 'as_of' has no zone")


def test_run_that_died_outside_of_its_steps_is_recorded(pipeline):
    @dg.job(name=NIGHTLY)
    def job() -> None: ...

    run = pipeline.instance.create_run_for_job(job, tags={"dagster/partition": DAY})
    pipeline.instance.report_run_failed(
        pipeline.instance.get_run_by_id(run.run_id), "Run worker was killed (pid 123456)"
    )
    pipeline.record(pipeline.tick())
    assert pipeline.health(DAY)["run"].reason == f"run {run.run_id} failed: Run worker was killed (pid ...)"


def test_failed_recording_is_requested_again_within_the_horizon(pipeline):
    pipeline.run(NIGHTLY, DAY, message="no")
    requests = pipeline.tick()
    pipeline.job = dg.Definitions(
        jobs=[build_record_failures_job([SPEC], _fails)], resources=pipeline.resources
    ).resolve_job_def(JOB)
    (failed,) = pipeline.record(requests)
    assert not failed.success
    again = [request for request in pipeline.tick() if request.run_key not in pipeline.asked]
    assert [request.run_key for request in again] == [failed.run_id]
    assert again[0].run_config == requests[0].run_config

    pipeline.__post_init__()
    pipeline.record(again)
    assert pipeline.told == [(SPEC.name, [DAY])]
    pipeline.now = NIGHT + dt.timedelta(days=5)
    assert pipeline.tick() == []


def test_recording_is_requested_at_most_three_times(pipeline):
    pipeline.run(NIGHTLY, DAY, message="no")
    pipeline.job = dg.Definitions(
        jobs=[build_record_failures_job([SPEC], _fails)], resources=pipeline.resources
    ).resolve_job_def(JOB)
    recorded = [pipeline.record(pipeline.tick()) for _ in range(6)]
    assert [len(runs) for runs in recorded] == [1, 1, 1, 0, 0, 0]


def test_recording_for_a_model_without_a_spec_updates_the_spec_incidents(pipeline):
    pipeline.run(NIGHTLY, DAY, message="no")
    looked_at = []
    job = build_record_failures_job([OTHER], _fails, lambda _, now: looked_at.append(now))
    pipeline.job = dg.Definitions(jobs=[job], resources=pipeline.resources).resolve_job_def(JOB)
    (recorded,) = pipeline.record(pipeline.tick())
    assert recorded.success
    assert looked_at == [NIGHT]
    assert pipeline.record(pipeline.tick()) == []


def _fails(*_: object) -> None:
    raise dg.Failure(description="the store is away", allow_retries=False)


def test_chunk_without_a_verdict_in_time_is_overdue_until_it_is_judged(pipeline):
    pipeline.judged(DAY_BEFORE)
    pipeline.now = dt.datetime(2024, 3, 11, 7, 59, tzinfo=dt.UTC)
    assert pipeline.tick() == []
    pipeline.now += dt.timedelta(minutes=1)
    first, second = pipeline.tick(), pipeline.tick()
    assert [r.run_key for r in first] == [r.run_key for r in second] == [f"overdue:churn:{DAY}"]
    pipeline.record(first)
    assert pipeline.health(DAY)["overdue"].status is Status.BREACHED
    assert pipeline.told == [(SPEC.name, [DAY])]
    assert pipeline.tick() == []
    pipeline.run(NIGHTLY, DAY)
    assert pipeline.health(DAY)["overdue"].status is Status.OK
    assert pipeline.tick() == []


def test_overdue_chunk_judged_before_the_recording_is_not_recorded(pipeline):
    pipeline.judged(DAY_BEFORE)
    pipeline.now = dt.datetime(2024, 3, 11, 9, tzinfo=dt.UTC)
    requests = pipeline.tick()
    pipeline.judged(DAY)
    pipeline.record(requests)
    assert pipeline.health(DAY) == {}


def test_chunk_with_a_recorded_failure_is_not_overdue(pipeline):
    pipeline.judged(DAY_BEFORE)
    pipeline.run(NIGHTLY, DAY, message="no")
    pipeline.record(pipeline.tick())
    pipeline.now = dt.datetime(2024, 3, 11, 9, tzinfo=dt.UTC)
    assert [r.run_key for r in pipeline.tick() if r.run_key not in pipeline.asked] == []


def test_overdue_chunks_are_requested_per_model_within_the_horizon(pipeline):
    pipeline.judged(OLD)
    pipeline.judged(DAY, model=OTHER.name)
    pipeline.now = dt.datetime(2024, 3, 12, 9, tzinfo=dt.UTC)
    keys = {request.run_key for request in pipeline.tick()}
    young = (DAY_BEFORE, DAY, "2024-03-11")
    assert keys == {*(f"overdue:churn:{day}" for day in young), "overdue:upsell:2024-03-11"}


def test_model_without_verdicts_is_not_overdue(pipeline):
    pipeline.now = dt.datetime(2024, 6, 1, tzinfo=dt.UTC)
    assert pipeline.tick() == []


@pytest.mark.parametrize("seed", range(4))
def test_health_after_random_events_is_the_state_of_the_newest_run(pipeline, seed):
    """Runs fail or succeed, the sensor ticks, and recordings run late, in random order; the final state is compared."""
    draw = random.Random(seed)
    pipeline.judged("2024-03-08")
    newest: dict[str, bool] = {}
    waiting: list[dg.RunRequest] = []
    for _ in range(14):
        event = draw.choice(("fails", "succeeds", "tick", "record"))
        key = draw.choice((DAY_BEFORE, DAY))
        if event in {"fails", "succeeds"}:
            pipeline.run(NIGHTLY, key, message="no" if event == "fails" else "")
            newest[key] = event == "fails"
        elif event == "tick":
            waiting += pipeline.tick()
        else:
            pipeline.record(waiting)
            waiting = []
    pipeline.record([*waiting, *pipeline.tick()])
    assert {key: pipeline.is_breached(key) for key in newest} == newest
    assert [r for r in pipeline.tick() if r.run_key not in pipeline.asked] == []


def test_keys_of_a_range_run_come_from_its_tags(pipeline):
    run_id = pipeline.run(NIGHTLY, "2024-02-28", "2024-03-01", message="no")
    run = pipeline.instance.get_run_by_id(run_id)
    assert keys_of_run(SPEC, run) == ["2024-02-28", "2024-02-29", "2024-03-01"]


def test_crashed_night_is_recorded_and_the_next_run_recovers_it(lived_in_world: World):
    spec, day = lived_in_world.loaded(LOANS).spec, DAYS[-1]
    with lived_in_world.store() as store:
        document = store.reference_document(LOANS, "2024.1")
    _set_document(lived_in_world, "{}")
    assert not lived_in_world.run(LOANS, day).success
    with lived_in_world.store() as store:
        resources = {"store": store, "clock": lambda: spec.calendar.chunk(day).end + dt.timedelta(hours=6)}
        job = build_record_failures_job([spec], lambda *_: None)
        sensor = build_pipeline_health_sensor([spec], job, interval_seconds=30)
        with dg.build_sensor_context(instance=lived_in_world.instance, resources=resources) as context:
            (request,) = sensor.evaluate_tick(context).run_requests
        resolved = dg.Definitions(jobs=[job], resources=resources).resolve_job_def(JOB)
        assert resolved.execute_in_process(
            instance=lived_in_world.instance, run_config=dict(request.run_config) | QUIET
        ).success
        (health,) = store.measurements(LOANS, day, Producer.PIPELINE)
        assert health.status is Status.BREACHED
        assert f"failed in step {LOANS}__" in health.reason
    _set_document(lived_in_world, document)
    assert lived_in_world.run(LOANS, day).success
    with lived_in_world.store() as store:
        assert [m.status for m in store.measurements(LOANS, day, Producer.PIPELINE)] == [Status.OK]


def _set_document(world: World, document: str) -> None:
    with closing(sqlite3.connect(world.folder / "results.db")) as connection, connection:
        connection.execute("UPDATE model_references SET document = ? WHERE model = ?", (document, LOANS))

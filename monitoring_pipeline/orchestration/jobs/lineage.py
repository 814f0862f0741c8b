"""Lineage: a sensor finds what became known since it was last sent, and requests a run of the job that sends it.

No night depends on it. While the endpoint is away, runs of this job fail, and the same span of time is sent again after
a pause.
"""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Protocol

import dagster as dg
from dagster import DagsterInstance, DagsterRunStatus, RunRecord, RunsFilter

from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.orchestration.runs.requests import ASKED_AGAIN, UNFINISHED
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.lineage import anything_new

JOB, SENSOR, AFTER, UNTIL = "send_lineage", "lineage", "after", "until"
SETTLED = dt.timedelta(minutes=2)
"""Results younger than this wait, because a transaction that began earlier may end later."""
LONGEST_PAUSE = dt.timedelta(hours=1)


class SendLineage(Protocol):
    """Sends the lineage of a span of time; returns the number of events, and raises an error with a sentence."""

    def __call__(self, store: Store, after: dt.datetime, until: dt.datetime) -> int:
        """Send it."""
        ...


def build_lineage(specs: Sequence[ModelSpec], *, interval_seconds: int, names: Names = PLAIN) -> dg.Definitions:
    """Return the job that sends lineage, and the sensor that requests its runs."""
    job = _job(names)
    return dg.Definitions(jobs=[job], sensors=[_sensor(specs, job, interval_seconds, names)])


def _job(names: Names) -> dg.JobDefinition:
    @dg.op(name=names.of("send_events"), description="Sends the events of OpenLineage of a span of time.")
    @hidden_in_errors()
    @names.given
    def send(
        context: dg.OpExecutionContext, store: dg.ResourceParam[Store], lineage: dg.ResourceParam[SendLineage]
    ) -> None:
        after, until = (dt.datetime.fromisoformat(context.run.tags[name]) for name in (AFTER, UNTIL))
        context.add_output_metadata({"events": lineage(store, after, until)})

    @dg.job(
        name=names.of(JOB),
        executor_def=dg.in_process_executor,
        description="Sends lineage to the endpoint of OpenLineage.",
    )
    def send_lineage() -> None:
        send()

    return send_lineage


def _sensor(
    specs: Sequence[ModelSpec], job: dg.JobDefinition, interval_seconds: int, names: Names
) -> dg.SensorDefinition:
    @dg.sensor(
        name=names.of(SENSOR),
        job_name=job.name,
        minimum_interval_seconds=interval_seconds,
        description="Requests that judged chunks and new roles of versions are sent to OpenLineage.",
    )
    @hidden_in_errors()
    @names.given
    def lineage(
        context: dg.SensorEvaluationContext, store: dg.ResourceParam[Store], clock: dg.ResourceParam[Clock]
    ) -> dg.SensorResult:
        now = clock()
        after, asked = _position(context.cursor, now)
        if asked is not None:
            tries = _tries(context.instance, asked, job.name)
            waits = _why_to_wait(tries, now)
            if waits:
                return _skipped(waits, after, asked)
            if tries and tries[0].dagster_run.status is not DagsterRunStatus.SUCCESS:
                return _requested(after, asked, len(tries))
            after = asked if tries else after
        until = now - SETTLED
        if until <= after or not anything_new(specs, store, after, until):
            return _skipped("nothing has been judged since", after, None)
        return _requested(after, until, 0)

    return lineage


def _position(cursor: str | None, now: dt.datetime) -> tuple[dt.datetime, dt.datetime | None]:
    """Return the end of what was sent, and of what a run was asked to send; at first nothing of the past is sent."""
    if cursor is None:
        return now - SETTLED, None
    position = json.loads(cursor)
    asked = position[UNTIL]
    return dt.datetime.fromisoformat(position[AFTER]), None if asked is None else dt.datetime.fromisoformat(asked)


def _tries(instance: DagsterInstance, until: dt.datetime, job: str) -> Sequence[RunRecord]:
    """Return the runs that were to send up to a moment, the newest first."""
    return instance.get_run_records(RunsFilter(job_name=job, tags={UNTIL: until.isoformat()}))


def _why_to_wait(tries: Sequence[RunRecord], now: dt.datetime) -> str | None:
    """Return why nothing is requested now: a run is under way, or the endpoint was away a moment ago."""
    if not tries or tries[0].dagster_run.status is DagsterRunStatus.SUCCESS:
        return None
    if tries[0].dagster_run.status in UNFINISHED:
        return "a run that sends lineage is under way"
    pause = min(LONGEST_PAUSE, dt.timedelta(minutes=2 ** min(len(tries), 10)))
    due = tries[0].update_timestamp.astimezone(dt.UTC) + pause
    return f"the endpoint did not accept lineage; it is sent again at {due:%H:%M} UTC" if now < due else None


def _requested(after: dt.datetime, until: dt.datetime, tries: int) -> dg.SensorResult:
    tags = {AFTER: after.isoformat(), UNTIL: until.isoformat(), **ASKED_AGAIN}
    request = dg.RunRequest(run_key=f"{until.isoformat()}/{tries}", tags=tags)
    return dg.SensorResult(run_requests=[request], cursor=_cursor(after, until))


def _skipped(why: str, after: dt.datetime, asked: dt.datetime | None) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=dg.SkipReason(why), cursor=_cursor(after, asked))


def _cursor(after: dt.datetime, asked: dt.datetime | None) -> str:
    return json.dumps({AFTER: after.isoformat(), UNTIL: None if asked is None else asked.isoformat()})

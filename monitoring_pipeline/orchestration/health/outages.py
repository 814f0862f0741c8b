"""The sensor that starts runs again whose source was away. It reads only; the runs have the effects."""

import datetime as dt
from collections.abc import Iterator, Sequence

import dagster as dg
from dagster import DagsterInstance, DagsterRunStatus, RunRecord, RunsFilter

from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors
from monitoring_pipeline.orchestration.health.failed_runs import is_superseded
from monitoring_pipeline.orchestration.runs.dagster_private import UnresolvedAssetJobDefinition
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.orchestration.runs.outages import SENSOR, Outage, outage_of
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.spec.model import ModelSpec

LOOKBACK = dt.timedelta(days=2)


def build_outages_sensor(
    specs: Sequence[ModelSpec],
    jobs: Sequence[UnresolvedAssetJobDefinition],
    *,
    interval_seconds: int,
    names: Names = PLAIN,
) -> dg.SensorDefinition:
    """Return the sensor that requests one more run for each run that failed because its source was away."""

    @dg.sensor(
        name=names.of(SENSOR),
        jobs=jobs,
        minimum_interval_seconds=interval_seconds,
        description="Starts scheduled runs again whose warehouse was away, with growing pauses. "
        "An outage is reported only if it lasts longer than the spec allows (incidents.outage).",
    )
    @hidden_in_errors()
    @names.given
    def outages(context: dg.SensorEvaluationContext, clock: dg.ResourceParam[Clock]) -> dg.SensorResult:
        now = clock()
        waiting = list(waiting_outages(specs, context.instance, now, names))
        requests = [_again(outage, names) for outage in waiting if outage.next_try <= now]
        if requests:
            return dg.SensorResult(run_requests=requests)
        following = min((outage.next_try for outage in waiting), default=None)
        reason = "no source is away" if following is None else f"the next run is at {following:%Y-%m-%d %H:%M} UTC"
        return dg.SensorResult(skip_reason=dg.SkipReason(reason))

    return outages


def waiting_outages(
    specs: Sequence[ModelSpec], instance: DagsterInstance, now: dt.datetime, names: Names = PLAIN
) -> Iterator[Outage]:
    """Yield the failed runs of whose chunks no later run exists."""
    spec_of = {job: spec for spec in specs for job in (names.nightly_job(spec), names.late_labels_job(spec))}
    for record in _failed(instance, now):
        run = record.dagster_run
        outage = outage_of(spec_of[run.job_name], run) if run.job_name in spec_of else None
        if outage is not None and not is_superseded(instance, run.run_id, outage.chunk):
            yield outage


def _failed(instance: DagsterInstance, now: dt.datetime) -> list[RunRecord]:
    wanted = RunsFilter(statuses=[DagsterRunStatus.FAILURE], updated_after=(now - LOOKBACK).astimezone(dt.UTC))
    return sorted(instance.get_run_records(wanted), key=lambda record: record.storage_id)


def _again(outage: Outage, names: Names) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=names.tag(f"outage:{outage.run.run_id}"),
        job_name=outage.run.job_name,
        partition_key=outage.chunk,
        tags={"monitoring_pipeline/trigger": SENSOR} | outage.tags,
    )

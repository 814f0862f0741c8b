"""The sensor that finds failures of the pipeline and requests runs that record them.

A sensor may not have side effects, so it only requests runs of the recording job. Dagster's run status sensor is not
used, because it fires at most once for a run. This sensor finds a failure at every tick until it is recorded; the run
key makes all requests for it one run.
"""

import datetime as dt
from collections.abc import Sequence

import dagster as dg
from dagster import DagsterInstance, DagsterRunStatus, RunRecord, RunsFilter

from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors
from monitoring_pipeline.orchestration.health.failed_runs import (
    OVERLAP,
    failed_run_requests,
    is_waited_for,
    keys_of_run,
)
from monitoring_pipeline.orchestration.health.overdue_chunks import overdue_requests
from monitoring_pipeline.orchestration.health.recording_request import (
    SENSOR,
)
from monitoring_pipeline.orchestration.health.spec_files import BadSpecs, spec_requests
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.spec.model import ModelSpec

LOOKBACK = dt.timedelta(hours=26)
"""At least as long as an outage may be waited for."""


def build_pipeline_health_sensor(
    specs: Sequence[ModelSpec],
    job: dg.JobDefinition,
    *,
    interval_seconds: int,
    bad_specs: BadSpecs = tuple,
    names: Names = PLAIN,
) -> dg.SensorDefinition:
    """Return the sensor that requests recordings of failed runs, overdue chunks and unusable specs."""

    @dg.sensor(
        name=names.of(SENSOR),
        # The name, because Dagster would copy a sensor that holds the job, and warn about Dagster's beta parameters.
        job_name=job.name,
        minimum_interval_seconds=interval_seconds,
        description="Finds failed runs of the nightly and late-label jobs, chunks without a verdict in time, "
        "and specs that cannot be used.",
    )
    @hidden_in_errors()
    @names.given
    def pipeline_health(
        context: dg.SensorEvaluationContext,
        store: dg.ResourceParam[Store],
        clock: dg.ResourceParam[Clock],
    ) -> dg.SensorResult:
        now = clock()
        since = _since(context.cursor, now)
        records = _failed_records(context.instance, since)
        bad = bad_specs()
        # No result can be written for a model whose spec is broken; its overdue chunks are found once it is corrected.
        usable = [spec for spec in specs if spec.name not in {entry.model for entry in bad}]
        waiting = _waited_for(usable, records, now, names)
        requests = [
            *failed_run_requests(usable, records, instance=context.instance, store=store, now=now, names=names),
            *overdue_requests(usable, store=store, now=now, waited_for=set(waiting.values()), names=names),
            *spec_requests(bad, instance=context.instance, store=store, now=now, names=names),
        ]
        # An outage is read again until it has ended or is reported.
        newest = min(waiting, default=max([since, *(record.update_timestamp for record in records)]))
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else dg.SkipReason("no run has failed, and no chunk is overdue"),
            cursor=newest.astimezone(dt.UTC).isoformat(),
        )

    return pipeline_health


def _since(cursor: str | None, now: dt.datetime) -> dt.datetime:
    oldest = now - LOOKBACK
    return max(oldest, dt.datetime.fromisoformat(cursor) - OVERLAP) if cursor else oldest


def _waited_for(
    specs: Sequence[ModelSpec], records: Sequence[RunRecord], now: dt.datetime, names: Names
) -> dict[dt.datetime, tuple[str, str]]:
    """Return model and chunk of the failed runs whose sources are waited for, by the time of failure."""
    spec_of = {job: spec for spec in specs for job in (names.nightly_job(spec), names.late_labels_job(spec))}
    return {
        record.update_timestamp: (spec.name, key)
        for record in records
        if (spec := spec_of.get(record.dagster_run.job_name)) and is_waited_for(spec, record.dagster_run, now)
        for key in keys_of_run(spec, record.dagster_run)
    }


def _failed_records(instance: DagsterInstance, since: dt.datetime) -> list[RunRecord]:
    wanted = RunsFilter(statuses=[DagsterRunStatus.FAILURE], updated_after=since.astimezone(dt.UTC))
    return sorted(instance.get_run_records(wanted), key=lambda record: record.storage_id)

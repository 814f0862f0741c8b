"""The nightly job, the late-label job and the schedule of one model."""

from collections.abc import Sequence

import dagster as dg

from monitoring_pipeline.orchestration.runs.dagster_private import UnresolvedAssetJobDefinition
from monitoring_pipeline.orchestration.runs.job_names import late_labels_job_name, nightly_job_name
from monitoring_pipeline.spec.model import ModelSpec


def build_nightly_job(spec: ModelSpec, keys: Sequence[dg.AssetKey]) -> UnresolvedAssetJobDefinition:
    """Return the job that measures one chunk.

    Args:
        spec: the model.
        keys: the keys of all its assets. The job does not select by group, because users may regroup assets.
    """
    return dg.define_asset_job(
        nightly_job_name(spec),
        selection=dg.AssetSelection.assets(*keys),
        executor_def=dg.in_process_executor,
        tags={"model": spec.name},
        description=f"One chunk of {spec.name}, from the warehouse to the verdict.",
    )


def build_late_labels_job(spec: ModelSpec, keys: Sequence[dg.AssetKey]) -> UnresolvedAssetJobDefinition:
    """Return the job that the late-label sensor requests.

    Args:
        spec: the model.
        keys: the keys of the assets that labels which arrive late can change.
    """
    return dg.define_asset_job(
        late_labels_job_name(spec),
        selection=dg.AssetSelection.assets(*keys),
        executor_def=dg.in_process_executor,
        tags={"model": spec.name},
        description=f"Measures a past chunk of {spec.name} again with the labels that have arrived since.",
    )


def build_schedule(spec: ModelSpec, job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Return the schedule that runs yesterday's chunk at the spec's local time."""
    hour, minute = map(int, spec.schedule.split(":"))

    @dg.schedule(
        job=job,
        name=f"{spec.name}_schedule",
        cron_schedule=f"{minute} {hour} * * *",
        execution_timezone=spec.timezone,
        description=f"Every night at {spec.schedule} in {spec.timezone}: yesterday's chunk of {spec.name}.",
    )
    def yesterday(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        calendar = spec.calendar
        chunk = calendar.last_complete(context.scheduled_execution_time)
        if not calendar.is_monitored(chunk):
            name = calendar.label(chunk)
            return dg.SkipReason(f"{spec.name} is not monitored on {name}: from {spec.start} to before {spec.end}")
        return dg.RunRequest(run_key=chunk.key, partition_key=chunk.key)

    return yesterday

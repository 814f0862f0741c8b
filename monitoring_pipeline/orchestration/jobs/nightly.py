"""The nightly job, the late-label job and the schedule of one model."""

import datetime as dt
from collections.abc import Sequence

import dagster as dg

from monitoring_pipeline.orchestration.runs.dagster_private import UnresolvedAssetJobDefinition
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.orchestration.runs.times import CRON_DAYS
from monitoring_pipeline.spec.model import ModelSpec

_TICK = dt.timedelta(hours=1)
_WORDS = {
    "day": ("Every night", "yesterday's"),
    "week": ("Every Monday", "last week's"),
    "month": ("On the first day of every month", "last month's"),
}
"""Words for the description, by the word for a chunk."""


def build_nightly_job(
    spec: ModelSpec, keys: Sequence[dg.AssetKey], names: Names = PLAIN
) -> UnresolvedAssetJobDefinition:
    """Return the job that measures one chunk.

    Args:
        spec: the model.
        keys: the keys of all its assets. The job does not select by group, because users may regroup assets.
        names: the names of definitions.
    """
    return dg.define_asset_job(
        names.nightly_job(spec),
        selection=dg.AssetSelection.assets(*keys),
        executor_def=dg.in_process_executor,
        tags={"model": names.of(spec.name)},
        description=f"One chunk of {spec.name}, from the warehouse to the verdict.",
    )


def build_late_labels_job(
    spec: ModelSpec, keys: Sequence[dg.AssetKey], names: Names = PLAIN
) -> UnresolvedAssetJobDefinition:
    """Return the job that the late-label sensor requests.

    Args:
        spec: the model.
        keys: the keys of the assets that labels which arrive late can change.
        names: the names of definitions.
    """
    return dg.define_asset_job(
        names.late_labels_job(spec),
        selection=dg.AssetSelection.assets(*keys),
        executor_def=dg.in_process_executor,
        tags={"model": names.of(spec.name)},
        description=f"Measures a past chunk of {spec.name} again with the labels that have arrived since.",
    )


def build_schedule(spec: ModelSpec, job: UnresolvedAssetJobDefinition, names: Names = PLAIN) -> dg.ScheduleDefinition:
    """Return the schedule that runs the chunk that ended last: at the spec's local time, or soon after it if hours."""
    build = _after_the_end if spec.calendar.has_hours else _at_the_local_time
    return build(spec, job, names.schedule(spec))


def _at_the_local_time(spec: ModelSpec, job: UnresolvedAssetJobDefinition, name: str) -> dg.ScheduleDefinition:
    hour, minute = map(int, spec.schedule.split(":"))
    words, which = _WORDS[spec.calendar.noun]

    @dg.schedule(
        job=job,
        name=name,
        cron_schedule=f"{minute} {hour} {CRON_DAYS[spec.calendar.noun]}",
        execution_timezone=spec.timezone,
        description=f"{words} at {spec.schedule} in {spec.timezone}: {which} chunk of {spec.name}.",
    )
    def yesterday(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        calendar = spec.calendar
        chunk = calendar.last_complete(context.scheduled_execution_time)
        if not calendar.is_monitored(chunk):
            label = calendar.label(chunk)
            return dg.SkipReason(f"{spec.name} is not monitored on {label}: from {spec.start} to before {spec.end}")
        return dg.RunRequest(run_key=chunk.key, partition_key=chunk.key)

    return yesterday


def _after_the_end(spec: ModelSpec, job: UnresolvedAssetJobDefinition, name: str) -> dg.ScheduleDefinition:
    """Return a schedule with a tick per hour, which requests the chunks that have become due since the tick before."""
    calendar = spec.calendar
    minute = calendar.due_at(calendar.first).minute

    @dg.schedule(
        job=job,
        name=name,
        cron_schedule=f"{minute} * * * *",
        # In local time a tick would be missing, or come twice, when the clocks change.
        execution_timezone="UTC",
        description=f"{calendar.delay} after the end of each chunk of {spec.name}.",
    )
    def due(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        tick = context.scheduled_execution_time
        chunks = [chunk for chunk in calendar.due_between(tick - _TICK, tick) if calendar.is_monitored(chunk)]
        if not chunks:
            return dg.SkipReason(f"no chunk of {spec.name} has become due")
        return [dg.RunRequest(run_key=chunk.key, partition_key=chunk.key) for chunk in chunks]

    return due

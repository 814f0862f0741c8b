"""The jobs and the schedule of one model."""

import dagster as dg
from dagster._core.definitions.partitions.partitioned_schedule import UnresolvedPartitionedAssetScheduleDefinition
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from monitoring_pipeline.spec.model import ModelSpec


def nightly_job_name(spec: ModelSpec) -> str:
    """Name of the job that monitors one chunk from the warehouse to the verdict."""
    return f"{spec.name}_nightly"


def late_labels_job_name(spec: ModelSpec) -> str:
    """Name of the job that measures a chunk again when labels have arrived."""
    return f"{spec.name}_late_labels"


def build_nightly_job(spec: ModelSpec) -> UnresolvedAssetJobDefinition:
    """Return the job of one night; the reference is looked at first, and built only when it has to be."""
    return dg.define_asset_job(
        nightly_job_name(spec),
        selection=dg.AssetSelection.groups(spec.name),
        executor_def=dg.in_process_executor,
        tags={"model": spec.name},
        description=f"One chunk of {spec.name}, from the warehouse to the verdict.",
    )


def build_late_labels_job(spec: ModelSpec) -> UnresolvedAssetJobDefinition:
    """Return the job that the late-label sensor asks for."""
    keys = [dg.AssetKey([spec.name, name]) for name in ("labels", "performance", "verdict")]
    return dg.define_asset_job(
        late_labels_job_name(spec),
        selection=dg.AssetSelection.assets(*keys),
        executor_def=dg.in_process_executor,
        tags={"model": spec.name},
        description=f"Measures a past chunk of {spec.name} again with the labels that have arrived since.",
    )


def build_schedule(spec: ModelSpec, job: UnresolvedAssetJobDefinition) -> UnresolvedPartitionedAssetScheduleDefinition | dg.ScheduleDefinition:
    """Return the schedule that runs yesterday's chunk at the spec's local time."""
    hour, minute = map(int, spec.schedule.split(":"))
    return dg.build_schedule_from_partitioned_job(
        job,
        name=f"{spec.name}_schedule",
        hour_of_day=hour,
        minute_of_hour=minute,
        description=f"Every night at {spec.schedule} in {spec.timezone}: yesterday's chunk of {spec.name}.",
    )

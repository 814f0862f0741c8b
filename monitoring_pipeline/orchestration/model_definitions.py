"""From model specs to Dagster definitions."""

from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from monitoring_pipeline.evaluation.drift import check_drift_rules
from monitoring_pipeline.evaluation.performance_metrics import check_performance_rules
from monitoring_pipeline.orchestration.assets import build_assets
from monitoring_pipeline.orchestration.jobs import (
    build_late_labels_job,
    build_nightly_job,
    build_schedule,
    late_labels_job_name,
)
from monitoring_pipeline.orchestration.sensors import build_late_labels_sensor
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec


def check_rules(spec: ModelSpec) -> None:
    """Refuse a spec that names statistics, metrics or columns that do not exist.

    Raises:
        UnknownDriftStatisticError: for the drift rules.
        UnknownMetricError: for the performance thresholds.
    """
    check_drift_rules(spec)
    check_performance_rules(spec)


def build_model_definitions(loaded: LoadedSpec) -> dg.Definitions:
    """Return the assets, checks, jobs and schedule of one model."""
    spec = loaded.spec
    check_rules(spec)
    nightly = build_nightly_job(spec)
    return dg.Definitions(
        assets=build_assets(loaded),
        jobs=[nightly, build_late_labels_job(spec)],
        schedules=[build_schedule(spec, nightly)],
    )


def build_sensor_definitions(
    specs: Sequence[LoadedSpec], models: Sequence[dg.Definitions], *, late_labels_seconds: int
) -> dg.Definitions:
    """Return the sensors, each one for all models.

    Args:
        specs: the models.
        models: the models' own definitions, with their jobs.
        late_labels_seconds: shortest time between two looks for late labels.
    """
    own = [loaded.spec for loaded in specs]
    wanted = {late_labels_job_name(spec) for spec in own}
    jobs = [
        job
        for definitions in models
        for job in definitions.jobs or ()
        if isinstance(job, UnresolvedAssetJobDefinition) and job.name in wanted
    ]
    return dg.Definitions(
        sensors=[build_late_labels_sensor(own, jobs, interval_seconds=late_labels_seconds)] if own else []
    )

"""Makes Dagster definitions from model specs."""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial

import dagster as dg

from monitoring_pipeline.orchestration.assets.building import asset_keys, build_assets, late_label_asset_keys
from monitoring_pipeline.orchestration.assets.report import (
    build_overview_asset,
    build_report_asset,
    build_reports_sensor,
)
from monitoring_pipeline.orchestration.health.outages import build_outages_sensor
from monitoring_pipeline.orchestration.health.recording_job import build_record_failures_job
from monitoring_pipeline.orchestration.health.sensor import build_pipeline_health_sensor
from monitoring_pipeline.orchestration.health.spec_files import BadSpecs, update_spec_incidents
from monitoring_pipeline.orchestration.jobs.alert_delivery import build_alerts_sensor, build_delivery_job
from monitoring_pipeline.orchestration.jobs.late_labels import build_late_labels_sensor
from monitoring_pipeline.orchestration.jobs.new_rows import build_new_rows_sensor
from monitoring_pipeline.orchestration.jobs.nightly import build_late_labels_job, build_nightly_job, build_schedule
from monitoring_pipeline.orchestration.jobs.retraining import build_gate_job, build_retrain_job, build_rollout_job
from monitoring_pipeline.orchestration.jobs.retraining_sensor import build_external_job_sensors, build_retraining_sensor
from monitoring_pipeline.orchestration.jobs.upstream import build_upstream_sensor
from monitoring_pipeline.orchestration.runs.dagster_private import UnresolvedAssetJobDefinition
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.chunk.incidents import Rules, update_incidents
from monitoring_pipeline.steps.specs.checks import check_model


def build_model_definitions(
    loaded: LoadedSpec,
    resources: Mapping[str, dg.ResourceDefinition],
    names: Names = PLAIN,
    *,
    has_freshness: bool = False,
) -> dg.Definitions:
    """Return the assets, checks, jobs and schedule of one model.

    Args:
        loaded: the model's spec.
        resources: the resources of the jobs; they are bound here, because Dagster would copy sensors of unbound jobs.
        names: the names of definitions; those of the resources have them already.
        has_freshness: whether the verdict has a freshness policy.

    Raises:
        SpecError: when the spec names a statistic, metric, column or SQL file that does not exist.
    """
    spec = loaded.spec
    check_model(loaded)
    nightly = build_nightly_job(spec, asset_keys(spec, names), names)
    return dg.Definitions(
        assets=[*build_assets(loaded, names, has_freshness=has_freshness), build_report_asset(spec, names)],
        jobs=[nightly, *_late_labels_jobs(spec, names), *_retraining_jobs(loaded, resources, names)],
        schedules=[build_schedule(spec, nightly, names)] if spec.upstream.trigger == "schedule" else [],
    )


def build_sensor_definitions(
    specs: Sequence[LoadedSpec],
    models: Sequence[dg.Definitions],
    *,
    alerting: Rules,
    late_labels_seconds: int,
    actions_seconds: int,
    bad_specs: BadSpecs = tuple,
    names: Names = PLAIN,
) -> dg.Definitions:
    """Return the sensors, which serve all models, and the jobs and assets that belong to no single model.

    Args:
        specs: the models.
        models: the definitions of each model, with its jobs.
        alerting: reads the alerting rules.
        late_labels_seconds: the shortest time between two ticks of a sensor that asks the warehouse.
        actions_seconds: the shortest time between two ticks of each other sensor.
        bad_specs: returns the unusable spec files.
        names: the names of definitions.
    """
    model_specs = [loaded.spec for loaded in specs]
    if not model_specs:
        return dg.Definitions()
    jobs = [job for definitions in models for job in definitions.jobs or ()]
    labelled = [spec for spec in model_specs if spec.labels is not None]
    late_labels = {names.late_labels_job(spec) for spec in labelled}
    late_label_jobs = [job for job in jobs if isinstance(job, UnresolvedAssetJobDefinition) and job.name in late_labels]
    waiting_jobs = [job for job in jobs if isinstance(job, UnresolvedAssetJobDefinition)]
    action_jobs = [job for job in jobs if isinstance(job, dg.JobDefinition)]
    record_failures = build_record_failures_job(
        model_specs, partial(_after_a_failure, alerting), partial(_record_specs, bad_specs, alerting), names
    )
    delivery = build_delivery_job(names)
    sensors = [
        build_pipeline_health_sensor(
            model_specs, record_failures, interval_seconds=actions_seconds, bad_specs=bad_specs, names=names
        ),
        build_outages_sensor(model_specs, waiting_jobs, interval_seconds=actions_seconds, names=names),
        build_alerts_sensor(delivery, interval_seconds=actions_seconds, names=names),
        build_reports_sensor(model_specs, interval_seconds=actions_seconds, names=names),
        *(
            build_upstream_sensor(spec, interval_seconds=actions_seconds, names=names)
            for spec in model_specs
            if spec.upstream.trigger == "upstream"
        ),
        *(
            build_new_rows_sensor(spec, interval_seconds=late_labels_seconds, names=names)
            for spec in model_specs
            if spec.upstream.trigger == "new_rows"
        ),
        *build_external_job_sensors(model_specs, interval_seconds=actions_seconds, names=names),
    ]
    if late_label_jobs:
        sensors.append(
            build_late_labels_sensor(labelled, late_label_jobs, interval_seconds=late_labels_seconds, names=names)
        )
    if action_jobs:
        sensors.append(build_retraining_sensor(model_specs, action_jobs, interval_seconds=actions_seconds, names=names))
    overview = build_overview_asset(model_specs, names)
    return dg.Definitions(assets=[overview], jobs=[record_failures, delivery], sensors=sensors)


def _late_labels_jobs(spec: ModelSpec, names: Names) -> list[UnresolvedAssetJobDefinition]:
    return [] if spec.labels is None else [build_late_labels_job(spec, late_label_asset_keys(spec, names), names)]


def _retraining_jobs(
    loaded: LoadedSpec, resources: Mapping[str, dg.ResourceDefinition], names: Names
) -> list[dg.JobDefinition]:
    if loaded.spec.retraining is None:
        return []
    jobs = (build(loaded, names) for build in (build_retrain_job, build_gate_job, build_rollout_job))
    return [job.with_top_level_resources(resources) for job in jobs]


def _after_a_failure(alerting: Rules, spec: ModelSpec, _: Sequence[Chunk], store: Store, now: dt.datetime) -> None:
    update_incidents(spec, store, alerting, now=now)


def _record_specs(bad_specs: BadSpecs, alerting: Rules, store: Store, now: dt.datetime) -> None:
    update_spec_incidents(bad_specs(), store, alerting, now=now)

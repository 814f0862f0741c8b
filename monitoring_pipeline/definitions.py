"""The composition root for Dagster: settings, adapters and model specs become definitions."""

import datetime as dt
import logging
import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

import dagster as dg
import polars as pl

from monitoring_pipeline.evaluation.quality.suite import SuiteResult
from monitoring_pipeline.orchestration.jobs.alert_delivery import DeliveryReport
from monitoring_pipeline.orchestration.jobs.retraining import adapters
from monitoring_pipeline.orchestration.model_definitions import build_model_definitions, build_sensor_definitions
from monitoring_pipeline.ports.adapters import Adapters
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.registry import trainers
from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.alerting import find_secret, missing_secret
from monitoring_pipeline.spec.loading import usable_specs
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.specs.checks import read_checked_specs
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline.system_clock import system_clock
from monitoring_pipeline.warehouse.engines.duckdb import DuckDBWarehouse

__all__ = ["defs"]


def build_resources(settings: Settings, clock: Clock = system_clock) -> dict[str, dg.ResourceDefinition]:
    """Return the adapters as resources; nothing is connected before a run uses it."""
    given = dg.ResourceDefinition.hardcoded_resource
    warehouse = DuckDBWarehouse(settings.warehouse, lock_timeout_seconds=settings.warehouse_lock_seconds)
    registry = ModelRegistry(settings.mlflow_tracking_uri, settings.home / "mlflow")
    return {
        "warehouse": given(warehouse, f"The users' DuckDB file {settings.warehouse}, opened read-only."),
        "store": _store_resource(settings),
        "snapshots": given(SnapshotFiles(settings.snapshots), f"Immutable Parquet files below {settings.snapshots}."),
        "suites": given(_run_suite, "Runs Great Expectations suites."),
        "id_key": given(settings.id_key.get_secret_value().encode(), "Key of the hash that replaces ids."),
        "clock": given(clock, "Tells the time."),
        "alerting": given(settings.alerting_rules, "Reads who is told of what: the rules of alerting.yaml."),
        "delivery": given(partial(_deliver, settings), "Sends what is due to the channels of alerting.yaml."),
        "registry": given(registry, "The MLflow registry of model versions."),
        "run_trainer": given(trainers.run_trainer, "Calls the trainer that a spec names."),
        "ask_trainer": given(partial(_ask_trainer, settings), "Asks for training at the address in a secret."),
        "adapters": adapters,
    }


def _store_resource(settings: Settings) -> dg.ResourceDefinition:
    @dg.resource(description="The store: measurements, profiles, verdicts, incidents, alerts, decisions.")
    def store(_: dg.InitResourceContext) -> Iterator[ResultStore]:
        opened = ResultStore.open(settings.store_url)
        yield opened
        opened.close()

    return store


def _run_suite(spec: ModelSpec, suite_path: Path, frame: pl.DataFrame) -> SuiteResult:
    # Great Expectations takes seconds to import.
    from monitoring_pipeline.quality.runner import run_suite

    return run_suite(spec, suite_path, frame)


def build_adapters(settings: Settings, store: ResultStore) -> Adapters:
    """Return everything outside that the steps of a retraining work with, for a command."""
    return Adapters(
        warehouse=DuckDBWarehouse(settings.warehouse, lock_timeout_seconds=settings.warehouse_lock_seconds),
        store=store,
        snapshots=SnapshotFiles(settings.snapshots),
        suites=_run_suite,
        registry=ModelRegistry(settings.mlflow_tracking_uri, settings.home / "mlflow"),
        run_trainer=trainers.run_trainer,
        ask_trainer=partial(_ask_trainer, settings),
        id_key=settings.id_key.get_secret_value().encode(),
        run_id="command",
        clock=system_clock,
    )


def _deliver(settings: Settings, store: ResultStore, clock: Clock, lease: dt.timedelta) -> DeliveryReport:
    from monitoring_pipeline.alerting.channels.build import build_channels
    from monitoring_pipeline.alerting.delivery.delivery import deliver

    rules = settings.alerting_rules()
    channels = build_channels(rules, settings.secrets, home=settings.home, slack_api=settings.slack_api)
    return deliver(store, channels, clock=clock, link=rules.link, lease=lease)


def _ask_trainer(settings: Settings, secret: str, request: Mapping[str, object]) -> None:
    address = find_secret(settings.secrets, secret)
    if address is None:
        raise trainers.TrainerError(missing_secret(secret))
    trainers.ask_external_trainer(address.get_secret_value(), request)


def build_definitions(settings: Settings, clock: Clock = system_clock) -> dg.Definitions:
    """Return everything that Dagster loads: the definitions of all models whose specs are usable.

    Args:
        settings: where things are.
        clock: tells the time; another one than the real lets past nights be lived again.

    Raises:
        SpecError: when there are specs, and none can be used; the message lists every problem of every file.
    """
    specs = usable_specs(read_checked_specs(settings.models))
    resources = build_resources(settings, clock)
    with warnings.catch_warnings():
        # Dagster still calls one run for a range of partitions beta; it is chosen with open eyes.
        warnings.simplefilter("ignore", dg.BetaWarning)
        models = [build_model_definitions(loaded, resources) for loaded in specs]
    return dg.Definitions.merge(
        *models,
        build_sensor_definitions(
            specs,
            models,
            alerting=settings.alerting_rules,
            late_labels_seconds=settings.late_labels_seconds,
            actions_seconds=settings.actions_seconds,
            bad_specs=lambda: read_checked_specs(settings.models).bad,
        ),
        dg.Definitions(resources=resources, executor=dg.in_process_executor),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions that the environment describes; called by Dagster when it loads this module."""
    settings = Settings()
    for problem in read_checked_specs(settings.models).problems:
        logging.getLogger(__name__).error("this spec is not used: %s", problem)
    return build_definitions(settings)

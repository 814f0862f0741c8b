"""Dagster's way in: settings, adapters and model specs become definitions."""

import datetime as dt
import logging
import warnings
from collections.abc import Iterator
from functools import partial

import dagster as dg

from monitoring_pipeline.composition import build_adapters
from monitoring_pipeline.orchestration.jobs.alert_delivery import DeliveryReport
from monitoring_pipeline.orchestration.model_definitions import build_model_definitions, build_sensor_definitions
from monitoring_pipeline.orchestration.runs.outside import outside_of_run
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.loading import usable_specs
from monitoring_pipeline.steps.specs.checks import read_checked_specs
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.system_clock import system_clock

__all__ = ["defs"]


def build_resources(settings: Settings, clock: Clock = system_clock) -> dict[str, dg.ResourceDefinition]:
    """Return the adapters as resources; nothing is connected before a run uses it."""
    given = dg.ResourceDefinition.hardcoded_resource
    built = build_adapters(settings, clock)
    return {
        "warehouse": given(built.warehouse, f"The users' DuckDB file {settings.warehouse}, opened read-only."),
        "store": _store_resource(settings),
        "snapshots": given(built.snapshots, f"Immutable Parquet files below {settings.snapshots}."),
        "suites": given(built.suites, "Runs Great Expectations suites."),
        "id_key": given(built.id_key, "Key of the hash that replaces ids."),
        "clock": given(built.clock, "The time now."),
        "alerting": given(settings.alerting_rules, "Reads the rules of alerting.yaml: which alerts go to whom."),
        "delivery": given(partial(_deliver, settings), "Sends what is due to the channels of alerting.yaml."),
        "registry": given(built.registry, "The MLflow registry of model versions."),
        "run_trainer": given(built.run_trainer, "Calls the trainer that a spec names."),
        "ask_trainer": given(built.ask_trainer, "Asks for training at the address in a secret."),
        "outside": outside_of_run,
    }


def _store_resource(settings: Settings) -> dg.ResourceDefinition:
    @dg.resource(description="The store: measurements, profiles, verdicts, incidents, alerts, decisions.")
    def store(_: dg.InitResourceContext) -> Iterator[ResultStore]:
        opened = ResultStore.open(settings.store_url)
        yield opened
        opened.close()

    return store


def _deliver(settings: Settings, store: ResultStore, clock: Clock, lease: dt.timedelta) -> DeliveryReport:
    from monitoring_pipeline.alerting.channels.build import build_channels
    from monitoring_pipeline.alerting.delivery.delivery import deliver

    rules = settings.alerting_rules()
    channels = build_channels(rules, settings.secrets, home=settings.home, slack_api=settings.slack_api)
    return deliver(store, channels, clock=clock, link=rules.link, lease=lease)


def build_definitions(settings: Settings, clock: Clock = system_clock) -> dg.Definitions:
    """Return everything that Dagster loads: the definitions of all models whose specs are usable.

    Args:
        settings: where things are.
        clock: the time now; a rehearsal of past nights gives its own.

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

"""The composition root for Dagster: settings, adapters and model specs become definitions."""

import warnings
from collections.abc import Iterator

import dagster as dg

from monitoring_pipeline.orchestration.model_definitions import build_model_definitions, build_sensor_definitions
from monitoring_pipeline.orchestration.ports import Suites
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.loading import load_specs
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline.warehouse.duckdb import DuckDBWarehouse


def build_resources(settings: Settings) -> dict[str, dg.ResourceDefinition]:
    """Return the adapters as resources; each is opened by the run that uses it."""

    @dg.resource(description=f"The users' DuckDB file {settings.warehouse}, opened read-only.")
    def warehouse(_: dg.InitResourceContext) -> DuckDBWarehouse:
        return DuckDBWarehouse(settings.warehouse, lock_timeout_seconds=settings.warehouse_lock_seconds)

    @dg.resource(description="The store of results: measurements, profiles, verdicts.")
    def store(_: dg.InitResourceContext) -> Iterator[ResultStore]:
        opened = ResultStore.open(settings.store_url)
        yield opened
        opened.close()

    @dg.resource(description=f"Immutable Parquet files below {settings.snapshots}.")
    def snapshots(_: dg.InitResourceContext) -> SnapshotFiles:
        return SnapshotFiles(settings.snapshots)

    @dg.resource(description="Runs Great Expectations suites.")
    def suites(_: dg.InitResourceContext) -> Suites:
        from monitoring_pipeline.quality.runner import run_suite

        return run_suite

    @dg.resource(description="Key of the hash that replaces the ids of predictions.")
    def id_key(_: dg.InitResourceContext) -> bytes:
        return settings.id_key.get_secret_value().encode()

    return {"warehouse": warehouse, "store": store, "snapshots": snapshots, "suites": suites, "id_key": id_key}


def build_definitions(settings: Settings) -> dg.Definitions:
    """Return everything that Dagster loads.

    Raises:
        SpecError: when a model spec cannot be used; the message lists every problem of every file.
    """
    specs = load_specs(settings.models)
    with warnings.catch_warnings():
        # Dagster still calls one run for a range of partitions beta; it is chosen with open eyes.
        warnings.simplefilter("ignore", dg.BetaWarning)
        models = [build_model_definitions(loaded) for loaded in specs]
    return dg.Definitions.merge(
        *models,
        build_sensor_definitions(specs, models, late_labels_seconds=settings.late_labels_seconds),
        dg.Definitions(resources=build_resources(settings), executor=dg.in_process_executor),
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions that the environment describes; called by Dagster when it loads this module."""
    return build_definitions(Settings())

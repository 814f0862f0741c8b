"""The composition root: settings become adapters, and with a store everything outside that the steps are handed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl

from monitoring_pipeline.evaluation.quality.conditions import AllRows
from monitoring_pipeline.evaluation.quality.suite import SuiteResult
from monitoring_pipeline.own_functions import OwnModules, call_measure
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.ports.own_functions import CallMeasure
from monitoring_pipeline.ports.serving_metrics import ServingMetrics
from monitoring_pipeline.ports.source_inspection import SourceInspection, TableReading
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.ports.suites import Suites
from monitoring_pipeline.ports.trainers import AskTrainer, RunTrainer
from monitoring_pipeline.prometheus.querying import PrometheusServers
from monitoring_pipeline.registry import trainers
from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
from monitoring_pipeline.settings import Settings, variable_of, with_own_key
from monitoring_pipeline.spec.alerting import find_secret, missing_secret
from monitoring_pipeline.spec.loading import LoadedSpec, SpecError
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.restoring import FindSpec, with_restored_snapshots
from monitoring_pipeline.steps.specs.checks import read_checked_specs
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline.system_clock import system_clock
from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.engine import EngineLimits
from monitoring_pipeline.warehouse.routing import Engines, RoutedInspection, RoutedWarehouse


@dataclass(frozen=True, kw_only=True)
class Adapters:
    """The adapters that the settings describe, but for the store; none is connected before its first use."""

    warehouse: RoutedWarehouse
    snapshots: SnapshotFiles
    suites: Suites
    id_key: bytes
    registry: ModelRegistry
    run_trainer: RunTrainer
    ask_trainer: AskTrainer
    serving_metrics: ServingMetrics
    call_measure: CallMeasure
    clock: Clock
    find_spec: FindSpec

    def outside(self, store: Store, *, run_id: str) -> Outside:
        """Return everything outside, as the run of that name has it."""
        ports = {name: port for name, port in vars(self).items() if name != "find_spec"}
        return with_restored_snapshots(Outside(store=store, run_id=run_id, **ports), self.find_spec)


def build_adapters(settings: Settings, clock: Clock = system_clock) -> Adapters:
    """Return the adapters that the settings describe."""
    return Adapters(
        warehouse=RoutedWarehouse(_engines(settings), settings.id_key.get_secret_value().encode()),
        snapshots=SnapshotFiles(settings.snapshots, settings.id_key.get_secret_value().encode()),
        suites=_run_suite,
        id_key=settings.id_key.get_secret_value().encode(),
        registry=ModelRegistry(settings.mlflow_tracking_uri, settings.home / "mlflow"),
        run_trainer=partial(trainers.run_trainer, modules=OwnModules(settings.function_modules)),
        ask_trainer=partial(_ask_trainer, settings),
        serving_metrics=PrometheusServers(settings.secrets),
        call_measure=partial(call_measure, modules=OwnModules(settings.function_modules)),
        clock=clock,
        find_spec=partial(find_spec, settings),
    )


def find_spec(settings: Settings, model: str) -> LoadedSpec | None:
    """Return the spec of a model from the folder of the settings; None if it has none that can be used."""
    try:
        return next((entry for entry in read_checked_specs(settings.models).good if entry.spec.name == model), None)
    except SpecError:
        return None


def _engines(settings: Settings) -> Engines:
    return Engines(
        {name: WarehouseAddress(text, variable_of(name)) for name, text in settings.warehouse_addresses.items()},
        EngineLimits(
            lock_seconds=settings.warehouse_lock_seconds,
            business_seconds=settings.warehouse_business_seconds,
            read_seconds=settings.warehouse_read_seconds,
            folders=settings.warehouse_folders,
            extensions=settings.warehouse_extensions,
            memory=settings.warehouse_memory or None,
            pushdown_rows=settings.pushdown_rows,
        ),
    )


def build_inspection(adapters: Adapters) -> SourceInspection:
    """Return the inspection of the sources in the warehouse."""
    return RoutedInspection(adapters.warehouse.engines, adapters.id_key)


def build_table_reading(adapters: Adapters, warehouse: str | None = None) -> TableReading:
    """Return the reader of the tables of a warehouse, for tables of which no spec exists yet."""
    return adapters.warehouse.engines.tables(warehouse)


@contextmanager
def open_outside(settings: Settings, *, run_id: str = "command") -> Iterator[Outside]:
    """Open the store, and yield everything outside that the settings describe."""
    settings = with_own_key(settings)
    with ResultStore.open(settings.store_url) as store:
        yield build_adapters(settings).outside(store, run_id=run_id)


def _run_suite(spec: ModelSpec, suite_path: Path, frame: pl.DataFrame, every: AllRows | None = None) -> SuiteResult:
    # Great Expectations takes seconds to import.
    from monitoring_pipeline.quality.runner import run_suite

    return run_suite(spec, suite_path, frame, every)


def _ask_trainer(settings: Settings, secret: str, request: Mapping[str, object]) -> None:
    address = find_secret(settings.secrets, secret)
    if address is None:
        raise trainers.TrainerError(missing_secret(secret))
    trainers.ask_external_trainer(address.get_secret_value(), request)

"""Resources of Dagster whose fields name where things are: shown in its UI without secrets, and configurable."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
from pydantic import Field

from monitoring_pipeline.composition import Adapters, build_adapters
from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors, without_secrets
from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
from monitoring_pipeline.settings import PREFIX, Settings, variable_of, with_driver
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline.warehouse.routing import RoutedWarehouse

MLFLOW = "MLFLOW_TRACKING_URI"


def build_configurable(
    settings: Settings, adapters: Adapters, variables: Mapping[str, str] | None = None
) -> dict[str, dg.ResourceDefinition]:
    """Return the resources that have fields, by name.

    The classes are made here, because Dagster copies an instance for each run, and a copy keeps nothing but fields. A
    value with a password that no variable has is shown without it, and used with it.

    Args:
        settings: where things are; a field that is left as it is has the value of the settings.
        adapters: what these settings describe.
        variables: variables of the environment that gave a setting, by its name, beside those of ``settings.py``.
    """
    given = variables or {}

    class WarehouseResource(dg.ConfigurableResource[RoutedWarehouse]):
        """The users' warehouses, which are only read."""

        address: str = Field(description="Path of a DuckDB file, or URL, of the warehouse of specs that name none.")
        others: dict[str, str] = Field(description="Paths or URLs of the other warehouses, by the names in specs.")

        @contextmanager
        def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[RoutedWarehouse]:  # noqa: ARG002
            changed = settings.model_copy(
                update={
                    "warehouse": _used(self.address, settings.warehouse),
                    "warehouses": {
                        name: _used(text, settings.warehouses.get(name, "")) for name, text in self.others.items()
                    },
                }
            )
            is_same = changed.warehouse_addresses == settings.warehouse_addresses
            yield adapters.warehouse if is_same else build_adapters(changed, adapters.clock).warehouse

    class StoreResource(dg.ConfigurableResource[ResultStore]):
        """The store: measurements, profiles, verdicts, incidents, alerts, decisions."""

        url: str = Field(description="SQLAlchemy URL of a SQLite file or a PostgreSQL database.")

        @contextmanager
        def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[ResultStore]:  # noqa: ARG002
            with hidden_in_errors():
                opened = ResultStore.open(_used(self.url, settings.store_url))
            with opened:
                yield opened

    class SnapshotsResource(dg.ConfigurableResource[SnapshotFiles]):
        """Immutable Parquet files with the rows that were judged."""

        folder: str = Field(description="Folder or URL of the files.")

        @contextmanager
        def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[SnapshotFiles]:  # noqa: ARG002
            folder = _used(self.folder, settings.snapshots)
            yield adapters.snapshots if folder == settings.snapshots else SnapshotFiles(folder, adapters.id_key)

    class RegistryResource(dg.ConfigurableResource[ModelRegistry]):
        """The MLflow registry of model versions."""

        tracking_uri: str = Field(description="Tracking and registry URI of MLflow.")

        @contextmanager
        def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[ModelRegistry]:  # noqa: ARG002
            uri = with_driver(_used(self.tracking_uri, settings.mlflow_tracking_uri))
            is_same = uri == settings.mlflow_tracking_uri
            yield adapters.registry if is_same else ModelRegistry(uri, settings.home / "mlflow")

    def shown(name: str, variable: str) -> Any:
        return _shown(getattr(settings, name), given.get(name, variable))

    resources = {
        "warehouse": WarehouseResource(
            address=shown("warehouse", variable_of("")),
            others={name: without_secrets(text) for name, text in settings.warehouses.items()},
        ),
        "store": StoreResource(url=shown("store_url", f"{PREFIX}STORE_URL")),
        "snapshots": SnapshotsResource(folder=shown("snapshots", f"{PREFIX}SNAPSHOTS")),
        "registry": RegistryResource(tracking_uri=shown("mlflow_tracking_uri", MLFLOW)),
    }
    return {name: resource.get_resource_definition() for name, resource in resources.items()}


def _shown(value: str, variable: str) -> Any:
    """Return the field of a setting: the variable that gave it, which Dagster shows by its name, or its own text."""
    held = dg.EnvVar(variable).get_value()
    return dg.EnvVar(variable) if held and value in (held, with_driver(held)) else without_secrets(value)


def _used(field: str, setting: str) -> str:
    """Return the address that a field means: the setting, secrets included, unless another one was configured."""
    return setting if field == without_secrets(setting) else field

"""Dagster's storage: PostgreSQL if the environment sets a URL, SQLite otherwise.

``storage`` in dagster.yaml names exactly one storage. It names this class, so that one file serves both.
"""

from collections.abc import Mapping
from typing import Any

from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors, hide_in_logs
from monitoring_pipeline.orchestration.runs.dagster_private import (
    ConfigurableClass,
    ConfigurableClassData,
    DagsterStorage,
)
from monitoring_pipeline.orchestration.runs.sqlite_storage import SqliteStorage
from monitoring_pipeline.settings import Settings, with_driver

__all__ = ["EnvironmentStorage"]


class EnvironmentStorage(DagsterStorage, ConfigurableClass):
    """The storage that dagster.yaml names; it builds one of Dagster's storages and is never instantiated."""

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """Required by ConfigurableClass."""
        return None

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """Return an empty configuration, because the environment chooses the storage."""
        return {}

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003
    ) -> DagsterStorage:
        """Return the storage that the environment chooses."""
        hide_in_logs()
        with hidden_in_errors():
            return cls._of_settings(Settings(), inst_data)

    @staticmethod
    def _of_settings(settings: Settings, inst_data: ConfigurableClassData | None) -> DagsterStorage:
        url = settings.dagster_postgres_url.get_secret_value()
        if not url:
            return SqliteStorage(str(settings.dagster_home), inst_data)
        from dagster_postgres.storage import DagsterPostgresStorage

        return DagsterPostgresStorage(with_driver(url), inst_data=inst_data)

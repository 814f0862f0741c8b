"""Dagster's own storage, chosen by the environment: SQLite when nothing is set, PostgreSQL when a URL is.

``storage`` in dagster.yaml is one-of, so one file could not serve both; this class stands there and decides.
"""

from collections.abc import Mapping
from typing import Any

from monitoring_pipeline.orchestration.runs.dagster_private import (
    ConfigurableClass,
    ConfigurableClassData,
    DagsterSqliteStorage,
    DagsterStorage,
)
from monitoring_pipeline.settings import Settings

__all__ = ["EnvironmentStorage"]


class EnvironmentStorage(DagsterStorage, ConfigurableClass):
    """Named in dagster.yaml; builds one of Dagster's own storages and is never one itself."""

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        """Required by ConfigurableClass."""
        return None

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        """No configuration: the environment decides."""
        return {}

    @classmethod
    def from_config_value(  # type: ignore[override]
        cls,
        inst_data: ConfigurableClassData | None,
        config_value: Mapping[str, Any],  # noqa: ARG003
    ) -> DagsterStorage:
        """Return the storage that the environment asks for."""
        settings = Settings()
        url = settings.dagster_postgres_url.get_secret_value()
        if not url:
            return DagsterSqliteStorage(str(settings.dagster_home), inst_data)
        from dagster_postgres.storage import DagsterPostgresStorage

        return DagsterPostgresStorage(with_driver(url), inst_data=inst_data)


def with_driver(url: str) -> str:
    """Name psycopg2 in a PostgreSQL URL that names no driver: SQLAlchemy 2.1 would take another one."""
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg2{separator}{rest}" if scheme in {"postgres", "postgresql"} else url

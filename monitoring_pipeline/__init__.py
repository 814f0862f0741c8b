"""Watches machine-learning models in production, as Dagster assets and, in notebooks, as functions."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str

    from monitoring_pipeline.api import ArgumentError, Result, check, compare, monitor, performance
    from monitoring_pipeline.dagster_project.component import ModelMonitor
    from monitoring_pipeline.dagster_project.project import defs

__all__ = [
    "ArgumentError",
    "ModelMonitor",
    "Result",
    "__version__",
    "check",
    "compare",
    "defs",
    "monitor",
    "performance",
]
_IN_A_PROJECT = {
    "ModelMonitor": "monitoring_pipeline.dagster_project.component",
    "defs": "monitoring_pipeline.dagster_project.project",
}
"""The modules of the names for Dagster projects; all other names are of the API."""


def __getattr__(name: str) -> Any:
    """Return the version or a name of the API at its first use, because most commands need neither."""
    if name == "__version__":
        return import_module("importlib.metadata").version("monitoring-pipeline")
    if name in __all__:
        return getattr(import_module(_IN_A_PROJECT.get(name, "monitoring_pipeline.api")), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

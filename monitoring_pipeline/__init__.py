"""Watches machine-learning models in production, as Dagster assets."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("monitoring-pipeline")

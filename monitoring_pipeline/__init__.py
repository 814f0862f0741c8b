"""Watches machine-learning models in production, as Dagster assets."""

from importlib.metadata import version

__version__ = version("monitoring-pipeline")

"""A quiet connection to MLflow, which is imported where it runs: that takes 1 to 11 seconds."""

import logging
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient


@contextmanager
def connected(tracking_uri: str) -> "Generator[MlflowClient]":
    """Point MLflow's global tracking URI at a place for a while, and quiet its greetings and its own warnings."""
    with warnings.catch_warnings():
        # Of its own type hints, and of what pandas 4 and the next SQLAlchemy will drop.
        warnings.filterwarnings("ignore", module="mlflow")
        import mlflow

        previous: Any = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
        loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        mlflow.set_tracking_uri(tracking_uri)
        try:
            # Named for both: an environment that sets a registry of its own must not receive these models.
            yield mlflow.MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
        finally:
            mlflow.set_tracking_uri(previous)
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def experiment_of(client: "MlflowClient", model: str, artifact_root: Path) -> str:
    """Return the experiment of a model, created where it is missing."""
    existing = client.get_experiment_by_name(model)
    if existing is not None:
        return existing.experiment_id
    return client.create_experiment(model, artifact_location=(artifact_root / model).absolute().as_uri())

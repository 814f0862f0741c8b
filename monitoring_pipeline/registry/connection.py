"""A quiet connection to MLflow, which is imported where it runs: that takes 1 to 11 seconds."""

import logging
import os
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitoring_pipeline.registry.answering import check_answers

if TYPE_CHECKING:
    from mlflow import MlflowClient

SQLITE = "sqlite:///"


@contextmanager
def connected(tracking_uri: str) -> "Generator[MlflowClient]":
    """Point MLflow's global tracking URI at a place for a while, and quiet its greetings and its own warnings.

    Raises:
        RegistryError: when there is no answer from that place.
    """
    with warnings.catch_warnings():
        # Of its own type hints, and of what pandas 4 and the next SQLAlchemy will drop.
        warnings.filterwarnings("ignore", module="mlflow")
        # The same, where its migrations are the first to ask: their modules have other names.
        warnings.filterwarnings("ignore", message="The ``noload`` loader strategy")
        import mlflow

        previous: Any = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
        loggers = [logging.getLogger(name) for name in ("mlflow", "alembic", "urllib3")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            check_answers(tracking_uri)
            _create_whole(tracking_uri)
            mlflow.set_tracking_uri(tracking_uri)
            # Named for both: an environment that sets a registry of its own must not receive these models.
            yield mlflow.MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
        finally:
            mlflow.set_tracking_uri(previous)
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def logging_to(tracking_uri: str) -> Generator[None]:
    """Let somebody else's code log to a place; runs that it leaves open are ended."""
    with connected(tracking_uri):
        import mlflow

        try:
            yield
        finally:
            while mlflow.active_run() is not None:
                mlflow.end_run()


def _create_whole(tracking_uri: str) -> None:
    """Create a SQLite file of MLflow's at once, unless it is there.

    MLflow creates its tables one by one: a process that is killed meanwhile, or a second one that begins meanwhile,
    would leave a file that nobody can open again.
    """
    path = Path(tracking_uri.removeprefix(SQLITE))
    if not tracking_uri.startswith(SQLITE) or ":memory:" in tracking_uri or "?" in tracking_uri or path.exists():
        return
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine_with_retry

    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{path.name}.unfinished-") as folder:
        whole = Path(folder) / path.name
        engine = create_sqlalchemy_engine_with_retry(f"{SQLITE}{whole}")
        _initialize_tables(engine)
        engine.dispose()
        try:
            os.link(whole, path)
        except FileExistsError:
            pass  # another process was quicker
        except OSError:
            whole.rename(path)  # a file system without links


def experiment_of(client: "MlflowClient", model: str, artifact_root: Path) -> str:
    """Return the experiment of a model, created where it is missing."""
    existing = client.get_experiment_by_name(model)
    if existing is not None:
        return existing.experiment_id
    return client.create_experiment(model, artifact_location=(artifact_root / model).absolute().as_uri())

"""Connections to MLflow without its log messages; it is imported at first use, which takes 1 to 11 seconds."""

import logging
import os
import tempfile
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from monitoring_pipeline.registry.answering import check_answers
from monitoring_pipeline.settings import make_private_folder

if TYPE_CHECKING:
    from mlflow import MlflowClient

SQLITE = "sqlite:///"


@contextmanager
def connected(tracking_uri: str) -> "Generator[MlflowClient]":
    """Set MLflow's global tracking URI for the duration of the block, and suppress its messages and warnings.

    Raises:
        RegistryError: when MLflow does not answer.
    """
    with warnings.catch_warnings():
        # These concern MLflow's type hints, and features that pandas 4 and the next SQLAlchemy will drop.
        warnings.filterwarnings("ignore", module="mlflow")
        # The same from MLflow's migrations, whose modules have other names.
        warnings.filterwarnings("ignore", message="The ``noload`` loader strategy")
        import mlflow

        previous: Any = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
        loggers = [logging.getLogger(name) for name in ("mlflow", "alembic", "urllib3")]
        levels = [logger.level for logger in loggers]
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        try:
            check_answers(tracking_uri)
            _create_complete(tracking_uri)
            mlflow.set_tracking_uri(tracking_uri)
            # Both are set, because another registry that the environment names must not receive these models.
            yield mlflow.MlflowClient(tracking_uri=tracking_uri, registry_uri=tracking_uri)
        finally:
            mlflow.set_tracking_uri(previous)
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def logging_to(tracking_uri: str) -> Generator[None]:
    """Send everything that user code logs in the block to ``tracking_uri``, and end runs that it leaves open."""
    with connected(tracking_uri):
        import mlflow

        try:
            yield
        finally:
            while mlflow.active_run() is not None:
                mlflow.end_run()


def is_missing_file(tracking_uri: str) -> bool:
    """Return whether MLflow's records are a SQLite file that does not exist, so that there is no need to import it."""
    return tracking_uri.startswith(SQLITE) and not Path(tracking_uri.removeprefix(SQLITE)).exists()


def _create_complete(tracking_uri: str) -> None:
    """Create MLflow's SQLite file in one atomic step, unless it exists.

    MLflow creates its tables one by one. If a process is killed meanwhile, or a second one starts meanwhile, the file
    could never be opened again.
    """
    path = Path(tracking_uri.removeprefix(SQLITE))
    if not tracking_uri.startswith(SQLITE) or ":memory:" in tracking_uri or "?" in tracking_uri or path.exists():
        return
    from mlflow.store.db.utils import _initialize_tables, create_sqlalchemy_engine_with_retry

    make_private_folder(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{path.name}.unfinished-") as folder:
        complete = Path(folder) / path.name
        engine = create_sqlalchemy_engine_with_retry(f"{SQLITE}{complete}")
        _initialize_tables(engine)
        engine.dispose()
        try:
            os.link(complete, path)
        except FileExistsError:
            pass  # another process was faster
        except OSError:
            complete.rename(path)  # a file system without links


def experiment_of(client: "MlflowClient", model: str, artifact_root: Path) -> str:
    """Return the id of a model's experiment, which is created if it is missing."""
    existing = client.get_experiment_by_name(model)
    if existing is not None:
        return existing.experiment_id
    return client.create_experiment(model, artifact_location=(artifact_root / model).absolute().as_uri())

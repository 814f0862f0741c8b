"""Loads and calls the user's trainer, or sends a request to an external one."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping

from monitoring_pipeline.evaluation.versions.training_rows import TrainingRequest
from monitoring_pipeline.own_functions import ANY_OWN, OwnFunctionError, OwnModules, load_function
from monitoring_pipeline.registry.connection import logging_to

ANSWER_SECONDS = 30
Trainer = Callable[[TrainingRequest], object]


class TrainerError(RuntimeError):
    """A trainer cannot be found, raised an error, or returned an unusable value; the message states why."""


def load_trainer(path: str, modules: OwnModules = ANY_OWN) -> Trainer:
    """Return the function that ``module:function`` names.

    Raises:
        TrainerError: when there is no such module or function, or specs may not name it.
    """
    try:
        return load_function(path, modules)
    except OwnFunctionError as error:
        raise TrainerError(f"trainer {path}: {error}") from error


def run_trainer(path: str, request: TrainingRequest, tracking_uri: str, *, modules: OwnModules = ANY_OWN) -> object:
    """Return the result of the user's trainer: a fitted estimator, or the URI of a logged model.

    Everything that the trainer logs to MLflow goes to ``tracking_uri``. A run that it leaves open is ended.

    Raises:
        TrainerError: when it cannot be found, raises an error, or returns neither.
    """
    trainer = load_trainer(path, modules)
    with logging_to(tracking_uri):
        try:
            trained = trainer(request)
        except (Exception, SystemExit) as error:
            message = f"trainer {path} failed on {request.rows.height} rows: {type(error).__name__}: {error}"
            raise TrainerError(message) from error
    if isinstance(trained, str) and trained.startswith(("models:/", "runs:/")):
        return trained
    if not callable(getattr(trained, "predict", None)):
        message = (
            f"trainer {path} returned {trained!r:.200}; needed is a fitted estimator with predict "
            "(and predict_proba for classes), or the URI of a model logged to MLflow: models:/... or runs:/..."
        )
        raise TrainerError(message)
    return trained


def ask_external_trainer(address: str, request: Mapping[str, object]) -> None:
    """Send a request for training as JSON to an address by POST; status 200 to 299 means that it was accepted.

    Raises:
        TrainerError: when it is not accepted; the message names only the host, because the rest may be secret.
    """
    body = json.dumps(request).encode()
    parts = urllib.parse.urlsplit(address)
    host = parts.netloc.rpartition("@")[2]
    if parts.scheme not in {"http", "https"}:
        raise TrainerError("the external trainer's address does not begin with http:// or https://")
    post = urllib.request.Request(address, data=body, headers={"Content-Type": "application/json"}, method="POST")  # noqa: S310 - scheme checked
    try:
        urllib.request.urlopen(post, timeout=ANSWER_SECONDS).close()  # noqa: S310 - scheme checked
    except (urllib.error.URLError, OSError) as error:
        # The error is not chained, because an HTTPError contains the address, and that may contain a token.
        reason = f"cannot be reached: {error}"
        if isinstance(error, urllib.error.HTTPError):
            reason = f"answered {error.code}"
            error.close()
        raise TrainerError(f"the external trainer at {host} {reason}") from None

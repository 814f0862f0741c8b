"""Checks that MLflow can be reached, because its client would retry a silent server for minutes."""

from typing import Any

from sqlalchemy import create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.ports.registry import RegistryError

ANSWER_SECONDS = 5
TRIES_AGAIN = 2
UNAVAILABLE = frozenset({502, 503, 504})
"""Status codes of a proxy whose server cannot be reached."""
_DATABASES = ("postgresql", "mysql", "mssql")
_TIMED_DRIVERS = frozenset({"psycopg2", "psycopg", "pymysql", "mysqldb"})


def public_address(tracking_uri: str) -> str:
    """Return an address without its password, for messages."""
    return without_secrets(tracking_uri)


def check_answers(tracking_uri: str) -> None:
    """Raise RegistryError when a server or database does not answer; files are not checked.

    Without an answer the check takes up to 20 seconds. MLflow's variables for retries and timeout have precedence if
    they are set.

    Raises:
        RegistryError: when there is no answer.
    """
    try:
        if tracking_uri.startswith(("http://", "https://")):
            _ask_server(tracking_uri)
        elif tracking_uri.startswith(_DATABASES):
            _ask_database(tracking_uri)
    except Exception as error:  # noqa: BLE001 - raised as one of ours, without its cause
        # MLflow's message repeats the whole address, which may contain a password.
        reason = str(error.__context__ or error).partition("\n")[0]
        message = f"MLflow at {tracking_uri} cannot be reached: {reason}"
        raise RegistryError(without_secrets(message)) from None


def _ask_server(address: str) -> None:
    from mlflow.environment_variables import (
        MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR,
        MLFLOW_HTTP_REQUEST_MAX_RETRIES,
        MLFLOW_HTTP_REQUEST_TIMEOUT,
    )
    from mlflow.utils.credentials import get_default_host_creds
    from mlflow.utils.rest_utils import http_request

    def unless_set(variable: Any, default: int) -> int | None:
        return None if variable.is_set() else default

    # MLflow's client uses the user's certificates and proxies. Any answer shows that the server can be reached.
    http_request(
        get_default_host_creds(address),
        "/health",
        "GET",
        max_retries=unless_set(MLFLOW_HTTP_REQUEST_MAX_RETRIES, TRIES_AGAIN),
        backoff_factor=unless_set(MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR, 1),
        timeout=unless_set(MLFLOW_HTTP_REQUEST_TIMEOUT, ANSWER_SECONDS),
        retry_codes=UNAVAILABLE,
        respect_retry_after_header=False,
    )


def _ask_database(address: str) -> None:
    timed = make_url(address).get_driver_name() in _TIMED_DRIVERS
    limits = {"connect_timeout": ANSWER_SECONDS} if timed else {}
    create_engine(address, poolclass=NullPool, connect_args=limits).connect().close()

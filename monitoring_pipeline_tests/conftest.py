"""The order of the test files, what is forgotten after each test, and a fixture with a real PostgreSQL server."""

import os
import sys
from collections.abc import Iterator

import pytest
from hypothesis import Phase, settings
from hypothesis.internal.conjecture import providers

from monitoring_pipeline.evaluation.privacy.secrets import _secrets
from monitoring_pipeline.evaluation.privacy.shown_values import LEAST_ROWS_SHOWN, show_values_from
from monitoring_pipeline.settings import DEFAULT_ID_KEY
from monitoring_pipeline_tests.postgresql_server import running_postgresql, why_no_server

# Samples are drawn by hashed ids, so that numbers depend on the key. A home without one would get its own.
os.environ.setdefault("MONITORING_PIPELINE_ID_KEY", DEFAULT_ID_KEY)

pytest_plugins = ["monitoring_pipeline_tests.worlds.fixtures"]

# No deadline, because the time of an example depends on the load of the machine. The same examples in every run, so
# that a commit passes or fails whatever the luck; `--hypothesis-profile=explore` draws others.
settings.register_profile("suite", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, print_blob=True)
# For the tests of fuzzed specs: together more than 10,000 examples.
settings.register_profile("fuzz", deadline=None, max_examples=2_600, phases=[Phase.generate], print_blob=True)
settings.load_profile("suite")
# Hypothesis draws constants of this project's modules, too: of those that are loaded, which depends on the tests that
# ran before on the same worker. Without them a commit passes or fails whatever the worker.
assert providers.is_local_module_file
providers.is_local_module_file = lambda _path: False


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


@pytest.fixture(autouse=True)
def _rule_of_shown_values() -> Iterator[None]:
    """Forget from how many rows on the settings of a test quote values."""
    yield
    show_values_from(LEAST_ROWS_SHOWN)


@pytest.fixture
def every_value_shown() -> None:
    """Let reasons quote values of a single row, for tests of few rows."""
    show_values_from(1)


@pytest.fixture(autouse=True)
def _registry_of_one_test() -> Iterator[None]:
    """Forget the address of the registry: MLflow keeps it for the process, and writes it to the environment."""
    yield
    if "mlflow" in sys.modules:
        sys.modules["mlflow"].set_tracking_uri(None)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    """URL of a PostgreSQL server with a superuser ``postgres``, started for this session from a wheel's binaries."""
    reason = why_no_server()
    if reason is not None:
        pytest.skip(reason)
    with running_postgresql() as url:
        yield url

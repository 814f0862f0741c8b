from collections.abc import Iterator

import pytest

from monitoring_pipeline.alerting.channels.slack import SlackChannel
from monitoring_pipeline_tests.alerting.cases import MemoryOutbox
from monitoring_pipeline_tests.alerting.slack_cases import slack_channel
from monitoring_pipeline_tests.slack_server import SlackServer


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    with SlackServer() as server:
        yield server


@pytest.fixture
def outbox() -> MemoryOutbox:
    return MemoryOutbox()


@pytest.fixture
def oncall(slack: SlackServer) -> SlackChannel:
    return slack_channel(slack)

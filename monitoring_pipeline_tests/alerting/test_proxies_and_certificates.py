"""Channels behind a proxy, and servers whose certificates no system trusts: real ones, on loopback."""

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from monitoring_pipeline.alerting.channels.build import build_channels
from monitoring_pipeline.alerting.messages.messages import incident_message
from monitoring_pipeline.alerting.ports import AlertChannel, DeliveryError, Dispatch
from monitoring_pipeline.spec.alerting import NO_LINKS, AlertingRules
from monitoring_pipeline_tests.alerting.cases import alert
from monitoring_pipeline_tests.alerting.forward_proxy import ForwardProxy, over_tls, self_signed
from monitoring_pipeline_tests.alerting.jira_server import TOKEN, USER, JiraServer
from monitoring_pipeline_tests.alerting.json_server import Answer, JsonServer, Request
from monitoring_pipeline_tests.alerting.pagerduty_server import ROUTING_KEY, PagerDutyServer
from monitoring_pipeline_tests.alerting.receivers import serving

# Python 3.11.2 leaves the socket of a refused CONNECT to the garbage collector, which the fixture below calls at once.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
SECRETS = {"oncall": SecretStr(ROUTING_KEY), "jira": SecretStr(TOKEN), "slack": SecretStr("xoxb-1")}


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Collect the sockets of a test before the next one."""
    yield
    gc.collect()


class Receiver(JsonServer):
    """Takes everything, as a webhook or as Slack."""

    def answer(self, request: Request) -> Answer:
        assert request.method == "POST"
        return Answer(status=200, body={"ok": True, "ts": "1.1", "channel": "C0123456"})


def webhook(server: JsonServer) -> tuple[dict[str, object], dict[str, SecretStr], str]:
    return {"webhook": "hook"}, {"hook": SecretStr(f"{server.url}/hook")}, ""


def pagerduty(server: JsonServer) -> tuple[dict[str, object], dict[str, SecretStr], str]:
    return {"pagerduty": {"routing_key": "oncall", "address": server.url}}, {}, ""


def jira(server: JsonServer) -> tuple[dict[str, object], dict[str, SecretStr], str]:
    return {"jira": {"address": server.url, "project": "OPS", "user": USER}}, {}, ""


def slack(server: JsonServer) -> tuple[dict[str, object], dict[str, SecretStr], str]:
    return {"slack": "C0123456"}, {}, f"{server.url}/api/"


KINDS = [(webhook, Receiver), (pagerduty, PagerDutyServer), (jira, JiraServer), (slack, Receiver)]
kinds = pytest.mark.parametrize(("declared", "server_class"), KINDS, ids=["webhook", "pagerduty", "jira", "slack"])


def channel_of(declared: Callable, server: JsonServer, home: Path, **rules: object) -> AlertChannel:
    channel, secrets, slack_api = declared(server)
    parsed = AlertingRules.model_validate({"channels": {"it": channel}, **rules})
    more = {"slack_api": slack_api} if slack_api else {}
    return build_channels(parsed, SECRETS | secrets, home=home, timeout_seconds=5, **more)["it"]


def send(channel: AlertChannel) -> None:
    channel.send(Dispatch(alerts=(alert(),), message=incident_message(alert(), links=NO_LINKS)))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    self_signed(tmp_path)
    return tmp_path


@pytest.fixture
def proxy() -> Iterator[ForwardProxy]:
    with serving(ForwardProxy("ann", "pr0xy-s3cr3t")) as running:
        yield running


@pytest.fixture(autouse=True)
def _no_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)


@kinds
def test_certificate_that_is_not_trusted_is_an_error_with_the_remedy_and_the_remedies_work(
    declared, server_class, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_class()
    over_tls(server, home / "server.pem")
    with serving(server):
        with pytest.raises(DeliveryError) as error:
            send(channel_of(declared, server, home))
        text = str(error.value)
        assert "the certificate of 127.0.0.1 is not trusted (self-signed certificate)" in text
        assert "`certificates` into alerting.yaml" in text
        assert error.value.needs_a_person
        assert server.requests == []
        send(channel_of(declared, server, home, certificates="server.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(home / "server.pem"))
        send(channel_of(declared, server, home))
    assert len(server.requests) >= 2


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_file_of_certificates_that_cannot_be_read_is_an_error_with_its_path(home: Path, content: str | None) -> None:
    if content is not None:
        (home / "ca.pem").write_text(content)
    with serving(Receiver()) as server, pytest.raises(DeliveryError, match=r"ca\.pem in alerting\.yaml") as error:
        send(channel_of(webhook, server, home, certificates="ca.pem"))
    assert error.value.needs_a_person


@kinds
def test_https_goes_through_the_proxy_of_the_environment_with_its_password(
    declared, server_class, home: Path, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_class()
    over_tls(server, home / "server.pem")
    monkeypatch.setenv("HTTPS_PROXY", proxy.address("ann:pr0xy-s3cr3t@"))
    with serving(server):
        send(channel_of(declared, server, home, certificates="server.pem"))
        assert set(proxy.asked) == {f"CONNECT 127.0.0.1:{server.server_port}"}
        assert "Proxy-Authorization" not in server.requests[0].headers
        proxy.asked.clear()
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        send(channel_of(declared, server, home, certificates="server.pem"))
    assert proxy.asked == []


@kinds
def test_proxy_that_refuses_is_an_error_without_its_password(
    declared, server_class, home: Path, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.address("ann:wr0ng-s3cr3t@"))
    server = server_class()
    over_tls(server, home / "server.pem")
    with serving(server), pytest.raises(DeliveryError, match="407 Proxy Authentication Required") as error:
        send(channel_of(declared, server, home, certificates="server.pem"))
    assert "s3cr3t" not in str(error.value)


def test_http_goes_through_the_proxy_of_the_environment(
    home: Path, proxy: ForwardProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.address("ann:pr0xy-s3cr3t@"))
    with serving(Receiver()) as server:
        send(channel_of(webhook, server, home))
        assert proxy.asked == [f"POST {server.url}/hook"]
    assert len(server.requests) == 1

import base64
import datetime as dt
import email
import email.policy
import json
import re
from email.utils import format_datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from monitoring_pipeline.alerting.channels.apprise import TOLD, AppriseChannel
from monitoring_pipeline.alerting.channels.build import build_channels
from monitoring_pipeline.alerting.channels.file import FileChannel
from monitoring_pipeline.alerting.channels.jira import JiraChannel
from monitoring_pipeline.alerting.channels.pagerduty import PagerDutyChannel
from monitoring_pipeline.alerting.channels.slack import SlackChannel
from monitoring_pipeline.alerting.channels.webhook import WebhookChannel
from monitoring_pipeline.alerting.messages.document import AlertDocument, alert_document, alert_key, message_key
from monitoring_pipeline.alerting.messages.messages import digest_message, incident_message
from monitoring_pipeline.alerting.ports import DeliveryError, Dispatch
from monitoring_pipeline.records.incident import EventKind, IncidentState
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.spec.alerting import AlertingRules, Links
from monitoring_pipeline_tests.alerting.cases import alert, stored
from monitoring_pipeline_tests.alerting.receivers import MailServer, WebhookServer, serving

LINK = "http://dagster.example.com:3000"
LINKS = Links(dagster=LINK)
KINDS = [SlackChannel, AppriseChannel, WebhookChannel, FileChannel, PagerDutyChannel, JiraChannel]


@pytest.fixture
def server():
    with serving(WebhookServer()) as webhook:
        yield webhook


@pytest.fixture
def webhook(server: WebhookServer) -> WebhookChannel:
    return WebhookChannel("events", SecretStr(f"http://127.0.0.1:{server.server_port}/hook?key=s3cr3t"), links=LINKS)


def dispatch(*alerts, **more) -> Dispatch:
    alerts = alerts or (alert(),)
    message = incident_message(alerts[0], links=LINKS) if len(alerts) == 1 else digest_message(alerts, links=LINKS)
    return Dispatch(alerts=alerts, message=message, **more)


def test_webhook_receives_the_document_with_its_idempotency_key(server: WebhookServer, webhook: WebhookChannel) -> None:
    receipt = webhook.send(dispatch())
    ((path, headers, body),) = server.received
    document = AlertDocument.model_validate_json(body)
    assert document == alert_document((alert(),), incident_message(alert(), links=LINKS), links=LINKS)
    assert headers["Idempotency-Key"] == document.idempotency_key == receipt.delivery_id == alert_key(alert())
    assert (path, headers["Content-Type"]) == ("/hook?key=s3cr3t", "application/json")
    assert document.alerts[0].incident.findings[0].rows == 8123
    assert document.alerts[0].url == f"{LINK}/assets/flight_delay/verdict?view=partitions&partition=2013-06-02"


def test_repeated_alert_has_the_same_key_and_another_alert_a_different_one(
    server: WebhookServer, webhook: WebhookChannel
) -> None:
    for claimed in (alert(1), alert(1, attempts=3, uncertain=True), alert(2)):
        webhook.send(dispatch(claimed))
    keys = [headers["Idempotency-Key"] for _, headers, _ in server.received]
    assert keys[0] == keys[1] != keys[2]
    assert server.received[0][2] == server.received[1][2]


def test_webhook_digest_contains_the_keys_of_all_its_alerts(server: WebhookServer, webhook: WebhookChannel) -> None:
    alerts = alert(1, mode="digest"), alert(2, mode="digest", of=stored("loans-1", model="loans"))
    webhook.send(dispatch(*alerts))
    document = json.loads(server.received[0][2])
    assert [entry["key"] for entry in document["alerts"]] == [alert_key(a) for a in alerts]
    assert document["idempotency_key"] == message_key(alerts)


@pytest.mark.parametrize(
    ("status", "needs_a_person", "channel_wide"),
    [
        (500, False, True),
        (502, False, True),
        (503, False, True),
        (400, False, False),
        (401, True, True),
        (404, True, True),
    ],
)
def test_webhook_error_status_decides_on_person_and_channel(
    server, webhook, status, needs_a_person, channel_wide
) -> None:
    server.answers.append((status, {}))
    with pytest.raises(DeliveryError, match=f"webhook: HTTP {status}") as error:
        webhook.send(dispatch())
    assert (error.value.needs_a_person, error.value.channel_wide) == (needs_a_person, channel_wide)


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_of_a_webhook_is_read_as_seconds_or_date(
    server: WebhookServer, webhook: WebhookChannel, status
) -> None:
    later = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=100)
    for value in ("42", format_datetime(later), format_datetime(later - dt.timedelta(days=1)), "soon"):
        server.answers.append((status, {"Retry-After": value}))
    waits = []
    for _ in range(4):
        with pytest.raises(DeliveryError) as error:
            webhook.send(dispatch())
        waits.append(error.value.retry_after)
    assert waits[0] == dt.timedelta(seconds=42)
    assert dt.timedelta(seconds=60) < waits[1] <= dt.timedelta(seconds=100)
    assert waits[2:] == [dt.timedelta(), None]


def test_redirect_of_a_webhook_is_an_error_and_not_followed(server: WebhookServer, webhook: WebhookChannel) -> None:
    server.answers.append((302, {"Location": f"http://127.0.0.1:{server.server_port}/elsewhere"}))
    with pytest.raises(DeliveryError, match="redirects are not followed") as error:
        webhook.send(dispatch())
    assert error.value.needs_a_person
    assert len(server.received) == 1


def test_error_of_an_unreachable_webhook_does_not_contain_its_secret() -> None:
    with pytest.raises(DeliveryError, match="cannot be reached") as error:
        WebhookChannel("events", SecretStr("http://127.0.0.1:9/?key=s3cr3t")).send(dispatch())
    assert "s3cr3t" not in str(error.value)
    with pytest.raises(DeliveryError) as error:
        WebhookChannel("events", SecretStr("http://127.0.0.1:9/a b?key=s3cr3t")).send(dispatch())
    assert "s3cr3t" not in str(error.value)


def test_webhook_secret_that_is_no_http_address_is_refused() -> None:
    with pytest.raises(ValueError, match="channel events: the secret must be an address"):
        WebhookChannel("events", SecretStr("file:///etc/passwd"))


def test_user_and_password_of_an_address_are_sent_as_basic_authentication_and_never_shown(server) -> None:
    secret = SecretStr(f"http://ann:s3%40cr3t:x@127.0.0.1:{server.server_port}/hook")
    WebhookChannel("events", secret).send(dispatch())
    ((path, headers, _),) = server.received
    assert path == "/hook"
    assert base64.b64decode(headers["Authorization"].removeprefix("Basic ")) == b"ann:s3@cr3t:x"
    assert headers["Host"] == f"127.0.0.1:{server.server_port}"
    for address in (secret, SecretStr("http://ann:s3%40cr3t:x@127.0.0.1:9/hook")):
        server.answers.append((401, {}))
        with pytest.raises(DeliveryError) as error:
            WebhookChannel("events", address).send(dispatch())
        assert "s3" not in str(error.value)


def test_file_channel_appends_a_line_and_finds_its_alerts(tmp_path: Path) -> None:
    channel = FileChannel("log", tmp_path / "deep" / "alerts.jsonl", links=LINKS)
    assert channel.find([alert(1)], {}) == {}
    channel.send(dispatch(alert(1)))
    channel.send(dispatch(alert(2), alert(3)))
    lines = (tmp_path / "deep" / "alerts.jsonl").read_text().splitlines()
    assert [len(AlertDocument.model_validate_json(line).alerts) for line in lines] == [1, 2]
    assert channel.find([alert(n) for n in (1, 2, 3, 4)], {}).keys() == {1, 2, 3}


@pytest.mark.parametrize("torn", [b'{"version": 1, "al', b'{"version": 1}', b"[1]\n", b"\xff"])
def test_torn_line_of_a_crash_does_not_damage_the_next_line(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(torn)
    channel = FileChannel("log", path)
    channel.send(dispatch())
    AlertDocument.model_validate_json(path.read_bytes().splitlines()[-1])
    assert channel.find([alert()], {}).keys() == {1}


def test_file_channel_without_a_writable_file_raises_a_delivery_error(tmp_path: Path) -> None:
    channel = FileChannel("log", tmp_path)
    with pytest.raises(DeliveryError, match="file: "):
        channel.send(dispatch())
    with pytest.raises(DeliveryError, match="file: "):
        channel.find([alert()], {})


def test_apprise_posts_title_body_and_type(server: WebhookServer) -> None:
    channel = AppriseChannel("mail", SecretStr(f"json://127.0.0.1:{server.server_port}/"))
    over = alert(3, of=stored(state=IncidentState.RESOLVED), kind=EventKind.RESOLVED)
    for claimed in (alert(1), alert(2, of=stored(severity=Severity.WARNING)), over):
        assert channel.send(dispatch(claimed)).thread == TOLD
    bodies = [json.loads(body) for _, _, body in server.received]
    assert [body["type"] for body in bodies] == ["failure", "warning", "success"]
    assert bodies[0]["title"] == "🔴 flight_delay: auroc is below .68"
    assert "monitoring-pipeline incidents acknowledge flight_delay-7" in bodies[0]["message"]


def test_error_of_apprise_has_a_reason_without_the_secret(server: WebhookServer) -> None:
    server.answers.append((500, {}))
    url = f"json://user:s3cr3t@127.0.0.1:{server.server_port}/"
    with pytest.raises(DeliveryError, match=r"Apprise: not sent: .*500") as error:
        AppriseChannel("mail", SecretStr(url)).send(dispatch())
    assert "s3cr3t" not in str(error.value)


@pytest.mark.parametrize("url", ["nonsense://x", "json://localhost/ json://127.0.0.1/", "https//oops"])
def test_apprise_secret_that_is_not_one_known_url_is_refused(url: str) -> None:
    with pytest.raises(DeliveryError, match="channel mail is not one URL") as error:
        AppriseChannel("mail", SecretStr(url)).send(dispatch())
    assert error.value.needs_a_person
    assert "oops" not in str(error.value)


def test_apprise_sends_nothing_for_an_update(server: WebhookServer) -> None:
    AppriseChannel("mail", SecretStr(f"json://127.0.0.1:{server.server_port}/")).send(dispatch(only_update=True))
    assert server.received == []


def test_apprise_mail_has_subject_recipient_and_text() -> None:
    with serving(MailServer()) as post:
        url = f"mailto://127.0.0.1:{post.port}?mode=insecure&from=monitor@example.com&to=ann@example.com"
        AppriseChannel("mail", SecretStr(url)).send(dispatch())
        (raw,) = post.received
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert mail["Subject"] == "🔴 flight_delay: auroc is below .68"
    assert mail["To"] == "ann@example.com"
    text = mail.get_body(("plain", "html")).get_content()
    assert "from 0.7315 to 0.6612" in re.sub(r"<[^>]+>", "", text)


def test_channels_are_built_from_rules_and_secrets(tmp_path: Path) -> None:
    channels = {"a": {"slack": "#x"}, "b": {"apprise": "mail"}, "c": {"webhook": "events"}, "d": {"file": "a.jsonl"}}
    channels["e"] = {"pagerduty": {"routing_key": "oncall"}}
    channels["f"] = {"jira": {"address": "https://acme.atlassian.net", "project": "OPS"}}
    rules = AlertingRules.model_validate({"channels": channels})
    secrets = {
        "oncall": SecretStr("0123"),
        "jira": SecretStr("0123"),
        "slack": SecretStr("xoxb"),
        "mail": SecretStr("json://localhost"),
        "EVENTS": SecretStr("http://localhost"),
    }
    built = build_channels(rules, secrets, home=tmp_path)
    assert [type(channel) for channel in built.values()] == KINDS
    assert [channel.name for channel in built.values()] == list(channels)
    assert [channel.keeps_record for channel in built.values()] == [False, False, True, True, False, False]
    built["d"].send(dispatch())
    assert (tmp_path / "a.jsonl").exists()


def test_unusable_channel_fails_with_a_reason_and_does_not_affect_others(tmp_path: Path) -> None:
    channels = {"a": {"slack": "#x"}, "b": {"webhook": "events"}, "c": {"file": "a.jsonl"}}
    rules = AlertingRules.model_validate({"channels": channels})
    built = build_channels(rules, {"events": SecretStr("not an address")}, home=tmp_path)
    with pytest.raises(DeliveryError, match="no secret 'slack'; set MONITORING_PIPELINE_SECRETS__SLACK") as missing:
        built["a"].send(dispatch())
    assert missing.value.needs_a_person
    with pytest.raises(DeliveryError) as wrong:
        built["b"].send(dispatch())
    assert "not an address" not in str(wrong.value)
    built["c"].send(dispatch())
    assert (tmp_path / "a.jsonl").exists()

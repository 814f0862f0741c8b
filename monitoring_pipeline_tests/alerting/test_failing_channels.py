"""A channel that accepts nothing for hours becomes an incident, through the other channels: real servers and store."""

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from monitoring_pipeline.definitions import _deliver
from monitoring_pipeline.evaluation.incidents.failing_channels import MODEL
from monitoring_pipeline.records.incident import EventKind, IncidentState, StoredIncident
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.alerting.cases import HOUR, MINUTE, NOW
from monitoring_pipeline_tests.alerting.pagerduty_server import ROUTING_KEY, PagerDutyServer
from monitoring_pipeline_tests.alerting.receivers import WebhookServer, serving
from monitoring_pipeline_tests.alerting.test_stored_outbox import desk_of

RULES = """\
channels:
  events: {{webhook: events}}
  phone: {{pagerduty: {{routing_key: oncall, address: "{pagerduty}"}}}}
  log: {{file: log.jsonl}}
  idle: {{file: idle.jsonl}}
routes:
  - {{channel: events, models: [loans]}}
  - {{channel: phone, models: [nothing], severity: critical}}
  - {{channel: log}}
failing_after: 6h
"""


class Deployment:
    """A store, the servers of two channels, and a clock; deliveries run as often as messages are due."""

    def __init__(self, home: Path, store: ResultStore, events: WebhookServer, phone: PagerDutyServer) -> None:
        self.store, self.events, self.phone, self.home = store, events, phone, home
        (home / "alerting.yaml").write_text(RULES.format(pagerduty=phone.url))
        secrets = {
            "events": SecretStr(f"http://127.0.0.1:{events.server_port}/hook"),
            "oncall": SecretStr(ROUTING_KEY),
        }
        self.settings = Settings(home=home, secrets=secrets)
        self.now = NOW
        self.write = desk_of(store).write

    def run_until(self, end: dt.datetime) -> None:
        while self.now < end:
            if self.store.due_alerts(self.now, lease=MINUTE):
                _deliver(self.settings, self.store, lambda: self.now, MINUTE)
            self.now += MINUTE

    def break_events(self, status: int = 500) -> None:
        self.events.answers = [(status, {})] * 1000

    def mend_events(self) -> None:
        self.events.answers = []

    def incidents(self) -> list[StoredIncident]:
        return self.store.incidents(MODEL)

    def logged(self) -> list[str]:
        path = self.home / "log.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [json.loads(line)["text"] for line in lines if json.loads(line)["title"].startswith(MODEL)]


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    with (
        serving(WebhookServer()) as events,
        serving(PagerDutyServer()) as phone,
        ResultStore.open(f"sqlite:///{tmp_path / 'results.db'}") as store,
    ):
        yield Deployment(tmp_path, store, events, phone)


def test_channel_that_fails_for_six_hours_is_one_incident_told_through_all_others(deployment: Deployment) -> None:
    deployment.break_events()
    deployment.write("loans", channel="events")
    deployment.run_until(NOW + 6 * HOUR)
    assert deployment.incidents() == []
    deployment.run_until(NOW + 30 * HOUR)
    (own,) = deployment.incidents()
    assert (own.incident.title, own.incident.severity) == ("channel events accepts no messages", Severity.CRITICAL)
    assert own.incident.cause.text == "channel:events"
    since = "since 2013-06-03 06:30 UTC: webhook: HTTP 500 Internal Server Error; 1 message waits"
    assert deployment.logged() == [f"Opened (2013-06-03): {since}"]
    assert deployment.phone.pages == [
        f"alerting.yaml: channel events accepts no messages. Opened (2013-06-03): {since}"
    ]
    assert not (deployment.home / "idle.jsonl").exists()


def test_first_success_resolves_the_incident_and_the_message_arrives(deployment: Deployment) -> None:
    deployment.break_events()
    deployment.write("loans", channel="events")
    deployment.run_until(NOW + 8 * HOUR)
    deployment.mend_events()
    deployment.run_until(NOW + 10 * HOUR)
    (own,) = deployment.incidents()
    assert own.incident.state is IncidentState.RESOLVED
    assert deployment.phone.open_keys() == []
    assert len(deployment.logged()) == 2
    assert deployment.store.channel_failures() == []
    # Nobody is told through the channel itself that it fails or works.
    assert all(json.loads(body)["alerts"][0]["incident"]["model"] == "loans" for *_, body in deployment.events.received)
    deployment.break_events()
    deployment.write("loans", kind=EventKind.RESOLVED, channel="events")
    deployment.run_until(NOW + 20 * HOUR)
    assert [entry.incident.state for entry in deployment.incidents()].count(IncidentState.OPEN) == 1


def test_channel_that_accepts_some_messages_works(deployment: Deployment) -> None:
    deployment.write("loans", channel="events")
    for hour in range(10):
        # A refusal of one message (400), and an acceptance of another, every hour.
        deployment.events.answers = [(400, {}), (200, {})]
        deployment.write(f"model_{hour}", channel="events", due_at=deployment.now)
        deployment.write(f"more_{hour}", channel="events", due_at=deployment.now)
        deployment.run_until(NOW + (hour + 1) * HOUR)
    assert deployment.incidents() == []


def test_channels_that_all_fail_have_one_incident_each_and_no_loop(deployment: Deployment) -> None:
    deployment.break_events()
    deployment.settings.secrets["oncall"] = SecretStr("f" * 32)
    (deployment.home / "log.jsonl").mkdir()
    deployment.write("loans", channel="events")
    deployment.run_until(NOW + 60 * HOUR)
    titles = sorted(entry.incident.title for entry in deployment.incidents())
    assert titles == [f"channel {name} accepts no messages" for name in ("events", "log", "phone")]
    due = deployment.store.due_alerts(NOW + 1000 * HOUR, lease=MINUTE)
    assert len(due) == 1 + 3 * 2


def test_rest_that_a_server_asks_for_again_and_again_counts_as_a_failure(deployment: Deployment) -> None:
    deployment.events.answers = [(429, {"Retry-After": "1800"})] * 1000
    deployment.write("loans", channel="events")
    deployment.run_until(NOW + 8 * HOUR)
    assert [entry.incident.title for entry in deployment.incidents()] == ["channel events accepts no messages"]


def test_channel_that_leaves_alerting_yaml_has_no_incident(deployment: Deployment) -> None:
    deployment.break_events()
    deployment.write("loans", channel="events")
    deployment.run_until(NOW + 8 * HOUR)
    text = (deployment.home / "alerting.yaml").read_text().replace("events", "other")
    (deployment.home / "alerting.yaml").write_text(text)
    deployment.run_until(NOW + 10 * HOUR)
    (own,) = deployment.incidents()
    assert own.incident.state is IncidentState.RESOLVED


def test_error_that_is_kept_contains_no_secret(deployment: Deployment) -> None:
    deployment.store.record_channels(working=set(), failing={"events": "https://ann:s3cr3t@host/x refused"}, at=NOW)
    (failure,) = deployment.store.channel_failures()
    assert "s3cr3t" not in failure.error

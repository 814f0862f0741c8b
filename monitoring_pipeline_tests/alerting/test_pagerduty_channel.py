import datetime as dt
import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from pydantic import SecretStr

from monitoring_pipeline.alerting.channels.pagerduty import PagerDutyChannel
from monitoring_pipeline.alerting.delivery.delivery import deliver
from monitoring_pipeline.alerting.delivery.probe import send_probe_message
from monitoring_pipeline.alerting.messages.document import alert_document
from monitoring_pipeline.alerting.messages.messages import digest_message, incident_message
from monitoring_pipeline.alerting.ports import DeliveryError, Dispatch
from monitoring_pipeline.records.incident import EventKind, IncidentState
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.records.pagerduty_key import PagerDutyKey
from monitoring_pipeline.spec.alerting import Links
from monitoring_pipeline_tests.alerting.cases import AUROC, MINUTE, NOW, MemoryOutbox, alert, stored
from monitoring_pipeline_tests.alerting.json_server import ACCEPT_AND_DIE, DIE, Answer
from monitoring_pipeline_tests.alerting.pagerduty_server import ROUTING_KEY, PagerDutyServer
from monitoring_pipeline_tests.alerting.receivers import serving

LINKS = Links(dagster="http://dagster.example.com:3000", site="http://models.example.com")
KEY = "flight_delay-7/20130603T063000Z"


@pytest.fixture
def server() -> Iterator[PagerDutyServer]:
    with serving(PagerDutyServer()) as running:
        yield running


@pytest.fixture
def channel(server: PagerDutyServer) -> PagerDutyChannel:
    return channel_of(server)


def channel_of(server: PagerDutyServer, key: str = ROUTING_KEY, **more) -> PagerDutyChannel:
    return PagerDutyChannel("ml-oncall", SecretStr(key), server.url, links=LINKS, **more)


def dispatch(claimed=None, **more) -> Dispatch:
    claimed = claimed or alert()
    return Dispatch(alerts=(claimed,), message=incident_message(claimed, links=LINKS), **more)


def test_event_has_the_fields_of_pagerduty_and_the_document_of_webhooks(server, channel) -> None:
    receipt = channel.send(dispatch())
    assert (receipt.thread, receipt.delivery_id) == (KEY, KEY)
    incident = server.incidents[KEY]
    payload = dict(incident.payload)
    document = alert_document([alert()], incident_message(alert(), links=LINKS), links=LINKS)
    assert payload.pop("custom_details") == document.model_dump(mode="json")
    assert payload == {
        "summary": "flight_delay: auroc is below .68. Opened (2013-06-02): auroc 0.66",
        "severity": "critical",
        "source": "http://models.example.com",
        "timestamp": "2013-06-03T06:30:00+00:00",
        "component": "flight_delay",
        "group": "team:ml",
        "class": "performance",
    }
    assert [link["text"] for link in incident.links] == ["Report", "Runbook", "Dagster"]
    assert incident.client_url == "http://models.example.com/incidents/flight_delay-7"
    assert PagerDutyKey.parse(KEY) == PagerDutyKey(incident_id="flight_delay-7", since=NOW)


@pytest.mark.parametrize("severity", list(Severity))
def test_severity_is_that_of_the_incident(server, channel, severity: Severity) -> None:
    channel.send(dispatch(alert(of=stored(severity=severity))))
    assert server.incidents[KEY].payload["severity"] == severity.value


def test_repeated_and_spread_events_page_once(server, channel) -> None:
    channel.send(dispatch())
    channel.send(dispatch(alert(uncertain=True)))
    later = alert(2, kind=EventKind.SPREAD, event_at=NOW + MINUTE)
    assert channel.send(dispatch(later, thread=KEY)).thread == KEY
    assert len(server.pages) == 1
    assert server.incidents[KEY].log == ["trigger"] * 3


def test_acknowledgement_and_mute_here_are_an_acknowledgement_there(server, channel) -> None:
    for kind in (EventKind.ACKNOWLEDGED, EventKind.MUTED):
        server.incidents.clear()
        channel.send(dispatch())
        channel.send(dispatch(alert(2, kind=kind, mode="update"), thread=KEY, only_update=True))
        assert server.incidents[KEY].status == "acknowledged"


def test_updates_without_a_counterpart_send_nothing(server, channel) -> None:
    channel.send(dispatch())
    for kind in (EventKind.UNMUTED, EventKind.OUTCOME, EventKind.COMMENTED, EventKind.SPREAD, EventKind.REOPENED):
        receipt = channel.send(dispatch(alert(2, kind=kind, mode="update"), thread=KEY, only_update=True))
        assert receipt.thread == KEY
    assert len(server.requests) == 1


def test_escalation_pages_again_although_the_incident_is_acknowledged(server, channel) -> None:
    channel.send(dispatch(alert(of=stored(severity=Severity.WARNING))))
    channel.send(dispatch(alert(2, kind=EventKind.ACKNOWLEDGED, mode="update"), thread=KEY, only_update=True))
    escalated = alert(3, kind=EventKind.ESCALATED, event_at=NOW + MINUTE)
    new = channel.send(dispatch(escalated, thread=KEY)).thread
    assert new == "flight_delay-7/20130603T063100Z"
    assert len(server.pages) == 2
    assert server.open_keys() == [new]
    again = channel.send(dispatch(replace(escalated, uncertain=True), thread=KEY))
    assert (again.thread, len(server.pages), server.open_keys()) == (new, 2, [new])


def test_resolved_incident_that_comes_back_pages_again(server, channel) -> None:
    channel.send(dispatch())
    over = alert(2, of=stored(state=IncidentState.RESOLVED), kind=EventKind.RESOLVED, event_at=NOW + MINUTE)
    channel.send(dispatch(over, thread=KEY))
    assert server.open_keys() == []
    back = alert(3, of=stored(state=IncidentState.REOPENED), kind=EventKind.REOPENED, event_at=NOW + 2 * MINUTE)
    new = channel.send(dispatch(back, thread=KEY)).thread
    assert (server.open_keys(), len(server.pages)) == ([new], 2)


def test_escalation_to_the_same_service_because_nobody_acknowledged_pages_no_second_incident(server, channel) -> None:
    channel.send(dispatch())
    channel.send(dispatch(alert(2, mode="escalation"), thread=KEY))
    assert (server.open_keys(), len(server.pages)) == ([KEY], 1)


def test_long_texts_and_thousands_of_findings_keep_to_the_limits(server, channel) -> None:
    many = tuple(replace(AUROC, subject=f"column_{n}", reason="x" * 100) for n in range(5000))
    channel.send(dispatch(alert(of=stored(title="long " * 1000, findings=many))))
    payload = server.incidents[KEY].payload
    assert len(payload["summary"]) == 1024
    assert len(payload["custom_details"]["alerts"][0]["incident"]["findings"]) == 20


def test_digest_of_older_rules_becomes_one_event_per_alert(server, channel) -> None:
    alerts = alert(1, mode="digest"), alert(2, mode="digest", of=stored("loans-1", model="loans"))
    channel.send(Dispatch(alerts=alerts, message=digest_message(alerts, links=LINKS)))
    assert {incident.payload["component"] for incident in server.incidents.values()} == {"flight_delay", "loans"}


@pytest.mark.parametrize("key", ["short", "f" * 32])
def test_wrong_integration_key_is_an_error_that_names_the_remedy(server, key: str) -> None:
    with pytest.raises(DeliveryError, match="set the integration key of an Events API v2 integration") as error:
        channel_of(server, key).send(dispatch())
    assert (error.value.needs_a_person, error.value.channel_wide) == (True, True)
    assert key not in str(error.value)


def test_event_that_pagerduty_finds_invalid_concerns_that_event_only(server, channel) -> None:
    body = {"status": "invalid event", "message": "Event object is invalid", "errors": ["'links' is invalid"]}
    server.faults = [Answer(status=400, body=body)]
    with pytest.raises(DeliveryError, match=r"PagerDuty: HTTP 400 Bad Request: 'links' is invalid") as error:
        channel.send(dispatch())
    assert (error.value.needs_a_person, error.value.channel_wide) == (False, False)


@pytest.mark.parametrize(
    ("fault", "retry_after", "needs_a_person"),
    [
        (Answer(status=429, headers={"Retry-After": "7"}), dt.timedelta(seconds=7), False),
        (Answer(status=429, body={"status": "throttle exceeded"}), dt.timedelta(minutes=1), False),
        (Answer(status=500, body="<html>oops</html>"), None, False),
        (Answer(status=403, body={"message": "forbidden"}), None, True),
        (DIE, None, False),
    ],
)
def test_refusals_decide_on_the_next_attempt(server, channel, fault, retry_after, needs_a_person) -> None:
    server.faults = [fault]
    with pytest.raises(DeliveryError, match="PagerDuty") as error:
        channel.send(dispatch())
    assert (error.value.retry_after, error.value.needs_a_person) == (retry_after, needs_a_person)
    assert error.value.channel_wide


def test_lost_answer_is_sent_again_and_pages_once(server, channel, outbox: MemoryOutbox) -> None:
    outbox.add(alert(1))
    server.faults = [ACCEPT_AND_DIE]
    clock = [NOW]
    deliver(outbox, {"ml-oncall": channel}, clock=lambda: clock[0])
    assert (outbox.status(1), len(server.pages)) == ("pending", 1)
    clock[0] = NOW + 2 * MINUTE
    report = deliver(outbox, {"ml-oncall": channel}, clock=lambda: clock[0])
    assert (report.sent, len(server.pages)) == ((1,), 1)
    assert outbox.thread("flight_delay-7", "ml-oncall") == KEY


def test_probe_opens_an_incident_that_is_marked_as_a_test(server, channel) -> None:
    send_probe_message(channel, links=LINKS, now=NOW)
    (incident,) = server.incidents.values()
    assert "This is a test" in incident.payload["summary"]
    assert incident.payload["severity"] == "info"


def test_secret_is_in_the_body_only(server, channel) -> None:
    channel.send(dispatch())
    (request,) = server.requests
    assert ROUTING_KEY not in json.dumps(request.headers) + request.path
    assert ROUTING_KEY not in repr(channel.__dict__)

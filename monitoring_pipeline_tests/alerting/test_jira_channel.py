import datetime as dt
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from monitoring_pipeline.alerting.channels.jira import JiraChannel
from monitoring_pipeline.alerting.channels.jira_calls import JiraCalls
from monitoring_pipeline.alerting.delivery.delivery import deliver
from monitoring_pipeline.alerting.delivery.probe import send_probe_message
from monitoring_pipeline.alerting.messages.document import alert_key
from monitoring_pipeline.alerting.messages.messages import digest_message, incident_message
from monitoring_pipeline.alerting.ports import DeliveryError, Dispatch
from monitoring_pipeline.records.incident import EventKind, IncidentState
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.spec.alerting import Jira, Links
from monitoring_pipeline_tests.alerting.cases import MINUTE, NOW, MemoryOutbox, alert, stored
from monitoring_pipeline_tests.alerting.jira_server import (
    PERSONAL_TOKEN,
    TOKEN,
    USER,
    JiraServer,
    is_document,
    plain_text,
)
from monitoring_pipeline_tests.alerting.json_server import ACCEPT_AND_DIE, DIE, Answer
from monitoring_pipeline_tests.alerting.receivers import serving

LINKS = Links(dagster="http://dagster.example.com:3000", site="http://models.example.com")
OVER = stored(state=IncidentState.RESOLVED)
CREATE, SEARCH = "/rest/api/3/issue", "/rest/api/3/search/jql"


@pytest.fixture
def server() -> Iterator[JiraServer]:
    with serving(JiraServer()) as running:
        yield running


@pytest.fixture
def channel(server: JiraServer) -> JiraChannel:
    return channel_of(server)


def channel_of(server: JiraServer, *, user: str | None = USER, token: str = TOKEN, **rules) -> JiraChannel:
    chosen = Jira.model_validate(
        {"address": server.url, "project": "OPS", "user": user, "version": server.version} | rules
    )
    calls = JiraCalls(chosen.address, SecretStr(token), user=chosen.user, version=chosen.version)
    return JiraChannel("tickets", chosen, calls, links=LINKS)


def dispatch(claimed=None, **more) -> Dispatch:
    claimed = claimed or alert()
    return Dispatch(alerts=(claimed,), message=incident_message(claimed, links=LINKS), **more)


def test_incident_becomes_an_issue_with_labels_priority_and_the_whole_message(server, channel) -> None:
    receipt = channel.send(dispatch())
    assert (receipt.thread, receipt.delivery_id, receipt.notes) == ("OPS-1", "OPS-1", ())
    fields = server.issues["OPS-1"].fields
    assert fields["summary"] == "flight_delay: auroc is below .68"
    assert fields["labels"] == ["monitoring-pipeline", "monitoring-pipeline-flight_delay-7", "flight_delay"]
    assert (fields["priority"], fields["issuetype"]) == ({"name": "Highest"}, {"name": "Task"})
    text = plain_text(fields["description"])
    for part in (
        "Opened (2013-06-02): auroc 0.66",
        "Owner: team:ml",
        "from 0.7315 to 0.6612",
        'Acknowledge: monitoring-pipeline incidents acknowledge flight_delay-7 --reason "..."',
        f"Message {alert_key(alert())} of monitoring_pipeline",
    ):
        assert part in text
    assert '"href": "http://models.example.com/incidents/flight_delay-7"' in str(fields["description"]).replace(
        "'", '"'
    )


def test_events_are_comments_and_the_end_moves_the_issue(server, channel) -> None:
    channel.send(dispatch())
    channel.send(dispatch(alert(2, kind=EventKind.SPREAD), thread="OPS-1"))
    over = channel.send(dispatch(alert(3, of=OVER, kind=EventKind.RESOLVED), thread="OPS-1"))
    assert (over.notes, server.issues["OPS-1"].status) == ((), "Done")
    back = alert(4, of=stored(state=IncidentState.REOPENED), kind=EventKind.REOPENED)
    channel.send(dispatch(back, thread="OPS-1"))
    assert server.issues["OPS-1"].status == "To Do"
    first_lines = [text.splitlines()[0] for text in server.texts("OPS-1")]
    assert [line.partition(" (")[0] for line in first_lines] == ["Spread", "Resolved", "Came back"]
    assert list(server.issues) == ["OPS-1"]


def test_issue_that_a_person_closed_stays_as_it_is(server, channel) -> None:
    channel.send(dispatch())
    server.issues["OPS-1"].status = "Done"
    assert channel.send(dispatch(alert(2, of=OVER, kind=EventKind.RESOLVED), thread="OPS-1")).notes == ()
    assert server.issues["OPS-1"].status == "Done"


def test_answers_of_people_are_comments_and_events_of_a_muted_incident_are_not(server) -> None:
    channel = channel_of(server, transitions={"acknowledged": "In Progress"})
    channel.send(dispatch())
    for number, kind in enumerate((EventKind.ACKNOWLEDGED, EventKind.SPREAD, EventKind.OUTCOME), start=2):
        channel.send(dispatch(alert(number, kind=kind, mode="update"), thread="OPS-1", only_update=True))
    assert server.issues["OPS-1"].status == "In Progress"
    assert [text.split()[0] for text in server.texts("OPS-1")] == ["Acknowledged", "Outcome"]
    channel.send(dispatch(alert(5, of=OVER, kind=EventKind.RESOLVED, mode="update"), thread="OPS-1", only_update=True))
    assert (server.issues["OPS-1"].status, len(server.texts("OPS-1"))) == ("Done", 2)


def test_escalation_raises_the_priority(server, channel) -> None:
    channel.send(dispatch(alert(of=stored(severity=Severity.WARNING))))
    assert server.issues["OPS-1"].fields["priority"] == {"name": "Medium"}
    channel.send(dispatch(alert(2, kind=EventKind.ESCALATED), thread="OPS-1"))
    assert server.issues["OPS-1"].fields["priority"] == {"name": "Highest"}


def test_transition_that_the_workflow_lacks_is_a_note_that_names_those_there_are(server) -> None:
    channel = channel_of(server, transitions={"resolved": "Fixed"})
    channel.send(dispatch())
    receipt = channel.send(dispatch(alert(2, of=OVER, kind=EventKind.RESOLVED), thread="OPS-1"))
    assert receipt.notes == ("OPS-1 stays 'To Do': no transition 'Fixed'; there are: Start, Close",)
    assert len(server.texts("OPS-1")) == 1


def test_transition_that_needs_more_than_a_name_is_a_note(server, channel) -> None:
    channel.send(dispatch())
    server.needs_resolution = True
    receipt = channel.send(dispatch(alert(2, of=OVER, kind=EventKind.RESOLVED), thread="OPS-1"))
    (note,) = receipt.notes
    assert note.endswith("HTTP 400 Bad Request: resolution: Resolution is required.")


def test_project_without_priorities_gets_an_issue_and_a_note(server, channel) -> None:
    server.has_priority = False
    receipt = channel.send(dispatch())
    assert receipt.notes[0].startswith("OPS-1 has no priority: Jira: HTTP 400")
    assert (
        channel.send(dispatch(alert(2, kind=EventKind.ESCALATED), thread="OPS-1"))
        .notes[0]
        .startswith("OPS-1 keeps its priority")
    )
    assert "priority" not in server.issues["OPS-1"].fields


def test_deleted_issue_is_created_again_but_not_for_an_update(server, channel) -> None:
    channel.send(dispatch())
    del server.issues["OPS-1"]
    channel.send(dispatch(alert(2, kind=EventKind.ACKNOWLEDGED, mode="update"), thread="OPS-1", only_update=True))
    assert server.issues == {}
    assert channel.send(dispatch(alert(3, kind=EventKind.ESCALATED), thread="OPS-1")).thread == "OPS-1"
    assert len(server.issues) == 1


def test_lost_answer_creates_no_second_issue(server, channel, outbox: MemoryOutbox) -> None:
    outbox.add(alert(1, channel="tickets"))
    # The search is the first request; only the second one creates.
    server.faults = [Answer(status=200, body={"issues": []}), ACCEPT_AND_DIE]
    clock = [NOW]
    deliver(outbox, {"tickets": channel}, clock=lambda: clock[0])
    assert (outbox.status(1), len(server.issues)) == ("pending", 1)
    clock[0] = NOW + 2 * MINUTE
    report = deliver(outbox, {"tickets": channel}, clock=lambda: clock[0])
    assert (report.sent, report.repeated, len(server.issues)) == ((1,), (), 1)
    assert outbox.thread("flight_delay-7", "tickets") == "OPS-1"


def test_lost_answer_of_a_comment_adds_no_second_one(server, channel) -> None:
    channel.send(dispatch())
    spread = alert(2, kind=EventKind.SPREAD, uncertain=True)
    threads = {"flight_delay-7": "OPS-1"}
    assert channel.find([spread], threads) == {}
    channel.send(dispatch(spread, thread="OPS-1"))
    assert channel.find([spread, alert(3, kind=EventKind.ESCALATED)], threads).keys() == {2}
    assert channel.find([alert(1)], {})[1].thread == "OPS-1"


def test_issue_is_looked_up_before_it_is_created(server, channel) -> None:
    channel.send(dispatch())
    again = channel.send(dispatch(alert(2, kind=EventKind.ESCALATED)))
    assert (again.thread, len(server.issues), len(server.texts("OPS-1"))) == ("OPS-1", 1, 1)


def test_data_center_gets_wiki_markup_by_version_2_with_a_personal_token() -> None:
    with serving(JiraServer(version=2)) as server:
        channel = channel_of(server, user=None, token=PERSONAL_TOKEN)
        channel.send(dispatch())
        channel.send(dispatch(alert(2, of=OVER, kind=EventKind.RESOLVED), thread="OPS-1"))
        issue = server.issues["OPS-1"]
    description = issue.fields["description"]
    assert "h3. How it stands\n* Severity: critical" in description
    assert r"performance model auroc of version 3" in description
    assert "[Report|http://models.example.com/incidents/flight_delay-7]" in description
    assert "{noformat}monitoring-pipeline incidents mute flight_delay-7" in description
    assert issue.status == "Done"


def test_names_with_markup_stay_text_in_wiki_markup_and_documents() -> None:
    hostile = stored(title="{code} [~ann] *bold* -gone- !image.png! | a-b\nnext " + "long " * 100)
    for version in (2, 3):
        with serving(JiraServer(version=version)) as server:
            channel_of(server).send(dispatch(alert(of=hostile)))
            (issue,) = server.issues.values()
            assert "{code} [~ann]" in issue.fields["summary"]
            assert len(issue.fields["summary"]) <= 255
            assert version == 2 or is_document(issue.fields["description"])


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"project": "NONE"}, r"The value 'NONE' does not exist for the field 'project'"),
        ({"issue_type": "Bugg"}, r"issuetype: Specify a valid issue type"),
        ({"token": "wrong"}, r"HTTP 401 Unauthorized: set a valid token as the secret, and as `user`"),
        ({"user": None}, r"HTTP 401 Unauthorized: set a valid token"),
    ],
)
def test_wrong_settings_are_errors_that_name_the_remedy(server, rules, expected) -> None:
    with pytest.raises(DeliveryError, match=expected) as error:
        channel_of(server, **rules).send(dispatch())
    assert (error.value.needs_a_person, error.value.channel_wide) == (True, True)
    assert TOKEN not in str(error.value)
    assert server.issues == {}


def test_missing_permission_names_what_is_needed(server, channel) -> None:
    server.forbidden = True
    with pytest.raises(DeliveryError, match="the user must be allowed to browse the project") as error:
        channel.send(dispatch())
    assert (error.value.needs_a_person, error.value.channel_wide) == (True, True)


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [
        (Answer(status=429, headers={"Retry-After": "30"}), dt.timedelta(seconds=30)),
        (Answer(status=429), dt.timedelta(minutes=1)),
        (Answer(status=502, body="<html>Bad Gateway</html>"), None),
        (Answer(status=200, body="<html>maintenance</html>"), None),
        (DIE, None),
    ],
)
def test_jira_that_cannot_answer_now_is_asked_later(server, channel, fault, retry_after) -> None:
    server.faults = [fault]
    with pytest.raises(DeliveryError, match="Jira") as error:
        channel.send(dispatch())
    assert (error.value.retry_after, error.value.needs_a_person, error.value.channel_wide) == (retry_after, False, True)


def test_digest_of_older_rules_becomes_one_issue_per_incident(server, channel) -> None:
    alerts = alert(1, mode="digest"), alert(2, mode="digest", of=stored("loans-1", model="loans"))
    channel.send(Dispatch(alerts=alerts, message=digest_message(alerts, links=LINKS)))
    assert len(server.issues) == 2


def test_probe_creates_one_issue_and_then_comments(server, channel) -> None:
    for _ in range(2):
        send_probe_message(channel, links=LINKS, now=NOW)
    (issue,) = server.issues.values()
    assert "This is a test" in plain_text(issue.fields["description"])
    assert len(issue.comments) == 1

import datetime as dt
from dataclasses import replace

import pytest

from monitoring_pipeline.alerting.channels.slack import SlackChannel
from monitoring_pipeline.alerting.messages.document import alert_key
from monitoring_pipeline.alerting.messages.messages import incident_message
from monitoring_pipeline.alerting.ports import DeliveryError, Dispatch, Receipt
from monitoring_pipeline.records.incident import EventKind, IncidentState
from monitoring_pipeline.spec.alerting import NO_LINKS
from monitoring_pipeline_tests.alerting.cases import alert, stored
from monitoring_pipeline_tests.alerting.slack_cases import slack_channel
from monitoring_pipeline_tests.slack_server import SlackServer

PNG = b"\x89PNG for tests"
ROOT_PLACE = "C0000ONCALL"


def dispatch(claimed=None, thread=None, **more) -> Dispatch:
    claimed = claimed or alert()
    return Dispatch(alerts=(claimed,), message=incident_message(claimed, links=NO_LINKS), thread=thread, **more)


def resolved(alert_id=2):
    of = stored(state=IncidentState.RESOLVED, resolved="2013-06-05")
    return alert(alert_id, of=of, kind=EventKind.RESOLVED)


def test_first_message_of_a_thread_shows_the_state_of_its_incident(slack: SlackServer, oncall: SlackChannel):
    first = oncall.send(dispatch(draw_chart=lambda: PNG))
    second = oncall.send(dispatch(resolved(), first.thread))
    (root,) = slack.roots()
    (reply,) = slack.thread(root)
    assert first == Receipt(delivery_id=f"{ROOT_PLACE}/{root['ts']}", thread=f"{ROOT_PLACE}/{root['ts']}")
    assert second == Receipt(delivery_id=f"{ROOT_PLACE}/{reply['ts']}", thread=first.thread)
    assert root["blocks"][0]["text"]["text"].startswith("✅ flight_delay")
    assert "Resolved (2013-06-02)" in reply["text"]
    assert root["metadata"]["event_payload"] == {"keys": [alert_key(alert())]}
    (file,) = slack.workspace.files.values()
    assert (file["content"], file["thread_ts"], file["channel"]) == (PNG, root["ts"], ROOT_PLACE)


def test_update_changes_the_first_message_without_a_reply(slack: SlackServer, oncall: SlackChannel) -> None:
    first = oncall.send(dispatch())
    slack.calls.clear()
    oncall.send(dispatch(resolved(), first.thread, only_update=True))
    assert slack.calls == ["chat.update"]
    assert slack.roots()[0]["blocks"][0]["text"]["text"].startswith("✅")


@pytest.mark.parametrize("fail_at", ["files.getUploadURLExternal", "files.completeUploadExternal"])
@pytest.mark.parametrize("kind", ["server_error", "malformed", "missing_scope", "rate_limit"])
def test_failed_chart_upload_neither_loses_nor_repeats_the_message(slack: SlackServer, oncall, fail_at, kind) -> None:
    slack.fail(kind, fail_at)
    receipt = oncall.send(dispatch(draw_chart=lambda: PNG))
    assert len(slack.workspace.messages) == 1
    assert len(receipt.notes) == 1
    assert "no chart" in receipt.notes[0]


def test_error_while_drawing_a_chart_is_a_note(slack: SlackServer, oncall: SlackChannel) -> None:
    def explode() -> bytes:
        raise ZeroDivisionError

    assert "ZeroDivisionError" in oncall.send(dispatch(draw_chart=explode)).notes[0]
    assert oncall.send(dispatch(alert(2), draw_chart=lambda: None)).notes == ()
    assert "files.getUploadURLExternal" not in slack.calls


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ("server_error", "HTTP 503"),
        ("malformed", "non-JSON"),
        ("not_an_object", "makes no sense"),
        ("die", "cannot be reached"),
        ("accept_and_die", "cannot be reached"),
        ("internal_error", "internal_error"),
    ],
)
def test_temporary_failure_of_slack_is_an_error_to_retry(
    slack: SlackServer, oncall: SlackChannel, fault, expected
) -> None:
    slack.fail(fault, "chat.postMessage")
    with pytest.raises(DeliveryError, match=expected) as error:
        oncall.send(dispatch())
    assert (error.value.needs_a_person, error.value.retry_after, error.value.channel_wide) == (False, None, True)
    assert slack.calls == ["chat.postMessage"]


def test_slow_answer_is_an_error_and_its_message_is_found_later(slack: SlackServer) -> None:
    slack.fail("slow", seconds=1.3)
    patient, hasty = slack_channel(slack), slack_channel(slack, timeout_seconds=1)
    with pytest.raises(DeliveryError, match="no answer within 1 s"):
        hasty.send(dispatch())
    while not slack.workspace.messages:
        pass
    assert patient.find([alert()], {}).keys() == {1}


@pytest.mark.parametrize(
    "code", ["invalid_auth", "channel_not_found", "not_in_channel", "is_archived", "missing_scope"]
)
def test_slack_error_that_needs_a_person_is_marked_with_an_instruction(
    slack: SlackServer, oncall: SlackChannel, code
) -> None:
    slack.fail(code)
    with pytest.raises(DeliveryError, match=f"Slack chat_postMessage: {code}: .{{10,}}") as error:
        oncall.send(dispatch())
    assert error.value.needs_a_person


def test_wrong_token_or_channel_is_an_error_that_hides_the_token(slack: SlackServer) -> None:
    with pytest.raises(DeliveryError, match="invalid_auth") as error:
        slack_channel(slack, token="xoxb-secret-and-wrong").send(dispatch())
    assert "secret-and-wrong" not in str(error.value)
    with pytest.raises(DeliveryError, match="channel_not_found"):
        slack_channel(slack, place="#nowhere").send(dispatch())


def test_error_of_a_rate_limit_contains_its_wait(slack: SlackServer, oncall: SlackChannel) -> None:
    slack.fail("rate_limit", seconds=17)
    with pytest.raises(DeliveryError) as error:
        oncall.send(dispatch())
    assert error.value.retry_after == dt.timedelta(seconds=17)


def test_unreachable_slack_is_a_delivery_error(slack: SlackServer) -> None:
    channel = slack_channel(slack)
    channel._calls._base_url = "http://127.0.0.1:9/api/"
    with pytest.raises(DeliveryError, match="cannot be reached"):
        channel.send(dispatch())


def test_refused_blocks_are_sent_as_text(slack: SlackServer, oncall: SlackChannel) -> None:
    slack.fail("invalid_blocks", "chat.postMessage")
    oncall.send(dispatch())
    (root,) = slack.roots()
    assert "blocks" not in root
    assert "auroc 0.66" in root["text"]


def test_deleted_first_message_is_replaced_by_a_new_thread(slack: SlackServer, oncall: SlackChannel) -> None:
    first = oncall.send(dispatch())
    slack.workspace.messages.clear()
    assert oncall.send(dispatch(resolved(), first.thread, only_update=True)) == Receipt()
    second = oncall.send(dispatch(resolved(), first.thread))
    assert second.thread != first.thread
    assert len(slack.roots()) == 1


def test_message_that_cannot_be_changed_still_receives_replies(slack: SlackServer, oncall: SlackChannel) -> None:
    first = oncall.send(dispatch())
    slack.fail("edit_window_closed", "chat.update")
    receipt = oncall.send(dispatch(resolved(), first.thread))
    assert len(slack.thread(slack.roots()[0])) == 1
    assert "edit_window_closed" in receipt.notes[0]


@pytest.mark.parametrize("place", ["#ml-oncall", "C0000ONCALL"])
def test_only_alerts_that_were_sent_are_found(slack: SlackServer, place) -> None:
    channel = slack_channel(slack, place=place)
    first = channel.send(dispatch(alert(1)))
    reply = channel.send(dispatch(resolved(2), first.thread))
    other_deployment = replace(alert(3), event_at=alert().event_at + dt.timedelta(seconds=1))
    channel.send(dispatch(other_deployment))
    doubtful = [alert(1), resolved(2), alert(3)]
    assert channel.find(doubtful, {"flight_delay-7": first.thread}) == {1: first, 2: reply}
    assert channel.find(doubtful[:1], {}) == {1: first}


def test_sent_alert_is_found_behind_hundreds_of_messages(slack: SlackServer, oncall: SlackChannel) -> None:
    oncall.send(dispatch(alert(1)))
    for number in range(450):
        slack.workspace.messages.append({"channel": ROOT_PLACE, "ts": f"18{number}.1", "text": "chatter"})
    assert oncall.find([alert(1), alert(2)], {}).keys() == {1}
    assert slack.calls.count("conversations.history") == 3


def test_no_alert_is_found_without_the_permission_to_read(slack: SlackServer, oncall: SlackChannel) -> None:
    oncall.send(dispatch())
    slack.fail("missing_scope", "conversations.list")
    assert oncall.find([alert()], {}) == {}


def test_sent_alert_is_found_although_its_stored_thread_is_gone(slack: SlackServer, oncall: SlackChannel) -> None:
    oncall.send(dispatch())
    assert oncall.find([alert()], {"flight_delay-7": f"{ROOT_PLACE}/1.1"}).keys() == {1}

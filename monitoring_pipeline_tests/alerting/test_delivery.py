import datetime as dt
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.alerting.delivery.delivery import LEASE, deliver
from monitoring_pipeline.alerting.delivery.pacing import GIVE_UP_AFTER, wait_after
from monitoring_pipeline.alerting.messages.document import alert_key
from monitoring_pipeline.records.alert import HistoryPoint
from monitoring_pipeline.records.incident import EventKind, Handling, IncidentState
from monitoring_pipeline.spec.alerting import Links
from monitoring_pipeline_tests.alerting.cases import HOUR, MINUTE, NOW, MemoryOutbox, alert, event, stored
from monitoring_pipeline_tests.alerting.slack_cases import slack_channel
from monitoring_pipeline_tests.slack_server import SlackServer


@dataclass
class Clock:
    now: dt.datetime = NOW

    def __call__(self) -> dt.datetime:
        return self.now


class Night:
    """An outbox, a clock and a Slack, with deliveries on demand."""

    def __init__(self, slack: SlackServer) -> None:
        self.slack, self.outbox, self.clock = slack, MemoryOutbox(), Clock()
        self.slept: list[float] = []
        self.channels = {
            "ml-oncall": slack_channel(slack),
            "boss": slack_channel(slack, "boss", "#boss"),
        }

    def deliver(self, after: dt.timedelta = dt.timedelta()):
        self.clock.now += after
        links = Links(dagster="http://dagster.example.com:3000")
        return deliver(self.outbox, self.channels, clock=self.clock, links=links, sleep=self.slept.append)


@pytest.fixture
def night(slack: SlackServer) -> Night:
    return Night(slack)


def happened(number: int, kind: EventKind, model: str = "flight_delay", **more):
    state = IncidentState.RESOLVED if kind is EventKind.RESOLVED else IncidentState.ONGOING
    return alert(number, of=stored(f"{model}-7", model=model, state=state), event=event(kind), **more)


def test_events_of_an_incident_are_one_thread_with_a_chart(night: Night) -> None:
    points = (HistoryPoint(chunk="2013-05-30", value=0.73), HistoryPoint(chunk="2013-05-31", value=0.66, breached=True))
    night.outbox.points = points
    for number, kind in enumerate((EventKind.OPENED, EventKind.ESCALATED, EventKind.RESOLVED), start=1):
        night.outbox.add(happened(number, kind))
        assert night.deliver(MINUTE).sent == (number,)
    (root,) = night.slack.roots()
    assert [m["text"].split("\n")[1].split(" ")[0] for m in night.slack.thread(root)] == ["Escalated", "Resolved"]
    assert root["text"].startswith("✅")
    assert [f["content"][:4] for f in night.slack.workspace.files.values()] == [b"\x89PNG"] * 2
    assert night.deliver(10 * HOUR).sent == ()


def test_digest_of_several_incidents_is_one_message(night: Night) -> None:
    for number in range(1, 6):
        night.outbox.add(happened(number, EventKind.OPENED, f"model_{number % 3}", mode="digest"))
    assert night.deliver().sent == (1, 2, 3, 4, 5)
    (root,) = night.slack.roots()
    assert "Digest: 3 incidents of 3 models" in root["text"]
    assert len(root["metadata"]["event_payload"]["keys"]) == 5
    assert night.outbox.threads == {}


def test_digest_of_hundreds_of_incidents_is_split_into_few_messages(night: Night) -> None:
    for number in range(1, 251):
        night.outbox.add(happened(number, EventKind.OPENED, f"model_{number}", mode="digest"))
    assert len(night.deliver().sent) == 250
    assert len(night.slack.roots()) == 3


def test_channel_that_is_down_delays_only_its_own_messages(night: Night) -> None:
    night.slack.fail("server_error", times=1)
    night.outbox.add(happened(1, EventKind.OPENED))
    night.outbox.add(happened(2, EventKind.OPENED, "loans"))
    night.outbox.add(happened(3, EventKind.OPENED, channel="boss"))
    report = night.deliver()
    assert (report.sent, report.postponed) == ((3,), (2,))
    (failure,) = report.failures
    assert (failure.alert_id, failure.retry_at) == (1, NOW + MINUTE)
    assert "HTTP 503" in failure.error
    assert night.deliver(MINUTE).sent == (1, 2)


def test_channel_that_is_down_for_long_gets_few_calls_and_later_all_in_order(night: Night) -> None:
    night.slack.fail("die", times=10**6)
    for number, kind in enumerate((EventKind.OPENED, EventKind.ESCALATED, EventKind.RESOLVED), start=1):
        night.outbox.add(happened(number, kind), NOW + number * 10 * MINUTE)
    for _ in range(90):
        night.deliver(MINUTE)
    assert len(night.slack.calls) < 15
    night.slack.faults.clear()
    sent = [number for _ in range(90) for number in night.deliver(MINUTE).sent]
    assert sent == [1, 2, 3]
    assert night.slack.alert_keys() == [alert_key(night.outbox.rows[n].planned) for n in (1, 2, 3)]


def test_later_event_is_not_sent_before_an_earlier_one_that_failed(night: Night) -> None:
    night.slack.fail("fatal_error")
    night.outbox.add(happened(1, EventKind.OPENED))
    night.deliver()
    night.outbox.add(happened(2, EventKind.RESOLVED), NOW)
    assert night.deliver(MINUTE / 2).sent == ()
    assert night.deliver(MINUTE).sent == (1, 2)
    assert len(night.slack.thread(night.slack.roots()[0])) == 1


def test_refused_message_delays_only_its_incident(night: Night) -> None:
    night.slack.fail("some_new_error", "chat.postMessage")
    for number, model in enumerate(("flights", "flights", "loans"), start=1):
        night.outbox.add(happened(number, EventKind.ESCALATED, model))
    report = night.deliver()
    assert (report.sent, report.postponed) == ((3,), (2,))
    assert night.deliver(MINUTE).sent == (1, 2)


@pytest.mark.parametrize(("seconds", "slept"), [(0, [0]), (3, [3]), (5, [5])])
def test_short_rate_limit_is_waited_for_in_the_delivery(night: Night, seconds, slept) -> None:
    night.slack.fail("rate_limit", seconds=seconds)
    night.outbox.add(happened(1, EventKind.OPENED))
    assert night.deliver().sent == (1,)
    assert night.slept == slept


def test_long_rate_limit_postpones_the_channel_without_an_attempt(night: Night) -> None:
    night.slack.fail("rate_limit", seconds=90)
    for number, model in enumerate(("flights", "loans"), start=1):
        night.outbox.add(happened(number, EventKind.OPENED, model))
    night.outbox.add(happened(3, EventKind.OPENED, channel="boss"))
    report = night.deliver()
    assert (report.sent, report.postponed, report.failures, night.slept) == ((3,), (1, 2), (), [])
    assert night.slack.calls.count("chat.postMessage") == 2
    assert night.deliver(dt.timedelta(seconds=89)).sent == ()
    assert night.deliver(dt.timedelta(seconds=1)).sent == (1, 2)
    assert [row.attempts for row in night.outbox.rows.values()] == [0, 0, 0]


def test_channel_that_is_always_rate_limited_is_postponed_after_six_waits(night: Night) -> None:
    night.slack.fail("rate_limit", times=100, seconds=1)
    night.outbox.add(happened(1, EventKind.OPENED))
    assert night.deliver().postponed == (1,)
    assert len(night.slept) == 6


def test_failure_that_needs_a_person_is_retried_hourly_for_three_days(night: Night) -> None:
    night.slack.fail("invalid_auth", times=10**6)
    night.outbox.add(happened(1, EventKind.OPENED))
    report = night.deliver()
    assert report.failures[0].retry_at == NOW + HOUR
    assert "set a valid one" in report.failures[0].error
    tries = sum(bool(night.deliver(HOUR).failures) for _ in range(100))
    assert night.outbox.status(1) == "failed"
    assert tries == 72


def test_waits_double_up_to_an_hour_and_end_after_three_days() -> None:
    waits = []
    while (wait := wait_after(len(waits), needs_a_person=False)) is not None:
        waits.append(wait)
    assert [wait / MINUTE for wait in waits[:8]] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert GIVE_UP_AFTER <= sum(waits, dt.timedelta()) < GIVE_UP_AFTER + HOUR
    assert wait_after(10**4, needs_a_person=True) is None


class DeathError(BaseException):
    """The process ends here."""


def dying(method: Callable) -> Callable:
    def die(*_: object, **__: object) -> None:
        raise DeathError

    return die


@pytest.mark.parametrize("dies_in", ["mark_sent", "save_thread"])
@pytest.mark.parametrize("mode", ["now", "digest"])
def test_crash_after_sending_repeats_no_message_on_slack(night: Night, monkeypatch, dies_in, mode) -> None:
    if (dies_in, mode) == ("save_thread", "digest"):
        return
    for number, kind in enumerate((EventKind.OPENED, EventKind.ESCALATED), start=1):
        night.outbox.add(happened(number, kind, mode=mode))
    with monkeypatch.context() as patch:
        patch.setattr(night.outbox, dies_in, dying(night.outbox.mark_sent))
        with pytest.raises(DeathError):
            night.deliver()
    assert len(night.slack.workspace.messages) == 1
    assert night.deliver(MINUTE).sent == ()
    assert night.deliver(LEASE).sent == (1, 2)
    assert night.slack.alert_keys() == [alert_key(night.outbox.rows[n].planned) for n in (1, 2)]
    assert len(night.slack.roots()) == 1


def test_lost_answer_repeats_no_message_on_slack(night: Night) -> None:
    night.slack.fail("accept_and_die", "chat.postMessage")
    night.outbox.add(happened(1, EventKind.OPENED))
    assert len(night.deliver().failures) == 1
    assert night.deliver(MINUTE).sent == (1,)
    assert len(night.slack.workspace.messages) == 1
    night.outbox.add(happened(2, EventKind.RESOLVED))
    assert night.deliver(MINUTE).sent == (2,)
    assert len(night.slack.thread(night.slack.roots()[0])) == 1


def test_alert_that_cannot_be_looked_up_now_waits(night: Night) -> None:
    night.slack.fail("accept_and_die", "chat.postMessage")
    night.slack.fail("server_error", "conversations.list")
    night.outbox.add(happened(1, EventKind.OPENED))
    night.deliver()
    night.outbox.add(happened(2, EventKind.OPENED, "loans"))
    report = night.deliver(MINUTE)
    assert (report.sent, report.postponed, len(report.failures)) == ((), (2,), 1)
    assert night.deliver(2 * MINUTE).sent == (1, 2)
    assert len(night.slack.workspace.messages) == 2


def test_alert_that_can_never_be_looked_up_is_sent_again(night: Night) -> None:
    night.slack.fail("accept_and_die", "chat.postMessage")
    night.slack.fail("missing_scope", "conversations.list")
    night.outbox.add(happened(1, EventKind.OPENED))
    night.deliver()
    assert night.deliver(MINUTE).sent == (1,)
    assert len(night.slack.workspace.messages) == 2


@pytest.mark.parametrize(
    ("handling", "state", "reason"),
    [
        (Handling(acknowledged_by="ann", acknowledged_at=NOW), IncidentState.ONGOING, "acknowledged"),
        (Handling(muted_until=NOW + HOUR), IncidentState.ONGOING, "muted"),
        (Handling(), IncidentState.RESOLVED, "resolved"),
    ],
)
def test_escalation_of_a_handled_or_resolved_incident_is_dropped(night: Night, handling, state, reason) -> None:
    of = stored(handling=handling, state=state)
    night.outbox.add(alert(1, of=of, channel="boss", mode="escalation"))
    assert reason in night.deliver().dropped[1]
    assert night.slack.calls == []


@pytest.mark.parametrize(
    ("handling", "kind"),
    [
        (Handling(), EventKind.OPENED),
        (Handling(muted_until=NOW), EventKind.OPENED),
        (Handling(acknowledged_by="ann", acknowledged_at=NOW - HOUR), EventKind.REOPENED),
    ],
)
def test_escalation_is_sent_if_nobody_acknowledged_or_muted(night: Night, handling, kind) -> None:
    night.outbox.add(alert(1, of=stored(handling=handling), channel="boss", mode="escalation", event=event(kind)))
    assert night.deliver().sent == (1,)
    assert "Nobody has acknowledged this since 2013-06-03 06:30 UTC" in night.slack.roots("C00000BOSS0")[0]["text"]


def test_end_of_an_incident_is_dropped_if_the_channel_had_no_alert_of_it(night: Night) -> None:
    night.outbox.add(happened(1, EventKind.RESOLVED))
    night.outbox.add(happened(2, EventKind.ACKNOWLEDGED, mode="update"))
    assert night.deliver().dropped.keys() == {1, 2}
    night.outbox.add(happened(3, EventKind.SPREAD))
    assert night.deliver().sent == (3,)


def test_opening_that_is_postponed_past_its_escalation_is_dropped(night: Night) -> None:
    night.outbox.add(happened(1, EventKind.OPENED), NOW + HOUR)
    night.outbox.add(happened(2, EventKind.ESCALATED))
    assert night.deliver().sent == (2,)
    assert night.deliver(HOUR).dropped.keys() == {1}


def test_alert_of_a_channel_missing_from_the_rules_is_sent_once_it_returns(night: Night) -> None:
    night.outbox.add(happened(1, EventKind.OPENED, channel="gone"))
    night.outbox.add(happened(2, EventKind.OPENED))
    report = night.deliver()
    assert report.sent == (2,)
    assert "no channel 'gone'" in report.failures[0].error
    night.channels["gone"] = slack_channel(night.slack, "gone", "#boss")
    assert night.deliver(HOUR).sent == (1,)


def test_delivery_without_time_left_postpones_the_rest(night: Night) -> None:
    class Slow:
        name, keeps_record = "ml-oncall", False

        def find(self, alerts, threads):
            return {}

        def send(self, dispatch):
            night.clock.now += 6 * MINUTE
            return night.channels["boss"].send(dispatch)

    night.channels["ml-oncall"] = Slow()
    night.outbox.add(happened(1, EventKind.OPENED))
    night.outbox.add(happened(2, EventKind.OPENED, "loans"))
    report = night.deliver()
    assert (report.sent, report.postponed) == ((1,), (2,))
    assert night.deliver().sent == (2,)


FAULTS = ["server_error", "malformed", "accept_and_die", "die", "rate_limit", "internal_error", "not_an_object"]


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32))
def test_every_alert_arrives_once_and_in_order_whatever_fails_or_crashes(seed: int) -> None:
    chance = random.Random(seed)
    with SlackServer() as slack:
        night = Night(slack)
        kinds = (EventKind.OPENED, EventKind.SPREAD, EventKind.ESCALATED, EventKind.RESOLVED)
        for number in range(1, 13):
            model = f"model_{number % 3}"
            mode = "digest" if model == "model_2" else "now"
            night.outbox.add(happened(number, kinds[(number - 1) // 3], model, mode=mode), NOW + number * MINUTE)
        for _ in range(25):
            slack.faults.clear()
            slack.fail(chance.choice(FAULTS), seconds=chance.choice([1, 30])) if chance.random() < 0.7 else None
            step = chance.choice([MINUTE, 3 * MINUTE, LEASE])
            with pytest.MonkeyPatch.context() as patch:
                if chance.random() < 0.4:
                    dies_in = chance.choice(["mark_sent", "save_thread", "mark_failed", "postpone"])
                    patch.setattr(night.outbox, dies_in, dying(night.outbox.mark_sent))
                with suppress(DeathError):
                    night.deliver(step)
        slack.faults.clear()
        for _ in range(5):
            night.deliver(2 * HOUR)
        keys = {number: alert_key(row.planned) for number, row in night.outbox.rows.items()}
        assert {row.status for row in night.outbox.rows.values()} == {"sent"}
        assert sorted(slack.alert_keys()) == sorted(keys.values())
        for model in range(3):
            expected = [keys[number] for number in range(1, 13) if number % 3 == model]
            assert [key for key in slack.alert_keys() if key in expected] == expected


def test_exception_in_a_channel_is_a_failure_of_that_message(night: Night) -> None:
    class Broken:
        name, keeps_record = "ml-oncall", False

        def find(self, alerts, threads):
            raise KeyError("messages")

        def send(self, dispatch):
            raise KeyError("ts")

    night.channels["ml-oncall"] = Broken()
    night.outbox.add(happened(1, EventKind.OPENED))
    night.outbox.add(happened(2, EventKind.OPENED, "loans"))
    report = night.deliver()
    assert [failure.error for failure in report.failures] == ["KeyError: 'ts'"] * 2
    assert "could not be looked up" in night.deliver(MINUTE).notes[0]


def test_report_contains_an_alert_that_was_possibly_sent_twice(night: Night, monkeypatch) -> None:
    night.outbox.add(happened(1, EventKind.OPENED))
    monkeypatch.setattr(night.channels["ml-oncall"], "find", lambda alerts, threads: {})
    with monkeypatch.context() as patch:
        patch.setattr(night.outbox, "save_thread", dying(night.outbox.save_thread))
        with pytest.raises(DeathError):
            night.deliver()
    assert night.deliver(LEASE).repeated == (1,)

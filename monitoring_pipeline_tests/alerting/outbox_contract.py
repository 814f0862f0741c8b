"""The contract of every outbox, as tests to inherit with a fixture ``desk``."""

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

from monitoring_pipeline.alerting.ports import Outbox
from monitoring_pipeline.records.incident import EventKind
from monitoring_pipeline_tests.alerting.cases import HOUR, MINUTE, NOW

LEASE = 15 * MINUTE


class Writer(Protocol):
    """Writes an event of an incident with one alert, and returns the id of the alert. Ids increase."""

    def __call__(
        self,
        model: str,
        *,
        kind: EventKind = EventKind.OPENED,
        channel: str = "ml-oncall",
        mode: str = "now",
        due_at: dt.datetime = NOW,
    ) -> int:
        """Write an event of the one incident of a model. A ``resolved`` event leaves it resolved."""
        ...


@dataclass
class Desk:
    """An empty outbox, and a function that writes into it."""

    outbox: Outbox
    write: Writer


class OutboxContract:
    """Inherit, and define the fixture ``desk``."""

    def test_due_alert_is_claimed_once_until_its_lease_ends(self, desk: Desk) -> None:
        first, later = desk.write("flights"), desk.write("loans", due_at=NOW + HOUR)
        assert _ids(desk, NOW) == [first]
        assert _ids(desk, NOW + LEASE - MINUTE) == []
        again = desk.outbox.claim(NOW + LEASE, lease=LEASE)
        assert [(a.alert_id, a.uncertain, a.attempts) for a in again] == [(first, True, 0)]
        assert _ids(desk, NOW + HOUR) == [first, later]

    def test_claim_contains_alert_event_and_incident(self, desk: Desk) -> None:
        number = desk.write("flights", kind=EventKind.OPENED, channel="boss", mode="escalation")
        (claimed,) = desk.outbox.claim(NOW, lease=LEASE)
        assert (claimed.alert_id, claimed.channel, claimed.mode) == (number, "boss", "escalation")
        assert (claimed.attempts, claimed.uncertain, claimed.event.kind) == (0, False, EventKind.OPENED)
        assert claimed.stored.incident.model == "flights"
        assert claimed.event_at.utcoffset() is not None

    def test_alert_that_is_sent_dropped_or_given_up_is_not_claimed_again(self, desk: Desk) -> None:
        sent, dropped, given_up = desk.write("a"), desk.write("b"), desk.write("c")
        desk.outbox.claim(NOW, lease=LEASE)
        desk.outbox.mark_sent([sent], NOW, "C1/1.1")
        desk.outbox.mark_dropped([dropped], "needless")
        desk.outbox.mark_failed([given_up], "no", None)
        assert _ids(desk, NOW + 100 * HOUR) == []

    def test_failed_alert_is_claimed_when_due_again_with_its_attempts(self, desk: Desk) -> None:
        number = desk.write("flights")
        desk.outbox.claim(NOW, lease=LEASE)
        desk.outbox.mark_failed([number], "down", NOW + MINUTE)
        assert _ids(desk, NOW) == []
        (again,) = desk.outbox.claim(NOW + MINUTE, lease=LEASE)
        assert (again.attempts, again.uncertain) == (1, False)

    def test_postponed_alert_keeps_its_attempts_and_its_doubt(self, desk: Desk) -> None:
        number = desk.write("flights")
        desk.outbox.claim(NOW, lease=LEASE)
        desk.outbox.postpone([number], "busy", NOW + MINUTE)
        assert _ids(desk, NOW) == []
        (again,) = desk.outbox.claim(NOW + MINUTE, lease=MINUTE)
        assert (again.attempts, again.uncertain) == (0, False)
        (in_doubt,) = desk.outbox.claim(NOW + HOUR, lease=MINUTE)
        assert in_doubt.uncertain
        desk.outbox.postpone([number], "busy", NOW + HOUR)
        (still,) = desk.outbox.claim(NOW + HOUR, lease=MINUTE)
        assert still.uncertain

    def test_later_event_of_an_incident_waits_for_a_failed_alert(self, desk: Desk) -> None:
        opened = desk.write("flights")
        desk.outbox.claim(NOW, lease=LEASE)
        desk.outbox.mark_failed([opened], "down", NOW + HOUR)
        resolved = desk.write("flights", kind=EventKind.RESOLVED)
        elsewhere = desk.write("flights", kind=EventKind.RESOLVED, channel="boss")
        other = desk.write("loans")
        assert _ids(desk, NOW) == [elsewhere, other]
        assert _ids(desk, NOW + HOUR) == [opened, resolved, elsewhere, other]

    def test_later_event_of_an_incident_waits_for_an_alert_that_is_claimed(self, desk: Desk) -> None:
        opened = desk.write("flights")
        desk.outbox.claim(NOW, lease=LEASE)
        resolved = desk.write("flights", kind=EventKind.RESOLVED)
        assert _ids(desk, NOW + MINUTE) == []
        desk.outbox.mark_sent([opened], NOW, None)
        assert _ids(desk, NOW + MINUTE) == [resolved]

    def test_alert_without_an_attempt_delays_no_later_event(self, desk: Desk) -> None:
        digest = desk.write("flights", mode="digest", due_at=NOW + HOUR)
        escalated = desk.write("flights", kind=EventKind.ESCALATED)
        assert _ids(desk, NOW) == [escalated]
        desk.outbox.mark_sent([escalated], NOW, None)
        assert _ids(desk, NOW + HOUR) == [digest]

    def test_alert_that_is_given_up_delays_no_later_event(self, desk: Desk) -> None:
        opened = desk.write("flights")
        desk.outbox.claim(NOW, lease=LEASE)
        desk.outbox.mark_failed([opened], "down", None)
        resolved = desk.write("flights", kind=EventKind.RESOLVED)
        assert _ids(desk, NOW) == [resolved]

    def test_thread_is_stored_by_incident_and_channel(self, desk: Desk) -> None:
        desk.write("flights")
        (claimed,) = desk.outbox.claim(NOW, lease=LEASE)
        name = claimed.stored.incident_id
        assert desk.outbox.thread(name, "ml-oncall") is None
        desk.outbox.save_thread(name, "ml-oncall", "C1/1.1")
        desk.outbox.save_thread(name, "ml-oncall", "C1/2.2")
        assert desk.outbox.thread(name, "ml-oncall") == "C1/2.2"
        assert desk.outbox.thread(name, "boss") is None


def _ids(desk: Desk, now: dt.datetime) -> list[int]:
    return [alert.alert_id for alert in desk.outbox.claim(now, lease=LEASE)]

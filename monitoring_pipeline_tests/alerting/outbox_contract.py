"""What every outbox must do, as tests to inherit: give them a fixture ``desk``."""

import datetime as dt
from dataclasses import dataclass
from typing import Protocol

from monitoring_pipeline.alerting.ports import Outbox
from monitoring_pipeline.records.incident import EventKind
from monitoring_pipeline_tests.alerting.cases import HOUR, MINUTE, NOW

LEASE = 15 * MINUTE


class Writer(Protocol):
    """Writes an incident's event with one alert, and returns the alert's id; ids grow."""

    def __call__(
        self,
        model: str,
        *,
        kind: EventKind = EventKind.OPENED,
        channel: str = "ml-oncall",
        mode: str = "now",
        due_at: dt.datetime = NOW,
    ) -> int:
        """Each model has one incident; a ``resolved`` event leaves it resolved."""
        ...


@dataclass
class Desk:
    """An empty outbox, and the way to write into it."""

    outbox: Outbox
    write: Writer


class OutboxContract:
    """Inherit, and define the fixture ``desk``."""

    def test_what_is_due_is_claimed_once_until_the_lease_ends(self, desk: Desk) -> None:
        first, later = desk.write("flights"), desk.write("loans", due_at=NOW + HOUR)
        assert _ids(desk, NOW) == [first]
        assert _ids(desk, NOW + LEASE - MINUTE) == []
        again = desk.outbox.claim(NOW + LEASE, lease=LEASE)
        assert [(a.alert_id, a.uncertain, a.attempts) for a in again] == [(first, True, 0)]
        assert _ids(desk, NOW + HOUR) == [first, later]

    def test_a_claim_tells_all(self, desk: Desk) -> None:
        number = desk.write("flights", kind=EventKind.OPENED, channel="boss", mode="escalation")
        (claimed,) = desk.outbox.claim(NOW, lease=LEASE)
        assert (claimed.alert_id, claimed.channel, claimed.mode) == (number, "boss", "escalation")
        assert (claimed.attempts, claimed.uncertain, claimed.event.kind) == (0, False, EventKind.OPENED)
        assert claimed.stored.incident.model == "flights"
        assert claimed.event_at.utcoffset() is not None

    def test_what_is_sent_or_dropped_or_given_up_never_comes_again(self, desk: Desk) -> None:
        sent, dropped, given_up = desk.write("a"), desk.write("b"), desk.write("c")
        desk.outbox.claim(NOW, lease=LEASE)
        desk.outbox.mark_sent([sent], NOW, "C1/1.1")
        desk.outbox.mark_dropped([dropped], "needless")
        desk.outbox.mark_failed([given_up], "no", None)
        assert _ids(desk, NOW + 100 * HOUR) == []

    def test_what_failed_comes_when_it_is_due_again_and_counts(self, desk: Desk) -> None:
        number = desk.write("flights")
        desk.outbox.claim(NOW, lease=LEASE)
        desk.outbox.mark_failed([number], "down", NOW + MINUTE)
        assert _ids(desk, NOW) == []
        (again,) = desk.outbox.claim(NOW + MINUTE, lease=LEASE)
        assert (again.attempts, again.uncertain) == (1, False)

    def test_what_is_postponed_is_as_it_was(self, desk: Desk) -> None:
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

    def test_what_happened_later_waits_for_what_failed(self, desk: Desk) -> None:
        opened = desk.write("flights")
        desk.outbox.claim(NOW, lease=LEASE)
        desk.outbox.mark_failed([opened], "down", NOW + HOUR)
        resolved = desk.write("flights", kind=EventKind.RESOLVED)
        elsewhere = desk.write("flights", kind=EventKind.RESOLVED, channel="boss")
        other = desk.write("loans")
        assert _ids(desk, NOW) == [elsewhere, other]
        assert _ids(desk, NOW + HOUR) == [opened, resolved, elsewhere, other]

    def test_what_happened_later_waits_for_what_another_delivery_holds(self, desk: Desk) -> None:
        opened = desk.write("flights")
        desk.outbox.claim(NOW, lease=LEASE)
        resolved = desk.write("flights", kind=EventKind.RESOLVED)
        assert _ids(desk, NOW + MINUTE) == []
        desk.outbox.mark_sent([opened], NOW, None)
        assert _ids(desk, NOW + MINUTE) == [resolved]

    def test_what_was_never_tried_holds_up_nothing(self, desk: Desk) -> None:
        digest = desk.write("flights", mode="digest", due_at=NOW + HOUR)
        escalated = desk.write("flights", kind=EventKind.ESCALATED)
        assert _ids(desk, NOW) == [escalated]
        desk.outbox.mark_sent([escalated], NOW, None)
        assert _ids(desk, NOW + HOUR) == [digest]

    def test_what_is_given_up_holds_up_nothing(self, desk: Desk) -> None:
        opened = desk.write("flights")
        desk.outbox.claim(NOW, lease=LEASE)
        desk.outbox.mark_failed([opened], "down", None)
        resolved = desk.write("flights", kind=EventKind.RESOLVED)
        assert _ids(desk, NOW) == [resolved]

    def test_threads_are_kept_by_incident_and_channel(self, desk: Desk) -> None:
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

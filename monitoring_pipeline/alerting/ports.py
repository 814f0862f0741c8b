"""What a delivery needs of the store and of a channel, and what passes between them."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitoring_pipeline.alerting.messages.messages import Message
from monitoring_pipeline.records.alert import ClaimedAlert, HistoryPoint
from monitoring_pipeline.records.incident import StoredIncident


class DeliveryError(Exception):
    """A channel did not take a message.

    Args:
        text: what went wrong and, where a person must do something, what; never holds a secret.
        retry_after: when the channel asks to be left alone for a time; the message was not taken.
        needs_a_person: trying again soon is of no use.
        channel_wide: whether other messages would fare alike.
    """

    def __init__(
        self,
        text: str,
        *,
        retry_after: dt.timedelta | None = None,
        needs_a_person: bool = False,
        channel_wide: bool = True,
    ) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.needs_a_person = needs_a_person
        self.channel_wide = channel_wide


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """One message for a channel.

    Args:
        alerts: the alerts that it tells: one, or all of a digest.
        message: what it says.
        thread: what the channel called the incident's first message there; ``None`` if there is none.
        only_update: the message that is there changes, and nobody is told.
        draw_chart: makes the chart that goes with it, as PNG; ``None`` when there is nothing to draw.
    """

    alerts: tuple[ClaimedAlert, ...]
    message: Message
    thread: str | None = None
    only_update: bool = False
    draw_chart: Callable[[], bytes | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a channel says of a message that it took: its name there, the incident's thread, and what went amiss."""

    delivery_id: str | None = None
    thread: str | None = None
    notes: tuple[str, ...] = ()


class AlertChannel(Protocol):
    """A place that takes messages."""

    @property
    def name(self) -> str:
        """Its name in alerting.yaml."""
        ...

    @property
    def keeps_record(self) -> bool:
        """Whether every event belongs there, also one of an incident that it has never heard of."""
        ...

    def find(self, alerts: Sequence[ClaimedAlert], threads: Mapping[str, str]) -> Mapping[int, Receipt]:
        """Return those alerts, by id, that the channel has taken before; none where it cannot tell.

        Args:
            alerts: alerts of which it is not known.
            threads: known threads, by the incident's id.

        Raises:
            DeliveryError: when the channel cannot be asked now.
        """
        ...

    def send(self, dispatch: Dispatch) -> Receipt:
        """Send one message.

        Raises:
            DeliveryError: when the channel did not take it, or it is not known whether it did.
        """
        ...


class Outbox(Protocol):
    """The store's table of alerts, as a delivery uses it; each call is one transaction."""

    def claim(self, now: dt.datetime, *, lease: dt.timedelta) -> list[ClaimedAlert]:
        """Take the alerts that are due and nobody holds, by id; nobody else gets them before the lease ends.

        An alert waits for every earlier one of its incident and channel that has been claimed before, is neither sent,
        dropped nor given up, and cannot be claimed now: what happened later is not told first.
        """
        ...

    def mark_sent(self, alert_ids: Sequence[int], at: dt.datetime, delivery_id: str | None) -> None:
        """Record that the channel took them."""
        ...

    def mark_failed(self, alert_ids: Sequence[int], error: str, retry_at: dt.datetime | None) -> None:
        """Record a failed attempt, and when the next is due; ``None`` gives them up."""
        ...

    def postpone(self, alert_ids: Sequence[int], reason: str, until: dt.datetime) -> None:
        """Give them back untried: ``attempts`` and ``uncertain`` stay as they were when they were claimed."""
        ...

    def mark_dropped(self, alert_ids: Sequence[int], reason: str) -> None:
        """Record that they need not be sent."""
        ...

    def thread(self, incident_id: str, channel: str) -> str | None:
        """Return what the channel called the incident's first message, if it has had one."""
        ...

    def save_thread(self, incident_id: str, channel: str, thread: str) -> None:
        """Record what the channel called the incident's first message; replaces what was recorded."""
        ...

    def history(self, stored: StoredIncident) -> tuple[HistoryPoint, ...]:
        """Return the recent chunks of the measurement of the incident's first finding, in chunk order."""
        ...

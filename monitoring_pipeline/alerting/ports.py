"""Shapes that a delivery needs: the outbox, a channel, and the data that pass between them."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from monitoring_pipeline.alerting.messages.messages import Message
from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.records.alert import ClaimedAlert, ClaimedWeek, HistoryPoint
from monitoring_pipeline.records.incident import StoredIncident


class DeliveryError(Exception):
    """A channel did not accept a message.

    Args:
        text: the problem and, if a person must act, the remedy; never contains a secret.
        retry_after: the wait that the channel asks for; the message was not accepted.
        needs_a_person: an early retry is useless.
        channel_wide: whether other messages would fail as well.
    """

    def __init__(
        self,
        text: str,
        *,
        retry_after: dt.timedelta | None = None,
        needs_a_person: bool = False,
        channel_wide: bool = True,
    ) -> None:
        super().__init__(without_secrets(text))
        self.retry_after = retry_after
        self.needs_a_person = needs_a_person
        self.channel_wide = channel_wide


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """One message for a channel.

    Args:
        alerts: the alerts that it contains: one, or all of a digest.
        message: its content.
        thread: the channel's name of the first message of the incident; ``None`` if there is none.
        only_update: the existing message changes, and nobody is notified.
        draw_chart: makes the chart that goes with it, as PNG; ``None`` when there is nothing to draw.
    """

    alerts: tuple[ClaimedAlert, ...]
    message: Message
    thread: str | None = None
    only_update: bool = False
    draw_chart: Callable[[], bytes | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """The answer of a channel that accepted a message: its name there, the incident's thread, and problems."""

    delivery_id: str | None = None
    thread: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class WeekPage:
    """The digest of a week: the message, and the page as a file that goes with it; None if it cannot be drawn."""

    week: str
    message: Message
    html: str | None = None

    @property
    def file_name(self) -> str:
        """The name of the file."""
        return f"{self.week}.html"


class WeekChannel(Protocol):
    """A place that people read, and that accepts the digest of a week."""

    def send_week(self, page: WeekPage) -> Receipt:
        """Send the digest.

        Raises:
            DeliveryError: when the channel refused it, or when it is unknown whether it was accepted.
        """
        ...


class AlertChannel(Protocol):
    """A place that accepts messages."""

    @property
    def name(self) -> str:
        """Its name in alerting.yaml."""
        ...

    @property
    def keeps_record(self) -> bool:
        """Whether every event is sent there, even one of an incident that was never sent there before."""
        ...

    def find(self, alerts: Sequence[ClaimedAlert], threads: Mapping[str, str]) -> Mapping[int, Receipt]:
        """Return the ids of the alerts that the channel contains already; none if it cannot be searched.

        Args:
            alerts: alerts that may have been sent.
            threads: known threads, by the incident's id.

        Raises:
            DeliveryError: when the channel cannot be asked now.
        """
        ...

    def send(self, dispatch: Dispatch) -> Receipt:
        """Send one message.

        Raises:
            DeliveryError: when the channel refused it, or when it is unknown whether it was accepted.
        """
        ...


class Outbox(Protocol):
    """The store's table of alerts, as a delivery uses it; each call is one transaction."""

    def claim(self, now: dt.datetime, *, lease: dt.timedelta) -> list[ClaimedAlert]:
        """Claim the due alerts that nobody holds, by id. Nobody else can claim them before the lease ends.

        An alert waits for every earlier alert of its incident and channel that was claimed before and is still
        unfinished, so that events are sent in order.
        """
        ...

    def claim_weeks(self, now: dt.datetime, *, lease: dt.timedelta) -> list[ClaimedWeek]:
        """Claim the due digests of weeks, likewise."""
        ...

    def mark_sent(self, alert_ids: Sequence[int], at: dt.datetime, delivery_id: str | None) -> None:
        """Record that the channel accepted them."""
        ...

    def mark_failed(self, alert_ids: Sequence[int], error: str, retry_at: dt.datetime | None) -> None:
        """Record a failed attempt, and when the next is due; ``None`` gives them up."""
        ...

    def postpone(self, alert_ids: Sequence[int], reason: str, until: dt.datetime) -> None:
        """Release them untried: ``attempts`` and ``uncertain`` stay as they were when they were claimed."""
        ...

    def mark_dropped(self, alert_ids: Sequence[int], reason: str) -> None:
        """Record that they are not needed."""
        ...

    def thread(self, incident_id: str, channel: str) -> str | None:
        """Return the channel's name of the first message of the incident, if there is one."""
        ...

    def save_thread(self, incident_id: str, channel: str, thread: str) -> None:
        """Record the channel's name of the first message of the incident, replacing an earlier one."""
        ...

    def history(self, stored: StoredIncident) -> tuple[HistoryPoint, ...]:
        """Return the recent chunks of the measurement of the incident's first finding, in chunk order."""
        ...

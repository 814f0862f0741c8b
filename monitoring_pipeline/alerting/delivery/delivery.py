"""The delivery claims due alerts from the outbox, sends them, and marks them."""

import datetime as dt
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from monitoring_pipeline.alerting.delivery.pacing import wait_after
from monitoring_pipeline.alerting.delivery.relevance import why_needless
from monitoring_pipeline.alerting.delivery.report import DeliveryReport, Failure, Progress
from monitoring_pipeline.alerting.messages.chart import draw_chart
from monitoring_pipeline.alerting.messages.messages import digest_message, incident_message
from monitoring_pipeline.alerting.ports import AlertChannel, DeliveryError, Dispatch, Outbox, Receipt
from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.records.alert import ClaimedAlert
from monitoring_pipeline.records.incident import EventKind, StoredIncident
from monitoring_pipeline.spec.alerting import NO_LINKS, Links

LEASE = dt.timedelta(minutes=15)
TIME_LIMIT = dt.timedelta(minutes=5)
LONGEST_SLEEP = dt.timedelta(seconds=5)
MOST_SLEEPS = 6
ALERTS_PER_DIGEST = 100

_Result = TypeVar("_Result")

_WITH_CHART = frozenset({EventKind.OPENED, EventKind.REOPENED, EventKind.ESCALATED})


def deliver(
    outbox: Outbox,
    channels: Mapping[str, AlertChannel],
    *,
    clock: Callable[[], dt.datetime],
    links: Links = NO_LINKS,
    lease: dt.timedelta = LEASE,
    time_limit: dt.timedelta = TIME_LIMIT,
    sleep: Callable[[float], None] = time.sleep,
) -> DeliveryReport:
    """Send every due alert, channel by channel. A channel that is down delays only its own alerts.

    An alert may have been sent before without being marked, if a delivery died or a channel did not answer. It is
    looked up in the channel if the channel supports that, and otherwise sent again. Within a channel, the alerts of an
    incident are sent in order: after a failure the later ones wait.

    Args:
        outbox: the alerts.
        channels: the channels of alerting.yaml, by name.
        clock: the time, with a time zone.
        links: addresses of Dagster's UI and of the site.
        lease: how long nobody else gets the alerts that this delivery has taken.
        time_limit: after so long, what has not been tried is given back; well below ``lease``.
        sleep: waits for so many seconds, when a channel asks for a short rest.
    """
    progress = Progress()
    started_at = clock()
    by_channel: dict[str, list[ClaimedAlert]] = {}
    for alert in outbox.claim(started_at, lease=lease):
        by_channel.setdefault(alert.channel, []).append(alert)
    for name, alerts in by_channel.items():
        channel = channels.get(name)
        work = _ChannelDelivery(
            outbox,
            channel or _UnknownChannel(name),
            clock,
            progress,
            links=links,
            until=started_at + time_limit,
            sleep=sleep,
        )
        work.run(alerts)
    return progress.report()


class _UnknownChannel:
    """Stands for a channel that alerting.yaml no longer has; it may come back."""

    keeps_record = True

    def __init__(self, name: str) -> None:
        self.name = name

    def find(self, alerts: Sequence[ClaimedAlert], threads: Mapping[str, str]) -> Mapping[int, Receipt]:  # noqa: ARG002
        return {}

    def send(self, dispatch: Dispatch) -> Receipt:
        message = f"alerting.yaml has no channel {self.name!r}, to which {len(dispatch.alerts)} alerts are addressed"
        raise DeliveryError(message, needs_a_person=True)


class _ChannelDelivery:
    """The alerts of one channel in one delivery."""

    def __init__(
        self,
        outbox: Outbox,
        channel: AlertChannel,
        clock: Callable[[], dt.datetime],
        progress: Progress,
        *,
        links: Links,
        until: dt.datetime,
        sleep: Callable[[float], None],
    ) -> None:
        self._outbox = outbox
        self._channel = channel
        self._clock = clock
        self._progress = progress
        self._links = links
        self._until = until
        self._sleep = sleep
        self._sleeps_left = MOST_SLEEPS
        self._resting_until: tuple[dt.datetime, str] | None = None
        self._waiting: dict[str, dt.datetime] = {}

    def run(self, alerts: Sequence[ClaimedAlert]) -> None:
        """Send the alerts, in order; digests last."""
        open_alerts = self._without_found(alerts)
        for alert in (a for a in open_alerts if a.mode != "digest"):
            self._handle(alert)
        digest = [a for a in open_alerts if a.mode == "digest"]
        for start in range(0, len(digest), ALERTS_PER_DIGEST):
            self._handle_digest(digest[start : start + ALERTS_PER_DIGEST])

    def _without_found(self, alerts: Sequence[ClaimedAlert]) -> list[ClaimedAlert]:
        """Return the alerts that the channel does not hold already; of those that it does, mark them sent."""
        doubtful = [alert for alert in alerts if alert.uncertain or alert.attempts > 0]
        if not doubtful:
            return list(alerts)
        threads = {alert.stored.incident_id: self._thread(alert.stored) for alert in doubtful}
        known = {incident_id: thread for incident_id, thread in threads.items() if thread is not None}
        try:
            found = self._attempt(lambda: self._channel.find(doubtful, known))
        except DeliveryError as error:
            if not error.channel_wide:
                self._progress.notes.append(f"{self._channel.name}: it could not be looked up what was sent: {error}")
                return list(alerts)
            self._fail(doubtful[:1], error)
            # Whether they were sent can be looked up later. New alerts must not overtake them.
            rest = [alert for alert in alerts if alert is not doubtful[0]]
            self._postpone(rest, str(error), self._next_try(doubtful[0], error))
            return []
        for alert in (a for a in doubtful if a.alert_id in found):
            self._settle([alert], found[alert.alert_id])
        return [alert for alert in alerts if alert.alert_id not in found]

    def _handle(self, alert: ClaimedAlert) -> None:
        # First: an alert that waits for the first message of its incident must not count as never sent.
        if self._must_wait([alert]):
            return
        thread = self._thread(alert.stored)
        needless = why_needless(alert, thread, keeps_record=self._channel.keeps_record, now=self._clock())
        if needless is not None:
            self._outbox.mark_dropped([alert.alert_id], needless)
            self._progress.dropped[alert.alert_id] = needless
            return
        message = incident_message(alert, links=self._links)
        with_chart = alert.event.kind in _WITH_CHART and alert.stored.incident.findings
        self._dispatch(
            Dispatch(
                alerts=(alert,),
                message=message,
                thread=thread,
                only_update=alert.mode == "update",
                draw_chart=(lambda: self._chart(alert.stored)) if with_chart else None,
            )
        )

    def _handle_digest(self, alerts: Sequence[ClaimedAlert]) -> None:
        if not self._must_wait(alerts):
            self._dispatch(Dispatch(alerts=tuple(alerts), message=digest_message(alerts, links=self._links)))

    def _must_wait(self, alerts: Sequence[ClaimedAlert]) -> bool:
        """Postpone alerts of a channel that rests, of an incident whose earlier alert failed, or for lack of time."""
        waits = [self._resting_until] if self._resting_until is not None else []
        if len(alerts) == 1 and (until := self._waiting.get(alerts[0].stored.incident_id)) is not None:
            waits.append((until, "an earlier alert of the incident is to be sent first"))
        now = self._clock()
        if now >= self._until:
            waits.append((now, "the delivery ran out of time"))
        if waits:
            until, reason = waits[0]
            self._postpone(alerts, reason, until)
        return bool(waits)

    def _dispatch(self, dispatch: Dispatch) -> None:
        try:
            receipt = self._attempt(lambda: self._channel.send(dispatch))
        except DeliveryError as error:
            self._fail(dispatch.alerts, error)
            return
        self._progress.repeated += [alert.alert_id for alert in dispatch.alerts if alert.uncertain]
        self._settle(dispatch.alerts, receipt)

    def _attempt(self, action: Callable[[], _Result]) -> _Result:
        """Call the channel. If it asks for a short rest, it has accepted nothing, so repeat the call."""
        while True:
            try:
                return action()
            except DeliveryError as error:
                rest = error.retry_after
                if rest is None or rest > LONGEST_SLEEP or self._sleeps_left == 0:
                    raise
                self._sleeps_left -= 1
                self._sleep(rest.total_seconds())
            except Exception as error:
                # A defect in one message or library must not stop the other messages.
                text = without_secrets(f"{type(error).__name__}: {error}")
                raise DeliveryError(text, channel_wide=False) from error

    def _settle(self, alerts: Sequence[ClaimedAlert], receipt: Receipt) -> None:
        if receipt.thread is not None and len(alerts) == 1 and alerts[0].mode != "digest":
            self._outbox.save_thread(alerts[0].stored.incident_id, self._channel.name, receipt.thread)
        ids = [alert.alert_id for alert in alerts]
        self._outbox.mark_sent(ids, self._clock(), receipt.delivery_id)
        self._progress.sent += ids
        self._progress.accepted.add(self._channel.name)
        self._progress.notes += [f"{self._channel.name}: {note}" for note in receipt.notes]

    def _fail(self, alerts: Sequence[ClaimedAlert], error: DeliveryError) -> None:
        self._progress.refused[self._channel.name] = str(error)
        retry_at = self._next_try(alerts[0], error)
        if error.channel_wide:
            self._resting_until = (retry_at, str(error))
        if error.retry_after is not None:
            self._postpone(alerts, str(error), retry_at)
            return
        for alert in alerts:
            self._fail_one(alert, error)

    def _fail_one(self, alert: ClaimedAlert, error: DeliveryError) -> None:
        wait = wait_after(alert.attempts, needs_a_person=error.needs_a_person)
        retry_at = None if wait is None else self._clock() + wait
        self._outbox.mark_failed([alert.alert_id], str(error), retry_at)
        if retry_at is not None and alert.mode != "digest":
            self._waiting[alert.stored.incident_id] = retry_at
        failure = Failure(alert_id=alert.alert_id, channel=self._channel.name, error=str(error), retry_at=retry_at)
        self._progress.failures.append(failure)

    def _next_try(self, alert: ClaimedAlert, error: DeliveryError) -> dt.datetime:
        wait = error.retry_after or wait_after(alert.attempts, needs_a_person=error.needs_a_person)
        return self._clock() + (wait or wait_after(0, needs_a_person=True) or dt.timedelta())

    def _postpone(self, alerts: Sequence[ClaimedAlert], reason: str, until: dt.datetime) -> None:
        ids = [alert.alert_id for alert in alerts]
        if ids:
            self._outbox.postpone(ids, reason, until)
        self._progress.postponed += ids

    def _thread(self, stored: StoredIncident) -> str | None:
        return self._outbox.thread(stored.incident_id, self._channel.name)

    def _chart(self, stored: StoredIncident) -> bytes | None:
        return draw_chart(stored.incident.findings[0], self._outbox.history(stored))

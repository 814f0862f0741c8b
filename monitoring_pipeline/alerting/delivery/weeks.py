"""The delivery of weekly digests: claims them from the outbox, sends them, and marks them."""

import datetime as dt
from collections.abc import Callable, Mapping

from monitoring_pipeline.alerting.delivery.pacing import wait_after
from monitoring_pipeline.alerting.delivery.report import DeliveryReport, Failure, Progress
from monitoring_pipeline.alerting.ports import DeliveryError, Outbox, Receipt, WeekChannel, WeekPage
from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.records.alert import ClaimedWeek

PageOf = Callable[[str], WeekPage]
"""Returns the digest of the week of a key."""


def deliver_weeks(
    outbox: Outbox,
    channels: Mapping[str, WeekChannel],
    page_of: PageOf,
    *,
    clock: Callable[[], dt.datetime],
    lease: dt.timedelta,
) -> DeliveryReport:
    """Send every due digest of a week; one that a channel does not accept is due again later, for three days.

    A digest that was claimed and never marked may have been sent. It is sent again, because it is looked up nowhere.

    Args:
        outbox: the messages.
        channels: the channels of alerting.yaml that people read, by name.
        page_of: returns the digest of a week.
        clock: the time, with a time zone.
        lease: how long nobody else gets the digests that this delivery has taken.
    """
    progress = Progress()
    for claimed in outbox.claim_weeks(clock(), lease=lease):
        try:
            receipt = _sent(channels, claimed, page_of)
        except DeliveryError as error:
            _fail(outbox, claimed, error, clock(), progress)
            continue
        outbox.mark_sent([claimed.alert_id], clock(), receipt.delivery_id)
        progress.sent.append(claimed.alert_id)
        progress.accepted.add(claimed.channel)
        progress.repeated += [claimed.alert_id] if claimed.uncertain else []
        progress.notes += [f"{claimed.channel}: {note}" for note in receipt.notes]
    return progress.report()


def _sent(channels: Mapping[str, WeekChannel], claimed: ClaimedWeek, page_of: PageOf) -> Receipt:
    channel = channels.get(claimed.channel)
    if channel is None:
        message = f"alerting.yaml has no channel {claimed.channel!r} for people, to which a week is addressed"
        raise DeliveryError(message, needs_a_person=True)
    try:
        return channel.send_week(page_of(claimed.week))
    except DeliveryError:
        raise
    except Exception as error:
        # A defect in one page must not stop the others.
        text = without_secrets(f"{type(error).__name__}: {error}")
        raise DeliveryError(text) from error


def _fail(outbox: Outbox, claimed: ClaimedWeek, error: DeliveryError, now: dt.datetime, progress: Progress) -> None:
    progress.refused[claimed.channel] = str(error)
    if error.retry_after is not None:
        outbox.postpone([claimed.alert_id], str(error), now + error.retry_after)
        progress.postponed.append(claimed.alert_id)
        return
    wait = wait_after(claimed.attempts, needs_a_person=error.needs_a_person)
    retry_at = None if wait is None else now + wait
    outbox.mark_failed([claimed.alert_id], str(error), retry_at)
    progress.failures.append(
        Failure(alert_id=claimed.alert_id, channel=claimed.channel, error=str(error), retry_at=retry_at)
    )

"""The outbox: messages that are due are claimed from it, and their delivery is recorded."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from monitoring_pipeline.evaluation.incidents.seen_before import earlier_incidents, seen_before
from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.records.alert import ClaimedAlert, ClaimedWeek, HistoryPoint
from monitoring_pipeline.records.channel_failure import ChannelFailure
from monitoring_pipeline.records.incident import StoredIncident
from monitoring_pipeline.records.measurement import Severity, Status
from monitoring_pipeline.store.connection import StoreConnection
from monitoring_pipeline.store.decision_rows import decision_of
from monitoring_pipeline.store.engine import reading, writing
from monitoring_pipeline.store.incident_rows import event_of, incident_of
from monitoring_pipeline.store.tables.incidents import (
    alert_threads,
    alerts,
    channel_failures,
    decisions,
    incident_events,
    incidents,
)
from monitoring_pipeline.store.tables.results import REFERENCE_KEY_PATTERN, is_current, measurements

CHUNKS_OF_A_CHART = 120
OPEN_STATES = ("due", "sending")
WEEKLY = "weekly"
"""The mode of a weekly digest, which is about no event; the place of its incident holds the key of its week."""


class OutboxStore(StoreConnection):
    """Messages about incidents: due, being sent, sent, failed or dropped."""

    def claim(self, now: dt.datetime, *, lease: dt.timedelta) -> list[ClaimedAlert]:
        """Take all messages that are due, oldest first; no other delivery gets them until the lease has run out.

        A message waits while an earlier one about the same incident to the same channel is being retried.
        """
        with writing(self._engine, "outbox") as connection:
            rows = connection.execute(_claimable(now, lease).where(alerts.c.mode != WEEKLY)).mappings().all()
            claimed = [_claimed(connection, row) for row in rows]
            _take(connection, rows, now)
        return claimed

    def queue_week(self, week: str, channels: Iterable[str], *, at: dt.datetime) -> tuple[str, ...]:
        """Write a weekly digest for each channel that has none of this week, due at once; return these channels."""
        with writing(self._engine, "outbox") as connection:
            of_week = sa.select(alerts.c.channel).filter_by(mode=WEEKLY, incident_id=week)
            known = set(connection.execute(of_week).scalars())
            added = tuple(channel for channel in dict.fromkeys(channels) if channel not in known)
            row = {
                "event_id": 0, "incident_id": week, "model": "", "mode": WEEKLY, "state": "due", "due_at": at,
                "created_at": at, "attempts": 0, "uncertain": False,
            }  # fmt: skip
            if added:
                connection.execute(alerts.insert(), [row | {"channel": channel} for channel in added])
        return added

    def claim_weeks(self, now: dt.datetime, *, lease: dt.timedelta) -> list[ClaimedWeek]:
        """Take all weekly digests that are due; no other delivery gets them until the lease has run out."""
        with writing(self._engine, "outbox") as connection:
            rows = connection.execute(_claimable(now, lease).where(alerts.c.mode == WEEKLY)).mappings().all()
            _take(connection, rows, now)
        return [
            ClaimedWeek(
                alert_id=row["alert_id"],
                channel=row["channel"],
                week=row["incident_id"],
                attempts=row["attempts"],
                uncertain=row["uncertain"] or row["state"] == "sending",
            )
            for row in rows
        ]

    def due_alerts(self, now: dt.datetime, *, lease: dt.timedelta) -> tuple[tuple[int, int], ...]:
        """Return the ids of the messages that ``claim`` would take, each with the number of attempts."""
        with reading(self._engine) as connection:
            rows = connection.execute(_claimable(now, lease)).mappings().all()
        return tuple((row["alert_id"], row["attempts"]) for row in rows)

    def mark_sent(self, alert_ids: Sequence[int], at: dt.datetime, delivery_id: str | None) -> None:
        """Record that messages were sent, with the id that the channel gave them."""
        self._mark(alert_ids, state="sent", sent_at=at, delivery_id=delivery_id, error=None)

    def mark_failed(self, alert_ids: Sequence[int], error: str, retry_at: dt.datetime | None) -> None:
        """Record that messages could not be sent; they are due again at ``retry_at``, or given up if it is None."""
        change: dict[str, object] = {"state": "failed"} if retry_at is None else {"state": "due", "due_at": retry_at}
        self._mark(alert_ids, error=without_secrets(error), claimed_at=None, attempts=alerts.c.attempts + 1, **change)

    def postpone(self, alert_ids: Sequence[int], reason: str, until: dt.datetime) -> None:
        """Return claimed messages without an attempt; they are due at ``until``."""
        self._mark(alert_ids, state="due", due_at=until, claimed_at=None, error=without_secrets(reason))

    def mark_dropped(self, alert_ids: Sequence[int], reason: str) -> None:
        """Record that messages need not be sent."""
        self._mark(alert_ids, state="dropped", error=without_secrets(reason))

    def thread(self, incident_id: str, channel: str) -> str | None:
        """Return the thread in which a channel keeps its messages about an incident, if there is one."""
        thread = sa.select(alert_threads.c.thread).filter_by(incident_id=incident_id, channel=channel)
        with reading(self._engine) as connection:
            return connection.execute(thread).scalar()

    def save_thread(self, incident_id: str, channel: str, thread: str) -> None:
        """Store the thread in which a channel keeps its messages about an incident."""
        key = {"incident_id": incident_id, "channel": channel}
        with writing(self._engine, "outbox") as connection:
            connection.execute(alert_threads.delete().filter_by(**key))
            connection.execute(alert_threads.insert(), key | {"thread": thread})

    def record_channels(self, *, working: AbstractSet[str], failing: Mapping[str, str], at: dt.datetime) -> None:
        """Record the channels that accepted a message, and the errors of those that accepted none.

        The first failure after a success keeps its time.
        """
        if not working and not failing:
            return
        with writing(self._engine, "outbox") as connection:
            connection.execute(channel_failures.delete().where(channel_failures.c.channel.in_(sorted(working))))
            known = set(connection.execute(sa.select(channel_failures.c.channel)).scalars())
            for channel, error in sorted(failing.items()):
                row = {"error": without_secrets(error)}
                if channel in known:
                    connection.execute(channel_failures.update().filter_by(channel=channel).values(row))
                else:
                    connection.execute(channel_failures.insert(), row | {"channel": channel, "since": at})

    def channel_failures(self) -> list[ChannelFailure]:
        """Return the channels that have accepted no message since a failure, by name, with the messages that wait."""
        with reading(self._engine) as connection:
            rows = connection.execute(_FAILURES).mappings().all()
        return [
            ChannelFailure(
                channel=row["channel"],
                since=row["since"],
                error=row["error"],
                waiting=row["waiting"],
                has_critical=bool(row["critical"]),
            )
            for row in rows
        ]

    def waiting_messages(self, before: dt.datetime) -> dict[str, int]:
        """Return the number of messages that have waited since a time, by channel.

        An escalation or a digest that is not due yet does not wait, unless it was tried.
        """
        is_tried_or_due = sa.or_(alerts.c.error.is_not(None), alerts.c.due_at < before)
        return self._messages(alerts.c.state.in_(OPEN_STATES), alerts.c.created_at < before, is_tried_or_due)

    def given_up_messages(self, since: dt.datetime) -> dict[str, int]:
        """Return the number of messages whose last attempt failed since a time, by channel."""
        return self._messages(alerts.c.state == "failed", alerts.c.due_at >= since)

    def _messages(self, *wanted: sa.ColumnElement[bool]) -> dict[str, int]:
        counted = sa.select(alerts.c.channel, sa.func.count()).where(*wanted).group_by(alerts.c.channel)
        with reading(self._engine) as connection:
            return {row[0]: row[1] for row in connection.execute(counted.order_by(alerts.c.channel))}

    def history(self, stored: StoredIncident) -> tuple[HistoryPoint, ...]:
        """Return the newest values of the number in an incident's first finding, in chunk order."""
        if not stored.incident.findings:
            return ()
        finding = stored.incident.findings[0]
        column = measurements.c
        statement = (
            sa.select(column.chunk, column.value, column.lower, column.upper, column.status)
            .filter_by(
                model=stored.incident.model,
                kind=finding.kind,
                subject=finding.subject,
                name=str(finding.metric),
                model_version=finding.model_version,
                segment=finding.segment,
            )
            .where(column.value.is_not(None), column.chunk.not_like(REFERENCE_KEY_PATTERN), is_current(measurements))
            .order_by(column.chunk_start.desc())
            .limit(CHUNKS_OF_A_CHART)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(statement).mappings().all()
        return tuple(
            HistoryPoint(
                chunk=row["chunk"],
                value=row["value"],
                lower=row["lower"],
                upper=row["upper"],
                breached=row["status"] == Status.BREACHED.value,
            )
            for row in reversed(rows)
        )

    def _mark(self, alert_ids: Sequence[int], **values: object) -> None:
        with writing(self._engine, "outbox") as connection:
            connection.execute(alerts.update().where(alerts.c.alert_id.in_(alert_ids)).values(**values))


_WAITS = sa.and_(
    alerts.c.channel == channel_failures.c.channel,
    sa.or_(
        alerts.c.state.in_(OPEN_STATES),
        sa.and_(alerts.c.state == "failed", alerts.c.due_at >= channel_failures.c.since),
    ),
)
_FAILURES = (
    sa.select(
        channel_failures,
        sa.func.count(alerts.c.alert_id).label("waiting"),
        sa.func.max(sa.case((incidents.c.severity == Severity.CRITICAL.value, 1), else_=0)).label("critical"),
    )
    .select_from(
        channel_failures.outerjoin(alerts, _WAITS).outerjoin(incidents, incidents.c.incident_id == alerts.c.incident_id)
    )
    .group_by(*channel_failures.c)
    .order_by(channel_failures.c.channel)
)


def _claimable(now: dt.datetime, lease: dt.timedelta) -> sa.Select[tuple[object, ...]]:
    """Select the messages that are due, or whose delivery did not finish within the lease."""
    earlier = alerts.alias("earlier")
    held_up = sa.exists().where(
        earlier.c.incident_id == alerts.c.incident_id,
        earlier.c.channel == alerts.c.channel,
        earlier.c.alert_id < alerts.c.alert_id,
        earlier.c.state.in_(OPEN_STATES),
        sa.or_(earlier.c.state == "sending", earlier.c.error.is_not(None), earlier.c.uncertain),
        ~_is_ready(earlier, now, lease),
    )
    return sa.select(alerts).where(_is_ready(alerts, now, lease), ~held_up).order_by(alerts.c.alert_id)


def _take(connection: Connection, rows: Sequence[RowMapping], now: dt.datetime) -> None:
    taken = alerts.c.alert_id.in_([row["alert_id"] for row in rows])
    connection.execute(
        alerts.update().where(taken).values(state="sending", claimed_at=now, uncertain=_may_have_been_sent())
    )


def _may_have_been_sent() -> sa.ColumnElement[bool]:
    """Whether a message was claimed before by a delivery that never recorded the result."""
    return sa.or_(alerts.c.uncertain, alerts.c.state == "sending")


def _is_ready(table: sa.FromClause, now: dt.datetime, lease: dt.timedelta) -> sa.ColumnElement[bool]:
    due = sa.and_(table.c.state == "due", table.c.due_at <= now)
    abandoned = sa.and_(table.c.state == "sending", table.c.claimed_at <= now - lease)
    return sa.or_(due, abandoned)


def _claimed(connection: Connection, row: RowMapping) -> ClaimedAlert:
    event = connection.execute(sa.select(incident_events).filter_by(event_id=row["event_id"])).mappings().one()
    incident = connection.execute(sa.select(incidents).filter_by(incident_id=row["incident_id"])).mappings().one()
    stored = incident_of(incident)
    return ClaimedAlert(
        alert_id=row["alert_id"],
        channel=row["channel"],
        mode=row["mode"],
        attempts=row["attempts"],
        uncertain=row["uncertain"] or row["state"] == "sending",
        event_id=row["event_id"],
        event=event_of(event),
        event_at=event["at"],
        stored=stored,
        seen_before=_seen_before(connection, stored),
    )


def _seen_before(connection: Connection, stored: StoredIncident) -> str:
    """Return the sentence about earlier incidents of the cause of an incident."""
    same = {"model": stored.incident.model, "cause": stored.incident.cause.text}
    others = connection.execute(sa.select(incidents).filter_by(**same)).mappings()
    earlier = earlier_incidents(stored, map(incident_of, others))
    if not earlier:
        return ""
    of_last = sa.select(decisions).filter_by(incident_id=earlier[0].incident_id).order_by(decisions.c.decision_id)
    return seen_before(earlier, map(decision_of, connection.execute(of_last).mappings()))

"""Incidents, alerts and an outbox in memory."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitoring_pipeline.records.alert import ClaimedAlert, HistoryPoint
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import (
    EventKind,
    Finding,
    Handling,
    Incident,
    IncidentEvent,
    IncidentState,
    StoredIncident,
)
from monitoring_pipeline.records.measurement import Kind, Severity

NOW = dt.datetime(2013, 6, 3, 6, 30, tzinfo=dt.UTC)
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)

AUROC = Finding(
    kind=Kind.PERFORMANCE,
    subject="model",
    name="auroc",
    model_version="3",
    severity=Severity.CRITICAL,
    value=0.6612,
    lower=0.65,
    upper=0.672,
    reference_value=0.7315,
    threshold_lower=0.68,
    q_value=0.00012,
    rows=8123,
    since="2013-05-31",
)


def incident(model: str = "flight_delay", **changes: Any) -> Incident:
    """An incident that is open."""
    opened = Incident(
        model=model,
        cause=Cause(Family.PERFORMANCE),
        opened="2013-06-02",
        since="2013-05-31",
        last_breached="2013-06-02",
        resolved=None,
        state=IncidentState.OPEN,
        severity=Severity.CRITICAL,
        breached_chunks=3,
        reopened=0,
        title="auroc is below .68",
        findings=(AUROC,),
        subjects=("model",),
    )
    return replace(opened, **changes)


def stored(incident_id: str = "flight_delay-7", handling: Handling | None = None, **changes: Any) -> StoredIncident:
    """An open incident as it is stored."""
    return StoredIncident(
        incident_id=incident_id,
        incident=incident(**changes),
        handling=handling or Handling(),
        owner="team:ml",
        runbook="https://wiki.example.com/flight-delay?a=1&b=2",
    )


def event(
    kind: EventKind = EventKind.OPENED, severity: Severity = Severity.CRITICAL, summary: str = "auroc 0.66"
) -> IncidentEvent:
    """An event of the incident."""
    return IncidentEvent(kind=kind, chunk="2013-06-02", severity=severity, summary=summary)


def alert(
    alert_id: int = 1, *, of: StoredIncident | None = None, kind: EventKind = EventKind.OPENED, **changes: Any
) -> ClaimedAlert:
    """A claimed alert about the incident."""
    claimed = ClaimedAlert(
        alert_id=alert_id,
        channel="ml-oncall",
        mode="now",
        attempts=0,
        uncertain=False,
        event_id=alert_id,
        event=event(kind),
        event_at=NOW,
        stored=of or stored(),
    )
    return replace(claimed, **changes)


@dataclass
class Row:
    """A row of the outbox."""

    planned: ClaimedAlert
    due_at: dt.datetime
    status: str = "pending"
    attempts: int = 0
    leased_until: dt.datetime | None = None
    was_claimed: bool = False
    in_doubt: bool = False
    doubt_before: bool = False
    reason: str = ""
    delivery_id: str | None = None


class MemoryOutbox:
    """An outbox in memory, with the contract that ``outbox_contract.py`` checks."""

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self.threads: dict[tuple[str, str], str] = {}
        self.incidents: dict[str, StoredIncident] = {}
        self.points: tuple[HistoryPoint, ...] = ()

    def add(self, planned: ClaimedAlert, due_at: dt.datetime = NOW) -> int:
        """Write an alert, and the incident as it is after the event."""
        self.incidents[planned.stored.incident_id] = planned.stored
        self.rows[planned.alert_id] = Row(planned, due_at)
        return planned.alert_id

    def status(self, alert_id: int) -> str:
        """Return the status of an alert: pending, sent, failed or dropped."""
        return self.rows[alert_id].status

    def claim(self, now: dt.datetime, *, lease: dt.timedelta) -> list[ClaimedAlert]:
        free = {number: row for number, row in self.rows.items() if self._is_free(row, now)}
        claimed: list[ClaimedAlert] = []
        for number, row in sorted(free.items()):
            if not self._is_behind(number, row, free):
                claimed.append(self._taken(row, now + lease))
        return claimed

    def _is_free(self, row: Row, now: dt.datetime) -> bool:
        leased = row.leased_until is not None and row.leased_until > now
        return row.status == "pending" and row.due_at <= now and not leased

    def _is_behind(self, number: int, row: Row, free: dict[int, Row]) -> bool:
        place = (row.planned.stored.incident_id, row.planned.channel)
        return any(
            other < number
            and other not in free
            and earlier.was_claimed
            and earlier.status == "pending"
            and (earlier.planned.stored.incident_id, earlier.planned.channel) == place
            for other, earlier in self.rows.items()
        )

    def _taken(self, row: Row, until: dt.datetime) -> ClaimedAlert:
        uncertain = row.in_doubt
        row.doubt_before = row.in_doubt
        row.leased_until, row.was_claimed, row.in_doubt = until, True, True
        present = self.incidents[row.planned.stored.incident_id]
        return replace(row.planned, attempts=row.attempts, uncertain=uncertain, stored=present)

    def _end(self, alert_ids: Sequence[int], status: str, **changes: Any) -> None:
        for number in alert_ids:
            row = self.rows[number]
            row.status, row.leased_until = status, None
            for name, value in changes.items():
                setattr(row, name, value)

    def mark_sent(self, alert_ids: Sequence[int], at: dt.datetime, delivery_id: str | None) -> None:
        self._end(alert_ids, "sent", delivery_id=delivery_id)

    def mark_failed(self, alert_ids: Sequence[int], error: str, retry_at: dt.datetime | None) -> None:
        for number in alert_ids:
            row = self.rows[number]
            status = "failed" if retry_at is None else "pending"
            due_at = retry_at or row.due_at
            self._end([number], status, reason=error, due_at=due_at, in_doubt=False, attempts=row.attempts + 1)

    def postpone(self, alert_ids: Sequence[int], reason: str, until: dt.datetime) -> None:
        for number in alert_ids:
            self._end([number], "pending", reason=reason, due_at=until, in_doubt=self.rows[number].doubt_before)

    def mark_dropped(self, alert_ids: Sequence[int], reason: str) -> None:
        self._end(alert_ids, "dropped", reason=reason)

    def thread(self, incident_id: str, channel: str) -> str | None:
        return self.threads.get((incident_id, channel))

    def save_thread(self, incident_id: str, channel: str, thread: str) -> None:
        self.threads[incident_id, channel] = thread

    def history(self, stored: StoredIncident) -> tuple[HistoryPoint, ...]:
        return self.points

"""The results of a rehearsal: a line per month, then its pages, critical incidents and decisions."""

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from monitoring_pipeline.evaluation.alerts.routing import is_page
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.incident import EventKind, IncidentEvent, PlannedAlert, StoredIncident
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.rehearsal.home import RehearsalHome, open_home
from monitoring_pipeline.rehearsal.period_comparison import PeriodComparison, compare_period
from monitoring_pipeline.rehearsal.progress import Progress, RehearsalError, read_progress
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.calendar import Calendar
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.periods import MONTH
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.snapshots import SnapshotFiles

ALERTS = (
    "SELECT a.event_id, a.channel, a.mode, a.state, a.due_at, a.sent_at, e.kind, e.severity, e.chunk, e.summary "
    "FROM alerts a JOIN incident_events e ON e.event_id = a.event_id WHERE a.model = :model ORDER BY a.alert_id"
)

WEEK = dt.timedelta(days=7)
SHORTEST_IN_WEEKS = 1 / (7 * 24)


@dataclass(frozen=True, kw_only=True)
class StoredAlert:
    """One message of the outbox, with the event that it is about."""

    event_id: int
    planned: PlannedAlert
    event: IncidentEvent
    state: str
    sent_at: dt.datetime | None

    @property
    def is_page(self) -> bool:
        """Whether it is a page."""
        return is_page(self.planned, self.event)


@dataclass(frozen=True, kw_only=True)
class Month:
    """The results of a month (local days).

    Args:
        name: such as 2013-04.
        nights: chunks of it that were rehearsed.
        opened: incidents opened or reopened in it, by their severity at the end.
        pages: events that were sent as a page.
        sent: messages that were sent, by channel.
        asked: requested retrainings.
        gate: answers of the gate.
        promoted: promoted versions.
        rolled_back: versions that became champion again.
        comparison: performance with retraining and without.
    """

    name: str
    nights: int
    opened: Counter[Severity] = field(default_factory=Counter[Severity])
    pages: int = 0
    sent: Counter[str] = field(default_factory=Counter[str])
    asked: int = 0
    gate: Counter[Answer] = field(default_factory=Counter[Answer])
    promoted: tuple[str, ...] = ()
    rolled_back: tuple[str, ...] = ()
    comparison: PeriodComparison | None = None


@dataclass(frozen=True, kw_only=True)
class RehearsalSummary:
    """The results of a rehearsal so far."""

    spec: ModelSpec
    progress: Progress
    months: tuple[Month, ...]
    pages: tuple[StoredAlert, ...]
    critical: tuple[StoredIncident, ...]
    decisions: tuple[Decision, ...]

    @property
    def last(self) -> Chunk:
        """The last finished chunk."""
        calendar = self.spec.calendar
        return calendar.previous(calendar.chunk(self.progress.chunk))

    @property
    def pages_per_week(self) -> float:
        """Mean number of pages per week of the rehearsal."""
        rehearsed = self.last.end - self.spec.calendar.chunk(self.progress.first).start
        return sum(month.pages for month in self.months) / max(rehearsed / WEEK, SHORTEST_IN_WEEKS)


def summarize_rehearsal(settings: Settings, loaded: LoadedSpec, folder: Path) -> RehearsalSummary:
    """Sum up the rehearsal in a folder, finished or not.

    Raises:
        RehearsalError: when the folder has none of this model.
    """
    progress = read_progress(folder)
    if progress is None or progress.model != loaded.spec.name:
        raise RehearsalError(f"{folder}: no rehearsal of {loaded.spec.name}; begin one with --from and --to")
    with open_home(settings, loaded, folder) as home:
        return _summary(home, progress)


def stored_alerts(store: ResultStore, model: str) -> list[StoredAlert]:
    """Return the whole outbox of a model, in order of writing."""
    return [
        StoredAlert(
            event_id=event_id,
            planned=PlannedAlert(channel=channel, due_at=_time(due_at), mode=mode),
            event=IncidentEvent(kind=EventKind(kind), chunk=chunk, severity=Severity(severity), summary=summary),
            state=state,
            sent_at=None if sent_at is None else _time(sent_at),
        )
        for event_id, channel, mode, state, due_at, sent_at, kind, severity, chunk, summary in store.query(
            ALERTS, {"model": model}
        )[1]
    ]


def _summary(home: RehearsalHome, progress: Progress) -> RehearsalSummary:
    spec, store = home.loaded.spec, home.store
    alerts = stored_alerts(store, spec.name)
    pages = list({alert.event_id: alert for alert in alerts if alert.is_page}.values())
    decisions = store.decisions(spec.name)
    incidents = store.incidents(spec.name)
    months = [
        _month(home, name, keys, pages=pages, alerts=alerts, decisions=decisions, incidents=incidents)
        for name, keys in _months(spec.calendar, progress).items()
    ]
    return RehearsalSummary(
        spec=spec,
        progress=progress,
        months=tuple(months),
        pages=tuple(pages),
        critical=tuple(entry for entry in incidents if entry.incident.severity is Severity.CRITICAL),
        decisions=tuple(d for d in decisions if not d.has(Topic.RETRAINING, Answer.NO)),
    )


def _months(calendar: Calendar, progress: Progress) -> dict[str, list[str]]:
    last = calendar.previous(calendar.chunk(progress.chunk))
    return calendar.by_period(calendar.range(calendar.chunk(progress.first), last), MONTH)


def _month(
    home: RehearsalHome,
    name: str,
    keys: Sequence[str],
    *,
    pages: Sequence[StoredAlert],
    alerts: Sequence[StoredAlert],
    decisions: Sequence[Decision],
    incidents: Sequence[StoredIncident],
) -> Month:
    zone, calendar = home.loaded.spec.zone, home.loaded.spec.calendar
    of_month = [decision for decision in decisions if f"{decision.at.astimezone(zone):%Y-%m}" == name]

    def is_of_month(key: str) -> bool:
        return calendar.period_of(key, MONTH) == name

    def answers(topic: Topic) -> list[Decision]:
        return [decision for decision in of_month if decision.topic is topic]

    sent = [alert for alert in alerts if alert.state == "sent" and alert.sent_at is not None]
    return Month(
        name=name,
        nights=len(keys),
        opened=Counter(entry.incident.severity for entry in incidents if is_of_month(entry.incident.opened)),
        pages=sum(is_of_month(page.event.chunk) for page in pages),
        sent=Counter(a.planned.channel for a in sent if a.sent_at and f"{a.sent_at.astimezone(zone):%Y-%m}" == name),
        asked=sum(decision.answer is Answer.YES for decision in answers(Topic.RETRAINING)),
        gate=Counter(decision.answer for decision in answers(Topic.GATE)),
        promoted=_versions(answers(Topic.PROMOTION), Answer.PROMOTED),
        rolled_back=_versions(answers(Topic.ROLLBACK), Answer.ROLLED_BACK),
        comparison=compare_period(home, keys, SnapshotFiles(home.settings.snapshots)),
    )


def _versions(decisions: Sequence[Decision], answer: Answer) -> tuple[str, ...]:
    return tuple(decision.model_version or "" for decision in decisions if decision.answer is answer)


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)

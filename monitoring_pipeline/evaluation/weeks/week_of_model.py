"""The records of one model in one week, and what follows from them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from monitoring_pipeline.evaluation.budget.realized import Spent
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.incident import EventKind, LoggedEvent, StoredIncident
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status, Verdict, VerdictStatus
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.week import Week

WORST_FIRST = (VerdictStatus.CRITICAL, VerdictStatus.WARNING, VerdictStatus.UNKNOWN, VerdictStatus.OK)
CHANGES_OF_STATE = frozenset({EventKind.OPENED, EventKind.REOPENED, EventKind.RESOLVED})
OF_RETRAINING = frozenset({
    Topic.RETRAINING, Topic.GATE, Topic.PROMOTION, Topic.SHADOW, Topic.PROBATION, Topic.ROLLBACK, Topic.TRIAL,
})  # fmt: skip
Measured = tuple[str, Measurement]
"""A measurement after the key of its chunk."""


@dataclass(frozen=True, kw_only=True)
class LoggedIncident:
    """An incident with all its events, in the order of their chunks."""

    stored: StoredIncident
    log: tuple[LoggedEvent, ...]


@dataclass(frozen=True, kw_only=True)
class MetricOfWeek:
    """A metric of performance: its newest value of the week, and that of the week before; None if not measured."""

    metric: MetricName
    now: Measured | None
    before: Measured | None

    @property
    def is_breached(self) -> bool:
        """Whether the newest value is outside its limits."""
        return self.now is not None and self.now[1].status is Status.BREACHED


@dataclass(frozen=True, kw_only=True)
class WeekOfModel:
    """One model in one week; a chunk belongs to the week in which it begins, in the model's own time zone.

    Args:
        spec: the model.
        week: the week.
        verdicts: the verdicts of the chunks of the week, by key.
        before: those of the week before.
        incidents: the incidents of the model up to the end of the week, without those of severity info.
        series: the guarded metrics on the chunks of four weeks, of which this one is the last.
        names: the guarded metrics, the headline metric first.
        decisions: what was decided in the week.
        precision: alert precision of the 90 days until the end of the week; None without outcomes.
        for_information: the incidents of severity info that were breached in the week.
        spent: what the quarter of a year up to the end of the week spent of the budget of false alarms.
    """

    spec: ModelSpec
    week: Week
    verdicts: Mapping[str, Verdict]
    before: Mapping[str, Verdict]
    incidents: tuple[LoggedIncident, ...]
    series: tuple[Measured, ...]
    names: tuple[MetricName, ...]
    decisions: tuple[Decision, ...]
    precision: Measurement | None
    for_information: tuple[StoredIncident, ...] = ()
    spent: tuple[Spent, ...] = ()

    @property
    def status(self) -> VerdictStatus | None:
        """The newest verdict of the week; None if no chunk was judged."""
        statuses = [verdict.status for verdict in self.verdicts.values()]
        return statuses[-1] if statuses else None

    @property
    def worst(self) -> VerdictStatus | None:
        """The worst verdict of the week; None if no chunk was judged."""
        return worst_of(verdict.status for verdict in self.verdicts.values())

    @cached_property
    def opened(self) -> tuple[StoredIncident, ...]:
        """The incidents that opened in the week."""
        return self._with(EventKind.OPENED)

    @cached_property
    def came_back(self) -> tuple[StoredIncident, ...]:
        """The incidents that had been resolved, came back in the week, and did not open in it."""
        return tuple(stored for stored in self._with(EventKind.REOPENED) if stored not in self.opened)

    @cached_property
    def lasting(self) -> tuple[StoredIncident, ...]:
        """The incidents that were not resolved at the end of the week."""
        return tuple(entry.stored for entry in self.incidents if not _is_resolved(self._until_the_end(entry)))

    @cached_property
    def resolved(self) -> tuple[StoredIncident, ...]:
        """The incidents that were resolved in the week and did not come back in it."""
        return tuple(stored for stored in self._with(EventKind.RESOLVED) if stored not in self.lasting)

    @cached_property
    def metrics(self) -> tuple[MetricOfWeek, ...]:
        """The guarded metrics that were measured by labels in the week or in the week before."""
        found = (
            MetricOfWeek(metric=name, now=self._newest(name, self.verdicts), before=self._newest(name, self.before))
            for name in self.names
        )
        return tuple(metric for metric in found if metric.now is not None or metric.before is not None)

    @cached_property
    def retraining(self) -> tuple[Decision, ...]:
        """The decisions of the week about retraining and versions, without those that changed nothing."""
        return tuple(
            decision
            for decision in self.decisions
            if decision.topic in OF_RETRAINING and not decision.has(Topic.RETRAINING, Answer.NO)
        )

    @property
    def has_changed(self) -> bool:
        """Whether something happened in the week that a person who leads the model would ask about."""
        was = worst_of(verdict.status for verdict in self.before.values())
        informed = [stored for stored in self.for_information if self._is_of_the_week(stored.incident.opened)]
        happened = (self.opened, self.came_back, self.resolved, self.retraining, informed)
        return any(happened) or self.worst is not was or any(metric.is_breached for metric in self.metrics)

    def _with(self, kind: EventKind) -> tuple[StoredIncident, ...]:
        """Return the incidents to which an event of a kind happened on a chunk of the week."""
        return tuple(
            entry.stored
            for entry in self.incidents
            if any(logged.event.kind is kind and self._is_of_the_week(logged.event.chunk) for logged in entry.log)
        )

    def _is_of_the_week(self, chunk: str) -> bool:
        calendar = self.spec.calendar
        return Week.of(calendar.day_at(calendar.chunk(chunk).start)) == self.week

    def _until_the_end(self, entry: LoggedIncident) -> list[EventKind]:
        calendar = self.spec.calendar
        return [
            logged.event.kind
            for logged in entry.log
            if logged.event.kind in CHANGES_OF_STATE
            and calendar.day_at(calendar.chunk(logged.event.chunk).start) <= self.week.sunday
        ]

    def _newest(self, name: MetricName, chunks: Mapping[str, Verdict]) -> Measured | None:
        found = [(key, m) for key, m in self.series if m.metric == name and m.kind is Kind.PERFORMANCE]
        return next(((key, m) for key, m in reversed(found) if key in chunks and m.value is not None), None)


def worst_of(statuses: Iterable[VerdictStatus]) -> VerdictStatus | None:
    """Return the worst of some verdicts; None if there is none."""
    return min(statuses, key=WORST_FIRST.index, default=None)


def worst_first(models: Iterable[WeekOfModel]) -> tuple[WeekOfModel, ...]:
    """Return models in the order of reading: by worst verdict, then by lasting incidents, then by name."""
    return tuple(sorted(models, key=_place))


def _place(model: WeekOfModel) -> tuple[int, int, str]:
    rank = len(WORST_FIRST) if model.worst is None else WORST_FIRST.index(model.worst)
    return rank, -len(model.lasting), model.spec.name


def _is_resolved(kinds: Sequence[EventKind]) -> bool:
    """Return whether the last change of an incident resolved it; an incident without any change has not opened yet."""
    return not kinds or kinds[-1] is EventKind.RESOLVED


def only_information(incidents: Iterable[StoredIncident]) -> list[StoredIncident]:
    """Return the incidents of severity info, such as drift without effect on the model."""
    return [stored for stored in incidents if stored.incident.severity is Severity.INFO]


def without_information(incidents: Iterable[StoredIncident]) -> list[StoredIncident]:
    """Return the incidents that decide a verdict: those above severity info."""
    return [stored for stored in incidents if stored.incident.severity is not Severity.INFO]

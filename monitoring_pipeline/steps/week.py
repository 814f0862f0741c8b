"""Reads what a week was like for models, and finds the newest week that was judged."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from monitoring_pipeline.evaluation.alerts.precision import measure_alert_precision
from monitoring_pipeline.evaluation.periods import HEADLINE_METRIC
from monitoring_pipeline.evaluation.weeks.week_of_model import (
    LoggedIncident,
    Measured,
    WeekOfModel,
    only_information,
    without_information,
    worst_first,
)
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.decision import Decision
from monitoring_pipeline.records.incident import StoredIncident
from monitoring_pipeline.records.measurement import Verdict
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.week import DAYS, Week
from monitoring_pipeline.steps.budget import read_spent

WEEKS_DRAWN = 4
"""Charts show the week and the three before it."""


@dataclass(frozen=True, kw_only=True)
class WeekOfModels:
    """A week, and all models in it, the worst first."""

    week: Week
    models: tuple[WeekOfModel, ...]


def newest_week(specs: Iterable[ModelSpec], store: Store) -> Week | None:
    """Return the newest week in which a chunk of any model was judged; None if nothing was judged."""
    return max((_week_of(spec, key) for spec in specs for key in list(store.verdicts(spec.name))[-1:]), default=None)


def last_complete_week(now: dt.datetime, zone: dt.tzinfo) -> Week:
    """Return the newest week that has ended in a time zone."""
    return Week.of(now.astimezone(zone).date()).earlier()


def read_week(specs: Iterable[ModelSpec], store: Store, week: Week) -> WeekOfModels:
    """Return what the week was like for each model; nothing later is read."""
    return WeekOfModels(week=week, models=worst_first(_week_of_model(spec, store, week) for spec in specs))


def _week_of_model(spec: ModelSpec, store: Store, week: Week) -> WeekOfModel:
    by_week: dict[Week, dict[str, Verdict]] = {}
    for key, verdict in store.verdicts(spec.name).items():
        by_week.setdefault(_week_of(spec, key), {})[key] = verdict
    decisions = store.decisions(spec.name)
    days = spec.calendar.window_of_days(DAYS, week.earlier(-1).monday)
    return WeekOfModel(
        spec=spec,
        week=week,
        verdicts=by_week.get(week, {}),
        before=by_week.get(week.earlier(), {}),
        incidents=_incidents(spec, store, week),
        series=_series(spec, store, week, by_week),
        names=_guarded(spec),
        decisions=tuple(decision for decision in decisions if _is_of(spec, decision, week)),
        precision=measure_alert_precision(decisions, spec.calendar.window(days).end),
        for_information=tuple(_for_information(spec, store, week)),
        spent=read_spent(spec, store, spec.calendar.chunk_at(spec.calendar.window(days).end - dt.timedelta.resolution)),
    )


def _week_of(spec: ModelSpec, key: str) -> Week:
    return Week.of(spec.calendar.day_at(spec.calendar.chunk(key).start))


def _incidents(spec: ModelSpec, store: Store, week: Week) -> tuple[LoggedIncident, ...]:
    """Return the incidents that had begun by the end of the week, and were not over before it."""
    found = (
        stored
        for stored in without_information(store.incidents(spec.name))
        if _week_of(spec, stored.incident.since) <= week
        and (stored.incident.resolved is None or _week_of(spec, stored.incident.resolved) >= week)
    )
    return tuple(LoggedIncident(stored=stored, log=tuple(store.incident_log(stored.incident_id))) for stored in found)


def _for_information(spec: ModelSpec, store: Store, week: Week) -> list[StoredIncident]:
    """Return the incidents of severity info that began by the end of the week, and were breached in it or later."""
    return [
        stored
        for stored in only_information(store.incidents(spec.name))
        if _week_of(spec, stored.incident.since) <= week <= _week_of(spec, stored.incident.last_breached)
    ]


def _series(
    spec: ModelSpec, store: Store, week: Week, by_week: Mapping[Week, Mapping[str, Verdict]]
) -> tuple[Measured, ...]:
    shown = [key for past in range(WEEKS_DRAWN) for key in by_week.get(week.earlier(past), ())]
    if not shown:
        return ()
    return tuple(store.chunk_measurements(spec.name, _guarded(spec), min(shown), max(shown), only_serving=True))


def _guarded(spec: ModelSpec) -> tuple[MetricName, ...]:
    headline = MetricName(HEADLINE_METRIC[spec.task])
    return tuple(dict.fromkeys([headline, *(MetricName(*metric) for metric in spec.performance.thresholds)]))


def _is_of(spec: ModelSpec, decision: Decision, week: Week) -> bool:
    """Return whether a decision belongs to a week: by its chunk, or by its time if it is about no chunk."""
    if decision.chunk is not None:
        return _week_of(spec, decision.chunk) == week
    return Week.of(spec.calendar.day_at(decision.at)) == week

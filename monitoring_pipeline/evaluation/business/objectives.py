"""Objectives of a model: the share of good days in a rolling window, and the error budget that is left.

Service level objective, error budget and burn rate as in the Site Reliability Workbook (Beyer et al. 2018), chapters 2
and 5: the budget is the share of bad days that the objective allows, and the burn rate is the speed at which it is
spent, as a multiple of the allowed speed. The long window of the objective shows whether the budget is gone, a short
window shows whether it is still being spent.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.performance.metrics_table import UnknownMetricError
from monitoring_pipeline.evaluation.performance.metrics_table import metrics_of as performance_metrics_of
from monitoring_pipeline.records.measurement import Kind, Measurement, Role, Severity
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.calendar import Calendar
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.incidents import Objective
from monitoring_pipeline.statistics.intervals.intervals import wilson

BURN_DAYS = 7
"""Length of the short window."""
LEAST_SHARE_OF_DAYS = 0.25
"""An objective is skipped while a smaller share of the window's days has a value."""
DAYS_SHOWN = 5


@dataclass(frozen=True)
class _Days:
    """The days of a window that have a value: the good and the bad, in order."""

    good: tuple[str, ...]
    bad: tuple[str, ...]

    @property
    def counted(self) -> int:
        return len(self.good) + len(self.bad)


def check_objectives(spec: ModelSpec) -> None:
    """Refuse objectives on performance or business metrics that do not exist.

    Quality metrics depend on the suite and are not checked.

    Raises:
        UnknownMetricError: naming field, value and what is known.
    """
    known_of = {
        "performance": {metric.name for metric in performance_metrics_of(spec.task)},
        "business": set(spec.business),
    }
    for name, objective in spec.objectives.items():
        known = known_of.get(objective.kind)
        if known is not None and objective.measured.name not in known:
            listed = ", ".join(sorted(known)) or "none"
            message = (
                f"{spec.name}: objectives.{name}.metric: unknown {objective.metric!r} for {objective.kind}; "
                f"known: {listed}"
            )
            raise UnknownMetricError(message)


def names_measured(spec: ModelSpec) -> frozenset[MetricName]:
    """Return the names of the measurements that a model's objectives use."""
    return frozenset(objective.measured for objective in spec.objectives.values())


def first_key(spec: ModelSpec, chunk_key: str) -> str:
    """Return the key of the oldest chunk in the windows of the objectives that end with ``chunk_key``."""
    longest = max((objective.days for objective in spec.objectives.values()), default=1)
    return _first_of(spec.calendar, chunk_key, longest)


def later_keys(spec: ModelSpec, chunk_key: str, known_keys: Iterable[str]) -> tuple[str, ...]:
    """Return the other ``known_keys``, in order, whose windows contain ``chunk_key``."""
    return tuple(key for key in sorted(known_keys) if key > chunk_key >= first_key(spec, key))


def measure_objectives(
    spec: ModelSpec, chunk_key: str, history: Sequence[tuple[str, Measurement]]
) -> tuple[Measurement, ...]:
    """Measure every objective of the spec as of a chunk.

    Per objective: ``attainment`` (share of good days, Wilson's interval), ``error_budget_left`` (1 untouched, 0 spent,
    negative overspent; this one decides) and ``burn_rate`` (1 spends exactly the budget). The unit is the day: a day
    is good when the metric's point lies inside the objective's range, of whichever version of the champion had most
    rows that day; where several subjects bear the metric's name, all of them must. Days without a value, and
    estimated performance, do not count.

    Args:
        spec: the model.
        chunk_key: the newest day of the windows.
        history: measurements with their chunk's key, in any order; those after ``chunk_key`` are ignored.
    """
    return tuple(
        measurement
        for name, objective in spec.objectives.items()
        for measurement in _measure(spec.calendar, name, objective, chunk_key, history)
    )


def _measure(
    calendar: Calendar, name: str, objective: Objective, chunk_key: str, history: Sequence[tuple[str, Measurement]]
) -> tuple[Measurement, ...]:
    is_good = _days(objective, history)
    window = _counted(is_good, _first_of(calendar, chunk_key, objective.days), chunk_key)
    latest = _counted(is_good, _first_of(calendar, chunk_key, min(BURN_DAYS, objective.days)), chunk_key)
    blank = Measurement(
        kind=Kind.OBJECTIVE,
        subject=name,
        name="",
        model_version="",
        value=0.0,
        rows=window.counted,
        severity=Severity(objective.severity),
    )
    needed = math.ceil(LEAST_SHARE_OF_DAYS * objective.days)
    too_few = f"{window.counted} of {objective.days} days have a value, {needed} are needed"
    enough = window.counted >= needed
    return (
        _attainment(blank, objective, window) if enough else replace(blank, name="attainment").skipped(too_few),
        _budget(blank, objective, window) if enough else replace(blank, name="error_budget_left").skipped(too_few),
        _burn_rate(blank, objective, latest) if enough else replace(blank, name="burn_rate").skipped(too_few),
    )


def _attainment(blank: Measurement, objective: Objective, window: _Days) -> Measurement:
    share = wilson(len(window.good), window.counted)
    return replace(
        blank,
        name="attainment",
        value=share.value,
        lower=share.lower,
        upper=share.upper,
        reference_value=objective.share,
        definition=f"share of the days, of those with a value, on which {_promise(objective)}",
    )


def _budget(blank: Measurement, objective: Objective, window: _Days) -> Measurement:
    allowed = _allowed(objective) * window.counted
    # Rounded, so that days that spend exactly the budget do not overspend it. + 0.0 turns a negative zero into zero.
    left = round(1 - len(window.bad) / allowed, 9) + 0.0
    measured = replace(
        blank,
        name="error_budget_left",
        value=left,
        threshold_lower=0.0,
        definition=f"1 - bad days / ({_allowed(objective):g} x days with a value); good: {_promise(objective)}",
    )
    if left >= 0:
        return measured
    newest = ", ".join(window.bad[-DAYS_SHOWN:])
    reason = f"{len(window.bad)} of {window.counted} days are bad, {allowed:.3g} are allowed; the latest: {newest}"
    return measured.breached(reason)


def _burn_rate(blank: Measurement, objective: Objective, latest: _Days) -> Measurement:
    if latest.counted == 0:
        reason = f"none of the last {min(BURN_DAYS, objective.days)} days has a value"
        return replace(blank, name="burn_rate").skipped(reason)
    return replace(
        blank,
        name="burn_rate",
        value=len(latest.bad) / latest.counted / _allowed(objective),
        rows=latest.counted,
        reference_value=1.0,
        definition=f"share of bad days among the last {min(BURN_DAYS, objective.days)}, over the share allowed",
    )


def _days(objective: Objective, history: Sequence[tuple[str, Measurement]]) -> dict[str, bool]:
    """Return by day whether the metric kept its range on it."""
    served: dict[tuple[str, str], Measurement] = {}
    for key, measurement in history:
        if not _is_about(objective, measurement):
            continue
        place = (key, measurement.subject)
        if place not in served or _precedence(measurement) > _precedence(served[place]):
            served[place] = measurement
    good: dict[str, bool] = {}
    for (key, _), measurement in served.items():
        good[key] = good.get(key, True) and _keeps(objective, measurement)
    return good


def _is_about(objective: Objective, measurement: Measurement) -> bool:
    return (
        measurement.metric == objective.measured
        and objective.subject in {None, measurement.subject}
        and measurement.kind == objective.kind
        and measurement.role == Role.CHAMPION
        and not measurement.segment
        and measurement.value is not None
    )


def _precedence(measurement: Measurement) -> tuple[int, str, float]:
    return measurement.rows, measurement.model_version, measurement.value or 0.0


def _keeps(objective: Objective, measurement: Measurement) -> bool:
    value = measurement.value if measurement.value is not None else math.nan
    return (objective.lower is None or value >= objective.lower) and (
        objective.upper is None or value <= objective.upper
    )


def _counted(is_good: dict[str, bool], first: str, last: str) -> _Days:
    inside = sorted(key for key in is_good if first <= key <= last)
    return _Days(tuple(key for key in inside if is_good[key]), tuple(key for key in inside if not is_good[key]))


def _allowed(objective: Objective) -> float:
    return 1 - objective.share


def _promise(objective: Objective) -> str:
    bounds = [f"{objective.lower:g} or more"] if objective.lower is not None else []
    bounds += [f"{objective.upper:g} or less"] if objective.upper is not None else []
    return f"{objective.metric} of {' and '.join(bounds)}"


def _first_of(calendar: Calendar, chunk_key: str, days: int) -> str:
    """Return the key of the first chunk of the days that end with a chunk."""
    return calendar.first_of_days(calendar.chunk(chunk_key), days).key

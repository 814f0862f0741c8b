"""Objectives of a model: the share of good chunks in a rolling window, and the error budget that is left.

Service level objective, error budget and burn rate as in the Site Reliability Workbook (Beyer et al. 2018), chapters 2
and 5: the budget is the share of bad chunks that the objective allows, and the burn rate is the speed at which it is
spent, as a multiple of the allowed speed. The long window of the objective shows whether the budget is gone, a short
window shows whether it is still being spent.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from monitoring_pipeline.evaluation.business.burn_rates import BURN_RATE, measure_burn_rates
from monitoring_pipeline.evaluation.business.money import JUDGED
from monitoring_pipeline.evaluation.business.outcomes import (
    SHARE_OF_RIGHT_ROWS,
    SHARES_OF_BAD_ROWS,
    Window,
    is_share_of_rows,
    outcomes_of,
)
from monitoring_pipeline.evaluation.performance.metrics_table import UnknownMetricError
from monitoring_pipeline.evaluation.performance.metrics_table import metrics_of as performance_metrics_of
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.calendar import Calendar
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.incidents import Objective
from monitoring_pipeline.statistics.intervals.intervals import wilson

ATTAINMENT, BUDGET = "attainment", "error_budget_left"
BURN_DAYS: Mapping[str, int] = MappingProxyType({"day": 7, "week": 28, "month": 92})
"""Length of the short window in days, by the word for a chunk; shorter chunks have BURN_DAYS_OF_HOURS."""
BURN_DAYS_OF_HOURS = 1
LEAST_SHARE_OF_CHUNKS = 0.25
"""An objective is skipped while a smaller share of the window's chunks has a value."""
CHUNKS_SHOWN = 5


def check_objectives(spec: ModelSpec) -> None:
    """Refuse objectives on performance or business metrics that do not exist.

    Quality metrics depend on the suite and are not checked.

    Raises:
        UnknownMetricError: naming field, value and what is known. Also if an objective counts single rows, and its
            metric is no share of rows.
    """
    known_of = {
        "performance": {metric.name for metric in performance_metrics_of(spec.task)},
        "business": {*spec.business, *spec.measures, *(JUDGED if spec.value else ())},
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
        if objective.counts_rows and not is_share_of_rows(objective):
            message = (
                f"{spec.name}: objectives.{name}.metric: {objective.metric!r} is no share of rows, so lower or upper "
                f"is needed; shares of rows are {SHARE_OF_RIGHT_ROWS} (performance), and for quality "
                f"{', '.join(SHARES_OF_BAD_ROWS)} and expectations about each row"
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

    Per objective: ``attainment`` (share of good chunks, Wilson's interval), ``error_budget_left`` (1 untouched, 0
    spent, negative overspent; this one decides) and ``burn_rate`` (1 spends exactly the budget), and the burn rates of
    pairs of windows, which decide, too (see ``measure_burn_rates``). A chunk is good when
    the metric's point lies inside the objective's range, of whichever version of the champion had most rows in it;
    where several subjects bear the metric's name, all of them must. Chunks without a value, and estimated
    performance, do not count. If the objective counts predictions, a chunk weighs as much as it has rows on which the
    metric was measured; without a range, each of these rows is good or bad.

    Args:
        spec: the model.
        chunk_key: the newest chunk of the windows.
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
    words = _Words(objective, calendar.noun)
    outcomes = outcomes_of(objective, history)
    window = outcomes.between(_first_of(calendar, chunk_key, objective.days), chunk_key)
    burn_days = min(BURN_DAYS.get(calendar.noun, BURN_DAYS_OF_HOURS), objective.days)
    latest = outcomes.between(_first_of(calendar, chunk_key, burn_days), chunk_key)
    blank = Measurement(
        kind=Kind.OBJECTIVE,
        subject=name,
        name="",
        model_version="",
        value=0.0,
        rows=window.counted,
        severity=Severity(objective.severity),
    )
    if (reason := _too_few(calendar, objective, window)) is not None:
        return tuple(replace(blank, name=each).skipped(reason) for each in (ATTAINMENT, BUDGET, BURN_RATE))
    return (
        _attainment(blank, objective, window, words),
        _budget(blank, objective, window, words),
        _burn_rate(blank, objective, latest, calendar.chunks_in_days(burn_days), words),
        *measure_burn_rates(calendar, objective, outcomes, blank, chunk_key=chunk_key, counted=words.counted),
    )


def _too_few(calendar: Calendar, objective: Objective, window: Window) -> str | None:
    expected = calendar.chunks_in_days(objective.days)
    needed = math.ceil(LEAST_SHARE_OF_CHUNKS * expected)
    if window.chunks < needed:
        return f"{window.chunks} of {expected} {calendar.noun}s have a value, {needed} are needed"
    return None if window.counted else f"{objective.metric} is not measured on predictions, so none are counted"


@dataclass(frozen=True)
class _Words:
    """The words for what an objective counts."""

    objective: Objective
    noun: str

    @property
    def counted(self) -> str:
        """What is counted, in the plural."""
        return "predictions" if self.objective.counts == "predictions" else f"{self.noun}s"

    @property
    def are_bad(self) -> str:
        """The sentence part that follows a number of bad ones."""
        place = "on" if self.noun == "day" else "in"
        if self.objective.counts_rows:
            return "are bad"
        return f"are {place} bad {self.noun}s" if self.objective.counts == "predictions" else "are bad"

    @property
    def attainment(self) -> str:
        """The definition of the attainment."""
        if self.objective.counts_rows:
            return f"share of the predictions that are good: {_promise(self.objective)}"
        place = "on" if self.noun == "day" else "in"
        of = "" if self.objective.counts == "predictions" else ", of those with a value,"
        return f"share of the {self.counted}{of} {place} {self._which} {_promise(self.objective)}"

    @property
    def _which(self) -> str:
        return f"{self.noun}s with" if self.objective.counts == "predictions" else "which"


def _attainment(blank: Measurement, objective: Objective, window: Window, words: _Words) -> Measurement:
    measured = replace(
        blank,
        name=ATTAINMENT,
        value=window.counted_good / window.counted,
        reference_value=objective.share,
        definition=words.attainment,
    )
    if objective.counts == "predictions":
        # Predictions of one chunk are good or bad together, so their number is no number of trials.
        return measured
    share = wilson(window.counted_good, window.counted)
    return replace(measured, value=share.value, lower=share.lower, upper=share.upper)


def _budget(blank: Measurement, objective: Objective, window: Window, words: _Words) -> Measurement:
    allowed = _allowed(objective) * window.counted
    # Rounded, so that chunks that spend exactly the budget do not overspend it. + 0.0 turns a negative zero into zero.
    left = round(1 - window.counted_bad / allowed, 9) + 0.0
    measured = replace(
        blank,
        name=BUDGET,
        value=left,
        threshold_lower=0.0,
        definition=(
            f"1 - bad {words.counted} / ({_allowed(objective):g} x {words.counted} with a value); "
            f"good: {_promise(objective)}"
        ),
    )
    if left >= 0:
        return measured
    newest = ", ".join(window.bad_chunks[-CHUNKS_SHOWN:])
    reason = (
        f"{window.counted_bad} of {window.counted} {words.counted} {words.are_bad}, {allowed:.3g} are allowed; "
        f"the latest: {newest}"
    )
    return measured.breached(reason)


def _burn_rate(blank: Measurement, objective: Objective, latest: Window, expected: int, words: _Words) -> Measurement:
    if latest.counted == 0:
        return replace(blank, name=BURN_RATE).skipped(f"none of the last {expected} {words.noun}s has a value")
    among = f"the last {expected}" if objective.counts == "chunks" else f"those of the last {expected} {words.noun}s"
    return replace(
        blank,
        name=BURN_RATE,
        value=latest.counted_bad / latest.counted / _allowed(objective),
        rows=latest.counted,
        reference_value=1.0,
        definition=f"share of bad {words.counted} among {among}, over the share allowed",
    )


def _allowed(objective: Objective) -> float:
    return 1 - objective.share


def _promise(objective: Objective) -> str:
    if objective.counts_rows:
        words = "those that" if objective.kind == Kind.PERFORMANCE else "those that do not"
        return f"{words} count for {objective.metric}"
    bounds = [f"{objective.lower:g} or more"] if objective.lower is not None else []
    bounds += [f"{objective.upper:g} or less"] if objective.upper is not None else []
    return f"{objective.metric} of {' and '.join(bounds)}"


def _first_of(calendar: Calendar, chunk_key: str, days: int) -> str:
    """Return the key of the first chunk of the days that end with a chunk."""
    return calendar.first_of_days(calendar.chunk(chunk_key), days).key

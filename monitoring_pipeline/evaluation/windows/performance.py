"""Performance over the last days of a model, judged by the thresholds of its metrics.

A window pools its days: each number is that of all its labelled rows. It counts chunks whose labels are final. Its
interval takes days, not rows, as independent (see ``window_interval``).
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np

from monitoring_pipeline.evaluation.performance.metrics_table import better_of, range_of
from monitoring_pipeline.evaluation.performance.thresholds import DEFAULT_GUARDS, judge_by_threshold
from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.labelled import day_counts
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.windows.numbers import (
    FROM_DECISIONS,
    NEEDED_FOR_DECISIONS,
    DailyNumber,
    Values,
    decisions_of,
    means_of_rows,
    numbers_of,
)
from monitoring_pipeline.evaluation.windows.reference_days import ReferenceDays, effect_of
from monitoring_pipeline.evaluation.windows.spans import DAYS, Window, units_of
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError
from monitoring_pipeline.statistics.samples.window_errors import (
    effect_of_days,
    window_interval,
    without_each_day,
)

Computed = TypeVar("Computed")
SEPARATOR = ", "
CONFIDENCE = 0.99
"""Level of a window's interval. A breached window is an incident at once, so chance may breach few of them."""
LEAST_SHARE_OF_DAYS = 0.5
"""A window is skipped while a smaller share of its days has labelled rows."""


@dataclass(frozen=True)
class FinalChunk:
    """What a chunk whose labels are final left of one version: counts of its labelled rows, and its metrics."""

    labelled: tuple[ChunkProfile, ...]
    metrics: Mapping[MetricName, Measurement]


@dataclass(frozen=True)
class Expected:
    """What is expected of the numbers of windows, from a reference.

    Args:
        bins: its bins by column, with those of a regression's errors.
        values: its metrics with their intervals.
        days: what its days show.
    """

    bins: Mapping[str, Bins] = field(default_factory=dict[str, Bins])
    values: Mapping[MetricName, Quantity] = field(default_factory=dict[MetricName, Quantity])
    days: ReferenceDays = field(default_factory=ReferenceDays)


def metrics_judged(spec: ModelSpec) -> tuple[MetricName, ...]:
    """Return the metrics that windows are measured for: the main one of the task, and those with a threshold."""
    return tuple(dict.fromkeys([DEFAULT_GUARDS[spec.task].metric, *spec.performance.thresholds]))


def metrics_read(spec: ModelSpec) -> frozenset[MetricName]:
    """Return the metrics of chunks that windows are computed from."""
    return frozenset({*metrics_judged(spec), *(NEEDED_FOR_DECISIONS if _has_decisions(spec) else ())})


def _has_decisions(spec: ModelSpec) -> bool:
    """Return whether a metric of a binary model's decisions is judged."""
    return spec.task is Task.BINARY and any(metric.name in FROM_DECISIONS for metric in metrics_judged(spec))


def measure_windows(
    spec: ModelSpec,
    model_version: str,
    windows: Sequence[Window],
    chunks: Mapping[str, FinalChunk],
    expected: Expected,
) -> tuple[Measurement, ...]:
    """Measure the performance of one version over each window, and judge it.

    A breach of a longer window counts only while the shortest one is on the same side of the limit, so that a loss
    that has been mended ends with it.

    Args:
        spec: the model.
        model_version: the version.
        windows: the windows, the shortest one first.
        chunks: the chunks of the longest window whose labels are final, by key.
        expected: what the version's reference lets expect.
    """
    if not windows:
        return ()
    days = _Days.of(spec, windows[-1], chunks, expected)
    blank = Measurement(kind=Kind.WINDOW, subject="model", name="", model_version=model_version, value=0.0)
    return tuple(
        measurement
        for metric in metrics_judged(spec)
        if (number := days.numbers.get(metric)) is not None
        for measurement in while_it_lasts([_measured(spec, blank, window, number, days) for window in windows])
    )


@dataclass(frozen=True)
class _Days:
    """The days of the longest window, up to 0 for the newest, their numbers, and the expected ones."""

    expected: Expected
    places: Values
    numbers: Mapping[MetricName, DailyNumber]

    @classmethod
    def of(cls, spec: ModelSpec, window: Window, chunks: Mapping[str, FinalChunk], expected: Expected) -> "_Days":
        unit_of = dict(zip(window.keys, units_of(spec.calendar, window.keys), strict=True))
        keys = [key for key in window.keys if key in chunks and any(p.rows for p in chunks[key].labelled)]
        places, unit_of_chunk = np.unique([unit_of[key] for key in keys], return_inverse=True)
        counted = [chunks[key] for key in keys]
        metrics = [chunk.metrics for chunk in counted]
        numbers = list(means_of_rows(spec.task, metrics)) if metrics else []
        if metrics and _has_decisions(spec):
            numbers.extend(decisions_of(metrics))
        if counted and expected.bins:
            counts = day_counts(spec, expected.bins, [chunk.labelled for chunk in counted])
            numbers.extend(numbers_of(spec, counts))
        by_unit: Values = np.eye(places.size)[unit_of_chunk]
        return cls(expected, places.astype(np.float64), {n.metric: _in_units(n, by_unit) for n in numbers})


def _in_units(number: DailyNumber, by_unit: Values) -> DailyNumber:
    """Return a number of chunks as one of units, each with all its chunks."""
    if by_unit.shape[0] == by_unit.shape[1]:
        return number
    return replace(
        number,
        rows=number.rows @ by_unit,
        value=partial(_of_units, number.value, by_unit.T),
        by_chance=None if number.by_chance is None else partial(_of_units, number.by_chance, by_unit.T),
    )


def _of_units(function: Callable[[Values], Computed], chunks_of_units: Values, weights: Values) -> Computed:
    return function(weights @ chunks_of_units)


def _measured(spec: ModelSpec, blank: Measurement, window: Window, number: DailyNumber, days: _Days) -> Measurement:
    """Return the number over a window, judged."""
    metric = number.metric
    chosen: Values = np.where(days.places > -window.units, number.rows, 0.0)
    expected = days.expected
    reference = expected.values.get(metric)
    counted = int((chosen > 0).sum())
    noun = "day" if spec.calendar.has_hours else spec.calendar.noun
    words = f"{counted} of {window.units} {noun}s have labelled rows that are final"
    needed = math.ceil(LEAST_SHARE_OF_DAYS * window.units)
    measured = replace(
        blank,
        name=metric.name,
        of=metric.of,
        reference_value=reference.value if reference else None,
        rows=round(float(chosen.sum())),
    )
    reason = None
    if counted < needed:
        reason = f"{words}, {needed} are needed"
    elif measured.rows < spec.performance.minimum_rows:
        reason = f"{measured.rows} labelled rows, at least {spec.performance.minimum_rows} needed"
    if reason is not None:
        return _named(replace(measured, severity=Severity.INFO).skipped(reason), window)
    try:
        quantity = range_of(spec.task, metric.name).checked(_quantity(number, chosen, days.places, expected))
    except UndefinedStatisticError as undefined:
        return _named(replace(measured, severity=Severity.INFO).skipped(str(undefined)), window)
    measured = replace(
        measured,
        value=quantity.value,
        lower=quantity.lower,
        upper=quantity.upper,
        definition=f"{number.words}; {words}; {CONFIDENCE:.0%} interval, days are not taken as independent",
    )
    judged = judge_window(spec, measured, reference)
    return _named(judged.noted(f"over {window.words}") if judged.status is Status.BREACHED else judged, window)


def judge_window(spec: ModelSpec, measured: Measurement, reference: Quantity | None) -> Measurement:
    """Return a number over a window, whose ``of`` does not have the window yet, as judged by its threshold."""
    return judge_by_threshold(_by_interval(spec), measured, better_of(spec.task, measured.name), reference)


def _by_interval(spec: ModelSpec) -> ModelSpec:
    """Return the spec with breaches by interval: a point beyond the limit is no sign of a lasting loss."""
    rules = spec.performance
    if rules.breach_on == "interval":
        return spec
    return spec.model_copy(update={"performance": rules.model_copy(update={"breach_on": "interval"})})


def _named(measurement: Measurement, window: Window) -> Measurement:
    of = f"{measurement.of}{SEPARATOR}{window.words}" if measurement.of else window.words
    return replace(measurement, of=of)


def without_window(measurement: Measurement) -> tuple[Measurement, int]:
    """Return a stored number over a window with the ``of`` of its metric, and the length of its window in days."""
    *of, words = measurement.of.split(SEPARATOR)
    return replace(measurement, of=SEPARATOR.join(of)), int(words.removesuffix(DAYS))


def _quantity(number: DailyNumber, chosen: Values, places: Values, expected: Expected) -> Quantity:
    """Return the number with its interval; days differ by as much as those of the reference, or by more if they do.

    Without a reference whose days show it, all days of the longest window are taken.
    """
    value, apart = without_each_day(number.value, chosen)
    used = chosen > 0
    known = expected.days.effects.get(number.metric) or effect_of(number, number.rows, places)
    by_chance = number.by_chance(used.astype(np.float64)) if number.by_chance else 0.0
    own = effect_of_days(apart, chosen[used], places[used], by_chance)
    effect = replace(known.effect, by_chance=by_chance, variance=max(known.effect.variance, own.variance))
    quantity = window_interval(value, chosen[used], places[used], effect, days_known=known.days, confidence=CONFIDENCE)
    return _widened(quantity, expected.days.errors_by_binning.get(number.metric, 0.0) if number.binned else 0.0)


def _widened(quantity: Quantity, error: float) -> Quantity:
    if quantity.lower is None or quantity.upper is None:
        return quantity
    return Quantity(quantity.value, quantity.lower - error, quantity.upper + error)


def while_it_lasts(windows: Sequence[Measurement]) -> Iterator[Measurement]:
    """Yield the windows of one metric; a breach that the shortest window no longer shows is none."""
    shortest = windows[0]
    yield shortest
    for window in windows[1:]:
        is_over = window.status is Status.BREACHED and shortest.value is not None and not _is_beyond(shortest, window)
        if is_over and shortest.value is not None:
            words = f"{window.reason}, but the last {shortest.of.split(', ')[-1]} with {shortest.value:.4g} are not"
            yield replace(window, status=Status.OK, reason=words)
        else:
            yield window


def _is_beyond(shortest: Measurement, window: Measurement) -> bool:
    """Return whether the value of the shortest window is on the side of the limits on which the longer one is."""
    value = shortest.value if shortest.value is not None else 0.0
    lower, upper = window.threshold_lower, window.threshold_upper
    if lower is None and upper is None:
        return True
    return (lower is not None and value < lower) or (upper is not None and value > upper)

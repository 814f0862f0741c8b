"""Comparison of two versions on the same rows: the loss, every metric, segments and groups."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.performance.metrics_table import Per, PerformanceMetric, metrics_of
from monitoring_pipeline.evaluation.performance.scored_rows import ScoredRows, Values
from monitoring_pipeline.evaluation.performance.thresholds import Better
from monitoring_pipeline.evaluation.versions.paired_rows import RANKINGS, Keys, PairedRows, loss_name_of
from monitoring_pipeline.records.names import MetricName, Segment
from monitoring_pipeline.spec.rules.retraining import FairnessGuard, GateRules
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.intervals.paired import jackknife_interval
from monitoring_pipeline.statistics.predictions.group_rates import GROUP_RATES
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

Flags = NDArray[np.bool_]
View = Callable[[ScoredRows], ScoredRows]
PairOf = Callable[[Flags], tuple[float, float]]

GROUP_ROWS = 100
"""A segment with fewer rows, or a group with fewer of the rows that its rate is a share of, is not compared."""


@dataclass(frozen=True, kw_only=True)
class PairedDifference:
    """One number of both versions on the same rows, and the difference.

    Args:
        name: of the loss, metric or gap.
        of: the class of a metric, or the column of a gap; empty for the whole.
        better: which of its values are good; ``zero`` compares magnitudes.
        champion: the champion's value; ``None`` with ``reason`` where it could not be measured.
        challenger: the challenger's.
        worsening: how much worse the challenger is, negative where it is better, with its interval by days.
        rows: rows that both were measured on.
        days: days of these rows.
        segment: ``column=value`` of a segment, empty for all rows.
        reason: why it could not be measured.
    """

    name: str
    of: str = ""
    better: Better
    champion: float | None = None
    challenger: float | None = None
    worsening: Quantity | None = None
    rows: int
    days: int
    segment: str = ""
    reason: str | None = None

    @property
    def metric(self) -> MetricName:
        """The name with the part that it is measured of."""
        return MetricName(self.name, self.of)


@dataclass(frozen=True, kw_only=True)
class PairedComparison:
    """Challenger and champion on the same rows: the decisive loss, and all other differences."""

    champion: str
    challenger: str
    rows: int
    days: int
    distinct_labels: int
    task: Task
    loss: PairedDifference
    metrics: tuple[PairedDifference, ...]
    segments: tuple[PairedDifference, ...]
    fairness: tuple[PairedDifference, ...]
    champion_missing: int = 0
    challenger_missing: int = 0


def compare_paired(rows: PairedRows, rules: GateRules) -> PairedComparison:
    """Compare challenger and champion on the same rows.

    Every difference has an interval by leaving out one day at a time (``jackknife_interval``), because rows of one
    day are correlated: on two weeks of flights the standard error of the difference in log loss is six times that
    of independent rows.

    Args:
        rows: labelled rows with both versions' outputs.
        rules: which loss decides, the level of the intervals, metrics, segments and groups.

    Raises:
        ValueError: when the task has no such loss, or a segment's or group's column is not among the rows'.
    """
    name = loss_name_of(rows.task, rules.loss)
    days = np.unique(rows.days)
    return PairedComparison(
        champion=rows.champion,
        challenger=rows.challenger,
        rows=rows.labels.size,
        days=days.size,
        distinct_labels=np.unique(rows.labels).size,
        task=rows.task,
        loss=_loss_difference(rows, name, rules.confidence),
        metrics=tuple(_metric_differences(rows, rules)),
        segments=tuple(_segment_differences(rows, name, rules)),
        fairness=tuple(_gap_difference(rows, guard, rules.confidence) for guard in rules.fairness),
        champion_missing=rows.champion_missing,
        challenger_missing=rows.challenger_missing,
    )


def decisive_pair(rows: PairedRows, name: str) -> PairOf:
    """Return the function for the decisive number of both versions."""
    if name in RANKINGS[rows.task]:
        metric = next(metric for metric in metrics_of(rows.task) if metric.name == name and metric.per is Per.MODEL)
        return _pair_of(rows, metric, lambda own: own)
    champion, challenger = rows.losses(name)
    return lambda kept: (float(champion[kept].mean()), float(challenger[kept].mean()))


def _loss_difference(rows: PairedRows, name: str, confidence: float, segment: str = "") -> PairedDifference:
    better = Better.HIGHER if name in RANKINGS[rows.task] else Better.LOWER
    blank = _blank(rows, MetricName(name), better, segment)
    try:
        return _compared(blank, rows.days, confidence, decisive_pair(rows, name))
    except UndefinedStatisticError as undefined:
        return replace(blank, reason=str(undefined))


def _segment_differences(rows: PairedRows, name: str, rules: GateRules) -> Iterator[PairedDifference]:
    """Yield the loss's difference in each segment, by feature and value."""
    better = Better.HIGHER if name in RANKINGS[rows.task] else Better.LOWER
    for column in rules.segments:
        values = rows.segment(column)
        for value in np.unique(values):
            own = rows.where(values == value)
            segment = str(Segment(column, str(value)))
            if own.labels.size < GROUP_ROWS:
                few = f"{own.labels.size} labelled rows, at least {GROUP_ROWS} needed"
                yield replace(_blank(own, MetricName(name), better, segment), reason=few)
            else:
                yield _loss_difference(own, name, rules.confidence, segment)


def _metric_differences(rows: PairedRows, rules: GateRules) -> Iterator[PairedDifference]:
    """Yield the difference of every metric of the whole model, and of guarded ones of a class."""
    for name, metric, view in _views(rows):
        better = metric.better
        if better is None or (metric.per is Per.CLASS and name not in rules.guards):
            continue

        blank = _blank(rows, name, better)
        try:
            yield _compared(blank, rows.days, rules.confidence, _pair_of(rows, metric, view))
        except UndefinedStatisticError as undefined:
            yield replace(blank, reason=str(undefined))


def _pair_of(rows: PairedRows, metric: PerformanceMetric, view: View) -> PairOf:
    champion, challenger = rows.champion_rows, rows.challenger_rows
    return lambda kept: (
        metric.measure(view(champion.where(kept))).value,
        metric.measure(view(challenger.where(kept))).value,
    )


def _views(rows: PairedRows) -> Iterator[tuple[MetricName, PerformanceMetric, View]]:
    for metric in metrics_of(rows.task):
        if metric.per is Per.MODEL:
            yield MetricName(metric.name), metric, lambda own: own
        if metric.per is Per.CLASS:
            for name in rows.classes:
                yield MetricName(metric.name, name), metric, lambda own, name=name: own.of_class(name)


def _gap_difference(rows: PairedRows, guard: FairnessGuard, confidence: float) -> PairedDifference:
    """Return the difference of the largest gap between two groups' rates (fairlearn's, Hardt et al. 2016)."""
    blank = _blank(rows, MetricName(f"{guard.measure}_gap", guard.column), Better.LOWER)
    if rows.task is not Task.BINARY:
        return replace(blank, reason=f"{guard.measure} exists for binary models only; this one is {rows.task}")
    within = GROUP_RATES[guard.measure].within(rows.labels, rows.champion_predictions)
    values = rows.segment(guard.column)
    names, counts = np.unique(values[within], return_counts=True)
    groups = [within & (values == name) for name in names[counts >= GROUP_ROWS]]
    if len(groups) < 2:  # noqa: PLR2004 - a gap lies between two
        few = f"{len(groups)} groups of {guard.column} with at least {GROUP_ROWS} such rows, 2 needed"
        return replace(blank, reason=few)

    def gap(predictions: Values, kept: Flags) -> float:
        chosen = [predictions[group & kept] for group in groups]
        if not all(own.size for own in chosen):
            raise UndefinedStatisticError(f"a group of {guard.column} has such rows on a single day only")
        rates = [float(own.mean()) for own in chosen]
        return max(rates) - min(rates)

    def gaps(kept: Flags) -> tuple[float, float]:
        return gap(rows.champion_predictions, kept), gap(rows.challenger_predictions, kept)

    try:
        return _compared(blank, rows.days, confidence, gaps)
    except UndefinedStatisticError as undefined:
        return replace(blank, reason=str(undefined))


def _compared(blank: PairedDifference, days: Keys, confidence: float, values: PairOf) -> PairedDifference:
    """Return the difference with both values, and the worsening of the challenger with its interval by days.

    Args:
        blank: the difference without values.
        days: key of each row's day.
        confidence: level of the interval.
        values: champion's and challenger's value on the rows that are kept.
    """
    champion, challenger = values(np.ones(days.size, dtype=np.bool_))
    badness = _BADNESS[blank.better]

    def worsening(pair: tuple[float, float]) -> float:
        return badness(pair[1]) - badness(pair[0])

    left_out = [worsening(values(days != day)) for day in np.unique(days)] if blank.days > 1 else [0.0]
    found = jackknife_interval(worsening((champion, challenger)), left_out, confidence)
    return replace(blank, champion=champion, challenger=challenger, worsening=found)


_BADNESS: dict[Better, Callable[[float], float]] = {
    Better.HIGHER: lambda value: -value,
    Better.LOWER: lambda value: value,
    Better.ZERO: abs,
}


def _blank(rows: PairedRows, metric: MetricName, better: Better, segment: str = "") -> PairedDifference:
    return PairedDifference(
        name=metric.name,
        of=metric.of,
        better=better,
        rows=rows.labels.size,
        days=np.unique(rows.days).size,
        segment=segment,
    )

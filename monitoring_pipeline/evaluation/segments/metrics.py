"""Metrics of segments: what is usual in each, and whether a chunk is worse by more than days differ."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from monitoring_pipeline.evaluation.performance.metrics_table import Per, PerformanceMetric, metrics_of
from monitoring_pipeline.evaluation.performance.performance import dummy_predictions, scored_rows
from monitoring_pipeline.evaluation.performance.thresholds import DEFAULT_GUARDS, Better
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.parsing.metric_key import MetricKey
from monitoring_pipeline.statistics.results import NORMAL_QUANTILE, Quantity, UndefinedStatisticError

LEAST_DAYS = 5


@dataclass(frozen=True)
class UsualMetric:
    """A metric of one segment in the reference, with its interval.

    ``between_days`` is the standard deviation between days beyond that of their rows; None if too few days have it.
    """

    metric: MetricKey
    value: float
    lower: float | None
    upper: float | None
    between_days: float | None


@dataclass(frozen=True)
class Loss:
    """How much worse a metric is than usual, and the probability of at least so much by chance and usual days."""

    amount: float
    p_value: float


def judged_metrics(spec: ModelSpec) -> Iterator[tuple[MetricName, PerformanceMetric]]:
    """Yield the metrics that are judged in segments: those with a threshold, or the one of the default guard."""
    wanted = list(spec.performance.thresholds) or [DEFAULT_GUARDS[spec.task].metric]
    for metric in metrics_of(spec.task):
        for name in wanted:
            per = Per.CLASS if name.of else Per.MODEL
            if metric.name == name.name and metric.per is per and metric.better is not None:
                yield name, metric


def measure_metrics(
    spec: ModelSpec, rows: pl.DataFrame, labels: pl.DataFrame, seed: tuple[str, ...]
) -> dict[MetricName, Quantity]:
    """Return the judged metrics of some rows, each with its interval; those that have no value are left out.

    Args:
        spec: the model.
        rows: canonical predictions of one version.
        labels: canonical labels: row_id and label.
        seed: words that seed the resampling.
    """
    scored, _ = scored_rows(spec, rows, labels, seed)
    scored = replace(scored, dummy=dummy_predictions(spec, scored, None))
    found: dict[MetricName, Quantity] = {}
    for name, metric in judged_metrics(spec):
        if name.of and name.of not in scored.classes:
            continue
        try:
            found[name] = metric.measure(scored.of_class(name.of) if name.of else scored)
        except UndefinedStatisticError:
            continue
    return found


def learn_metrics(
    spec: ModelSpec, rows: pl.DataFrame, days: NDArray[np.int64], seed: tuple[str, ...]
) -> tuple[UsualMetric, ...]:
    """Return the judged metrics of a segment in the reference.

    Args:
        spec: the model.
        rows: canonical rows of the segment with ``label``, null where it is not known.
        days: number of the day of each row, negative for none, shape (rows,).
        seed: words that seed the resampling.
    """
    if spec.labels is None:
        return ()
    known = rows["label"].is_not_null()
    labelled, day_of = rows.filter(known), days[known.to_numpy()]
    least = max(spec.segments.minimum_rows, spec.performance.minimum_rows)
    if labelled.height < least:
        return ()

    def measured(part: pl.DataFrame, of: str) -> dict[MetricName, Quantity]:
        return measure_metrics(spec, part.drop("label", "known_at", strict=False), part, (*seed, of))

    of_days = [
        measured(labelled.filter(pl.Series(day_of == day)), str(day))
        for day in np.flatnonzero(np.bincount(day_of[day_of >= 0]) >= least)
    ]
    return tuple(
        UsualMetric(name, one.value, one.lower, one.upper, _between([of[name] for of in of_days if name in of]))
        for name, one in measured(labelled, "").items()
    )


def loss_of(metric: PerformanceMetric, now: Quantity, usual: UsualMetric) -> Loss | None:
    """Return how much worse a metric is than usual; None if its error or the spread between days is not known."""
    own, before = _error(now), _error(Quantity(usual.value, usual.lower, usual.upper))
    if own is None or before is None or usual.between_days is None:
        return None
    amount = signed_loss(metric.better, now.value, usual.value)
    error = math.sqrt(own**2 + before**2 + usual.between_days**2)
    return Loss(amount, float(special.ndtr(-amount / error)) if error > 0.0 else 1.0 if amount <= 0.0 else 0.0)


def signed_loss(better: Better | None, now: float, usual: float) -> float:
    """Return by how much a value is worse than the usual one; negative if it is better."""
    match better:
        case Better.HIGHER:
            return usual - now
        case Better.ZERO:
            return abs(now) - abs(usual)
        case _:
            return now - usual


def margin_of(spec: ModelSpec, name: MetricName, better: Better | None, whole: float) -> float:
    """Return the loss that a segment may have: the margin of the model's threshold, or of the default guard.

    A threshold without a margin allows the whole model to fall from its reference to the bound; so may a segment.
    """
    guard = DEFAULT_GUARDS[spec.task]
    threshold = spec.performance.thresholds.get(name)
    if threshold is None:
        return guard.absolute + guard.share * abs(whole)
    if threshold.worse_than_reference is not None:
        return threshold.worse_than_reference
    bounds = [bound for bound in (threshold.lower, threshold.upper) if bound is not None]
    allowed = [loss for bound in bounds if (loss := signed_loss(better, bound, whole)) > 0.0]
    return min(allowed, default=0.0)


def _between(values: list[Quantity]) -> float | None:
    errors = [(one.value, error) for one in values if (error := _error(one)) is not None]
    if len(errors) < LEAST_DAYS:
        return None
    of_values, of_rows = (np.array(each, dtype=np.float64) for each in zip(*errors, strict=True))
    return math.sqrt(max(0.0, float(np.var(of_values, ddof=1)) - float(np.mean(of_rows**2))))


def _error(quantity: Quantity) -> float | None:
    if quantity.lower is None or quantity.upper is None:
        return None
    return (quantity.upper - quantity.lower) / (2 * NORMAL_QUANTILE)

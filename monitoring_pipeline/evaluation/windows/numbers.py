"""Numbers over any of some days, from sums that each day left.

Each number is a function of weights of days, so that one day can be left out at a time, and any window be taken.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.profiles.labelled import ClassCounts, DayCounts
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.predictions import score_counts
from monitoring_pipeline.statistics.predictions.score_counts import ScoreCounts

Values = NDArray[np.float64]
FROM_SCORES: Mapping[str, Callable[[ScoreCounts], Values]] = {
    "auroc": score_counts.auroc,
    "base_rate": score_counts.base_rate,
}
FROM_DECISIONS: Mapping[str, Callable[[ScoreCounts], Values]] = {
    "accuracy": score_counts.accuracy,
    "precision": score_counts.precision,
    "recall": score_counts.recall,
    "specificity": score_counts.specificity,
    "f1": score_counts.f1,
}
MEANS_OF_ROWS: Mapping[Task, tuple[str, ...]] = {
    Task.BINARY: ("log_loss",),
    Task.MULTICLASS: ("accuracy", "log_loss", "brier_score"),
    Task.REGRESSION: ("quantile_loss", "mean_absolute_percentage_error"),
}
"""Metrics that are means over rows, so that the mean of days by their rows is that of all rows."""
NEEDED_FOR_DECISIONS = tuple(MetricName(name) for name in ("base_rate", "recall", "specificity"))


@dataclass(frozen=True, eq=False)
class DailyNumber:
    """A number over any of some days.

    Args:
        metric: its name.
        rows: rows of each day, shape (days,).
        value: the number for weights of days, shape (draws, days) to (draws,); NaN where it does not exist.
        by_chance: the variance by chance of the number on one row, for weights of shape (days,); None if unknown.
        binned: whether scores of one cell count as equal.
        words: what the number is, for its definition.
    """

    metric: MetricName
    rows: Values
    value: Callable[[Values], Values]
    by_chance: Callable[[Values], float] | None
    words: str
    binned: bool = False


def numbers_of(spec: ModelSpec, counts: DayCounts) -> Iterator[DailyNumber]:
    """Yield the numbers that counts of labelled rows give.

    Args:
        spec: the model.
        counts: counts of its days.
    """
    if spec.task is Task.REGRESSION:
        yield from _of_errors(counts)
        return
    for name, side in zip(spec.classes or ("",), counts.scores, strict=False):
        yield from _of_class(name, side)
    if spec.task is Task.MULTICLASS and counts.scores:
        yield DailyNumber(
            MetricName("macro_auroc"),
            counts.rows,
            partial(_macro_auroc, counts.scores),
            None,
            "mean AUROC of each class against the rest, of all rows of the window",
            binned=True,
        )


def decisions_of(days: Sequence[Mapping[MetricName, Measurement]]) -> Iterator[DailyNumber]:
    """Yield the numbers of a binary model's decisions, from the shares that were measured on each day.

    Args:
        days: the measured metrics of each day; a day without a base rate counts as one without rows.
    """
    side = _decided(days)
    rows: Values = (side.positives + side.negatives).sum(axis=1)
    for name, function in FROM_DECISIONS.items():
        yield DailyNumber(
            MetricName(name),
            rows,
            partial(_of_counts, function, side, decided=True),
            partial(_variance_of_a_row, function, side, decided=True),
            f"{name} of all rows of the window",
        )


def means_of_rows(task: Task, days: Sequence[Mapping[MetricName, Measurement]]) -> Iterator[DailyNumber]:
    """Yield the metrics that are means over rows, from what was measured on each day.

    Args:
        task: the task of the model.
        days: the measured metrics of each day.
    """
    for name in (MetricName(name) for name in MEANS_OF_ROWS[task]):
        found = [(m.value, m.rows) if (m := day.get(name)) and m.value is not None else (0.0, 0) for day in days]
        values, rows = (np.array(side, dtype=np.float64) for side in zip(*found, strict=True))
        mean = partial(_mean, values * rows, rows)
        yield DailyNumber(name, rows, mean, None, f"mean {name} of all rows of the window")


def _of_class(name: str, side: ClassCounts) -> Iterator[DailyNumber]:
    rows: Values = (side.positives + side.negatives).sum(axis=1)
    for metric, function in FROM_SCORES.items():
        yield DailyNumber(
            MetricName(metric, name),
            rows,
            partial(_of_counts, function, side),
            partial(_variance_of_a_row, function, side),
            f"{metric} of all rows of the window",
            binned=metric == "auroc",
        )
    biases = side.score_sums - side.positives.sum(axis=1)
    means = {"mean_bias": (biases, score_counts.mean_bias)}
    if not name:
        means |= {"brier_score": (side.squared_errors, score_counts.brier_score)}
    for metric, (sums, function) in means.items():
        yield DailyNumber(
            MetricName(metric, name),
            rows,
            partial(_mean, sums, rows),
            partial(_variance_of_a_row, function, side),
            f"{metric} of all rows of the window",
        )


def _of_errors(counts: DayCounts) -> Iterator[DailyNumber]:
    for name, sums in (("mean_absolute_error", counts.absolute_errors), ("mean_bias", counts.residuals)):
        yield DailyNumber(
            MetricName(name),
            counts.rows,
            partial(_mean, sums, counts.rows),
            partial(_variance_of_a_mean, sums, counts.squared_errors, counts.rows),
            f"{name} of all rows of the window",
        )
    yield DailyNumber(
        MetricName("root_mean_squared_error"),
        counts.rows,
        partial(_root_mean, counts.squared_errors, counts.rows),
        None,
        "square root of the mean squared error of all rows of the window",
    )


def _decided(days: Sequence[Mapping[MetricName, Measurement]]) -> ClassCounts:
    """Return rows by label and decision, in the cells "not decided" and "decided"."""
    hits, misses = np.zeros((len(days), 2)), np.zeros((len(days), 2))
    for place, day in enumerate(days):
        rate, recall, specificity = (day.get(name) for name in NEEDED_FOR_DECISIONS)
        if rate is None or rate.value is None:
            continue
        positives = round(rate.value * rate.rows)
        negatives = rate.rows - positives
        found = round((recall.value if recall and recall.value is not None else 0.0) * positives)
        rejected = round((specificity.value if specificity and specificity.value is not None else 0.0) * negatives)
        hits[place], misses[place] = (positives - found, found), (rejected, negatives - rejected)
    nothing = np.zeros(len(days))
    return ClassCounts(np.array([0.0, 1.0]), hits, misses, nothing, nothing)


def _counts(side: ClassCounts, weights: Values, *, decided: bool) -> ScoreCounts:
    positives = weights @ side.positives
    flags = side.scores == 1.0 if decided else None
    return ScoreCounts(side.scores, positives + weights @ side.negatives, positives, flags)


def _of_counts(
    function: Callable[[ScoreCounts], Values], side: ClassCounts, weights: Values, *, decided: bool = False
) -> Values:
    return function(_counts(side, weights, decided=decided))


def _variance_of_a_row(
    function: Callable[[ScoreCounts], Values], side: ClassCounts, weights: Values, *, decided: bool = False
) -> float:
    """Return the variance of the influence of a row (infinitesimal jackknife; Efron 1982, CBMS 38, ch. 6).

    The influence is what one more row of a cell and label changes.
    """
    whole = _counts(side, weights[None, :], decided=decided)
    rows, cells = float(whole.rows.sum()), side.scores.size
    one = np.eye(cells)
    more_hits, more_misses = (
        ScoreCounts(whole.scores, whole.rows + one, whole.positives + added, whole.decided)
        for added in (one, np.zeros((cells, cells)))
    )
    value = function(whole)[0]
    influence: Values = rows * np.concatenate([function(more_hits) - value, function(more_misses) - value])
    present: Values = np.concatenate([whole.positives[0], whole.negatives[0]])
    known = present > 0
    return float(present[known] @ influence[known] ** 2) / rows


def _macro_auroc(sides: Sequence[ClassCounts], weights: Values) -> Values:
    areas = np.stack([_of_counts(score_counts.auroc, side, weights) for side in sides])
    known = np.isfinite(areas)
    total = np.sum(np.where(known, areas, 0.0), axis=0)
    return np.divide(total, known.sum(axis=0), out=np.full(len(weights), math.nan), where=known.any(axis=0))


def _mean(sums: Values, rows: Values, weights: Values) -> Values:
    counted = weights @ rows
    return np.divide(weights @ sums, counted, out=np.full(len(weights), math.nan), where=counted > 0)


def _root_mean(sums: Values, rows: Values, weights: Values) -> Values:
    return np.sqrt(np.maximum(_mean(sums, rows, weights), 0.0))


def _variance_of_a_mean(sums: Values, squares: Values, rows: Values, weights: Values) -> float:
    counted = float(weights @ rows)
    mean = float(weights @ sums) / counted
    return max(0.0, float(weights @ squares) / counted - mean**2)

"""Metrics of a classifier from probabilities of its labels: expected without labels, realized with them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.statistics.inputs import Flags, Vector
from monitoring_pipeline.statistics.predictions import score_counts
from monitoring_pipeline.statistics.predictions.score_counts import ScoreCounts

DRAWS = 100
PROBABILITY_UNSURE = 0.25
"""How far the probability of a row that is unlike the reference may be off."""
ROWS_DRAWN = 1_000
"""Labels are drawn for at most so many rows, the first by the hash of their IDs; the variance is scaled to all rows."""


@dataclass(frozen=True, eq=False)
class ClassProbabilities:
    """Rows with the probability of each class; of a binary model only the positive class, which is named "".

    Args:
        classes: names.
        scores: scores of the model, shape (rows, classes).
        of_class: probability that the label is the class; 1 or 0 if the label is known, shape (rows, classes).
        decided: whether the model decided for the class, shape (rows, classes).
    """

    classes: tuple[str, ...]
    scores: Vector
    of_class: Vector
    decided: Flags

    def rows(self, wanted: NDArray[np.bool_] | slice) -> "ClassProbabilities":
        """Return some of the rows."""
        return replace(self, scores=self.scores[wanted], of_class=self.of_class[wanted], decided=self.decided[wanted])


@dataclass(frozen=True)
class Expected:
    """The expected value of a metric, and the variance of its realized value by chance in the labels.

    ``below`` and ``above`` are how far it may be off because some rows are unlike the reference.
    """

    value: float
    variance: float
    below: float = 0.0
    above: float = 0.0


@dataclass(frozen=True)
class ClassMetric:
    """A metric of one class's counts; if ``macro`` is set, the mean over the classes is computed too."""

    name: str
    function: Callable[[ScoreCounts], Vector]
    of_each_class: bool
    macro: bool = False


CLASS_METRICS = (
    ClassMetric("auroc", score_counts.auroc, of_each_class=True, macro=True),
    ClassMetric("average_precision", score_counts.average_precision, of_each_class=False),
    ClassMetric("log_loss", score_counts.log_loss, of_each_class=False),
    ClassMetric("brier_score", score_counts.brier_score, of_each_class=False),
    ClassMetric("base_rate", score_counts.base_rate, of_each_class=True),
    ClassMetric("accuracy", score_counts.accuracy, of_each_class=False),
    ClassMetric("precision", score_counts.precision, of_each_class=True),
    ClassMetric("recall", score_counts.recall, of_each_class=True),
    ClassMetric("specificity", score_counts.specificity, of_each_class=False),
    ClassMetric("f1", score_counts.f1, of_each_class=True, macro=True),
)

OF_PROBABILITIES = frozenset({MetricName("log_loss"), MetricName("brier_score")})
"""Metrics of several classes together that need probabilities, which sum to 1."""


def estimate_classes(probabilities: ClassProbabilities, generator: np.random.Generator) -> dict[MetricName, Expected]:
    """Return the expected value of every defined metric, with its variance over labels drawn at random."""
    expected = _metrics(probabilities, probabilities.of_class[None])
    sample = probabilities.rows(slice(ROWS_DRAWN))
    draws = _metrics(sample, _drawn(sample, generator))
    shrunk = sample.scores.shape[0] / max(probabilities.scores.shape[0], 1)
    estimates: dict[MetricName, Expected] = {}
    for name, value in expected.items():
        drawn = draws[name][np.isfinite(draws[name])]
        if np.isfinite(value[0]) and drawn.size > 1:
            estimates[name] = Expected(float(value[0]), float(drawn.var(ddof=1)) * shrunk)
    return estimates


def unsure_classes(
    expected: dict[MetricName, Expected], probabilities: ClassProbabilities, unlike: Flags
) -> dict[MetricName, Expected]:
    """Return the expected metrics, off by what they change if the probabilities of some rows are too high or too low.

    Args:
        expected: the metrics.
        probabilities: the rows that they are expected of.
        unlike: which rows are unlike the reference, shape (rows,).
    """
    widened = dict(expected)
    for sign in (-1.0, 1.0):
        chance = probabilities.of_class + sign * PROBABILITY_UNSURE * unlike[:, None]
        off = np.clip(chance, 0.0, 1.0)
        if off.shape[1] > 1:
            off = off / off.sum(axis=1, keepdims=True)
        for name, value in _metrics(probabilities, off[None]).items():
            if name in widened and np.isfinite(value[0]):
                own, change = widened[name], float(value[0]) - widened[name].value
                widened[name] = replace(own, below=max(own.below, -change), above=max(own.above, change))
    return widened


def realized_classes(truth: ClassProbabilities) -> dict[MetricName, float]:
    """Return the value of every defined metric, from rows whose ``of_class`` is the truth."""
    return {name: float(value[0]) for name, value in _metrics(truth, truth.of_class[None]).items() if _finite(value)}


def _metrics(probabilities: ClassProbabilities, labels: NDArray[np.float64]) -> dict[MetricName, Vector]:
    """Return every metric by name, each of shape (draws,), for labels of shape (draws, rows, classes)."""
    counts = {name: _counts(probabilities, labels, position) for position, name in enumerate(probabilities.classes)}
    if probabilities.classes == ("",):
        return {MetricName(metric.name): metric.function(counts[""]) for metric in CLASS_METRICS}
    values = dict(_of_each_class(counts))
    for metric in CLASS_METRICS:
        if metric.macro:
            values[MetricName(f"macro_{metric.name}")] = _mean(
                [values[MetricName(metric.name, name)] for name in probabilities.classes]
            )
    return values | _over_all_classes(probabilities, labels)


def _counts(probabilities: ClassProbabilities, labels: NDArray[np.float64], position: int) -> ScoreCounts:
    scores, chance, decided = (
        probabilities.scores[:, position],
        probabilities.of_class[:, position],
        probabilities.decided[:, position],
    )
    order = np.lexsort((chance, decided, scores))
    return ScoreCounts(scores[order], np.ones(scores.size), labels[:, order, position], decided[order])


def _of_each_class(counts: dict[str, ScoreCounts]) -> Iterator[tuple[MetricName, Vector]]:
    for metric in CLASS_METRICS:
        if metric.of_each_class:
            for name, class_counts in counts.items():
                yield MetricName(metric.name, name), metric.function(class_counts)


def _over_all_classes(probabilities: ClassProbabilities, labels: NDArray[np.float64]) -> dict[MetricName, Vector]:
    """Return the metrics of all classes together, from labels of shape (draws, rows, classes)."""
    rows = max(labels.shape[1], 1)
    smallest = score_counts.SMALLEST_PROBABILITY
    likelihood = np.log(np.clip(probabilities.scores, smallest, 1.0))
    return {
        MetricName("accuracy"): np.einsum("drc,rc->d", labels, probabilities.decided.astype(np.float64)) / rows,
        MetricName("log_loss"): -np.einsum("drc,rc->d", labels, likelihood) / rows,
        MetricName("brier_score"): np.einsum("drc,rc->d", labels, 1 - 2 * probabilities.scores) / rows
        + np.sum(probabilities.scores**2) / rows,
    }


def _drawn(probabilities: ClassProbabilities, generator: np.random.Generator) -> NDArray[np.float64]:
    """Return labels drawn by their probabilities, shape (draws, rows, classes)."""
    chance = generator.random((DRAWS, probabilities.of_class.shape[0]))
    upper = np.cumsum(probabilities.of_class, axis=1)
    if probabilities.classes != ("",):
        upper[:, -1] = np.inf
    lower = np.column_stack([np.zeros(len(upper)), upper[:, :-1]])
    return ((lower <= chance[:, :, None]) & (chance[:, :, None] < upper)).astype(np.float64)


def _mean(values: list[Vector]) -> Vector:
    stacked = np.stack(values)
    defined = np.isfinite(stacked)
    total = np.where(defined, stacked, 0.0).sum(axis=0)
    return np.where(defined.any(axis=0), total / np.maximum(defined.sum(axis=0), 1), np.nan)


def _finite(value: Vector) -> bool:
    return bool(np.isfinite(value[0]))

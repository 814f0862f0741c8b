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
ROWS_DRAWN = 1_000
"""Labels are drawn for the first so many rows, by the hash of their ids; a variance shrinks with the rows."""


@dataclass(frozen=True, eq=False)
class ClassProbabilities:
    """Rows with the probability of each class: for a binary model of the positive one alone, named by "".

    Args:
        classes: names.
        scores: what the model said, shape (rows, classes).
        of_class: probability that the label is the class, or 1 and 0 where it is known, shape (rows, classes).
        decided: whether the class was decided, shape (rows, classes).
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
    """The expected value of a metric, and the variance that chance in the labels gives its realized value."""

    value: float
    variance: float


@dataclass(frozen=True)
class ClassMetric:
    """A metric of one class's counts; ``macro`` says whether the mean over the classes is given too."""

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


def estimate_classes(own: ClassProbabilities, generator: np.random.Generator) -> dict[MetricName, Expected]:
    """Return every metric that exists: its expected value, and the variance over labels drawn at random."""
    expected = _metrics(own, own.of_class[None])
    sample = own.rows(slice(ROWS_DRAWN))
    draws = _metrics(sample, _drawn(sample, generator))
    shrunk = sample.scores.shape[0] / max(own.scores.shape[0], 1)
    found: dict[MetricName, Expected] = {}
    for name, value in expected.items():
        drawn = draws[name][np.isfinite(draws[name])]
        if np.isfinite(value[0]) and drawn.size > 1:
            found[name] = Expected(float(value[0]), float(drawn.var(ddof=1)) * shrunk)
    return found


def realized_classes(truth: ClassProbabilities) -> dict[MetricName, float]:
    """Return every metric that exists, from rows whose ``of_class`` is the truth."""
    return {name: float(value[0]) for name, value in _metrics(truth, truth.of_class[None]).items() if _finite(value)}


def _metrics(own: ClassProbabilities, labels: NDArray[np.float64]) -> dict[MetricName, Vector]:
    """Every metric by name, each of shape (draws,), for labels of shape (draws, rows, classes)."""
    counts = {name: _counts(own, labels, position) for position, name in enumerate(own.classes)}
    if own.classes == ("",):
        return {MetricName(metric.name): metric.function(counts[""]) for metric in CLASS_METRICS}
    found = dict(_of_each_class(counts))
    for metric in CLASS_METRICS:
        if metric.macro:
            found[MetricName(f"macro_{metric.name}")] = _mean(
                [found[MetricName(metric.name, name)] for name in own.classes]
            )
    return found | _over_all_classes(own, labels)


def _counts(own: ClassProbabilities, labels: NDArray[np.float64], position: int) -> ScoreCounts:
    scores, chance, decided = own.scores[:, position], own.of_class[:, position], own.decided[:, position]
    order = np.lexsort((chance, decided, scores))
    return ScoreCounts(scores[order], np.ones(scores.size), labels[:, order, position], decided[order])


def _of_each_class(counts: dict[str, ScoreCounts]) -> Iterator[tuple[MetricName, Vector]]:
    for metric in CLASS_METRICS:
        if metric.of_each_class:
            for name, own in counts.items():
                yield MetricName(metric.name, name), metric.function(own)


def _over_all_classes(own: ClassProbabilities, labels: NDArray[np.float64]) -> dict[MetricName, Vector]:
    """Metrics of all classes at once, from labels of shape (draws, rows, classes)."""
    rows = max(labels.shape[1], 1)
    smallest = score_counts.SMALLEST_PROBABILITY
    likelihood = np.log(np.clip(own.scores, smallest, 1.0))
    return {
        MetricName("accuracy"): np.einsum("drc,rc->d", labels, own.decided.astype(np.float64)) / rows,
        MetricName("log_loss"): -np.einsum("drc,rc->d", labels, likelihood) / rows,
        MetricName("brier_score"): np.einsum("drc,rc->d", labels, 1 - 2 * own.scores) / rows
        + np.sum(own.scores**2) / rows,
    }


def _drawn(own: ClassProbabilities, generator: np.random.Generator) -> NDArray[np.float64]:
    """Labels drawn by their probabilities, shape (draws, rows, classes)."""
    chance = generator.random((DRAWS, own.of_class.shape[0]))
    upper = np.cumsum(own.of_class, axis=1)
    if own.classes != ("",):
        upper[:, -1] = np.inf
    lower = np.column_stack([np.zeros(len(upper)), upper[:, :-1]])
    return ((lower <= chance[:, :, None]) & (chance[:, :, None] < upper)).astype(np.float64)


def _mean(values: list[Vector]) -> Vector:
    stacked = np.stack(values)
    known = np.isfinite(stacked)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)


def _finite(value: Vector) -> bool:
    return bool(np.isfinite(value[0]))

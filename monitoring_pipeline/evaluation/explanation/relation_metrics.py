"""Metrics of weighted labelled rows, one number per draw, for the split of a change."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.rows.joined import by_id
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.predictions import score_counts as counted

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Rows with label and output, sorted by ID.

    Args:
        labels: label, of a multiclass model the number of its class, shape (rows,).
        outputs: score of each class, of a binary model of the positive one, or the prediction, shape (rows, outputs).
    """

    labels: Values
    outputs: Values

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.labels.size

    @cached_property
    def by_score(self) -> tuple[Values, Values]:
        """The first output in increasing order, and the labels in this order, shape (rows,) each."""
        order = np.argsort(self.outputs[:, 0], kind="stable")
        return self.outputs[order, 0], self.labels[order]


Metric = Callable[[Labelled, Values], Values]


def labelled_rows(spec: ModelSpec, rows: pl.DataFrame) -> tuple[Labelled, pl.DataFrame]:
    """Return the rows whose label and outputs are numbers, as arrays and as a frame, sorted by ID.

    Args:
        spec: the model.
        rows: canonical rows with ``label``.
    """
    outputs = {Task.BINARY: ["score"], Task.MULTICLASS: list(spec.score_columns.values())}.get(
        spec.task, ["prediction"]
    )
    label = pl.col("label").cast(pl.Float64)
    if spec.task is Task.MULTICLASS:
        numbers = {name: float(number) for number, name in enumerate(spec.classes)}
        label = pl.col("label").replace_strict(numbers, default=None, return_dtype=pl.Float64)
    usable = by_id(rows.filter(label.is_finite() & pl.all_horizontal(pl.col(outputs).is_finite())))
    labels = usable.select(label).to_series().to_numpy()
    return Labelled(labels, usable.select(outputs).to_numpy().reshape(usable.height, len(outputs))), usable


def _of_counts(function: Callable[[counted.ScoreCounts], Values], rows: Labelled, weights: Values) -> Values:
    return function(_counts(rows.outputs[:, 0], rows.labels, weights))


def _counts(scores: Values, positives: Values, weights: Values) -> counted.ScoreCounts:
    order = np.lexsort((positives, scores))
    ordered = weights[:, order]
    return counted.ScoreCounts(scores[order], ordered, ordered * positives[order])


def _macro_auroc(rows: Labelled, weights: Values) -> Values:
    classes = range(rows.outputs.shape[1])
    areas = [
        counted.auroc(_counts(rows.outputs[:, number], (rows.labels == number).astype(np.float64), weights))
        for number in classes
    ]
    return np.mean(areas, axis=0)


def _class_log_loss(rows: Labelled, weights: Values) -> Values:
    of_label = rows.outputs[np.arange(rows.rows), rows.labels.astype(np.int64)]
    return _mean(-np.log(np.clip(of_label, counted.SMALLEST_PROBABILITY, None)), weights)


def _mean(values: Values, weights: Values) -> Values:
    return weights @ values / weights.sum(axis=1)


def _errors(rows: Labelled) -> Values:
    return rows.outputs[:, 0] - rows.labels


def _mean_absolute_error(rows: Labelled, weights: Values) -> Values:
    return _mean(np.abs(_errors(rows)), weights)


def _root_mean_squared_error(rows: Labelled, weights: Values) -> Values:
    return np.sqrt(_mean(_errors(rows) ** 2, weights))


def _mean_bias(rows: Labelled, weights: Values) -> Values:
    return _mean(_errors(rows), weights)


RELATION_METRICS: Mapping[Task, Mapping[str, Metric]] = {
    Task.BINARY: {
        "auroc": partial(_of_counts, counted.auroc),
        "log_loss": partial(_of_counts, counted.log_loss),
        "brier_score": partial(_of_counts, counted.brier_score),
        "mean_bias": partial(_of_counts, counted.mean_bias),
    },
    Task.MULTICLASS: {"macro_auroc": _macro_auroc, "log_loss": _class_log_loss},
    Task.REGRESSION: {
        "mean_absolute_error": _mean_absolute_error,
        "root_mean_squared_error": _root_mean_squared_error,
        "mean_bias": _mean_bias,
    },
}

SHARE_OF_ERROR = 0.1
"""Floor of a part of a change of a regression, as a share of the reference's mean absolute error."""
RELATION_FLOORS: Mapping[str, float] = {
    "auroc": 0.02,
    "macro_auroc": 0.02,
    "log_loss": 0.02,
    "brier_score": 0.01,
    "mean_bias": 0.02,
}


def relation_floor(task: Task, name: str, reference: Labelled) -> float:
    """Return the smallest part of a metric's change that matters, in the metric's units."""
    if task is Task.REGRESSION:
        return max(SHARE_OF_ERROR * float(np.abs(_errors(reference)).mean()), math.ulp(0.0))
    return RELATION_FLOORS[name]

"""Labelled rows that two versions have scored, and the loss of each version on each row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.performance.metric_functions import multiclass_brier, multiclass_log_losses
from monitoring_pipeline.evaluation.performance.scored_rows import ScoredRows, Values
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.inputs import labels_and_probabilities, paired_rows
from monitoring_pipeline.statistics.predictions import score_counts
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

Keys = NDArray[np.str_]


class _PointRows(ScoredRows):
    """Rows whose metrics are computed without intervals, because those need resampling."""

    def bootstrap(self, statistic: Callable[[ScoredRows, Values], Values]) -> tuple[Quantity, Values]:
        """Return the number alone."""
        value = float(statistic(self, self.row_weights)[0]) if self.labels.size else np.nan
        if not np.isfinite(value):
            raise UndefinedStatisticError("has no value on these rows")
        return Quantity(value), np.array([np.nan])


@dataclass(frozen=True, eq=False, kw_only=True)
class PairedRows:
    """Labelled rows that two versions have scored, in any order.

    Args:
        task: the models' task.
        labels: binary 0 or 1; multiclass the number of the class; regression the value. Shape (rows,).
        champion_predictions: what the champion decided, as the labels.
        challenger_predictions: what the challenger decided.
        champion_scores: its probability of each class, shape (rows, classes); binary: of the positive one, shape
            (rows, 1) or (rows,); regression: none.
        challenger_scores: the challenger's.
        days: key of each row's day, such as 2013-06-01, in whose order the days are, shape (rows,).
        segments: by name of a feature its value in each row, shape (rows,).
        classes: names of a multiclass model's classes.
        quantile: of the quantile loss.
        champion: version of the champion.
        challenger: version of the challenger.
        champion_missing: labelled rows without a finite output of the champion, which are not among these.
        challenger_missing: those without one of the challenger.

    Raises:
        ValueError: when the columns differ in length; names the column.
    """

    task: Task
    labels: Values
    champion_predictions: Values
    challenger_predictions: Values
    days: Keys
    champion_scores: Values | None = None
    challenger_scores: Values | None = None
    segments: Mapping[str, Keys] = field(default_factory=dict[str, Keys])
    classes: tuple[str, ...] = ()
    quantile: float = 0.5
    champion: str = "champion"
    challenger: str = "challenger"
    champion_missing: int = 0
    challenger_missing: int = 0

    def __post_init__(self) -> None:
        """Refuse columns of other lengths."""
        columns: dict[str, NDArray[np.generic] | None] = {
            "champion_predictions": self.champion_predictions,
            "challenger_predictions": self.challenger_predictions,
            "days": self.days,
            "champion_scores": self.champion_scores,
            "challenger_scores": self.challenger_scores,
            **{f"segments[{name}]": values for name, values in self.segments.items()},
        }
        rows = len(self.labels)
        for name, values in columns.items():
            if values is not None and len(values) != rows:
                message = f"{name} has {len(values)} rows and labels has {rows}"
                raise ValueError(message)
            if values is None and self.task is not Task.REGRESSION:
                message = f"{name}: a {self.task} comparison needs the scores of both versions"
                raise ValueError(message)

    @property
    def champion_rows(self) -> ScoredRows:
        """The champion's outputs."""
        return self._scored(self.champion_predictions, self.champion_scores)

    @property
    def challenger_rows(self) -> ScoredRows:
        """The challenger's outputs."""
        return self._scored(self.challenger_predictions, self.challenger_scores)

    def where(self, wanted: NDArray[np.bool_]) -> "PairedRows":
        """Return some of the rows."""
        champion, challenger = self.champion_scores, self.challenger_scores
        return replace(
            self,
            labels=self.labels[wanted],
            champion_predictions=self.champion_predictions[wanted],
            challenger_predictions=self.challenger_predictions[wanted],
            days=self.days[wanted],
            champion_scores=None if champion is None else champion[wanted],
            challenger_scores=None if challenger is None else challenger[wanted],
            segments={name: values[wanted] for name, values in self.segments.items()},
        )

    def segment(self, column: str) -> Keys:
        """Return a feature's value in each row.

        Raises:
            ValueError: when the rows lack the feature; names the features that they have.
        """
        if column not in self.segments:
            message = f"segment {column!r} is not among the rows' columns: {', '.join(self.segments) or 'none'}"
            raise ValueError(message)
        return self.segments[column]

    def losses(self, name: str) -> tuple[Values, Values]:
        """Return champion's and challenger's loss of each row."""
        return row_losses(self.task, name, self.champion_rows), row_losses(self.task, name, self.challenger_rows)

    def _scored(self, predictions: Values, scores: Values | None) -> ScoredRows:
        outputs = np.empty((self.labels.size, 0)) if scores is None else scores
        return _PointRows(
            labels=self.labels,
            predictions=predictions,
            scores=outputs[:, None] if outputs.ndim == 1 else outputs,
            classes=self.classes,
            quantile=self.quantile,
        )


RANKINGS: dict[Task, tuple[str, ...]] = {
    Task.BINARY: ("auroc",),
    Task.MULTICLASS: ("macro_auroc",),
    Task.REGRESSION: (),
}
"""Metrics of all rows together that may decide in place of a loss of single rows."""


def loss_name_of(task: Task, loss: str | None) -> str:
    """Return the name of the decisive loss or ranking: the given one, or the first of the task.

    Raises:
        ValueError: when the task has no such loss; names the losses that it has.
    """
    known = [*(name for name, own in _LOSSES if own is task), *RANKINGS[task]]
    name = loss or known[0]
    if name not in known:
        message = f"gate.loss: unknown {name!r} for {task}; known: {', '.join(known)}"
        raise ValueError(message)
    return name


def row_losses(task: Task, loss: str, rows: ScoredRows) -> Values:
    """Return the loss of each row, shape (rows,).

    Binary: log loss -log p(label) in nats, clipped by an epsilon, or Brier's (score - label)^2. Multiclass: the same
    over all classes, Brier's summed (0 to 2). Regression: |prediction - label| or its square.

    Args:
        task: the model's task.
        loss: its name.
        rows: labels and outputs.

    Raises:
        ValueError: when the task has no such loss of single rows.
        UndefinedStatisticError: when there are no rows, an output or label is not finite, or a score is not a
            probability.
    """
    function = _LOSSES.get((loss, task))
    if function is None:
        message = f"{loss!r} is no loss of single rows for {task}"
        raise ValueError(message)
    if task is Task.REGRESSION:
        paired_rows(rows.labels, rows.predictions, ("labels", "predictions"))
    else:
        labels_and_probabilities(np.zeros(rows.scores.size), rows.scores.ravel())
    return function(rows)


def _binary_log_losses(rows: ScoredRows) -> Values:
    clipped = np.clip(rows.score, score_counts.SMALLEST_PROBABILITY, 1 - score_counts.SMALLEST_PROBABILITY)
    return -np.where(rows.labels == 1.0, np.log(clipped), np.log1p(-clipped))


_LOSSES: dict[tuple[str, Task], Callable[[ScoredRows], Values]] = {
    ("log_loss", Task.BINARY): _binary_log_losses,
    ("brier_score", Task.BINARY): lambda rows: (rows.score - rows.labels) ** 2,
    ("log_loss", Task.MULTICLASS): multiclass_log_losses,
    ("brier_score", Task.MULTICLASS): multiclass_brier,
    ("absolute_error", Task.REGRESSION): lambda rows: np.abs(rows.predictions - rows.labels),
    ("squared_error", Task.REGRESSION): lambda rows: (rows.predictions - rows.labels) ** 2,
}

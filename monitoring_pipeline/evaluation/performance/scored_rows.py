"""Labelled rows in the shapes that metrics take: all rows, one class against the rest, one horizon."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.statistics.intervals.bootstrap import DRAWS, bootstrap_interval, resampled_weights
from monitoring_pipeline.statistics.predictions.calibration import LabelOdds, label_odds
from monitoring_pipeline.statistics.predictions.score_counts import ScoreCounts
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError
from monitoring_pipeline.statistics.seeding import generator_of

Values = NDArray[np.float64]
ROWS_RESAMPLED = 2_500
"""Intervals by resampling use at most so many rows, the first by the hash of their IDs. They are then narrowed by the
root of the share of rows used, because the accuracy of an interval depends on the draws rather than on the rows."""


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """Rows whose label is known, in the order of their IDs' hashes.

    Args:
        labels: binary 0 or 1; multiclass the number of the class; regression the value. Shape (rows,).
        predictions: decided classes or predicted values, coded as the labels.
        scores: probability of each class (binary: of the positive one), shape (rows, classes); regression: none.
        weights: weight of each row, if some groups of labels arrive later, shape (rows,).
        classes: names of a multiclass model's classes.
        horizon: steps that each forecast looks ahead, shape (rows,).
        naive: naive forecast of each row, shape (rows,).
        dummy: prediction of a model without inputs: the reference's base rate by class, or its median label.
        quantile: the quantile of the quantile loss.
        seed: words that seed the resampling.
        whole: the rows of all classes, if these are the rows of one class against the rest.
    """

    labels: Values
    predictions: Values
    scores: Values
    weights: Values | None = None
    classes: tuple[str, ...] = ()
    horizon: Values | None = None
    naive: Values | None = None
    dummy: tuple[float, ...] = ()
    quantile: float = 0.5
    seed: tuple[str, ...] = ()
    whole: "ScoredRows | None" = field(default=None, repr=False)

    @property
    def score(self) -> Values:
        """Probability of the positive class, shape (rows,)."""
        return self.scores[:, 0]

    def where(self, wanted: NDArray[np.bool_] | slice) -> "ScoredRows":
        """Return some of the rows as an independent sample."""
        optional = {name: getattr(self, name) for name in ("weights", "horizon", "naive")}
        return replace(
            self,
            labels=self.labels[wanted],
            predictions=self.predictions[wanted],
            scores=self.scores[wanted],
            whole=None,
            **{name: None if values is None else values[wanted] for name, values in optional.items()},
        )

    def of_class(self, name: str) -> "ScoredRows":
        """Return all rows as those of a binary model of one class against the rest."""
        number = self.classes.index(name)
        return replace(
            self,
            labels=(self.labels == number).astype(np.float64),
            predictions=(self.predictions == number).astype(np.float64),
            scores=self.scores[:, number : number + 1],
            dummy=self.dummy[number : number + 1],
            whole=self,
        )

    @cached_property
    def sample(self) -> "ScoredRows":
        """The rows that intervals are resampled from."""
        if self.whole is not None:
            return replace(self.where(slice(ROWS_RESAMPLED)), whole=self.whole.sample)
        return self.where(slice(ROWS_RESAMPLED))

    @cached_property
    def resampled(self) -> Values:
        """Weights of the sample's rows in each draw, shape (draws, rows)."""
        if self.whole is not None:
            return self.whole.resampled
        drawn = resampled_weights(self.sample.labels.size, DRAWS, generator_of(*self.seed))
        return drawn if self.weights is None else drawn * self.weights

    @cached_property
    def row_weights(self) -> Values:
        """Weights of the rows as one draw, shape (1, rows)."""
        return (np.ones(self.labels.size) if self.weights is None else self.weights)[None, :]

    def bootstrap(self, statistic: Callable[["ScoredRows", Values], Values]) -> tuple[Quantity, Values]:
        """Return a number with its interval by resampling, and its draws.

        Args:
            statistic: the number for weights of shape (draws, rows), shape (draws,).

        Raises:
            UndefinedStatisticError: if there are no rows, or the number is undefined on them.
        """
        if not self.labels.size:
            raise UndefinedStatisticError("no rows")
        value = float(statistic(self, self.row_weights)[0])
        sample = self.sample
        draws = statistic(sample, sample.resampled) if np.isfinite(value) else np.array([np.nan])
        if sample.labels.size < self.labels.size and np.isfinite(value):
            # Spread and bias of a number fall with the root of the rows (Bickel et al. 1997, Statistica Sinica 7:1).
            of_sample = float(statistic(sample, sample.row_weights)[0])
            draws = value + (draws - of_sample) * (sample.labels.size / self.labels.size) ** 0.5
        return bootstrap_interval(value, draws), draws

    @cached_property
    def order(self) -> NDArray[np.int64]:
        """Order by score, with ties broken by content, so that sums do not depend on the order of the rows."""
        weights = np.zeros(self.labels.size) if self.weights is None else self.weights
        return np.lexsort((weights, self.labels, self.predictions, self.score))

    @cached_property
    def label_odds(self) -> LabelOdds:
        """Labels and log-odds of the scores of a binary model.

        Raises:
            UndefinedStatisticError: if a class has no rows, or a score is not a probability.
        """
        return label_odds(self.labels, self.score, self.weights)

    @cached_property
    def _counted(self) -> dict[int, tuple[Values, ScoreCounts]]:
        return {}

    def counts(self, weights: Values) -> ScoreCounts:
        """Return the rows of a binary model by score, for weights of shape (draws, rows).

        They are kept, because all metrics have the same draws. The weights are kept too, so that their id stays theirs.
        """
        if id(weights) not in self._counted:
            self._counted[id(weights)] = (weights, self._count(weights))
        return self._counted[id(weights)][1]

    def _count(self, weights: Values) -> ScoreCounts:
        ordered = weights[:, self.order]
        labels, decided = self.labels[self.order], self.predictions[self.order] == 1.0
        return ScoreCounts(self.score[self.order], ordered, ordered * labels, decided)

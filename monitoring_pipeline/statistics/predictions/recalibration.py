"""Isotonic recalibration: the best-fitting monotone map from scores to probabilities, as a short table."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.statistics.inputs import Vector, labels_and_scores
from monitoring_pipeline.statistics.scipy_modules import scipy_module

KNOTS = 200


@dataclass(frozen=True)
class Recalibration:
    """A map from scores to probabilities, linear between knots and constant beyond; both shape (knots,)."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    def __call__(self, scores: npt.ArrayLike) -> Vector:
        """Return the probability of each score."""
        return np.interp(np.asarray(scores, dtype=np.float64), self.scores, self.probabilities)


def isotonic_recalibration(labels: npt.ArrayLike, scores: npt.ArrayLike) -> Recalibration:
    """Fit an isotonic regression of the labels on the scores (Zadrozny & Elkan 2002, KDD; Barlow et al. 1972).

    Scores are first joined into at most ``KNOTS`` groups of about equally many rows, equal ones never split.

    Args:
        labels: 0 or 1, shape (rows,).
        scores: numbers, shape (rows,).

    Raises:
        UndefinedStatisticError: when there are no rows, or a value is not usable.
    """
    truth, score = labels_and_scores(labels, scores)
    order = np.argsort(score, kind="stable")
    ordered = score[order]
    _, group, rows = np.unique(ordered, return_inverse=True, return_counts=True)
    if rows.size > KNOTS:
        group = ((np.cumsum(rows) - rows / 2) * KNOTS / score.size).astype(np.int64)[group]
    size = np.bincount(group).astype(np.float64)
    used = size > 0
    means = np.bincount(group, weights=ordered)[used] / size[used]
    shares = np.bincount(group, weights=truth[order])[used] / size[used]
    fitted = scipy_module("optimize").isotonic_regression(shares, weights=size[used]).x
    # Rounding may put two means of neighbours in the wrong order.
    return Recalibration(tuple(map(float, np.maximum.accumulate(means))), tuple(map(float, np.clip(fitted, 0.0, 1.0))))

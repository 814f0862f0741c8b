"""Metrics of a classifier from rows and positives by score.

A group holds the rows of one score and decided class. The same functions serve four uses. One group per row with
labels 0 or 1 gives the realized metric. Probabilities in place of labels give its expected value (confidence-based
estimation). Positives drawn at random give its spread. Binned scores give the metric of any sum of days. Every
function returns one number per draw, shape (draws,), NaN where it does not exist in that draw.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.statistics.inputs import Flags, Vector

Computed = TypeVar("Computed")
SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class ScoreCounts:
    """Rows by score, in increasing order of it.

    Args:
        scores: mean score of each group, shape (groups,).
        rows: rows of each group, or the sum of their weights, shape (groups,) or (draws, groups).
        positives: rows whose label is positive, drawn, expected or known, shape (draws, groups).
        decided: whether the group is predicted positive, shape (groups,); ``None`` where nothing was decided.
    """

    scores: Vector
    rows: Vector
    positives: Vector
    decided: Flags | None = None

    @cached_property
    def negatives(self) -> Vector:
        """Rows whose label is negative, shape (draws, groups)."""
        return self.rows - self.positives

    @property
    def total(self) -> Vector:
        """Rows of all groups, shape () or (draws,)."""
        return np.asarray(self.rows.sum(axis=-1))

    @cached_property
    def _computed(self) -> dict[Callable[["ScoreCounts"], Any], Any]:
        return {}

    def once(self, function: "Callable[[ScoreCounts], Computed]") -> Computed:
        """Return ``function`` of these counts; it is computed at the first call only."""
        if function not in self._computed:
            self._computed[function] = function(self)
        return self._computed[function]

    @cached_property
    def tied(self) -> tuple[Vector, Vector]:
        """Positives and negatives by distinct score, shape (draws, distinct)."""
        return self.by_score(self.positives), self.by_score(self.negatives)

    def by_score(self, values: Vector) -> Vector:
        """Return values of shape (draws, groups) summed by distinct score, shape (draws, distinct)."""
        sizes = np.diff(self._starts, append=self.scores.size)
        is_tied = sizes > 1
        if 2 * np.count_nonzero(is_tied) > sizes.size:
            return np.add.reduceat(values, self._starts, axis=1)
        # A sum of one group is a copy, which takes much longer as a sum. The copy has the layout of the sums, because
        # later sums over it depend on its layout in their last digits.
        sums = np.ascontiguousarray(values[:, self._starts] if is_tied.any() else values)
        first_of_tied = np.cumsum(sizes[is_tied]) - sizes[is_tied]
        if is_tied.any():
            sums[:, is_tied] = np.add.reduceat(values[:, np.repeat(is_tied, sizes)], first_of_tied, axis=1)
        return sums

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        """The first group of each distinct score, shape (distinct,)."""
        return np.flatnonzero(np.concatenate([[True], np.diff(self.scores) > 0])).astype(np.int64)


def base_rate(counts: ScoreCounts) -> Vector:
    """Share of positive labels."""
    return counts.positives.sum(axis=1) / counts.total


def mean_bias(counts: ScoreCounts) -> Vector:
    """Mean of score - label."""
    return (counts.rows @ counts.scores - counts.positives.sum(axis=1)) / counts.total


def auroc(counts: ScoreCounts) -> Vector:
    """Area under the ROC curve of the counts, groups of equal score counting half (trapezoid; Bamber 1975)."""
    positives, negatives = counts.tied
    below = np.cumsum(negatives, axis=1) - negatives / 2
    return _ratio(np.sum(positives * below, axis=1), positives.sum(axis=1) * negatives.sum(axis=1))


def auroc_error_bound(counts: ScoreCounts) -> Vector:
    """Largest possible error of the area by rows that share a group although their scores differ.

    Pairs within a group count half: each can be off by a half.
    """
    positives, negatives = counts.tied
    return _ratio(np.sum(positives * negatives, axis=1), 2 * positives.sum(axis=1) * negatives.sum(axis=1))


def average_precision(counts: ScoreCounts) -> Vector:
    """Sum over falling thresholds of precision times the gain in recall (as scikit-learn; no interpolation)."""
    positives, negatives = (side[:, ::-1] for side in counts.tied)
    found = np.cumsum(positives, axis=1)
    # Without counts the gain in recall is 0, so the precision there does not matter.
    precision = np.nan_to_num(_ratio(found, found + np.cumsum(negatives, axis=1)))
    return _ratio(np.sum(positives * precision, axis=1), positives.sum(axis=1))


def brier_score(counts: ScoreCounts) -> Vector:
    """Mean squared difference of score and label."""
    losses = counts.positives @ (1 - counts.scores) ** 2 + counts.negatives @ counts.scores**2
    return losses / counts.total


def log_loss(counts: ScoreCounts) -> Vector:
    """Mean negative log-likelihood in nats; scores are clipped by an epsilon."""
    clipped = np.clip(counts.scores, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return -(counts.positives @ np.log(clipped) + counts.negatives @ np.log1p(-clipped)) / counts.total


def accuracy(counts: ScoreCounts) -> Vector:
    """Share of rows decided correctly."""
    right = _decided(counts, "positives").sum(axis=1) + _undecided(counts, "negatives").sum(axis=1)
    return right / counts.total


def precision(counts: ScoreCounts) -> Vector:
    """Share of the rows predicted positive that are."""
    hits = _decided(counts, "positives").sum(axis=1)
    return _ratio(hits, hits + _decided(counts, "negatives").sum(axis=1))


def recall(counts: ScoreCounts) -> Vector:
    """Share of the positive rows that are predicted positive."""
    return _ratio(_decided(counts, "positives").sum(axis=1), counts.positives.sum(axis=1))


def specificity(counts: ScoreCounts) -> Vector:
    """Share of the negative rows that are predicted negative."""
    return _ratio(_undecided(counts, "negatives").sum(axis=1), counts.negatives.sum(axis=1))


def f1(counts: ScoreCounts) -> Vector:
    """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN)."""
    hits = _decided(counts, "positives").sum(axis=1)
    wrong = _decided(counts, "negatives").sum(axis=1) + _undecided(counts, "positives").sum(axis=1)
    return _ratio(2 * hits, 2 * hits + wrong)


def _decided(counts: ScoreCounts, side: str) -> Vector:
    return getattr(counts, side)[:, _flags(counts)]


def _undecided(counts: ScoreCounts, side: str) -> Vector:
    return getattr(counts, side)[:, ~_flags(counts)]


def _flags(counts: ScoreCounts) -> Flags:
    if counts.decided is None:
        raise ValueError("nothing was decided in these counts")
    return counts.decided


def _ratio(above: Vector, below: Vector) -> Vector:
    return np.divide(above, below, out=np.full(np.shape(above), math.nan), where=below > 0)

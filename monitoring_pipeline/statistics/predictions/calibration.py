"""Calibration of predicted probabilities."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from monitoring_pipeline.statistics.inputs import Vector, labels_and_probabilities
from monitoring_pipeline.statistics.predictions.score_counts import SMALLEST_PROBABILITY, ScoreCounts, brier_score
from monitoring_pipeline.statistics.results import NORMAL_QUANTILE, Quantity, UndefinedStatisticError
from monitoring_pipeline.statistics.scipy_modules import scipy_module

_NEWTON_STEPS = 50
_CONVERGED = 1e-10
_SINGULAR = 1e14


def expected_calibration_error(labels: npt.ArrayLike, scores: npt.ArrayLike, bins: int = 10) -> Quantity:
    """Mean distance of predicted and observed rates over bins of equal mass, weighted by rows: 0 to 1.

    L1 error (Naeini et al. 2015, AAAI) with bins of equally many rows instead of equal width (Nixon et al. 2019),
    which has less bias (Roelofs et al. 2022). Rows of equal score are never split: they share the bin of their
    midrank, so bins can differ in size and some be empty. The number is never negative, so that even a perfectly
    calibrated model shows about sqrt(bins / rows) times a third; no bounds are given.

    Args:
        labels: 0 or 1, shape (rows,).
        scores: probabilities, shape (rows,).
        bins: largest number of bins.

    Raises:
        ValueError: when shapes differ or ``bins`` is below 1.
        UndefinedStatisticError: when there are no rows, or a score is not a probability.
    """
    if bins < 1:
        raise ValueError(f"bins is {bins}; at least 1 is needed")
    truth, score = labels_and_probabilities(labels, scores)
    distinct, group_of_row, rows = np.unique(score, return_inverse=True, return_counts=True)
    positives = np.bincount(group_of_row, weights=truth)
    midranks = np.cumsum(rows) - rows / 2
    bin_of_group = (midranks * bins / truth.size).astype(np.int64)
    gaps = np.bincount(bin_of_group, weights=positives - rows * distinct)
    return Quantity(float(np.abs(gaps).sum() / truth.size))


@dataclass(frozen=True, eq=False)
class LabelOdds:
    """Labels with the log-odds of their scores, in an order that does not depend on that of the rows.

    Args:
        truth: 0 or 1, shape (rows,).
        odds: log-odds of the scores, shape (rows,).
        weight: of the rows, shape (rows,).
    """

    truth: Vector
    odds: Vector
    weight: Vector


def label_odds(labels: npt.ArrayLike, scores: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> LabelOdds:
    """Return what ``slope_of`` and ``intercept_of`` need of some rows; arguments as of ``calibration_slope``.

    Raises:
        UndefinedStatisticError: when there are no rows of both classes, or a score is not a probability.
    """
    truth, score = labels_and_probabilities(labels, scores)
    if truth.all() or not truth.any():
        raise UndefinedStatisticError(f"all {truth.size} labels are of one class; calibration compares both")
    weight = np.ones(truth.size) if weights is None else np.asarray(weights, dtype=np.float64)
    order = np.lexsort((truth, score) if weights is None else (weight, truth, score))
    clipped = np.clip(score[order], SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return LabelOdds(truth[order].astype(np.float64), np.asarray(special.logit(clipped)), weight[order])


def calibration_slope(labels: npt.ArrayLike, scores: npt.ArrayLike, weights: npt.ArrayLike | None = None) -> Quantity:
    """Slope of the logistic regression of the label on the score's log-odds: 1 when calibrated (Cox 1958).

    Below 1 the scores are too extreme, as after overfitting (Cox, Biometrika 45:562; Van Calster et al. 2019, BMC
    Medicine 17:230). Scores are clipped at ``SMALLEST_PROBABILITY``; the interval is Wald's, with the sandwich
    variance (Huber 1967), which holds for weighted rows too.

    Args:
        labels: 0 or 1, shape (rows,).
        scores: probabilities, shape (rows,).
        weights: of the rows, shape (rows,); all equal without them.

    Raises:
        UndefinedStatisticError: when there are no rows of both classes, all scores are equal, or they separate the
            classes.
    """
    return slope_of(label_odds(labels, scores, weights))


def slope_of(rows: LabelOdds) -> Quantity:
    """Return the slope as ``calibration_slope``."""
    odds = rows.odds
    if np.ptp(odds) == 0.0:
        raise UndefinedStatisticError("all scores are equal; a slope needs two")
    design = np.column_stack([odds, np.ones(odds.size)])
    return _logistic_coefficient(rows.truth, design, np.zeros(odds.size), rows.weight)


def calibration_intercept(
    labels: npt.ArrayLike, scores: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Quantity:
    """Calibration in the large: by how much the log-odds must be raised; 0 when calibrated (Cox 1958).

    The intercept of the logistic regression whose slope is held at 1; arguments, interval and errors as
    ``calibration_slope``.
    """
    return intercept_of(label_odds(labels, scores, weights))


def intercept_of(rows: LabelOdds) -> Quantity:
    """Return the intercept as ``calibration_intercept``."""
    return _logistic_coefficient(rows.truth, np.ones((rows.odds.size, 1)), rows.odds, rows.weight)


def calibration_gaps(counts: ScoreCounts, bins: int = 10) -> Vector:
    """Expected calibration error of counts, shape (draws,), as ``expected_calibration_error``.

    Every draw uses the bins of the first.
    """
    rows = np.atleast_2d(counts.rows)
    tie = np.concatenate([[0], np.cumsum(np.diff(counts.scores) > 0)])
    size = np.bincount(tie, weights=rows[0])
    place = np.minimum((np.cumsum(size) - size / 2) * bins / rows[0].sum(), bins - 1).astype(np.int64)[tie]
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    gaps = np.add.reduceat(counts.positives - rows * counts.scores, starts, axis=1)
    return np.abs(gaps).sum(axis=1) / counts.total


@dataclass(frozen=True)
class BrierParts:
    """Brier score = miscalibration - discrimination + uncertainty, each of shape (draws,)."""

    miscalibration: Vector
    discrimination: Vector
    uncertainty: Vector


def brier_parts(counts: ScoreCounts) -> BrierParts:
    """Split the Brier score without bins, by isotonic recalibration (CORP; Dimitriadis et al. 2021, PNAS 118(8)).

    Uncertainty is the Brier score of predicting the base rate for every row. Discrimination is the improvement of the
    recalibrated score over it. Miscalibration is the improvement by recalibration. The sum is exact.
    """
    rows = counts.by_score(np.broadcast_to(np.atleast_2d(counts.rows), counts.positives.shape))
    positives, _ = counts.tied
    total = rows.sum(axis=1)
    rate = positives.sum(axis=1) / total
    uncertainty = rate * (1 - rate)
    recalibrated = np.array([_isotonic_brier(own, found) for own, found in zip(rows, positives, strict=True)]) / total
    score = brier_score(counts)
    return BrierParts(score - recalibrated, uncertainty - recalibrated, uncertainty)


def _isotonic_brier(rows: Vector, positives: Vector) -> float:
    """Sum of squared errors of the isotonic regression of the shares of positives."""
    used = rows > 0
    own, found = rows[used], positives[used]
    fitted = np.asarray(scipy_module("optimize").isotonic_regression(found / own, weights=own).x)
    return float(np.sum(found * (1 - fitted) ** 2 + (own - found) * fitted**2))


def _logistic_coefficient(truth: Vector, design: Vector, offset: Vector, weight: Vector) -> Quantity:
    """First coefficient of a logistic regression by Newton's method, with its Wald interval."""

    def misfit(values: Vector) -> float:
        odds = design @ values + offset
        return float(weight @ (np.logaddexp(0.0, odds) - truth * odds))

    # From no slope: with scores of exactly 0 or 1 a first step from slope 1 lands far outside.
    coefficients = np.zeros(design.shape[1])
    before = misfit(coefficients)
    for _ in range(_NEWTON_STEPS):
        chance: Vector = np.asarray(special.expit(design @ coefficients + offset), dtype=np.float64)
        information = (design * (weight * chance * (1 - chance))[:, None]).T @ design
        if np.linalg.cond(information) > _SINGULAR:
            break
        step = np.linalg.solve(information, design.T @ (weight * (truth - chance)))
        after = misfit(coefficients + step)
        while after > before and np.max(np.abs(step)) >= _CONVERGED:
            step = step / 2
            after = misfit(coefficients + step)
        coefficients, before = coefficients + step, after
        if np.max(np.abs(step)) < _CONVERGED:
            inverse = np.linalg.inv(information)
            scores = design * (weight * (truth - chance))[:, None]
            half_width = NORMAL_QUANTILE * float(np.sqrt((inverse @ (scores.T @ scores) @ inverse)[0, 0]))
            value = float(coefficients[0])
            return Quantity(value, value - half_width, value + half_width)
    raise UndefinedStatisticError("the scores separate the classes; a logistic regression has no solution")

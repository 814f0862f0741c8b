"""Intervals by resampling, for numbers that have no formula of their own."""

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.statistics.estimate import Estimate, UndefinedStatisticError
from monitoring_pipeline.statistics.inputs import Vector, checked_confidence

DRAWS = 400
LEAST_DEFINED = 0.9
"""Share of the draws in which the number must exist for its spread to be known."""


def resampled_weights(strata: npt.ArrayLike, draws: int, generator: np.random.Generator) -> Vector:
    """Return how often each row is drawn, with replacement within its stratum, shape (draws, rows).

    Every stratum keeps its number of rows (stratified bootstrap; Davison & Hinkley 1997, sec. 3.2).

    Args:
        strata: stratum of each row, shape (rows,).
        draws: number of draws.
        generator: source of random numbers.
    """
    own = np.asarray(strata)
    weights = np.zeros((draws, own.size))
    for stratum in np.unique(own):
        members = np.flatnonzero(own == stratum)
        picked = generator.integers(0, members.size, (draws, members.size))
        picked += np.arange(draws)[:, None] * members.size
        counts = np.bincount(picked.ravel(), minlength=draws * members.size)
        weights[:, members] = counts.reshape(draws, members.size)
    return weights


def bootstrap_interval(
    value: float, draws: npt.ArrayLike, *, shrink: float = 1.0, confidence: float = 0.95
) -> Estimate:
    """A value with the percentile interval of its bootstrap draws (Efron & Tibshirani 1993, ch. 13).

    Args:
        value: the number on all rows.
        draws: the number on each resample; NaN where it does not exist.
        shrink: factor of the bounds' distances from the middle, where fewer rows were resampled than there are:
            the root of their ratio (Bickel, Goetze & van Zwet 1997, Statistica Sinica 7:1).
        confidence: level of the interval.

    Raises:
        UndefinedStatisticError: when the value is NaN.
    """
    if not np.isfinite(value):
        raise UndefinedStatisticError("has no value on these rows")
    tail = (1 - checked_confidence(confidence)) / 2
    drawn = np.asarray(draws, dtype=np.float64)
    known = drawn[np.isfinite(drawn)]
    if known.size < LEAST_DEFINED * drawn.size or np.ptp(known) == 0.0:
        return Estimate(float(value))
    lower, upper = np.quantile(known, [tail, 1 - tail])
    if shrink == 1.0:
        return Estimate(float(value), min(float(lower), float(value)), max(float(upper), float(value)))
    middle = float(np.median(known))
    return Estimate(
        float(value), float(value) + shrink * (float(lower) - middle), float(value) + shrink * (float(upper) - middle)
    )


def without_bias(estimate: Estimate, draws: npt.ArrayLike) -> Estimate:
    """The same value, its lower bound lowered by what resampling adds, for numbers that chance only makes larger.

    A distance from perfection is positive by chance alone, and resampling adds as much again as the sample did.
    """
    if estimate.lower is None or estimate.upper is None:
        return estimate
    drawn = np.asarray(draws, dtype=np.float64)
    added = max(0.0, float(np.nanmean(drawn)) - estimate.value)
    return Estimate(estimate.value, max(0.0, estimate.lower - 2 * added), estimate.upper)

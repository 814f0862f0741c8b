"""Quantiles that are values of the sample, with intervals that hold for any distribution."""

import numpy as np

from monitoring_pipeline.statistics.inputs import Vector
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError
from monitoring_pipeline.statistics.scipy_modules import scipy_module


def observed_quantile(ordered: Vector, share: float, confidence: float = 0.95) -> Quantity:
    """Return the smallest value that at least ``share`` of the values do not exceed, with its interval.

    The bounds are order statistics, by the binomial distribution of the values below the quantile (David and Nagaraja,
    Order Statistics, 3rd edition, 7.1). A bound that the sample is too small for is None.

    Args:
        ordered: the values in ascending order, shape (rows,).
        share: of the values, between 0 and 1.
        confidence: level of the interval.

    Raises:
        UndefinedStatisticError: when there are no values.
    """
    rows = ordered.size
    if not rows:
        raise UndefinedStatisticError("a quantile of no rows")
    tail = (1.0 - confidence) / 2.0
    below = scipy_module("stats").binom(rows, share)
    lowest, highest = int(below.ppf(tail)), int(below.ppf(1.0 - tail)) + 1
    return Quantity(
        float(ordered[max(int(np.ceil(share * rows - 1e-9)), 1) - 1]),
        lower=float(ordered[lowest - 1]) if lowest >= 1 else None,
        upper=float(ordered[highest - 1]) if highest <= rows else None,
    )

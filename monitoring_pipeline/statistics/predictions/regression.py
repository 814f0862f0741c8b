"""Metrics of a regression, from labels and predictions of the same rows, both of shape (rows,).

Every function raises ``ValueError`` for wrong shapes, and ``UndefinedStatisticError`` when there are no rows, a
value is NaN or infinite, or the number does not exist.
"""

import math

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.statistics.binary_units import binary_unit
from monitoring_pipeline.statistics.inputs import Vector, paired_rows
from monitoring_pipeline.statistics.intervals.intervals import mean_interval, median_interval, transformed
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError


def mean_absolute_error(labels: npt.ArrayLike, predictions: npt.ArrayLike, confidence: float = 0.95) -> Quantity:
    """Mean |prediction - label|, in the label's unit, with Student's t interval."""
    return mean_interval(np.abs(_errors(labels, predictions)), confidence, minimum=0.0)


def median_absolute_error(labels: npt.ArrayLike, predictions: npt.ArrayLike, confidence: float = 0.95) -> Quantity:
    """Median |prediction - label|, in the label's unit, with the interval between two order statistics."""
    return median_interval(np.abs(_errors(labels, predictions)), confidence)


def mean_bias(labels: npt.ArrayLike, predictions: npt.ArrayLike, confidence: float = 0.95) -> Quantity:
    """Mean of prediction - label, in the label's unit, with Student's t interval: negative where it predicts low."""
    return mean_interval(_errors(labels, predictions), confidence)


def root_mean_squared_error(labels: npt.ArrayLike, predictions: npt.ArrayLike, confidence: float = 0.95) -> Quantity:
    """Square root of the mean squared error, in the label's unit.

    The bounds are the roots of those of the mean squared error (Student's t over the squared errors): the root is
    monotone, so the bounds keep their level; to first order they equal those of the delta method.
    """
    errors = _errors(labels, predictions)
    unit = binary_unit(errors)
    squared = mean_interval(unit.of(errors) ** 2, confidence, minimum=0.0)
    return transformed(squared, lambda square: unit.back(math.sqrt(square)))


def r_squared(labels: npt.ArrayLike, predictions: npt.ArrayLike) -> Quantity:
    """Share of the labels' variation that is predicted: 1 - SSE / SST (Kvalseth 1985, eq. 1); at most 1, no bounds.

    Raises:
        UndefinedStatisticError: also when all labels are equal.
    """
    truth, predicted = paired_rows(labels, predictions, ("labels", "predictions"))
    if truth.min() == truth.max():
        raise UndefinedStatisticError(f"all {truth.size} labels are {truth[0]}; there is no variation to explain")
    unit = binary_unit(truth, predicted)
    ordered = unit.of(np.sort(truth))
    residual = np.sort(unit.of(predicted - truth) ** 2).sum()
    total = ((ordered - ordered.mean()) ** 2).sum()
    if total == 0.0:
        raise UndefinedStatisticError(f"the labels differ by too little beside {np.max(np.abs((truth, predicted))):g}")
    return Quantity(1.0 - float(residual / total))


def _errors(labels: npt.ArrayLike, predictions: npt.ArrayLike) -> Vector:
    truth, predicted = paired_rows(labels, predictions, ("labels", "predictions"))
    return predicted - truth

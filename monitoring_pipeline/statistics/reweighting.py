"""Weights that make the rows of one sample stand for another."""

import numpy as np

from monitoring_pipeline.statistics.inputs import Vector

LARGEST_WEIGHT = 50.0


def density_ratio_weights(probabilities: Vector, reference_rows: int, current_rows: int) -> Vector:
    """Return, for each reference row, how much more frequent rows like it are in the current sample, shape (rows,).

    The mean of the weights is about 1 if the reference covers the current sample. It is near 0 if hardly any reference
    row resembles a current one, even if the weights are nearly equal.

    By Bayes' rule p / (1 - p) * n_reference / n_current (Bickel, Brueckner & Scheffer 2009, JMLR 10:2137), cut at
    ``LARGEST_WEIGHT``.

    Args:
        probabilities: of each reference row to be a current one, by a classifier that has not seen it, shape (rows,).
        reference_rows: reference rows that the classifier was fitted to, or a number in proportion.
        current_rows: current rows, likewise.
    """
    bounded = np.clip(probabilities, 0.0, 1.0 - 1e-9)
    return np.minimum(bounded / (1.0 - bounded) * reference_rows / current_rows, LARGEST_WEIGHT)

"""Do probabilities mean what they say?"""

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.statistics.estimate import Estimate
from monitoring_pipeline.statistics.inputs import labels_and_probabilities


def expected_calibration_error(labels: npt.ArrayLike, scores: npt.ArrayLike, bins: int = 10) -> Estimate:
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
    return Estimate(float(np.abs(gaps).sum() / truth.size))

"""Weighted rows."""

import numpy as np
import numpy.typing as npt


def effective_rows(weights: npt.ArrayLike) -> float:
    """Return the effective sample size, (sum w)^2 / sum w^2 (Kish 1965, Survey Sampling, sec. 11.7).

    Args:
        weights: not negative, shape (rows,).
    """
    own = np.sort(np.asarray(weights, dtype=np.float64))
    squares = float(np.sum(own**2))
    return float(np.sum(own)) ** 2 / squares if squares > 0.0 else 0.0

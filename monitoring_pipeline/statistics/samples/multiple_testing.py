"""Control of false discoveries over many tests at once."""

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.statistics.inputs import Vector


def benjamini_hochberg(p_values: npt.ArrayLike) -> Vector:
    """Adjusted p-values that control the false-discovery rate.

    Rejecting every q-value up to alpha keeps the expected share of false discoveries at alpha, for independent or
    positively dependent tests (Benjamini & Hochberg 1995, JRSS B 57:289; as adjusted values: Yekutieli &
    Benjamini 1999, eq. 3).

    Args:
        p_values: shape (tests,), each in [0, 1]; may be empty.

    Returns:
        The q-values, shape (tests,), in the order given.

    Raises:
        ValueError: when the array is not 1-D, or a p-value lies outside [0, 1] or is NaN.
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1:
        raise ValueError(f"p_values has shape {p.shape}; a 1-D array is expected")
    wrong = ~((p >= 0.0) & (p <= 1.0))
    if wrong.any():
        first = int(np.flatnonzero(wrong)[0])
        raise ValueError(f"p-value {first} is {p[first]}; p-values lie in [0, 1]")
    order = np.argsort(p, kind="stable")
    # Multiply by n / rank >= 1: dividing by a rounded rank / n could leave a q-value below its p-value.
    scaled = p[order] * (p.size / np.arange(1, p.size + 1))
    q = np.empty_like(p)
    q[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return q

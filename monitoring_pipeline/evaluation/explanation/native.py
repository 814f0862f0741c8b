"""Contributions that a model's own library computes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Contributions:
    """The raw output of rows split over the features: log-odds of a classifier, the value of a regression.

    Args:
        parts: by feature, shape (rows,) each; with ``base`` they sum to the raw output.
        base: the expected raw output, shape (rows,).
        words: how they were computed.
    """

    parts: Mapping[str, NDArray[np.float64]]
    base: NDArray[np.float64]
    words: str

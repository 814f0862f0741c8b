"""Units in which numbers can be squared: powers of two, because scaling by them changes no digit."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.statistics.inputs import Vector

_ORDINARY = 60
"""Numbers between 2**-60 and 2**60 (about 1e-18 and 1e18) are left as they are."""


@dataclass(frozen=True)
class BinaryUnit:
    """A unit of 2**exponent."""

    exponent: int

    def of(self, values: npt.ArrayLike) -> Vector:
        """Return values in this unit; exact, except for results too small to be normal floats."""
        numbers = np.asarray(values, dtype=np.float64)
        return np.ldexp(numbers, -self.exponent) if self.exponent else numbers

    def back(self, value: float) -> float:
        """Return a value of this unit as it was before."""
        return float(np.ldexp(value, self.exponent)) if self.exponent else value


def binary_unit(*columns: npt.ArrayLike) -> BinaryUnit:
    """Return a unit in which the largest of all magnitudes is about 1 if it is extreme, else the unit 1.

    Squares of numbers below 1e-162 are zero, and those of numbers above 1e154 infinite. In this unit they are neither.

    Args:
        columns: numbers, each of any shape.
    """
    largest = max((float(np.max(np.abs(column))) for column in map(np.asarray, columns) if column.size), default=0.0)
    if not np.isfinite(largest):
        return BinaryUnit(0)
    exponent = int(np.frexp(largest)[1])
    return BinaryUnit(exponent if largest and abs(exponent) > _ORDINARY else 0)

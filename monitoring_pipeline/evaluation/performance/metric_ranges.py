"""The values that a metric can have."""

import math
from dataclasses import dataclass

ROUNDING = 1e-9


@dataclass(frozen=True)
class MetricRange:
    """The smallest and the largest value that a metric can have; infinite if there is none."""

    lower: float = -math.inf
    upper: float = math.inf

    def __contains__(self, value: float) -> bool:
        """Return whether a metric can have a value, apart from rounding errors; NaN is never inside."""
        return self.lower - ROUNDING <= value <= self.upper + ROUNDING

    def __str__(self) -> str:
        """Return the range in words, such as ``0 to 1``."""
        if math.isinf(self.lower) and math.isinf(self.upper):
            return "any number"
        if math.isinf(self.upper):
            return f"at least {self.lower:g}"
        if math.isinf(self.lower):
            return f"at most {self.upper:g}"
        return f"{self.lower:g} to {self.upper:g}"


ANY = MetricRange()
SHARE = MetricRange(0.0, 1.0)
AT_LEAST_ZERO = MetricRange(lower=0.0)
AT_MOST_ONE = MetricRange(upper=1.0)
DIFFERENCE_OF_SHARES = MetricRange(-1.0, 1.0)
VARIANCE_OF_TWO_CLASSES = MetricRange(0.0, 0.25)
BRIER_OF_CLASSES = MetricRange(0.0, 2.0)

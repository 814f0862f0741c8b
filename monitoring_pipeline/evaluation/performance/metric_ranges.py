"""The values that a metric can have."""

import math
from dataclasses import dataclass

from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

ROUNDING = 1e-9


@dataclass(frozen=True)
class MetricRange:
    """The smallest and the largest value that a metric can have; infinite if there is none."""

    lower: float = -math.inf
    upper: float = math.inf

    def __contains__(self, value: float) -> bool:
        """Return whether a metric can have a value, apart from rounding errors; NaN is never inside."""
        return self.lower - ROUNDING <= value <= self.upper + ROUNDING

    def checked(self, found: Quantity) -> Quantity:
        """Return a number with its interval, cut at the range, because resampling may leave the range.

        Raises:
            UndefinedStatisticError: if the number is outside of the range, or it or a bound is not finite.
        """
        self.check(found.value)
        for bound in (found.lower, found.upper):
            if bound is not None and not math.isfinite(bound):
                raise UndefinedStatisticError("its interval has no bounds; the values are too large to compute with")
        return Quantity(
            found.value,
            lower=None if found.lower is None else max(found.lower, self.lower),
            upper=None if found.upper is None else min(found.upper, self.upper),
            note=found.note,
        )

    def check(self, value: float) -> None:
        """Raise an error if a metric cannot have a value.

        Raises:
            UndefinedStatisticError: if the value is outside of the range, or not finite.
        """
        if not math.isfinite(value) or value not in self:
            raise UndefinedStatisticError(f"the result {value:g} is impossible; possible is {self}")

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

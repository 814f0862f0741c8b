"""What a statistic returns: a number with its interval, the outcome of a test, or an error when it is undefined."""

from dataclasses import dataclass

NORMAL_QUANTILE = 1.959963984540054
"""Standard errors from the middle to an end of a two-sided 95 % interval."""


class UndefinedStatisticError(ValueError):
    """The statistic has no value for this input. The message is the reason and is shown to people."""


@dataclass(frozen=True)
class Quantity:
    """A number with its confidence interval; a bound is ``None`` where it is not known.

    ``note`` is the reason if a bound is missing because the rows cannot bound the number on that side.
    """

    value: float
    lower: float | None = None
    upper: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Significance:
    """Outcome of a hypothesis test: test statistic, two-sided p-value, degrees of freedom if it has any."""

    statistic: float
    p_value: float
    degrees_of_freedom: int | None = None

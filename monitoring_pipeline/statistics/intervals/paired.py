"""Intervals of paired differences by day, because rows of one day and consecutive days are correlated."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from monitoring_pipeline.statistics.binary_units import binary_unit
from monitoring_pipeline.statistics.inputs import Vector, checked_confidence
from monitoring_pipeline.statistics.intervals.intervals import LARGEST_SKEW, skew_of_mean, without_skew
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

LEAST_DAYS = 3
USUAL_CORRELATION = 0.2
DAYS_BELIEVED = 5
"""Weight of the usual correlation in the estimate, as a number of observed days."""
LARGEST_CORRELATION = 0.9
ERRORS_ADDED = 0.7
"""Standard errors that are added to the estimate, because a correlation that is too low promises too much.

Simulated share of means of 14 (28) days that lie beyond one bound at 95 %, nominal 2.5: independent days 1.1 (1.0),
first-order correlation .3: 2.4 (2.0), .5: 3.5 (2.7), .7: 6.3 (4.9), exponential days 2.9 (2.6). Without it, with 20
days believed and at most .6, it was 1.5, 4.7, 7.9, 13.4 and 7.1. A difference of one daily standard deviation is then
found on 14 independent days in 74 %, before in 84 %."""
_LEAST_UNCERTAIN = 0.05


def serial_inflation(values: npt.ArrayLike) -> float:
    """Factor by which the correlation of one day with the next widens the standard error of a mean of days.

    sqrt((1 + r) / (1 - r)), that of a first-order autoregression (Bayley & Hammersley 1946, Suppl. JRSS 8:184). A few
    days determine r poorly. The observed r is corrected for its bias, -(1 + 3 r) / days (Marriott & Pope 1954,
    Biometrika 41:390), shrunk towards ``USUAL_CORRELATION``, raised by ``ERRORS_ADDED`` of its standard errors, and
    kept between 0 and ``LARGEST_CORRELATION``.

    Args:
        values: one number a day in the order of the days, shape (days,).
    """
    deviations = _days(values)
    deviations = deviations - deviations.mean()
    deviations = binary_unit(deviations).of(deviations)
    total = float(deviations @ deviations)
    if total == 0.0:
        return _inflation(USUAL_CORRELATION)
    days = deviations.size
    # Of few days, the full correction would multiply mostly chance.
    own = (days * float(deviations[1:] @ deviations[:-1]) / total + 1) / max(days - 3, 0.75 * days)
    drawn = (days * own + DAYS_BELIEVED * USUAL_CORRELATION) / (days + DAYS_BELIEVED)
    return _inflation(drawn + ERRORS_ADDED * (max(1 - drawn**2, _LEAST_UNCERTAIN) / (days + DAYS_BELIEVED)) ** 0.5)


def jackknife_interval(value: float, without_day: Sequence[float] | Vector, confidence: float = 0.95) -> Quantity:
    """Return a number with its jackknife interval, leaving out one day at a time.

    Pseudo-values (Tukey 1958, Ann. Math. Stat. 29:614) with Student's t of days - 1 degrees of freedom, the best
    choice with few clusters (MacKinnon, Nielsen & Webb 2023, J. Appl. Econometrics 38:671), times
    ``serial_inflation``. The bound on the side of a tail is that of Hall's transformation for skewed means
    (``intervals.without_skew``), which lies farther out.

    Args:
        value: the number on all rows.
        without_day: the number on the rows of all other days, by day in their order, shape (days,).
        confidence: level of the interval.

    Raises:
        UndefinedStatisticError: with fewer than ``LEAST_DAYS`` days, or where a number does not exist.
    """
    checked_confidence(confidence)
    left_out = _days(without_day)
    days = left_out.size
    if days < LEAST_DAYS:
        raise UndefinedStatisticError(f"{days} days with labelled rows, at least {LEAST_DAYS} needed")
    if not (np.isfinite(value) and np.isfinite(left_out).all()):
        raise UndefinedStatisticError("does not exist on these rows, or not without each of their days")
    with np.errstate(over="ignore", invalid="ignore"):
        pseudo_values = days * value - (days - 1) * left_out
        spread = float(pseudo_values.std(ddof=1))
    # Equal numbers leave a rest of rounding only.
    if spread <= 1e-12 * max(1.0, abs(value)) * days:
        return Quantity(value)
    quantile = float(special.stdtrit(days - 1, (1 + confidence) / 2))
    with np.errstate(over="ignore", invalid="ignore"):
        error = serial_inflation(pseudo_values) * spread / days**0.5
        skew = min(max(skew_of_mean(pseudo_values), -LARGEST_SKEW), LARGEST_SKEW)
        below = error * max(quantile, without_skew(quantile, skew))
        above = error * max(quantile, -without_skew(-quantile, skew))
    if not np.isfinite(below + above):
        raise UndefinedStatisticError("is too large to compute its interval")
    return Quantity(value, value - below, value + above)


def _inflation(correlation: float) -> float:
    bounded = min(max(correlation, 0.0), LARGEST_CORRELATION)
    return ((1 + bounded) / (1 - bounded)) ** 0.5


def _days(values: npt.ArrayLike) -> Vector:
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1:
        raise ValueError(f"values have shape {vector.shape}; one number a day is expected")
    return vector

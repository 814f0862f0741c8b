"""A confidence sequence: an interval of a mean that stays valid although it is checked every day."""

import math

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.statistics.binary_units import binary_unit
from monitoring_pipeline.statistics.intervals.paired import serial_inflation
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

EFFECT_VARIANCE = 0.5
"""Variance g of the effects, in daily standard deviations, that the mixture is made for.

Simulated, 60 days looked at from the 7th on, alpha 0.05: the true mean was ever outside in .01 (independent), .03
(first-order autocorrelation .2) and .04 (.3) of the series with t4 tails, .09, .12 and .14 of those with exponential
days. A difference of half a daily standard deviation is found in 40 days (median), of one in 13, of two in 8. With
g = 1 it takes 50, 14 and 7 days. The asymptotic sequence of Waudby-Smith et al. (2024, Ann. Stat. 52:2613) is outside
twice as often at the same autocorrelation, as it takes the variance as known."""


def confidence_sequence(differences: npt.ArrayLike, alpha: float = 0.05) -> Quantity:
    """Mean of daily differences with the bounds of a confidence sequence on its last day.

    All means m whose e-value is below 1 / alpha. The e-value is the likelihood ratio of Student's t of the days under
    effects ~ N(0, g) and under none, a martingale for normal days of unknown variance (Wang & Ramdas 2025,
    "Anytime-valid t-tests and confidence sequences for Gaussian means with unknown variance", Sequential Analysis
    44:56; the ratio: Rouder et al. 2009, Psychon. Bull. Rev. 16:225)::

        e(m) = (1 + n g)^(-1/2) * ((1 + t^2 / (n - 1)) / (1 + t^2 / ((n - 1) (1 + n g))))^(n/2),
        t = sqrt(n) (mean - m) / s

    By Ville's inequality the probability that the true mean is ever outside is at most alpha. t is divided by
    ``serial_inflation`` because consecutive days are correlated; the bound then holds approximately.

    Args:
        differences: one difference a day in the order of the days, shape (days,).
        alpha: probability of the true mean ever being outside.

    Returns:
        The mean and its bounds. There are no bounds while no mean can be excluded (fewer than 6 days at alpha 0.05),
        nor if all days are equal.

    Raises:
        ValueError: when alpha does not lie between 0 and 1, or the differences are not 1-D.
        UndefinedStatisticError: with fewer than two days, or a difference that is not finite.
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha is {alpha}; it must lie strictly between 0 and 1, such as 0.05")
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1:
        raise ValueError(f"differences have shape {values.shape}; one number a day is expected")
    days = values.size
    if days < 2:  # noqa: PLR2004 - one day has no spread
        raise UndefinedStatisticError(f"{days} days have no spread; at least 2 needed")
    if not np.isfinite(values).all():
        raise UndefinedStatisticError(f"{int(np.sum(~np.isfinite(values)))} of {days} differences are not finite")
    if values.min() == values.max():
        return Quantity(float(values[0]))
    unit = binary_unit(values)
    values = unit.of(values)
    mean = float(values.mean())
    scale = 1 + days * EFFECT_VARIANCE
    ratio = (scale / alpha**2) ** (1 / days)
    if ratio >= scale:
        return Quantity(unit.back(mean))
    t_largest = math.sqrt((days - 1) * (ratio - 1) / (1 - ratio / scale))
    half_width = t_largest * serial_inflation(values) * float(values.std(ddof=1)) / math.sqrt(days)
    return Quantity(unit.back(mean), unit.back(mean - half_width), unit.back(mean + half_width))

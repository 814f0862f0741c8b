"""How much healthy days differ from one another beyond chance, and for how long a difference lasts.

Days of real data are not independent draws: a warm day follows a warm day. A window of such days holds the information
of fewer independent ones, and lies nearer to each of its own days than to a later one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from monitoring_pipeline.statistics.inputs import Vector

LARGEST_AUTOCORRELATION = 0.97
LEAST_EFFECTIVE_DAYS = 4.0
_NEGLIGIBLE = 0.2
"""Below this share of the variance by chance, a variance between days shows no autocorrelation."""
_LUCK = 1.6449
"""The 95 % quantile of a normal variable."""
_UPPER = 1.2816
"""The 90 % quantile of a normal variable."""
_LEAST_UNCERTAIN = 0.05
"""The least value of 1 - r^2 from which an uncertainty is computed."""


@dataclass(frozen=True)
class DayEffect:
    """The variance of a column between days, that by chance alone of one row, and the autocorrelation of the former.

    Variances are those of root shares, summed over cells, or of one value a day; ``by_chance`` is divided by the rows
    of a day. The
    autocorrelation is that of neighbouring days, in [0, 1).
    """

    variance: float
    by_chance: float
    autocorrelation: float

    def reliability(self, rows: int) -> float:
        """Return the share of the variance of days with so many rows that is not by chance."""
        return self.variance / (self.variance + self.by_chance / max(rows, 1)) if self.variance > 0.0 else 0.0

    def effective_days(self, days: int, rows: int) -> float:
        """Return the number of independent days from which the spread would be known as well.

        It is days / (1 + 2 sum of squared autocorrelations) (Bayley & Hammersley 1946, JRSS Supplement 8:184), for
        an autoregressive effect seen through the chance of so many rows a day. It is at least 4.
        """
        squared = self.autocorrelation**2
        return max(days / (1.0 + 2.0 * self.reliability(rows) ** 2 * squared / (1.0 - squared)), LEAST_EFFECTIVE_DAYS)

    def stretch(self, days: int, reach: int, rows: int) -> float:
        """Return how many times as far as a day that is held out with its neighbours a much later day lies, at least 1.

        Both distances are root mean squares from the mean of the days that are compared with, for an autoregressive
        effect and the chance of so many rows a day.

        Args:
            days: days in a row.
            reach: neighbours on each side that are held out with a day.
            rows: rows of a day.
        """
        reliability = self.reliability(rows)
        gained = _squared_stretch(self.autocorrelation, days, reach)
        return max(1.0, reliability * gained + 1.0 - reliability) ** 0.5


@cache
def _squared_stretch(autocorrelation: float, days: int, reach: int) -> float:
    if autocorrelation == 0.0:
        return 1.0
    places = np.arange(days)
    apart = np.abs(places[:, None] - places[None, :])
    correlation: Vector = autocorrelation**apart
    weights: Vector = (apart > reach).astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    smoothed: Vector = weights @ correlation
    held_out = 1.0 - 2.0 * (weights * correlation).sum(axis=1) + (smoothed * weights).sum(axis=1)
    return float((1.0 + correlation.mean()) / held_out.mean())


def day_effect(counts: Vector) -> DayEffect:
    """Return how days differ beyond chance, by the moments of their root shares.

    The root of a share has a variance by chance of 1 / (4 rows), whatever the share (Bartlett 1936).

    Args:
        counts: shape (days, cells), in the order of days; at least four days, each with a row.
    """
    rows: Vector = counts.sum(axis=1)
    used = counts[:, counts.any(axis=0)]
    dimensions = used.shape[1] - 1
    return _effect(np.sqrt(used / rows[:, None]), dimensions / 4.0, rows, dimensions)


def day_effect_of_values(values: Vector, by_chance: float, rows: Vector) -> DayEffect:
    """Return how days differ beyond chance in one value a day, such as their mean.

    Args:
        values: shape (days,), in the order of days; at least four days.
        by_chance: the variance by chance of the value of a day with one row, as a multiple of rows.
        rows: shape (days,), each at least 1.
    """
    return _effect(values[:, None], by_chance, rows, 1)


def _effect(values: Vector, by_chance: float, rows: Vector, dimensions: int) -> DayEffect:
    """Return the effect of days by the moments of values, of which so many dimensions vary freely.

    The autocorrelation is corrected for the bias of a short series, -(1 + 3 r) / days (Marriott & Pope 1954, Biometrika
    41:390).
    """
    days = values.shape[0]
    apart: Vector = values - values.mean(axis=0)
    chance = by_chance * float(np.mean(1.0 / rows))
    variance = float(np.vdot(apart, apart)) / (days - 1) - chance
    # By chance alone, the variance of few days and dimensions often lies above its expectation.
    by_luck = _LUCK * (2.0 / ((days - 1) * max(dimensions, 1))) ** 0.5
    if variance <= max(_NEGLIGIBLE, by_luck) * chance:
        return DayEffect(max(variance, 0.0), by_chance, 0.0)
    found = float(np.vdot(apart[1:], apart[:-1])) / days / variance
    corrected = (days * found + 1.0) / (days - 3.0)
    return DayEffect(variance, by_chance, min(max(corrected, 0.0), LARGEST_AUTOCORRELATION))


def cautious_autocorrelations(effects: Sequence[DayEffect], days: int) -> Vector:
    """Return autocorrelations of several columns that are rather too high than too low.

    Each is drawn towards their mean as far as it is uncertain, by the weight of an empirical Bayes estimate (Morris
    1983, JASA 78:47) with the sampling variance (1 - r^2) / days, and then raised to its upper 90 % bound. Columns
    without autocorrelation keep 0, and do not count for the mean.
    """
    own = np.array([effect.autocorrelation for effect in effects])
    seen = own > 0.0
    variances = np.maximum(1.0 - own**2, _LEAST_UNCERTAIN) / days
    drawn = own
    if np.count_nonzero(seen) > 1:
        between = max(float(own[seen].var(ddof=1) - variances[seen].mean()), 0.0)
        mean = float(own[seen].mean())
        drawn = mean + between / (between + variances) * (own - mean)
    upper: Vector = np.clip(drawn + _UPPER * np.sqrt(variances), 0.0, LARGEST_AUTOCORRELATION)
    # Of few different values the stretch is computed once for many columns.
    return np.where(seen, upper.round(2), 0.0)


def independent_days(values: Vector) -> float:
    """Return the number of independent days whose mean is known as well as that of these days, at most their number.

    It is days (1 - r) / (1 + r) for the autocorrelation r of neighbouring days, if that is positive.
    """
    apart = values - values.mean()
    squares = float(apart @ apart)
    if squares == 0.0:
        return float(values.size)
    autocorrelation = min(max(float(apart[1:] @ apart[:-1]) / squares, 0.0), LARGEST_AUTOCORRELATION)
    return values.size * (1.0 - autocorrelation) / (1.0 + autocorrelation)

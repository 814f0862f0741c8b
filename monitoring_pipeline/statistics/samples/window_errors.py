"""The error of a number over a window of days, which are neither equal nor independent.

A day differs from the others by chance, as it has few rows, and by an effect of its own, which can last for some days.
Over a window the part by chance falls with the rows, the other one only with the days that are independent.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from monitoring_pipeline.statistics.inputs import Vector
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError
from monitoring_pipeline.statistics.samples.day_effects import (
    LARGEST_AUTOCORRELATION,
    DayEffect,
    cautious_autocorrelations,
)

LEAST_DAYS = 10
"""Fewer days do not show how days differ."""
LEAST_FREEDOM, MANY = 2.0, 1e4
_NEGLIGIBLE = 0.2
"""Below this share of the variance by chance, a variance between days shows no autocorrelation."""


def without_each_day(number: Callable[[Vector], Vector], chosen: Vector) -> tuple[float, Vector]:
    """Return a number over some days, and how far each day's own value lies from it (delete-one jackknife).

    The difference that a day makes is divided by its share of the other rows. For a mean of rows the result is the
    mean of the day minus that of all days (Efron & Stein 1981, Ann. Stat. 9:586).

    Args:
        number: the number for weights of days, shape (draws, days) to (draws,).
        chosen: the rows of each chosen day, 0 for a day that is left out; shape (days,).

    Raises:
        UndefinedStatisticError: when the number has no value on the days, or on those without one of them.
    """
    places = np.flatnonzero(chosen)
    weights = np.tile((chosen > 0).astype(np.float64), (places.size + 1, 1))
    weights[np.arange(places.size) + 1, places] = 0.0
    values = number(weights)
    if not np.isfinite(values[0]):
        raise UndefinedStatisticError("has no value on these rows")
    if not np.isfinite(values).all():
        raise UndefinedStatisticError("has a value on these rows because of a single one of the days")
    rows = chosen[places]
    return float(values[0]), (values[0] - values[1:]) * (rows.sum() - rows) / rows


def effect_of_days(apart: Vector, rows: Vector, places: Vector, by_chance: float) -> DayEffect:
    """Return how days differ beyond chance, and the autocorrelation of neighbouring days.

    The variance is the moment estimate for days of different sizes (DerSimonian & Laird 1986, Control. Clin. Trials
    7:177). The autocorrelation is corrected for the bias of a short series, as in ``day_effect``.

    Args:
        apart: what the day's value lies above that of all days, shape (days,).
        rows: rows of each day, shape (days,).
        places: the place of each day in time, shape (days,), increasing; neighbours are one apart.
        by_chance: the variance of the value of a day with one row.
    """
    days, total = rows.size, float(rows.sum())
    spread = total - float(rows @ rows) / total
    variance = max(0.0, (float(rows @ apart**2) - (days - 1) * by_chance) / spread) if days > 1 else 0.0
    neighbours = np.flatnonzero(np.diff(places) == 1)
    if variance <= _NEGLIGIBLE * by_chance * days / total or neighbours.size < LEAST_DAYS - 1:
        return DayEffect(variance, by_chance, 0.0)
    found = float(np.mean(apart[neighbours] * apart[neighbours + 1])) / variance
    corrected = (days * found + 1.0) / (days - 3.0)
    effect = DayEffect(variance, by_chance, min(max(corrected, 0.0), LARGEST_AUTOCORRELATION))
    return DayEffect(variance, by_chance, float(cautious_autocorrelations([effect], days)[0]))


def window_interval(
    value: float,
    rows: Vector,
    places: Vector,
    effect: DayEffect,
    *,
    days_known: float,
    confidence: float,
) -> Quantity:
    """Return a number over the days of a window with its interval.

    The variance is that of the mean of an autoregressive day effect, weighted by rows, and of the chance of all rows.
    The part between days is known from few days, so that Student's distribution has the degrees of freedom of
    Satterthwaite (1946, Biometrics Bulletin 2:110).

    Args:
        value: the number.
        rows: rows of each day, shape (days,).
        places: the place of each day in time, shape (days,).
        effect: how days differ.
        days_known: the number of independent days from which that is known.
        confidence: level of the interval.
    """
    share = rows / rows.sum()
    correlation: Vector = effect.autocorrelation ** np.abs(places[:, None] - places[None, :])
    between = effect.variance * float(share @ correlation @ share)
    variance = between + effect.by_chance / float(rows.sum())
    if variance <= 0.0:
        return Quantity(value)
    # Without a part between days, only the chance of many rows is left.
    freedom = max(days_known - 1.0, LEAST_FREEDOM) * (variance / max(between, variance / MANY)) ** 2
    half = float(special.stdtrit(freedom, (1.0 + confidence) / 2.0)) * math.sqrt(variance)
    return Quantity(value, value - half, value + half)

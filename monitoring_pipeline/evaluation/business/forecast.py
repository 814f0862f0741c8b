"""The forecast of a month's cost from its days so far: each weekday as it was, with an interval."""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from monitoring_pipeline.statistics.intervals.paired import serial_inflation
from monitoring_pipeline.statistics.results import Quantity

LEAST_DAYS = 10
"""Fewer days of a month do not show how its weekdays differ and how far days stray."""
CONFIDENCE = 0.95
CAUTION = 1.5
"""Power of the factor for resemblance, which so few days show too small (measured by ``make bench-forecasts``)."""


@dataclass(frozen=True)
class Forecast:
    """What a month will have cost.

    Args:
        total: with its 95 % interval.
        spent_on: the day on which a budget is expected to be spent; None if it is not.
    """

    total: Quantity
    spent_on: dt.date | None


def forecast_month(spent: Mapping[dt.date, float], unknown: Sequence[dt.date], budget: float) -> Forecast | str:
    """Return the forecast of a month, or the reason why there is none.

    A day costs what its weekday has cost on average in this month. The interval has the error of these means and the
    variance of single days, both from what the known days stray from the mean of their weekday, with Student's t of
    days less weekdays. It is widened by how much a day resembles the one before it, and by ``CAUTION``.

    Args:
        spent: cost of each known day of the month.
        unknown: its other days: those to come, and those whose cost is not known.
        budget: what the month may cost.
    """
    if len(spent) < LEAST_DAYS:
        return f"{len(spent)} days of the month have a cost, at least {LEAST_DAYS} needed"
    by_weekday: dict[int, list[float]] = {}
    for day in sorted(spent):
        by_weekday.setdefault(day.weekday(), []).append(spent[day])
    if unseen := {day.weekday() for day in unknown} - by_weekday.keys():
        return f"{len(unseen)} of 7 weekdays have no known day in this month"
    means = {weekday: math.fsum(costs) / len(costs) for weekday, costs in by_weekday.items()}
    known = math.fsum(spent.values())
    total = math.fsum([known, *(means[day.weekday()] for day in unknown)])
    strays = np.array([spent[day] - means[day.weekday()] for day in sorted(spent)])
    half_width = _half_width(strays, by_weekday, unknown)
    lower = total - half_width
    if min(spent.values()) >= 0:
        lower = max(lower, known)
    return Forecast(Quantity(total, lower, total + half_width), _spent_on(spent, unknown, means, budget))


def _half_width(strays: np.ndarray, by_weekday: Mapping[int, Sequence[float]], unknown: Sequence[dt.date]) -> float:
    freedom = strays.size - len(by_weekday)
    variance = math.fsum(strays**2) / freedom
    times = {weekday: sum(day.weekday() == weekday for day in unknown) for weekday in by_weekday}
    scale = sum(count**2 / len(by_weekday[weekday]) for weekday, count in times.items()) + len(unknown)
    quantile = float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2))
    return quantile * math.sqrt(variance * scale) * (serial_inflation(strays) ** CAUTION if variance else 1.0)


def _spent_on(
    spent: Mapping[dt.date, float], unknown: Sequence[dt.date], means: Mapping[int, float], budget: float
) -> dt.date | None:
    so_far = 0.0
    for day in sorted({*spent, *unknown}):
        so_far += spent[day] if day in spent else means[day.weekday()]
        if so_far > budget:
            return day
    return None

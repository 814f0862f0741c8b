"""Whether the labels of a chunk arrive as those of the reference did, and how late they are now if they do not."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.statistics.inputs import Vector
from monitoring_pipeline.statistics.survival import Arrivals

LEAST_ARRIVED = 30
LEAST_CHANGE = 0.1
"""Least distance of the mean place of the labels from a half. Days of a reference differ by less."""
LEAST_ERRORS = 4.0
FACTORS = 2.0 ** np.linspace(-4, 4, 65)
LARGEST_MISFIT = 0.05
AGES = 40


@dataclass(frozen=True)
class ArrivedNow:
    """How the labels of one group arrive now.

    Args:
        arrivals: their curve: that of the reference, stretched by ``factor``; None if no stretched curve fits.
        factor: how many times as late they are as in the reference; 1 if they arrive as before.
    """

    arrivals: Arrivals | None
    factor: float = 1.0


def arrived_now(learned: Arrivals, waited_hours: Vector, ages_hours: Vector) -> ArrivedNow:
    """Compare the delays of the labels that have arrived with the curve of the reference.

    A label that arrived after d hours at an age of a hours has the place F(d) / F(a). The places are spread evenly
    between 0 and 1 if the delays are those of the reference, although late labels are missing (Lynden-Bell 1971, MNRAS
    155:95, for truncated delays). If their mean is far from a half, the curve is stretched in time until it is not.

    Args:
        learned: the curve of the reference.
        waited_hours: hours that each known label took, shape (labels,).
        ages_hours: hours since its prediction, shape (labels,).
    """
    places = _places(learned, waited_hours, ages_hours)
    if places.size < LEAST_ARRIVED:
        return ArrivedNow(learned)
    change = abs(float(places.mean()) - 0.5)
    if change < LEAST_CHANGE or change < LEAST_ERRORS / (12 * places.size) ** 0.5:
        return ArrivedNow(learned)
    factor = min(FACTORS, key=_misfit(learned, waited_hours, ages_hours))
    stretched = Arrivals(tuple(float(hours * factor) for hours in learned.durations), learned.shares)
    found = _places(stretched, waited_hours, ages_hours)
    squares = abs(float(np.mean(found**2)) - 1 / 3)
    fits = abs(float(found.mean()) - 0.5) <= LARGEST_MISFIT and squares <= LARGEST_MISFIT
    return ArrivedNow(stretched if fits else None, float(factor))


def shows_changes(learned: Arrivals, ages_hours: Vector) -> bool:
    """Return whether labels of these ages would show delays that have doubled or halved.

    Young labels do not: those of an hour's age are spread evenly over the hour whether labels take a day or two.
    """
    ages = np.quantile(ages_hours, np.linspace(0, 1, AGES)) if ages_hours.size else np.zeros(0)
    for factor in (0.5, 2.0):
        stretched = Arrivals(tuple(hours * factor for hours in learned.durations), learned.shares)
        shares, hours = np.asarray(stretched.shares), np.asarray(stretched.durations)
        sought = stretched.at(ages)[:, None] * (np.arange(AGES) + 0.5) / AGES
        waited = hours[np.minimum(np.searchsorted(shares, sought), shares.size - 1)]
        places = _places(learned, waited.ravel(), np.repeat(ages, AGES))
        if not places.size or abs(float(places.mean()) - 0.5) < LEAST_CHANGE:
            return False
    return True


def _places(arrivals: Arrivals, waited_hours: Vector, ages_hours: Vector) -> Vector:
    """Return the place of each label among those that could have arrived by its age; steps count half."""
    by_age = arrivals.at(ages_hours)
    before, after = arrivals.at(np.nextafter(waited_hours, -np.inf)), arrivals.at(waited_hours)
    possible = by_age > 0
    return np.minimum((before + after)[possible] / (2 * by_age[possible]), 1.0)


def _misfit(learned: Arrivals, waited_hours: Vector, ages_hours: Vector) -> Callable[[float], float]:
    def misfit(factor: float) -> float:
        places = _places(learned, waited_hours / factor, ages_hours / factor)
        return abs(float(places.mean()) - 0.5) if places.size >= LEAST_ARRIVED else 1.0

    return misfit

"""Upper bounds for one more day like those of a window."""

import math

import numpy as np
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from monitoring_pipeline.statistics.inputs import Vector

DAYS_PER_NEIGHBOUR, MOST_NEIGHBOURS = 8, 7
LARGEST_SKEWNESS = 1.0


def neighbours(days: int) -> int:
    """Return how many neighbours on each side are held out with a day of a window: an eighth of it, at most a week.

    Days that are near in time resemble one another. A day that is judged by its neighbours looks healthier than a
    later one (h-block cross-validation: Burman, Chow & Nolan 1994, Biometrika 81:351).
    """
    return min(days // DAYS_PER_NEIGHBOUR, MOST_NEIGHBOURS)


def skewness(values: Vector) -> float:
    """Return the adjusted Fisher-Pearson coefficient of skewness; 0 of values that are all equal.

    Args:
        values: shape (days,), at least three.
    """
    apart = values - values.mean()
    spread = math.sqrt(float((apart**2).mean()))
    if spread == 0.0:
        return 0.0
    days = values.size
    return float((apart**3).mean()) / spread**3 * math.sqrt(days * (days - 1)) / (days - 2)


def upper_prediction_bound(values: Vector, level: float, *, effective_days: float, skewed: float) -> float:
    """Return a bound that one more day exceeds with probability ``level``.

    For normal values it is mean + t s sqrt(1 + 1 / days) (Hahn & Meeker 1991, Statistical Intervals, sec. 4.7), with as
    many degrees of freedom as the spread has effective days. The quantile of skewed values is raised
    (``raised_by_skewness``).

    Args:
        values: shape (days,), at least two.
        level: in (0, 0.5).
        effective_days: the number of independent days that know as much about the spread, above 1.
        skewed: the skewness.
    """
    quantile = float(special.stdtrit(effective_days - 1.0, 1.0 - level)) * raised_by_skewness(level, skewed)
    return float(values.mean()) + quantile * float(values.std(ddof=1)) * math.sqrt(1.0 + 1.0 / values.size)


def raised_by_skewness(level: float, skewed: float) -> float:
    """Return the factor, at least 1, by which skewness raises the quantile that is exceeded with probability ``level``.

    It is that of the first term of Cornish & Fisher (1937): z becomes z + (z^2 - 1) / 6 times the skewness.

    Args:
        level: in (0, 0.5).
        skewed: the skewness, of which only the part in [0, 1] counts: a few odd days would give a larger one.
    """
    normal = float(special.ndtri(1.0 - level))
    counted = min(max(skewed, 0.0), LARGEST_SKEWNESS)
    return max(1.0 + (normal * normal - 1.0) / 6.0 * counted / normal, 1.0)


def folded_normal_bound(values: Vector, level: float, *, effective_days: float) -> float:
    """Return a bound that the size of one more day's effect exceeds with probability ``level``.

    The effects are normal with mean 0, and only their sizes are known. The bound is t times their root mean square,
    with as many degrees of freedom as there are effective days.

    Args:
        values: sizes, shape (days,).
        level: in (0, 0.5).
        effective_days: the number of independent days that know as much about the spread, above 1.
    """
    quantile = float(special.stdtrit(effective_days, 1.0 - level / 2.0))
    return quantile * math.sqrt(float(np.mean(values**2)) * (1.0 + 1.0 / values.size))

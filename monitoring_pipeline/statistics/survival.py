"""Time until an event, from observations in which some events have not happened yet (right-censored data)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from monitoring_pipeline.statistics.inputs import Vector
from monitoring_pipeline.statistics.results import UndefinedStatisticError


@dataclass(frozen=True)
class Arrivals:
    """Share of things that have happened by each duration: constant from one to the next, 0 before the first.

    ``durations`` are increasing; both of shape (steps,).
    """

    durations: tuple[float, ...]
    shares: tuple[float, ...]

    def at(self, durations: npt.ArrayLike) -> Vector:
        """Return the share that has happened by each duration, shape (durations,)."""
        place = np.searchsorted(np.asarray(self.durations), np.asarray(durations, dtype=np.float64), side="right")
        return np.concatenate([[0.0], np.asarray(self.shares)])[place]

    @property
    def ever(self) -> float:
        """The share that has happened by the longest duration observed."""
        return self.shares[-1] if self.shares else 0.0


def kaplan_meier(durations: npt.ArrayLike, happened: npt.ArrayLike) -> Arrivals:
    """Estimate how long things take from observations of which some ended before (Kaplan & Meier 1958, JASA 53:457).

    Where something ends and happens at the same duration, the one that happens was still under observation.

    Args:
        durations: until it happened, or until it was last looked at, shape (observations,).
        happened: whether it happened, shape (observations,).

    Raises:
        ValueError: when the shapes differ, or a duration is negative or not finite.
        UndefinedStatisticError: when there are no observations.
    """
    time, event = np.asarray(durations, dtype=np.float64), np.asarray(happened, dtype=bool)
    if time.ndim != 1 or time.shape != event.shape:
        raise ValueError(f"durations have shape {time.shape} and happened {event.shape}; one value each is expected")
    wrong = ~(np.isfinite(time) & (time >= 0.0))
    if wrong.any():
        raise ValueError(f"duration {int(np.flatnonzero(wrong)[0])} is {time[wrong][0]}; durations are not negative")
    if time.size == 0:
        raise UndefinedStatisticError("no observations")
    distinct, position = np.unique(time, return_inverse=True)
    events = np.bincount(position, weights=event)
    at_risk = time.size - np.concatenate([[0], np.cumsum(np.bincount(position))[:-1]])
    waiting = np.cumprod(1.0 - events / at_risk)
    steps = events > 0
    return Arrivals(tuple(map(float, distinct[steps])), tuple(map(float, 1.0 - waiting[steps])))


def thinned(arrivals: Arrivals, steps: int) -> Arrivals:
    """Return at most about ``steps`` of the steps; between them the share is too low by less than 1 / ``steps``."""
    if len(arrivals.shares) <= steps:
        return arrivals
    level = np.floor(np.asarray(arrivals.shares) * steps)
    kept: list[int] = sorted({*np.flatnonzero(np.diff(level, prepend=-1.0)).tolist(), level.size - 1})
    return Arrivals(tuple(arrivals.durations[place] for place in kept), tuple(arrivals.shares[place] for place in kept))

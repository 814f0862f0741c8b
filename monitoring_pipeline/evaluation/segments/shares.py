"""Shares of broken values within a segment, and by how much they grew there by themselves.

A day of snow leaves nulls everywhere. So what counts in a segment is its increase beyond that of all other rows on the
same day, on the scale on which shares have the same spread (Cohen's h). How far it usually strays is learned from the
days of the reference.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitoring_pipeline.evaluation.profiles.bins import CategoricalBins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.profiles.shares import LARGER_SHARE
from monitoring_pipeline.statistics.inputs import Vector
from monitoring_pipeline.statistics.samples.day_effects import (
    cautious_autocorrelations,
    day_effect_of_values,
)
from monitoring_pipeline.statistics.samples.prediction_bounds import (
    folded_normal_bound,
    raised_by_skewness,
    skewness,
)


@dataclass(frozen=True)
class Share:
    """A share of a column's values that is judged in segments: the cell that it is counted in, and words for it."""

    cell: int
    words: str


SHARES = {"null_share": Share(0, "null"), "unseen_share": Share(-1, "unknown to the reference")}
BROKEN = tuple(SHARES)
LEAST_DAYS = 10
LEAST_MOVING = 0.2
"""A share moves from day to day if so much of its variance is not by chance."""
LARGEST_INCREASE = 1.5
"""A larger increase counts, however days differ: from 0 to 46 %, or from 10 to 87 %. So a dead column is found."""
LEAST_INCREASES = 0.25
"""Fewer increases than on this share of days are odd days, and are taken as increases among so many."""
_CHANCE_OF_ONE_ROW = 1.0
"""Variance of Cohen's h by chance, times the rows."""


@dataclass(frozen=True)
class Counted:
    """Values of one sort among the rows of a column."""

    events: int
    rows: int

    @property
    def share(self) -> float:
        """Their share; 0 without rows."""
        return self.events / self.rows if self.rows else 0.0

    def without(self, part: "Counted") -> "Counted":
        """Return the values that do not belong to a part of the rows."""
        return Counted(max(self.events - part.events, 0), max(self.rows - part.rows, 0))


@dataclass(frozen=True)
class OwnIncrease:
    """The largest usual increase of a share in a segment beyond that of all other rows, in Cohen's h."""

    column: str
    share: str
    bound: float


def counted(profile: ChunkProfile, column: str, share: str) -> Counted:
    """Return the values of a column that a share counts."""
    own = profile[column]
    return Counted(own.counts[SHARES[share].cell], own.rows)


def shares_of(bins: object) -> tuple[str, ...]:
    """Return the shares that a column with these bins has."""
    return BROKEN if isinstance(bins, CategoricalBins) else BROKEN[:1]


def increase_beyond(now: Counted, usual: Counted, elsewhere: Counted, usual_elsewhere: Counted) -> float:
    """Return the increase of a share in a segment, less that of all other rows if they increased, in Cohen's h."""
    others = _angle(elsewhere) - _angle(usual_elsewhere) if elsewhere.rows and usual_elsewhere.rows else 0.0
    return _angle(now) - _angle(usual) - max(others, 0.0)


@dataclass(frozen=True)
class IncreaseLevels:
    """The share of healthy days on which one bound of an increase may be exceeded, in (0, 0.25).

    Args:
        steady: for shares whose days differ by chance alone. The test of chance is what decides there.
        moving: for shares that move from day to day. One such day opens an incident.
    """

    steady: float
    moving: float


def learn_increases(
    segment: Sequence[ChunkProfile], whole: Sequence[ChunkProfile], usual: ChunkProfile, usual_whole: ChunkProfile,
    *, shares: Sequence[tuple[str, str]], levels: IncreaseLevels,
) -> tuple[OwnIncrease, ...]:  # fmt: skip
    """Learn how far the shares of a segment stray by themselves from day to day.

    The bound is one that a later day exceeds with the probability of ``levels``; it is at least ``LARGER_SHARE``, and
    at most ``LARGEST_INCREASE``. Of days that resemble the one before them, a later one lies farther away
    (``DayEffect.stretch``), and few are known (``DayEffect.effective_days``). Nothing is learned from fewer than
    ``LEAST_DAYS`` days.

    Args:
        segment: the profile of the segment on each day, in the order of days.
        whole: the profile of all rows on the same days.
        usual: the profile of the segment on all days.
        usual_whole: the profile of all rows on all days.
        shares: columns and names of shares.
        levels: the share of healthy days on which one bound may be exceeded.
    """
    if len(segment) < LEAST_DAYS:
        return ()
    rows = np.array([max(own.rows, 1) for own in segment], dtype=np.float64)
    days = _Days(segment, whole, usual, usual_whole)
    strays = [days.strays(column, share) for column, share in shares]
    bounds = _bounds(strays, rows, levels) if strays else ()
    return tuple(
        OwnIncrease(column, share, min(max(bound, LARGER_SHARE), LARGEST_INCREASE))
        for (column, share), bound in zip(shares, bounds, strict=True)
    )


@dataclass(frozen=True)
class _Days:
    """The days of a segment beside those of all rows, and the sums of both."""

    segment: Sequence[ChunkProfile]
    whole: Sequence[ChunkProfile]
    usual: ChunkProfile
    usual_whole: ChunkProfile

    def strays(self, column: str, share: str) -> Vector:
        """Return the increase of a share beyond that of all other rows on each day, shape (days,)."""
        of_segment, of_whole = counted(self.usual, column, share), counted(self.usual_whole, column, share)
        return np.array(
            [
                increase_beyond(
                    now := counted(own, column, share),
                    of_segment,
                    counted(every, column, share).without(now),
                    of_whole.without(of_segment),
                )
                for own, every in zip(self.segment, self.whole, strict=True)
            ]
        )


def _bounds(strays: Sequence[Vector], rows: Vector, levels: IncreaseLevels) -> list[float]:
    """Return the bound of each share; autocorrelation and skewness are weighed over all shares together."""
    effects = [day_effect_of_values(of_share, _CHANCE_OF_ONE_ROW, rows) for of_share in strays]
    days, usual_rows = rows.size, int(np.median(rows))
    is_moving = [effect.reliability(usual_rows) >= LEAST_MOVING for effect in effects]
    skewed = [skewness(of_share) for of_share in strays]
    usual_skewness = float(np.median([each for each, moves in zip(skewed, is_moving, strict=True) if moves] or [0.0]))
    bounds: list[float] = []
    for of_share, effect, autocorrelation, moves, own in zip(
        strays, effects, cautious_autocorrelations(effects, days), is_moving, skewed, strict=True
    ):
        increases = _mirrored(of_share)
        if not moves:
            bounds.append(folded_normal_bound(increases, 2.0 * levels.steady, effective_days=days))
            continue
        later = replace(effect, autocorrelation=float(autocorrelation))
        effective = later.effective_days(days, usual_rows)
        bound = folded_normal_bound(increases, 2.0 * levels.moving, effective_days=effective)
        raised = raised_by_skewness(levels.moving, max(own, usual_skewness))
        bounds.append(bound * later.stretch(days, 0, usual_rows) * raised)
    return bounds


def _mirrored(strays: Vector) -> Vector:
    """Return the increases with the mean square of normal strays of which they are a half.

    Decreases beside snow elsewhere are no strays. Beside other rows that wander, too, fewer than half are increases.
    """
    share = np.count_nonzero(strays > 0.0) / strays.size
    return np.maximum(strays, 0.0) / math.sqrt(min(max(share, LEAST_INCREASES), 0.5))


def _angle(values: Counted) -> float:
    return 2.0 * math.asin(math.sqrt(values.share))

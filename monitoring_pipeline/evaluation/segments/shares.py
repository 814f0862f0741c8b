"""Shares of broken values within a segment, and by how much they grew there by themselves.

A day of snow leaves nulls everywhere. So what counts in a segment is its increase beyond that of all other rows on the
same day, on the scale on which shares have the same spread (Cohen's h). How far it usually strays is learned from the
days of the reference.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.evaluation.profiles.bins import CategoricalBins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.profiles.shares import LARGER_SHARE
from monitoring_pipeline.statistics.samples.prediction_bounds import folded_normal_bound


@dataclass(frozen=True)
class Share:
    """A share of a column's values that is judged in segments: the cell that it is counted in, and words for it."""

    cell: int
    words: str


SHARES = {"null_share": Share(0, "null"), "unseen_share": Share(-1, "unknown to the reference")}
BROKEN = tuple(SHARES)
LEAST_DAYS = 10


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


def learn_increases(
    segment: Sequence[ChunkProfile], whole: Sequence[ChunkProfile], usual: ChunkProfile, usual_whole: ChunkProfile,
    *, shares: Sequence[tuple[str, str]], level: float,
) -> tuple[OwnIncrease, ...]:  # fmt: skip
    """Learn how far the shares of a segment stray by themselves from day to day.

    The bound is one that a further day exceeds with probability ``level``, for normal strays; it is at least
    ``LARGER_SHARE``. Nothing is learned from fewer than ``LEAST_DAYS`` days.

    Args:
        segment: the profile of the segment on each day.
        whole: the profile of all rows on the same days.
        usual: the profile of the segment on all days.
        usual_whole: the profile of all rows on all days.
        shares: columns and names of shares.
        level: the share of healthy days on which one bound may be exceeded.
    """
    if len(segment) < LEAST_DAYS:
        return ()
    learned: list[OwnIncrease] = []
    for column, share in shares:
        of_segment, of_whole = counted(usual, column, share), counted(usual_whole, column, share)
        strays = [
            increase_beyond(
                now := counted(own, column, share),
                of_segment,
                counted(every, column, share).without(now),
                of_whole.without(of_segment),
            )
            for own, every in zip(segment, whole, strict=True)
        ]
        # Half of normal strays are increases; decreases beside snow elsewhere are no strays.
        increases = math.sqrt(2.0) * np.maximum(strays, 0.0)
        bound = folded_normal_bound(increases, 2.0 * level, effective_days=len(segment))
        learned.append(OwnIncrease(column, share, max(bound, LARGER_SHARE)))
    return tuple(learned)


def _angle(values: Counted) -> float:
    return 2.0 * math.asin(math.sqrt(values.share))

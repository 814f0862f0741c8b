"""How often flags of healthy chunks open incidents, if chunks follow one another.

A floor is an upper bound for one more chunk, learned from few chunks that are not independent. So the flags of later
chunks come together: because a chunk resembles the one before it, and because the floor was learned a little too low.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from monitoring_pipeline.statistics.inputs import Vector

Flags = NDArray[np.bool_]


class OfLast(NamedTuple):
    """A number of chunks among the last ones."""

    chunks: int
    of: int


@dataclass(frozen=True)
class OpeningRules:
    """How many flagged chunks open an incident and escalate it (None: nothing does), and how many fine ones end it."""

    opens: OfLast
    resolves: OfLast
    escalates: OfLast | None = None


@dataclass(frozen=True)
class HealthyEffect:
    """The effect of healthy chunks on one number, as far as a reference shows it.

    Args:
        autocorrelation: that of neighbouring chunks, without what is by chance in each; in [0, 1).
        reliability: share of the variance between chunks that is not by chance, in [0, 1].
        effective_chunks: number of independent chunks from which the spread would be known as well.
        chunks: chunks of the reference.
    """

    autocorrelation: float
    reliability: float
    effective_chunks: float
    chunks: int

    @property
    def variance_of_mean(self) -> float:
        """The variance of the mean of the reference's chunks over that of one chunk."""
        apart = np.arange(1, self.chunks)
        together = float(((self.chunks - apart) * self.autocorrelation**apart).sum()) * 2.0 / self.chunks**2
        return 1.0 / self.chunks + self.reliability * together


def simulated_levels(
    effects: Sequence[HealthyEffect], series: int, chunks: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Return, for chunks after a reference, the smallest level of a floor at which each effect is beyond its floor.

    The effect is normal and autoregressive, seen through chance. A floor is the bound of Student's t for one more chunk
    (Hahn & Meeker 1991, Statistical Intervals, sec. 4.7), with the mean and the spread of one simulated reference for
    all chunks of a series. So each level is uniform in [0, 1] over many references; those of one series go together.

    Args:
        effects: the effects; they are independent of one another.
        series: number of simulated references, each followed by so many ``chunks``.
        chunks: chunks in a row.
        generator: the random generator.

    Returns:
        Shape (effects, series, chunks).
    """
    shape = (len(effects), series)
    kept = np.array([effect.autocorrelation for effect in effects])[:, None]
    reliability = np.array([effect.reliability for effect in effects])[:, None, None]
    degrees = np.array([effect.effective_chunks for effect in effects])[:, None]
    off = np.array([effect.variance_of_mean for effect in effects])[:, None]
    lasting = np.empty((*shape, chunks))
    lasting[..., 0] = generator.standard_normal(shape)
    fresh = np.sqrt(1.0 - kept**2)
    for chunk in range(1, chunks):
        lasting[..., chunk] = kept * lasting[..., chunk - 1] + fresh * generator.standard_normal(shape)
    values = np.sqrt(reliability) * lasting + np.sqrt(1.0 - reliability) * generator.standard_normal(lasting.shape)
    spread = np.sqrt(generator.chisquare(np.broadcast_to(degrees, shape)) / degrees)
    middle = np.sqrt(off) * generator.standard_normal(shape)
    beyond = np.abs(values - middle[..., None]) / (spread * np.sqrt(1.0 + off))[..., None]
    levels: NDArray[np.float64] = 2.0 * special.stdtr(degrees[..., None], -beyond)
    return levels


def count_openings(flags: Flags, rules: OpeningRules) -> tuple[Vector, Vector]:
    """Return how often incidents open, and how many of them escalate, in each series of chunks.

    An incident opens, or opens again, when enough of the last chunks since the end of the one before are flagged. It
    ends when enough of the last chunks since its opening are not.

    Args:
        flags: shape (series, chunks), whether a chunk is flagged.
        rules: how many of how many.
    """
    series, chunks = flags.shape
    until = np.zeros((series, chunks + 1), np.int64)
    np.cumsum(flags, axis=1, out=until[:, 1:])
    every: NDArray[np.int64] = np.arange(series, dtype=np.int64)
    lasts, is_critical = np.zeros(series, bool), np.zeros(series, bool)
    since, begun = np.zeros(series, np.int64), np.zeros(series, np.int64)
    opened, escalated = np.zeros(series), np.zeros(series)
    for chunk in range(chunks):

        def flagged(rule: OfLast, start: NDArray[np.int64], last: int = chunk + 1) -> NDArray[np.int64]:
            return until[:, last] - until[every, np.maximum(last - rule.of, start)]

        is_flagged = flags[:, chunk]
        opens = ~lasts & is_flagged & (flagged(rules.opens, since) >= rules.opens.chunks)
        opened += opens
        # What counted for the opening counts for the escalation, too.
        since = np.where(opens, np.maximum(chunk + 1 - rules.opens.of, since), since)
        begun = np.where(opens, chunk, begun)
        looked_at = np.minimum(rules.resolves.of, chunk + 1 - begun)
        fine = looked_at - flagged(rules.resolves, begun)
        ends = lasts & ~is_flagged & (fine >= rules.resolves.chunks)
        lasts = (lasts | opens) & ~ends
        is_critical &= ~opens
        if rules.escalates is not None:
            many = lasts & is_flagged & (flagged(rules.escalates, since) >= rules.escalates.chunks) & ~is_critical
            escalated += many
            is_critical |= many
        since = np.where(ends, chunk + 1, since)
    return opened, escalated


def largest_share_for(openings_per_chunk: float, counted: int) -> float:
    """Return the share of flagged chunks with which incidents open at most so often, however chunks depend on another.

    Each opening takes ``counted`` flagged chunks that no other opening takes, so openings are at most flags / counted.
    """
    return min(openings_per_chunk * counted, 1.0)


def interval_of_count(count: float, confidence: float = 0.9) -> tuple[float, float]:
    """Return the exact interval of the mean of a Poisson count (Garwood 1936, Biometrika 28:437)."""
    tail = (1.0 - confidence) / 2.0
    lower = float(special.gammaincinv(count, tail)) if count > 0 else 0.0
    upper = float(special.gammaincinv(count + 1.0, 1.0 - tail))
    return (lower, upper) if math.isfinite(upper) else (lower, count)

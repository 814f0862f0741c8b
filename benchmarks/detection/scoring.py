"""Scores of detectors: precision and recall of flagged chunks, and episodes of change with the delays of alarms."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Flags:
    """Counts of bad and good chunks, flagged and not."""

    found: int
    missed: int
    false: int
    clean: int

    @property
    def recall(self) -> float:
        """Share of bad chunks that are flagged."""
        return self.found / (self.found + self.missed)

    @property
    def precision(self) -> float:
        """Share of flagged chunks that are bad; 1 if none is flagged."""
        flagged = self.found + self.false
        return self.found / flagged if flagged else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN)."""
        return 2 * self.found / (2 * self.found + self.false + self.missed)

    @property
    def false_share(self) -> float:
        """Share of good chunks that are flagged."""
        return self.false / (self.false + self.clean)


def flags_of(bad: Sequence[bool], good: Sequence[bool]) -> Flags:
    """Return the counts from whether each bad and each good chunk was flagged."""
    return Flags(found=sum(bad), missed=len(bad) - sum(bad), false=sum(good), clean=len(good) - sum(good))


@dataclass(frozen=True)
class Episode:
    """A change that begins at one chunk and lasts until before another; places count from 0."""

    begins: int
    ends: int


@dataclass(frozen=True)
class Episodes:
    """How the alarms of a series relate to its changes.

    Attributes:
        found: episodes with an alarm.
        episodes: all episodes.
        delays: chunks from the begin of each found episode to its first alarm; 0 if it is the first chunk.
        false: alarms outside of all episodes.
        quiet: chunks outside of all episodes.
    """

    found: int
    episodes: int
    delays: tuple[int, ...]
    false: int
    quiet: int

    @property
    def recall(self) -> float:
        """Share of episodes that are found."""
        return self.found / self.episodes if self.episodes else float("nan")

    @property
    def delay(self) -> float:
        """Median delay of the found episodes, in chunks."""
        return median(self.delays) if self.delays else float("nan")

    @property
    def false_per_thousand(self) -> float:
        """False alarms in a thousand chunks without a change."""
        return 1000 * self.false / self.quiet if self.quiet else float("nan")


def episodes_of(alarms: Sequence[int], changes: Sequence[Episode], chunks: int) -> Episodes:
    """Return how alarms relate to changes.

    Args:
        alarms: places of the chunks in which an alarm begins.
        changes: the changes, which do not overlap.
        chunks: number of chunks.
    """
    delays = []
    for change in changes:
        within = [alarm for alarm in alarms if change.begins <= alarm < change.ends]
        delays += [min(within) - change.begins] if within else []
    inside = [any(change.begins <= place < change.ends for change in changes) for place in range(chunks)]
    return Episodes(
        found=len(delays),
        episodes=len(changes),
        delays=tuple(delays),
        false=sum(not inside[alarm] for alarm in alarms),
        quiet=chunks - sum(inside),
    )


def joined(parts: Sequence[Episodes]) -> Episodes:
    """Return the sums over several series."""
    return Episodes(
        found=sum(part.found for part in parts),
        episodes=sum(part.episodes for part in parts),
        delays=tuple(delay for part in parts for delay in part.delays),
        false=sum(part.false for part in parts),
        quiet=sum(part.quiet for part in parts),
    )

"""Chunks that are counted where the rows are: which ones, the facts about their rows, and the size of their sample."""

import datetime as dt
from dataclasses import dataclass

SAMPLE_ROWS = 100_000
"""Rows of a sample at most, and half as many at least."""
TOLERATED_SHARE = 0.05
"""With a larger share of scores outside [0, 1], the column holds no probabilities and the chunk is refused.

With a larger share of rows whose scores of all classes do not sum to 1, the scores may be those of independent
classifiers. They still rank rows, so only the metrics that need probabilities are not measured.
"""


@dataclass(frozen=True)
class VersionFacts:
    """The rows of one version in a chunk: all with an id, those that are left of each id, and the latest time."""

    model_version: str
    rows: int
    kept: int
    latest_at: dt.datetime | None = None


@dataclass(frozen=True)
class ScoreFacts:
    """The values of a score column that are not null: their number, those outside [0, 1], and the extremes of these.

    ``subject`` is the column, or ``score`` for the sums of the scores of all classes; then those outside are the sums
    that are not 1.
    """

    subject: str
    values: int
    outside: int
    least: float | None = None
    most: float | None = None

    @property
    def are_few(self) -> bool:
        """Whether those outside are so few that they are errors."""
        return self.outside <= TOLERATED_SHARE * self.values


@dataclass(frozen=True)
class ChunkFacts:
    """The rows of a chunk as counted where they are.

    Args:
        rows: all rows of the chunk.
        versions: the rows with an id, by version.
        ids: different ids.
        without_time: rows of the whole table without a time.
        scores: the values of each score column.
        sums: the sums of the scores of all classes; None for one score.
    """

    rows: int
    versions: tuple[VersionFacts, ...]
    ids: int
    without_time: int = 0
    scores: tuple[ScoreFacts, ...] = ()
    sums: ScoreFacts | None = None

    @property
    def kept(self) -> int:
        """The rows that are counted: each id and version once."""
        return sum(version.kept for version in self.versions)

    @property
    def duplicates(self) -> int:
        """Rows beyond the first of an id and version."""
        return sum(version.rows - version.kept for version in self.versions)

    @property
    def without_id(self) -> int:
        """Rows without an id."""
        return self.rows - sum(version.rows for version in self.versions)

    @property
    def latest_at(self) -> dt.datetime | None:
        """The newest time."""
        return max((version.latest_at for version in self.versions if version.latest_at is not None), default=None)


def sampled_every(rows: int) -> int:
    """Return the power of two by which so many rows are divided, so that a sample has at most ``SAMPLE_ROWS``.

    A row belongs to the sample if a hash of its id is divisible by it. So the samples of a larger number are parts of
    those of a smaller one.
    """
    every = 1
    while rows > SAMPLE_ROWS * every:
        every *= 2
    return every

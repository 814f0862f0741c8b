"""Counts of rows, made where the rows are."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.quality.conditions import Condition, ConditionCounts
from monitoring_pipeline.evaluation.rows.pushdown import ChunkFacts
from monitoring_pipeline.ports.warehouse import LabelsRead, PredictionsRead
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec

BinsOfVersions = Mapping[str, Mapping[str, Bins]]
"""Bins by version and column."""


@dataclass(frozen=True)
class CountedColumns:
    """Profiles by version, and the reasons why columns were not counted."""

    profiles: tuple[ChunkProfile, ...]
    not_counted: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class RowsCounted:
    """What is known of a chunk's rows from their facts.

    Args:
        has_repeated: whether ids occur several times.
        has_sums: whether the scores of all classes sum to 1, but for few rows, which then have no scores.
    """

    has_repeated: bool
    has_sums: bool


@dataclass(frozen=True)
class LabelledRows:
    """The labelled rows of a chunk.

    Args:
        rows: their number by version.
        profiles: their counts by score and label, or by error, as those of ``profile_labelled``.
        not_counted: the reason why there are no such counts; None if there are.
    """

    rows: Mapping[str, int]
    profiles: tuple[ChunkProfile, ...] = ()
    not_counted: str | None = None


class Counting(Protocol):
    """Counts the rows of a chunk where they are. Only counts and samples are returned."""

    @property
    def row_limit(self) -> int:
        """Chunks with more rows are counted where they are, unless the spec says otherwise."""
        ...

    def read_if_few(self, spec: ModelSpec, chunk: Chunk) -> PredictionsRead | None:
        """Read a chunk's predictions, unless they are more than ``row_limit``."""
        ...

    def facts(self, spec: ModelSpec, chunk: Chunk) -> ChunkFacts:
        """Return the numbers of rows, and of scores that are no probabilities."""
        ...

    def sample(self, spec: ModelSpec, chunk: Chunk, every: int) -> PredictionsRead:
        """Read one of so many predictions, chosen by a hash of the id."""
        ...

    def profiles(self, spec: ModelSpec, chunk: Chunk, facts: ChunkFacts, bins: BinsOfVersions) -> CountedColumns:
        """Count the columns of each version over its bins."""
        ...

    def conditions(
        self, spec: ModelSpec, chunk: Chunk, conditions: Sequence[Condition]
    ) -> Sequence[ConditionCounts | None]:
        """Count conditions in all rows of a chunk; None for those that cannot be counted."""
        ...

    def labels_sample(self, spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, every: int) -> LabelsRead:
        """Read the labels of the sampled predictions that were known at ``as_of``."""
        ...

    def labelled(
        self, spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, counted: RowsCounted, bins: BinsOfVersions
    ) -> LabelledRows:
        """Count the labelled rows of each version by score and label, or by error."""
        ...

"""The border of the warehouse: columns that a spec's privacy names are hashed or generalised as they are read."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

from monitoring_pipeline.evaluation.quality.conditions import Condition, ConditionCounts
from monitoring_pipeline.evaluation.rows.private_columns import with_private_columns_treated
from monitoring_pipeline.evaluation.rows.pushdown import ChunkFacts
from monitoring_pipeline.ports.counting import BinsOfVersions, CountedColumns, Counting, LabelledRows, RowsCounted
from monitoring_pipeline.ports.warehouse import LabelsRead, PredictionsRead
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse import reads


def treated_read(spec: ModelSpec, read: PredictionsRead, key: bytes) -> PredictionsRead:
    """Return rows that were read, without what privacy does not allow."""
    if not spec.privacy:
        return read
    frame = with_private_columns_treated(spec, read.frame, key)
    return reads.PredictionsRead(frame, read.missing_columns, read.rows_without_time, read.table_columns)


@dataclass(frozen=True)
class PrivateCounting:
    """Counts rows of a warehouse. Columns that privacy names are not counted there, and are treated in samples."""

    counting: Counting
    key: bytes = field(repr=False)

    @property
    def row_limit(self) -> int:
        """Chunks with more rows are counted where they are."""
        return self.counting.row_limit

    def read_if_few(self, spec: ModelSpec, chunk: Chunk) -> PredictionsRead | None:
        """Read a chunk's predictions, unless they are more than ``row_limit``."""
        read = self.counting.read_if_few(spec, chunk)
        return read and treated_read(spec, read, self.key)

    def facts(self, spec: ModelSpec, chunk: Chunk) -> ChunkFacts:
        """Return the numbers of rows, and of scores that are no probabilities."""
        return self.counting.facts(spec, chunk)

    def sample(self, spec: ModelSpec, chunk: Chunk, every: int) -> PredictionsRead:
        """Read one of so many predictions, chosen by a hash of the id."""
        return treated_read(spec, self.counting.sample(spec, chunk, every), self.key)

    def profiles(self, spec: ModelSpec, chunk: Chunk, facts: ChunkFacts, bins: BinsOfVersions) -> CountedColumns:
        """Count the columns of each version over its bins."""
        return self.counting.profiles(spec, chunk, facts, bins)

    def conditions(
        self, spec: ModelSpec, chunk: Chunk, conditions: Sequence[Condition]
    ) -> Sequence[ConditionCounts | None]:
        """Count conditions in all rows of a chunk; None for those that cannot be counted."""
        return self.counting.conditions(spec, chunk, conditions)

    def labels_sample(self, spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, every: int) -> LabelsRead:
        """Read the labels of the sampled predictions that were known at ``as_of``."""
        return self.counting.labels_sample(spec, chunk, as_of, every)

    def labelled(
        self, spec: ModelSpec, chunk: Chunk, as_of: dt.datetime, counted: RowsCounted, bins: BinsOfVersions
    ) -> LabelledRows:
        """Count the labelled rows of each version by score and label, or by error."""
        return self.counting.labelled(spec, chunk, as_of, counted, bins)

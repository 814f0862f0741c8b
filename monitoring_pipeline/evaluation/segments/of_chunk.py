"""One version's rows of a chunk, split into segments."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import narwhals as nw
import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, profile_column
from monitoring_pipeline.evaluation.segments.counting import profile_groups
from monitoring_pipeline.evaluation.segments.learned import LearnedSegment, LearnedSegments
from monitoring_pipeline.evaluation.segments.membership import Flags, Part, parts_of
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.spec.model import ModelSpec

MEASURED, SUPPRESSED, UNKNOWN = "segments_measured", "segments_suppressed", "segments_unknown"


@dataclass(frozen=True, eq=False)
class SegmentsOfChunk:
    """One version's rows of a chunk, beside what is usual in each of their segments.

    Args:
        spec: the model.
        learned: what is usual.
        bins: the reference's bins by column.
        rows: canonical predictions.
    """

    spec: ModelSpec
    learned: LearnedSegments
    bins: Mapping[str, Bins]
    rows: pl.DataFrame

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The segments of the chunk."""
        return parts_of(self.spec.segments.by, self.learned.values, self.rows)

    @cached_property
    def shown(self) -> tuple[tuple[Part, LearnedSegment], ...]:
        """The segments with enough rows that the reference has, too."""
        least = self.spec.segments.minimum_rows
        return tuple(
            (part, usual)
            for part in self.parts
            if np.count_nonzero(part.rows) >= least and (usual := self.learned[part.name]) is not None
        )

    @cached_property
    def profiles(self) -> list[ChunkProfile]:
        """The counts of each shown segment, from one pass over the rows of all of them."""
        members = [np.flatnonzero(part.rows) for part, _ in self.shown]
        if not members:
            return []
        codes = np.repeat(np.arange(len(members)), [each.size for each in members])
        rows = self.rows.select(list(self.bins))[np.concatenate(members)]
        return profile_groups(rows, self.bins, codes, len(members), model_version=self.learned.model_version)

    @property
    def blank(self) -> Measurement:
        """A measurement for information, without a value of its own."""
        return Measurement(
            kind=Kind.SEGMENT,
            subject="chunk",
            name=MEASURED,
            model_version=self.learned.model_version,
            value=0.0,
            severity=Severity.INFO,
            rows=self.rows.height,
        )

    def column(self, name: str, rows: Flags) -> ColumnProfile | None:
        """Return the counts of a column in some rows; None if they are too few to be shown."""
        if np.count_nonzero(rows) < self.spec.segments.minimum_rows:
            return None
        values = self.rows.select(name).filter(pl.Series(rows))
        return profile_column(nw.from_native(values.lazy()), name, self.bins[name])


def measure_sizes(of: SegmentsOfChunk) -> Iterator[Measurement]:
    """Yield how many segments were measured, suppressed and unknown, and the rows of each measured one."""
    least = of.spec.segments.minimum_rows
    sizes = [np.count_nonzero(part.rows) for part in of.parts]
    unknown = sum(size >= least for size in sizes) - len(of.shown)
    counts = {
        MEASURED: (len(of.shown), "segments with enough rows, here and in the reference"),
        SUPPRESSED: (sum(0 < size < least for size in sizes), f"segments with fewer than {least} rows: not shown"),
        UNKNOWN: (unknown, f"segments that had {least} rows on no chunk of the reference: not judged"),
    }
    for name, (count, definition) in counts.items():
        yield replace(of.blank, name=name, value=float(count), definition=definition)
    for part, usual in of.shown:
        rows = np.count_nonzero(part.rows)
        yield replace(
            of.blank,
            name="segment_rows",
            segment=part.name,
            value=float(rows),
            reference_value=usual.profile.rows / usual.days,
            rows=rows,
            definition="rows of the segment; the reference value is their mean over the reference's chunks",
        )

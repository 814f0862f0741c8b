"""The columns of reference rows: their bins, the profiles of their chunks, and the floors learned from them."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.drift.all_features import LearnedTogether, learn_together
from monitoring_pipeline.evaluation.drift.floors import LearnedFloors, learn_floors
from monitoring_pipeline.evaluation.profiles.bins import Bins, categorical_bins, numeric_bins
from monitoring_pipeline.evaluation.profiles.dead_chunks import is_usual
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, is_constant, sum_profiles
from monitoring_pipeline.evaluation.quality.columns import ColumnFacts
from monitoring_pipeline.evaluation.reference.chosen_categories import are_chosen, choosing, profile_reference
from monitoring_pipeline.spec.derived_columns import parts_of
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind


@dataclass(frozen=True)
class LearnedColumns:
    """What is learned from the columns of reference rows.

    Args:
        bins: bins by column.
        chunks: profiles of the chunks by key.
        profile: the sum of those profiles.
        constant_columns: the columns that usually hold only one value within a chunk; see ``constant_columns``.
        floors: floors of single columns.
        together: what is learned of all features together.
        parts: columns that hold a part of a text or a vector.
    """

    bins: dict[str, Bins]
    chunks: dict[str, ChunkProfile]
    profile: ChunkProfile
    constant_columns: tuple[str, ...]
    floors: LearnedFloors
    together: LearnedTogether
    parts: frozenset[str] = frozenset()

    @property
    def facts(self) -> ColumnFacts:
        """The columns in the form that column quality takes."""
        return ColumnFacts(self.bins, self.profile, self.constant_columns, self.floors.floor, self.parts)


def learn_columns(spec: ModelSpec, model_version: str, rows: pl.DataFrame, *, kept: pl.DataFrame) -> LearnedColumns:
    """Freeze the bins of all columns, profile each chunk, and learn the floors of drift.

    Args:
        spec: the model.
        model_version: the version of the rows.
        rows: canonical predictions of that version; not empty.
        kept: the rows that are kept of them, from which floors of all features together are learned.
    """
    bins = {column: freeze_bins(rows[column], kind) for column, kind in spec.columns.items()}
    chunks = profile_reference(spec, bins, rows, model_version=model_version)
    constant = constant_columns(spec, bins, chunks)
    return LearnedColumns(
        bins=bins,
        chunks=chunks,
        profile=sum_profiles(chunks.values()),
        constant_columns=constant,
        floors=learn_floors(spec, model_version, bins, chunks),
        together=learn_together(spec, model_version, kept, left_out=constant),
        parts=parts_of(spec.derived_features, bins),
    )


def constant_columns(spec: ModelSpec, bins: Mapping[str, Bins], chunks: Mapping[str, ChunkProfile]) -> tuple[str, ...]:
    """Return the columns that hold only one value within a chunk so often that it is no fault, like the weekday.

    Such a column was constant on more than one chunk, and on more than a twentieth of the chunks that have enough rows
    to be judged. A single dead day of the reference, or its smallest ones, do not make a column constant.
    """
    judged = [chunk for chunk in chunks.values() if chunk.rows >= spec.drift.minimum_rows] or list(chunks.values())
    return tuple(
        name for name in bins if is_usual(sum(is_constant(bins[name], chunk[name]) for chunk in judged), of=len(judged))
    )


def freeze_bins(column: pl.Series, kind: FeatureKind) -> Bins:
    """Return the bins of one reference column; of many categories, those of the rows that choose them."""
    if kind is FeatureKind.NUMERIC:
        return numeric_bins(column.drop_nulls().to_numpy())
    deciding = choosing(column) if are_chosen(column) else column
    counts = deciding.alias("value").drop_nulls().value_counts(name="rows")
    return categorical_bins(dict(counts.iter_rows()))

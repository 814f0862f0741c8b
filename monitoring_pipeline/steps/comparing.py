"""Compares versions, segments and periods of a model from what its chunks left; the warehouse is not read."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.compared_sides import Side
from monitoring_pipeline.evaluation.profiles.labelled import profile_labelled
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.segments.membership import parts_of
from monitoring_pipeline.ports.outside import Kept
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import LABELS, rows_of_version
from monitoring_pipeline.steps.pushdown import sampled_chunk
from monitoring_pipeline.steps.reference.segments import load_segments
from monitoring_pipeline.steps.references import load_reference
from monitoring_pipeline.steps.same_projections import refuse_other_projections


class NothingToCompareError(LookupError):
    """A side of a comparison has no labelled rows, or there is no such segment; the message states which."""


@dataclass(frozen=True)
class Asked:
    """One side of a comparison, as a person asks for it.

    Args:
        name: its name in tables.
        keys: keys of its chunks.
        version: its version; None for the one with most labelled rows.
        segment: its segment; None for all rows.
    """

    name: str
    keys: Sequence[str]
    version: str | None = None
    segment: str | None = None


def side_of(spec: ModelSpec, asked: Asked, kept: Kept) -> Side:
    """Return one side of a comparison.

    Raises:
        NothingToCompareError: when it has no labelled rows, or there is no such segment.
        MissingInputError: when the reference of its version has not been built, or its segments have not been learned.
    """
    stored = kept.store.profiles_by_chunk(spec.name, Producer.PERFORMANCE, asked.keys)
    version = asked.version or _with_most_rows(profile for profiles in stored.values() for profile in profiles)
    if version is None:
        raise NothingToCompareError(f"{spec.name}: {asked.name} has no labelled rows")
    reference = load_reference(spec, kept.store, version)
    of_version = {key: tuple(p for p in profiles if p.model_version == version) for key, profiles in stored.items()}
    days = {key: profiles for key, profiles in sorted(of_version.items()) if profiles}
    if asked.segment is not None:
        days = {key: _of_segment(spec, reference, asked.segment, key, kept) for key in days}
        days = {key: profiles for key, profiles in days.items() if profiles}
    if not days:
        raise NothingToCompareError(f"{spec.name}: {asked.name}, version {version}, has no labelled rows")
    name = asked.name if asked.version else f"{asked.name}, version {version}"
    return Side(name, reference.bins | reference.error_bins, days)


def _with_most_rows(profiles: Iterable[ChunkProfile]) -> str | None:
    rows = Counter[str]()
    for profile in profiles:
        rows[profile.model_version] += profile.rows
    return max(rows, key=lambda version: (rows[version], version), default=None)


def _of_segment(spec: ModelSpec, reference: Reference, segment: str, key: str, kept: Kept) -> tuple[ChunkProfile, ...]:
    """Count the labelled rows of a segment in a chunk; none if it is suppressed, or only a sample of rows is kept."""
    chunk, version = spec.calendar.chunk(key), reference.model_version
    labels = kept.store.snapshot(spec.name, key, LABELS)
    if labels is None or labels.is_removed or sampled_chunk(spec, chunk, kept.store) is not None:
        return ()
    refuse_other_projections(spec, chunk, kept)
    rows = rows_of_version(spec, chunk, version, kept)
    learned = load_segments(spec, reference, kept)
    parts = {part.name: part.rows for part in parts_of(spec.segments.by, learned.values, rows)}
    if segment not in parts:
        known = ", ".join(parts) or "none: declare `segments` in the spec"
        raise NothingToCompareError(f"{spec.name}: there is no segment {segment!r}; known: {known}")
    if parts[segment].sum() < spec.segments.minimum_rows:
        return ()
    label_rows = kept.snapshots.read(labels.uri, ["row_id", "label"])
    return profile_labelled(
        spec,
        reference.bins | reference.error_bins,
        rows.filter(pl.Series(parts[segment])),
        label_rows,
        model_version=version,
    )

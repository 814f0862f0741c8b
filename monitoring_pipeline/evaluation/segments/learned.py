"""What is usual in each segment, learned from the rows of a version's reference."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import TypeAdapter

from monitoring_pipeline.evaluation.budget.allowed import Spender, allowed_of
from monitoring_pipeline.evaluation.drift.floors import NOTHING_LEARNED, LearnedFloors, learn_floors
from monitoring_pipeline.evaluation.drift.share_of_flags import surely_within_budget
from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.by_chunk import chunk_keys
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, sum_profiles
from monitoring_pipeline.evaluation.segments.counting import profile_groups
from monitoring_pipeline.evaluation.segments.levels import LevelsByDay, UsualLevel, in_order, learn_levels, numbers_of
from monitoring_pipeline.evaluation.segments.membership import Part, parts_of, values_of
from monitoring_pipeline.evaluation.segments.metrics import UsualMetric, learn_metrics
from monitoring_pipeline.evaluation.segments.shares import (
    LEAST_DAYS,
    IncreaseLevels,
    OwnIncrease,
    learn_increases,
    shares_of,
)
from monitoring_pipeline.spec.model import ModelSpec

WAY_OF_NAMING_CROSSINGS = "& as a word is doubled"
WAY_OF_LEARNING = (
    "segments: floors and increases of later days within the budget, metrics with the spread between days, levels"
)
DOCUMENTS_KEPT = 8
EVERYTHING = ""
"""The name of the segment that holds all rows."""


@dataclass(frozen=True)
class LearnedSegment:
    """One segment of a reference.

    Args:
        name: its text form.
        days: chunks of the reference on which it had enough rows.
        profile: its counts over the reference's bins, on these chunks.
        floors: floors of drift, learned from its chunks.
        increases: how far shares of nulls and unknown values stray in it by themselves.
        metrics: the metrics that are judged, on all of its rows.
        levels: mean output and mean loss, on all of its rows.
    """

    name: str
    days: int
    profile: ChunkProfile
    floors: LearnedFloors = NOTHING_LEARNED
    increases: tuple[OwnIncrease, ...] = ()
    metrics: tuple[UsualMetric, ...] = ()
    levels: tuple[UsualLevel, ...] = ()


@dataclass(frozen=True)
class LearnedSegments:
    """All segments of a version's reference, and the counts of all of its rows.

    ``learned_from`` identifies the reference and the rules.
    """

    model_version: str
    learned_from: str
    values: dict[str, tuple[str, ...]]
    whole: LearnedSegment
    segments: tuple[LearnedSegment, ...]

    def __getitem__(self, name: str) -> LearnedSegment | None:
        """Return one segment; None if it had too few rows in the reference."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[str, LearnedSegment]:
        return {segment.name: segment for segment in self.segments}


_ADAPTER = TypeAdapter(LearnedSegments)


def segments_document(learned: LearnedSegments) -> str:
    """Return what was learned as JSON; floats survive the round trip exactly."""
    return _ADAPTER.dump_json(learned).decode()


@lru_cache(maxsize=DOCUMENTS_KEPT)
def segments_from_document(document: str) -> LearnedSegments:
    """Return what :func:`segments_document` wrote."""
    return _ADAPTER.validate_json(document)


def learned_from(spec: ModelSpec, reference_hash: str) -> str:
    """Return the hash of all that segments are learned from: the reference and the rules."""
    rules = spec.segments.model_dump_json(exclude={"severity"}) + spec.performance.model_dump_json()
    names = WAY_OF_NAMING_CROSSINGS if any(one.cross for one in spec.segments.by.values()) else ""
    text = f"{WAY_OF_LEARNING}{names}{reference_hash}{rules}{spec.learned_floors_hash}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def learn_segments(
    spec: ModelSpec, model_version: str, bins: Mapping[str, Bins], rows: pl.DataFrame, *, reference_hash: str
) -> LearnedSegments:
    """Learn what is usual in each segment from rows of the reference.

    The share of false alarms of floors is divided by the number of segments, so that it holds for all of them. A
    segment counts on the chunks on which it has ``segments.minimum_rows`` rows; without one it is left out.

    Args:
        spec: the model.
        model_version: the version.
        bins: the reference's bins by column.
        rows: canonical rows of the reference with ``label``, at most those that are kept.
        reference_hash: hash of the reference.
    """
    values = values_of(spec.segments.by, rows)
    parts = parts_of(spec.segments.by, values, rows)
    keys = chunk_keys(spec.calendar, rows["predicted_at"])
    days = sorted(keys.drop_nulls().unique().to_list())
    places = keys.replace_strict(days, range(len(days)), default=-1, return_dtype=pl.Int64).fill_null(-1).to_numpy()
    learning = _Learning(_of_one_segment(spec, len(parts)), len(parts), model_version, bins, rows, places, days)
    segments = [segment for part in parts if (segment := learning.segment(part)) is not None]
    counts = sum_profiles(learning.whole.values())
    whole = LearnedSegment(EVERYTHING, len(days), counts, levels=learning.levels_by_day.of_all_rows())
    return LearnedSegments(model_version, learned_from(spec, reference_hash), values, whole, tuple(segments))


def _of_one_segment(spec: ModelSpec, segments: int) -> ModelSpec:
    share = surely_within_budget(spec) / max(segments, 1)
    return spec.model_copy(update={"drift": spec.drift.model_copy(update={"false_alarm_share": share})})


@dataclass(frozen=True, eq=False)
class _Learning:
    """The rows of a reference, with the place of the chunk of each, to be split into so many segments."""

    spec: ModelSpec
    segments: int
    version: str
    bins: Mapping[str, Bins]
    rows: pl.DataFrame
    places: NDArray[np.int64]
    days: Sequence[str]

    @cached_property
    def whole(self) -> dict[str, ChunkProfile]:
        """The counts of all rows of each chunk."""
        return self._by_day(self.places)

    @cached_property
    def shares(self) -> list[tuple[str, str]]:
        return [(column, share) for column, bins in self.bins.items() for share in shares_of(bins)]

    @cached_property
    def levels(self) -> IncreaseLevels:
        """The share of healthy days on which one share of a segment may be called broken.

        All segments and columns together keep what the budget allows for data.
        """
        steady = self.spec.drift.false_alarm_share / max(len(self.shares), 1)
        allowed = allowed_of(self.spec, Spender.DATA).warnings / max(self.segments * len(self.shares), 1)
        return IncreaseLevels(steady=steady, moving=min(steady, allowed))

    def segment(self, part: Part) -> LearnedSegment | None:
        """Return what is usual in a segment; None if it has enough rows on no chunk."""
        by_day = self._by_day(np.where(part.rows, self.places, -1))
        chunks = {day: own for day, own in by_day.items() if own.rows >= self.spec.segments.minimum_rows}
        if not chunks:
            return None
        usual, everything = sum_profiles(chunks.values()), [self.whole[day] for day in chunks]
        return LearnedSegment(
            part.name,
            len(chunks),
            usual,
            self._floors(chunks),
            learn_increases(
                list(chunks.values()),
                everything,
                usual,
                sum_profiles(everything),
                shares=self.shares,
                levels=self.levels,
            ),
            learn_metrics(self.spec, self.rows.filter(part.rows), self.places[part.rows], (part.name,)),
            self.levels_by_day.of_segment(part.rows[self._order]),
        )

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return in_order(self.rows)

    @cached_property
    def levels_by_day(self) -> LevelsByDay:
        """The mean output and the mean loss of all rows, and of each day."""
        rows = self.rows if self.spec.labels is not None else self.rows.drop("label", strict=False)
        numbers = {name: values[self._order] for name, values in numbers_of(self.spec, rows).items()}
        return learn_levels(numbers, self.places[self._order], len(self.days), self.spec.segments.minimum_rows)

    def _by_day(self, codes: NDArray[np.int64]) -> dict[str, ChunkProfile]:
        profiles = profile_groups(self.rows, self.bins, codes, len(self.days), model_version=self.version)
        return dict(zip(self.days, profiles, strict=True))

    def _floors(self, chunks: Mapping[str, ChunkProfile]) -> LearnedFloors:
        enough = {key: own for key, own in chunks.items() if own.rows >= self.spec.drift.minimum_rows}
        if len(enough) < LEAST_DAYS:
            return NOTHING_LEARNED
        return learn_floors(self.spec, self.version, self.bins, enough)

"""Days of a reference held out, each beside what the other days say: to replay the rules on days that are real."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.drift.baselines import baseline_keys
from monitoring_pipeline.evaluation.drift.columns import SAMPLE_ROWS, Counterpart, needs_rows
from monitoring_pipeline.evaluation.drift.floors import LearnedFloors, learn_floors
from monitoring_pipeline.evaluation.profiles.by_chunk import rows_by_chunk
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, sum_profiles
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.drift import Against
from monitoring_pipeline.statistics.intervals.intervals import wilson
from monitoring_pipeline.statistics.seeding import generator_of

RATE, FOUND = "false_alarm_rate", "found"
PARTS = 5
"""A fifth of the days is held out at a time: the others are nearly as many as floors are learned from for real."""
LEAST_DAYS = 10
LEAST_DAYS_SPLIT = 13
"""Four fifths of them are the days that floors are learned from at least."""
DAYS_JUDGED, DAYS_CHANGED = 100, 30
"""Where replaying a day takes its rows, evenly spread ones of a longer reference are taken, to bound the time."""


@dataclass(frozen=True)
class ReferenceDays:
    """The days of a reference that are large enough to be judged: their profiles, and their kept rows."""

    spec: ModelSpec
    reference: Reference
    profiles: Mapping[str, ChunkProfile]
    rows: pl.DataFrame

    @cached_property
    def rows_of(self) -> dict[str, pl.DataFrame]:
        """The kept rows by the key of their chunk."""
        return rows_by_chunk(self.spec.calendar, self.rows)

    @property
    def blank(self) -> Measurement:
        """A measurement about the replay, to be filled."""
        version = self.reference.model_version
        return Measurement(kind=Kind.OPERATIONS, subject="chunk", name="", model_version=version, value=0.0)

    def generator(self, *parts: str) -> np.random.Generator:
        """Return random numbers for something of this reference."""
        return generator_of(self.spec.name, self.reference.model_version, "replay", *parts)


@dataclass(frozen=True)
class HeldOutDay:
    """A chunk of the reference and what it is to be judged by."""

    key: str
    profile: ChunkProfile
    against: Counterpart


def share_of_days(blank: Measurement, flags: Mapping[str, Sequence[bool]]) -> Measurement:
    """Return the mean share of flags of a day, with Wilson's interval.

    The trials are the distinct days: judging one twice says nothing new about other days. They are the ``rows``.
    """
    shares = [sum(own) / len(own) for _, own in sorted(flags.items())]
    if not shares:
        return blank.skipped("no day could be judged")
    bounds = wilson(round(sum(shares)), len(shares))
    return replace(blank, value=sum(shares) / len(shares), lower=bounds.lower, upper=bounds.upper, rows=len(shares))


def evenly_spread(keys: Sequence[str], wanted: int) -> list[str]:
    """Return at most so many of some chunks, in order and evenly spread."""
    ordered = sorted(keys)
    count = min(len(ordered), wanted)
    return [ordered[place * len(ordered) // count] for place in range(count)]


def hold_out(days: ReferenceDays, generator: np.random.Generator) -> list[HeldOutDay]:
    """Return every day beside what the rest says, in the order of days.

    Where the spec compares with the reference, the days are split at random and a part at a time is held out: bins
    stay the reference's, counts and floors are those of the other parts. Where it compares with earlier days, each
    day that has them all is beside those; the floors are then of all days, since hardly a day would keep all its
    earlier ones.
    """
    if days.spec.drift.against is not Against.REFERENCE:
        return list(_beside_earlier_days(days))
    ordered = sorted(days.profiles)
    places: list[int] = generator.permutation(len(ordered)).tolist()
    shuffled = [ordered[place] for place in places]
    held = [own for part in range(PARTS) for own in hold_out_days(days, shuffled[part::PARTS])]
    return sorted(held, key=lambda own: own.key)


def hold_out_days(days: ReferenceDays, held: Sequence[str]) -> Iterator[HeldOutDay]:
    """Yield these days, each beside the sum of all others, with the floors learned from those."""
    rest = {key: profile for key, profile in sorted(days.profiles.items()) if key not in held}
    floors = learn_floors(days.spec, days.reference.model_version, days.reference.bins, rest)
    against = _against(days, rest, floors)
    for key in sorted(held):
        yield HeldOutDay(key, days.profiles[key], _with_sample(days, against, key))


def _beside_earlier_days(days: ReferenceDays) -> Iterator[HeldOutDay]:
    floors = learn_floors(days.spec, days.reference.model_version, days.reference.bins, days.profiles)
    for key, profile in sorted(days.profiles.items()):
        wanted = baseline_keys(days.spec, key)
        if all(other in days.profiles for other in wanted):
            yield HeldOutDay(key, profile, _with_sample(days, _against(days, wanted, floors), key))


def _against(days: ReferenceDays, others: Iterable[str], floors: LearnedFloors) -> Counterpart:
    keys = list(others)
    against = Counterpart(
        days.reference.bins,
        sum_profiles(days.profiles[key] for key in keys),
        words="the reference's other days",
        learned=floors.floor,
    )
    if not needs_rows(days.spec):
        return against
    # In the order of the rows' ids, which are hashes: the first ones are a sample, as of the reference itself.
    samples = [days.rows_of[key].head(SAMPLE_ROWS) for key in keys if key in days.rows_of]
    return replace(against, expected_sample=pl.concat(samples).sort("row_id") if samples else None)


def _with_sample(days: ReferenceDays, against: Counterpart, key: str) -> Counterpart:
    return replace(against, observed_sample=days.rows_of.get(key)) if needs_rows(days.spec) else against

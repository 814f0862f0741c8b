"""Held-out days of a reference, each with the other days as counterpart, so that rules are checked on real days."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

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
from monitoring_pipeline.statistics.samples.day_effects import independent_days
from monitoring_pipeline.statistics.seeding import generator_of

RATE, FOUND = "false_alarm_rate", "found"
PARTS = 5
"""A fifth of the days is held out at a time: floors are then learned from nearly as many days as in production."""
LEAST_DAYS = 10
LEAST_DAYS_SPLIT = 13
"""Four fifths of so many days are the least number that floors are learned from."""
DAYS_JUDGED, DAYS_CHANGED = 100, 30
"""Most days whose rows are judged or changed. They are evenly spread over a longer reference, to bound the time."""


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
    def noun(self) -> str:
        """The word for a chunk."""
        return self.spec.calendar.noun

    @property
    def blank(self) -> Measurement:
        """A measurement of the rule check, without name and value."""
        version = self.reference.model_version
        return Measurement(kind=Kind.OPERATIONS, subject="chunk", name="", model_version=version, value=0.0)

    def generator(self, *parts: str) -> np.random.Generator:
        """Return a random generator that is seeded by this reference and these words."""
        return generator_of(self.spec.name, self.reference.model_version, "replay", *parts)


@dataclass(frozen=True)
class HeldOutDay:
    """A chunk of the reference, and the counterpart that it is judged by."""

    key: str
    profile: ChunkProfile
    against: Counterpart


def share_of_days(blank: Measurement, flags: Mapping[str, bool]) -> Measurement:
    """Return the share of flagged days, with Wilson's interval; ``rows`` is the number of days.

    If flagged days follow one another, the interval is that of fewer, independent days.
    """
    flagged = np.array([flag for _, flag in sorted(flags.items())], dtype=np.float64)
    if not flagged.size:
        return blank.skipped("no day could be judged")
    share = float(flagged.mean())
    trials = max(round(independent_days(flagged)), 1)
    bounds = wilson(round(share * trials), trials)
    # The flags of the fewer days are rounded, which may move the interval off the share.
    lower, upper = (share if bound is None else bound for bound in (bounds.lower, bounds.upper))
    return replace(blank, value=share, lower=min(lower, share), upper=max(upper, share), rows=flagged.size)


def evenly_spread(keys: Sequence[str], wanted: int) -> list[str]:
    """Return at most so many of the keys, in order and evenly spread."""
    ordered = sorted(keys)
    count = min(len(ordered), wanted)
    return [ordered[place * len(ordered) // count] for place in range(count)]


def hold_out(days: ReferenceDays) -> list[HeldOutDay]:
    """Return every day with its counterpart among the other days, in the order of days.

    If the spec compares with the reference, a fifth of the days is held out at a time. Its days are neighbours, because
    a day that is judged by the days around it looks healthier than a later one. The bins remain the reference's; counts
    and floors are computed from the other parts. If the spec compares with earlier days, each day with a complete
    baseline is compared with it. The floors are then learned from all days, because few days would keep a complete
    baseline if a part were held out.
    """
    if days.spec.drift.against is not Against.REFERENCE:
        return list(_against_earlier_days(days))
    ordered = sorted(days.profiles)
    starts = [part * len(ordered) // PARTS for part in range(PARTS + 1)]
    return [day for start, end in pairwise(starts) for day in hold_out_days(days, ordered[start:end])]


def hold_out_days(days: ReferenceDays, held: Sequence[str]) -> Iterator[HeldOutDay]:
    """Yield these days; their counterpart is the sum of all other days, with the floors learned from those."""
    rest = {key: profile for key, profile in sorted(days.profiles.items()) if key not in held}
    floors = learn_floors(days.spec, days.reference.model_version, days.reference.bins, rest)
    against = _against(days, rest, floors)
    for key in sorted(held):
        yield HeldOutDay(key, days.profiles[key], _with_sample(days, against, key))


def _against_earlier_days(days: ReferenceDays) -> Iterator[HeldOutDay]:
    floors = learn_floors(days.spec, days.reference.model_version, days.reference.bins, days.profiles)
    for key, profile in sorted(days.profiles.items()):
        baseline = baseline_keys(days.spec, key)
        if all(other in days.profiles for other in baseline):
            yield HeldOutDay(key, profile, _with_sample(days, _against(days, baseline, floors), key))


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
    # IDs are hashes, so the first rows in their order are a random sample, as for the reference itself.
    samples = [days.rows_of[key].head(SAMPLE_ROWS) for key in keys if key in days.rows_of]
    return replace(against, expected_sample=pl.concat(samples).sort("row_id") if samples else None)


def _with_sample(days: ReferenceDays, against: Counterpart, key: str) -> Counterpart:
    return replace(against, observed_sample=days.rows_of.get(key)) if needs_rows(days.spec) else against

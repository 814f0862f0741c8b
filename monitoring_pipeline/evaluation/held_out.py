"""Days of a reference held out, each beside what the other days say: to replay the rules on days that are real."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.baselines import baseline_days
from monitoring_pipeline.evaluation.drift import SAMPLE_ROWS, Against, needs_rows
from monitoring_pipeline.evaluation.floors import LearnedFloors, learn_floors
from monitoring_pipeline.evaluation.profile import ChunkProfile, sum_profiles
from monitoring_pipeline.evaluation.reference import Reference
from monitoring_pipeline.evaluation.reference_days import local_days
from monitoring_pipeline.spec import model
from monitoring_pipeline.spec.model import ModelSpec

PARTS = 5
"""A fifth of the days is held out at a time: the others are nearly as many as floors are learned from for real."""


@dataclass(frozen=True)
class ReferenceDays:
    """The days of a reference that are large enough to be judged: their profiles, and their kept rows."""

    spec: ModelSpec
    reference: Reference
    profiles: Mapping[dt.date, ChunkProfile]
    rows: pl.DataFrame

    @cached_property
    def rows_of(self) -> dict[dt.date, pl.DataFrame]:
        """The kept rows by day."""
        days = local_days(self.spec, self.rows["predicted_at"])
        by_day = self.rows.with_columns(days).partition_by("day", as_dict=True)
        return {day: own.drop("day") for (day,), own in sorted(by_day.items())}


@dataclass(frozen=True)
class HeldOutDay:
    """A day and what it is to be judged by."""

    date: dt.date
    profile: ChunkProfile
    against: Against


def hold_out(days: ReferenceDays, generator: np.random.Generator) -> list[HeldOutDay]:
    """Return every day beside what the rest says, in the order of days.

    Where the spec compares with the reference, the days are split at random and a part at a time is held out: bins
    stay the reference's, counts and floors are those of the other parts. Where it compares with earlier days, each
    day that has them all is beside those; the floors are then of all days, since hardly a day would keep all its
    earlier ones.
    """
    if days.spec.drift.against is not model.Against.REFERENCE:
        return list(_beside_earlier_days(days))
    ordered = sorted(days.profiles)
    shuffled = [ordered[place] for place in generator.permutation(len(ordered))]
    held = [own for part in range(PARTS) for own in hold_out_days(days, shuffled[part::PARTS])]
    return sorted(held, key=lambda own: own.date)


def hold_out_days(days: ReferenceDays, held: Sequence[dt.date]) -> Iterator[HeldOutDay]:
    """Yield these days, each beside the sum of all others, with the floors learned from those."""
    rest = {day: profile for day, profile in sorted(days.profiles.items()) if day not in held}
    floors = learn_floors(days.spec, days.reference.model_version, days.reference.bins, rest)
    against = _against(days, rest, floors)
    for day in sorted(held):
        yield HeldOutDay(day, days.profiles[day], _with_sample(days, against, day))


def _beside_earlier_days(days: ReferenceDays) -> Iterator[HeldOutDay]:
    floors = learn_floors(days.spec, days.reference.model_version, days.reference.bins, days.profiles)
    for day, profile in sorted(days.profiles.items()):
        wanted = baseline_days(days.spec.drift, day)
        if all(other in days.profiles for other in wanted):
            yield HeldOutDay(day, profile, _with_sample(days, _against(days, wanted, floors), day))


def _against(days: ReferenceDays, others: Iterable[dt.date], floors: LearnedFloors) -> Against:
    dates = list(others)
    against = Against(
        days.reference.bins,
        sum_profiles(days.profiles[day] for day in dates),
        words="the reference's other days",
        learned=floors.floor,
    )
    if not needs_rows(days.spec):
        return against
    # In the order of the rows' ids, which are hashes: the first ones are a sample, as of the reference itself.
    samples = [days.rows_of[day].head(SAMPLE_ROWS) for day in dates if day in days.rows_of]
    return replace(against, expected_sample=pl.concat(samples).sort("row_id") if samples else None)


def _with_sample(days: ReferenceDays, against: Against, day: dt.date) -> Against:
    return replace(against, observed_sample=days.rows_of.get(day)) if needs_rows(days.spec) else against

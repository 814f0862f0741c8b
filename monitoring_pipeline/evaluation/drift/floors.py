"""Floors learned from the days of the reference: the distance of a healthy day of this size from the others.

A fixed floor gives a false alarm every day on a column that always varies, such as the weather. So each day of the
reference is compared with its other days, and a column's floor becomes a prediction bound for one more such day. The
day is first thinned to the size of the chunk to be judged, because small chunks lie farther away by chance alone.
"""

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from monitoring_pipeline.evaluation.drift.baselines import baseline_keys, without
from monitoring_pipeline.evaluation.drift.comparison import Values
from monitoring_pipeline.evaluation.drift.statistics_table import (
    DRIFT_STATISTICS,
    deciding_statistic,
    effect_of,
)
from monitoring_pipeline.evaluation.profiles.bins import SPECIAL_CELLS_AFTER, SPECIAL_CELLS_BEFORE, Bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, add_profiles
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.drift import Against
from monitoring_pipeline.statistics.results import UndefinedStatisticError

LEAST_DAYS = 10
SIZES = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 1_000_000)
LARGEST_BOUNDED = 1 - 1e-9


@dataclass(frozen=True)
class LearnedFloor:
    """The floors of one column and statistic, by rows of the chunk."""

    column: str
    statistic: str
    rows: tuple[int, ...]
    floors: tuple[float, ...]

    def at(self, rows: int) -> float:
        """Return the floor of a chunk with so many rows: linear in 1 / sqrt(rows) between sizes, constant beyond."""
        places = [-1 / math.sqrt(size) for size in self.rows]
        return float(np.interp(-1 / math.sqrt(max(rows, 1)), places, self.floors))


@dataclass(frozen=True)
class LearnedFloors:
    """The floors learned from the days of a reference, or the ``reason`` for their absence.

    ``rules_hash`` identifies the rules that they were learned by.
    """

    rules_hash: str
    days: int
    floors: tuple[LearnedFloor, ...] = ()
    reason: str | None = None

    def floor(self, column: str, statistic: str, rows: int) -> float | None:
        """Return the learned floor of a column for a chunk with so many rows; None if there is none."""
        learned = self._by_column.get((column, statistic))
        return None if learned is None else learned.at(rows)

    @cached_property
    def _by_column(self) -> dict[tuple[str, str], LearnedFloor]:
        return {(entry.column, entry.statistic): entry for entry in self.floors}


NOTHING_LEARNED = LearnedFloors("", 0, reason="nothing was learned")


def learn_floors(
    spec: ModelSpec,
    model_version: str,
    bins: Mapping[str, Bins],
    chunks: Mapping[str, ChunkProfile],
    *,
    columns: Collection[str] | None = None,
) -> LearnedFloors:
    """Learn the floor of every column's deciding statistic from the chunks of the reference, leave-one-out.

    A floor is the upper prediction bound for one more chunk (Hahn & Meeker 1991, Statistical Intervals, sec. 4.7), on a
    scale where effects are nearly normal (see ``to_normal``). Its level is the spec's share of false alarms divided
    by the number of comparisons (see ``level_of_a_floor``), so that the share holds for a whole chunk. Chunks are
    thinned without replacement. A chunk smaller than the size is used as it is, so the floor is rather too high.

    Args:
        spec: the model, whose drift rules determine the deciding statistic and the baseline of a chunk.
        model_version: version of the reference; seeds the thinning, with model and column.
        bins: bins by column.
        chunks: profiles of the reference's chunks by key.
        columns: the columns whose floors are learned; None for all.
    """
    judged = {key: profile for key, profile in sorted(chunks.items()) if profile.rows >= spec.drift.minimum_rows}
    if not spec.drift.learn_floors:
        return LearnedFloors(spec.learned_floors_hash, len(judged), reason="drift.learn_floors is off")
    level = level_of_a_floor(spec)
    compared = _baselines(spec, judged)
    floors: list[LearnedFloor] = []
    fewest = 0
    for column, kind in spec.columns.items():
        if columns is not None and column not in columns:
            continue
        statistic = deciding_statistic(spec, kind)
        pairs = _pairs({key: profile[column] for key, profile in judged.items()}, compared)
        fewest = max(fewest, len(pairs))
        if len(pairs) >= LEAST_DAYS:
            generator = _generator(spec.name, model_version, column)
            rows, bounds = _learn(statistic, bins[column], pairs, level, generator)
            floors.append(LearnedFloor(column, statistic, rows, bounds))
    counted = f"{fewest} {spec.calendar.noun}s of the reference"
    reason = None if floors else f"{counted} can be compared, at least {LEAST_DAYS} needed"
    return LearnedFloors(spec.learned_floors_hash, len(judged), tuple(floors), reason)


def level_of_a_floor(spec: ModelSpec) -> float:
    """Return the share of healthy days on which one floor may be exceeded (Bonferroni over all comparisons)."""
    watched = sum(column not in spec.drift.ignore for column in spec.columns)
    return spec.drift.false_alarm_share / max(watched + len(spec.drift.multivariate), 1)


def _baselines(spec: ModelSpec, keys: Collection[str]) -> dict[str, tuple[str, ...]] | None:
    """Return the baseline keys of each chunk whose whole baseline is among ``keys``.

    None stands for all other chunks.
    """
    if spec.drift.against is Against.REFERENCE:
        return None
    wanted_by = {key: baseline_keys(spec, key) for key in keys}
    return {key: wanted for key, wanted in wanted_by.items() if wanted and all(other in keys for other in wanted)}


def _pairs(
    chunks: Mapping[str, ColumnProfile], baselines: Mapping[str, Sequence[str]] | None
) -> list[tuple[ColumnProfile, ColumnProfile]]:
    """Return each chunk's profile with the profile of its baseline."""
    if not chunks:
        return []
    if baselines is None:
        total = _sum(list(chunks.values()))
        return [(profile, without(total, profile)) for profile in chunks.values() if len(chunks) > 1]
    return [(chunks[key], _sum([chunks[other] for other in wanted])) for key, wanted in baselines.items()]


def _sum(profiles: list[ColumnProfile]) -> ColumnProfile:
    total = profiles[0]
    for profile in profiles[1:]:
        total = add_profiles(total, profile)
    return total


def _learn(
    statistic: str,
    bins: Bins,
    pairs: list[tuple[ColumnProfile, ColumnProfile]],
    level: float,
    generator: np.random.Generator,
) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Return sizes of chunks, and the floor at each size."""
    largest = max(day.rows for day, _ in pairs)
    sizes = [size for size in SIZES if size < largest] + [largest]
    bounds = [
        _bound(
            np.array([_effect(statistic, bins, others, thinned(day, size, generator)) for day, others in pairs]),
            level,
            bounded=DRIFT_STATISTICS[statistic].bounded,
        )
        for size in sizes
    ]
    # A larger chunk never needs a higher floor. If the estimates cross, the higher one is used for both sizes.
    monotone = np.maximum.accumulate(bounds[::-1])[::-1]
    return tuple(sizes), tuple(map(float, monotone))


def _effect(statistic: str, bins: Bins, expected: ColumnProfile, observed: ColumnProfile) -> float:
    try:
        return effect_of(statistic, bins, expected, observed)
    except UndefinedStatisticError:
        return 0.0


def _bound(effects: Values, level: float, *, bounded: bool) -> float:
    scaled = to_normal(effects, bounded=bounded)
    days = scaled.size
    quantile = float(special.stdtrit(days - 1, 1 - level))
    bound = float(scaled.mean()) + quantile * float(scaled.std(ddof=1)) * math.sqrt(1 + 1 / days)
    return from_normal(bound, bounded=bounded)


def to_normal(effects: Values, *, bounded: bool) -> Values:
    """Return effects on a scale on which the effects of similar days are nearly normal.

    By chance alone the square of a distance is nearly a multiple of a chi-squared variable, whose cube root is nearly
    normal (Wilson & Hilferty 1931, PNAS 17:684). A distance that cannot exceed 1 is stretched first: its square e^2
    becomes -ln(1 - e^2), which changes small distances little and maps the range below 1 to all positive numbers.
    """
    squares = np.square(np.minimum(effects, LARGEST_BOUNDED) if bounded else effects)
    return np.cbrt(-np.log1p(-squares) if bounded else squares)


def from_normal(scaled: float, *, bounded: bool) -> float:
    """Return the effect at a place of the scale of ``to_normal``; a negative place stands for no effect."""
    cubed = max(scaled, 0.0) ** 3
    return math.sqrt(-math.expm1(-cubed) if bounded else cubed)


def thinned(profile: ColumnProfile, rows: int, generator: np.random.Generator) -> ColumnProfile:
    """Return the counts of so many of the profile's rows, drawn without replacement; of all rows if there are fewer."""
    if profile.rows <= rows:
        return profile
    # The method "count" allocates an element for every row.
    drawn = generator.multivariate_hypergeometric(profile.counts, rows, method="marginals")
    return _with_sums_of(replace(profile, counts=tuple(map(int, drawn))), profile, generator)


def _with_sums_of(thinner: ColumnProfile, profile: ColumnProfile, generator: np.random.Generator) -> ColumnProfile:
    """Return the thinned profile with sums like those of so many drawn values, whose mean varies by chance."""
    values, kept = (sum(side.counts[SPECIAL_CELLS_BEFORE:-SPECIAL_CELLS_AFTER]) for side in (profile, thinner))
    if profile.minimum is None or not values or not kept:
        return thinner
    mean = profile.sum_centred / values
    variance = max(0.0, profile.sum_squares_centred / values - mean**2)
    mean += float(generator.standard_normal()) * math.sqrt(variance * max(0.0, 1 / kept - 1 / values))
    return replace(thinner, sum_centred=kept * mean, sum_squares_centred=kept * (variance + mean**2))


def _generator(*parts: str) -> np.random.Generator:
    digest = hashlib.blake2b("\n".join(parts).encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest))

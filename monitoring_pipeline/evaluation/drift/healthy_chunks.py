"""The healthy chunks of a reference, each beside those that it is compared with, and the effects between them."""

import hashlib
import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitoring_pipeline.evaluation.drift.baselines import baseline_keys, without
from monitoring_pipeline.evaluation.drift.comparison import Comparison, Values
from monitoring_pipeline.evaluation.drift.statistics_table import DRIFT_STATISTICS, deciding_statistic, effect_of
from monitoring_pipeline.evaluation.profiles.bins import SPECIAL_CELLS_AFTER, SPECIAL_CELLS_BEFORE, Bins
from monitoring_pipeline.evaluation.profiles.dead_chunks import dead_chunks
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, add_profiles
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.drift import Against
from monitoring_pipeline.statistics.results import UndefinedStatisticError
from monitoring_pipeline.statistics.samples.day_effects import DayEffect, cautious_autocorrelations, day_effect
from monitoring_pipeline.statistics.samples.prediction_bounds import neighbours

LARGEST_BOUNDED = 1 - 1e-9


@dataclass(frozen=True)
class HealthyColumn:
    """A column on the healthy chunks of a reference, each beside what it is compared with, in the order of time.

    Args:
        reach: the neighbours on each side that are left out of the comparison of a chunk; 0 beside earlier chunks.
        effect: how the chunks differ beyond chance.
    """

    column: str
    statistic: str
    bins: Bins
    pairs: Sequence[tuple[ColumnProfile, ColumnProfile]]
    reach: int
    effect: DayEffect
    generator: np.random.Generator

    @property
    def largest(self) -> int:
        """The rows of the largest chunk."""
        return max(chunk.rows for chunk, _ in self.pairs)

    def effects(self, rows: int) -> Values:
        """Return the effects of later chunks with so many rows, as far as those of the reference show them."""
        found = [
            _effect(self.statistic, self.bins, others, thinned(day, rows, self.generator)) for day, others in self.pairs
        ]
        stretch = self.effect.stretch(len(self.pairs), self.reach, rows) if self.reach else 1.0
        stretched = stretch * np.array(found)
        return np.minimum(stretched, LARGEST_BOUNDED) if DRIFT_STATISTICS[self.statistic].bounded else stretched


@dataclass(frozen=True)
class HealthyChunks:
    """The chunks of a reference that are large enough to be judged, by key in the order of time, and their baselines.

    ``baselines`` has the keys of the chunks that a chunk is compared with; None stands for all others.
    """

    spec: ModelSpec
    model_version: str
    bins: Mapping[str, Bins]
    chunks: Mapping[str, ChunkProfile]
    baselines: Mapping[str, Sequence[str]] | None

    @property
    def compared(self) -> int:
        """The number of chunks that can be compared."""
        return len(self.chunks if self.baselines is None else self.baselines)

    def columns(self, names: Sequence[str]) -> list[HealthyColumn]:
        """Return columns on the chunks on which they were not dead.

        What they show of autocorrelation is weighed together.
        """
        profiles = {name: {key: chunk[name] for key, chunk in self.chunks.items()} for name in names}
        alive = {name: self._alive(name, of_column) for name, of_column in profiles.items()}
        effects = [day_effect(_coarse_counts(self.bins[name], alive[name].values())) for name in names]
        weighed = cautious_autocorrelations(effects, len(self.chunks))
        return [
            HealthyColumn(
                column=name,
                statistic=deciding_statistic(self.spec, self.spec.columns[name]),
                bins=self.bins[name],
                pairs=self._pairs(alive[name], profiles[name]),
                reach=self._reach(alive[name]),
                effect=replace(effect, autocorrelation=float(autocorrelation)),
                generator=_generator(self.spec.name, self.model_version, name),
            )
            for name, effect, autocorrelation in zip(names, effects, weighed, strict=True)
        ]

    def _alive(self, name: str, profiles: Mapping[str, ColumnProfile]) -> dict[str, ColumnProfile]:
        dead = dead_chunks(self.bins[name], profiles)
        return {key: profile for key, profile in profiles.items() if key not in dead}

    def _reach(self, alive: Collection[str]) -> int:
        return neighbours(len(alive)) if self.baselines is None else 0

    def _pairs(
        self, alive: Mapping[str, ColumnProfile], profiles: Mapping[str, ColumnProfile]
    ) -> list[tuple[ColumnProfile, ColumnProfile]]:
        """Return each chunk's profile with that of its baseline, which may have chunks on which the column was dead."""
        if self.baselines is not None:
            return [
                (profile, _sum([profiles[other] for other in self.baselines[key]]))
                for key, profile in alive.items()
                if key in self.baselines
            ]
        ordered, reach = list(alive.values()), self._reach(alive)
        total, near = _sum(ordered), _sum(ordered[: reach + 1])
        pairs: list[tuple[ColumnProfile, ColumnProfile]] = []
        for place, profile in enumerate(ordered):
            pairs.append((profile, without(total, near)))
            if place + reach + 1 < len(ordered):
                near = add_profiles(near, ordered[place + reach + 1])
            if place >= reach:
                near = without(near, ordered[place - reach])
        return pairs


def healthy_chunks(
    spec: ModelSpec, model_version: str, bins: Mapping[str, Bins], chunks: Mapping[str, ChunkProfile]
) -> HealthyChunks:
    """Return the chunks of a reference that have enough rows, with the baselines that the spec names."""
    enough = {key: profile for key, profile in sorted(chunks.items()) if profile.rows >= spec.drift.minimum_rows}
    return HealthyChunks(spec, model_version, bins, enough, _baselines(spec, enough))


def _baselines(spec: ModelSpec, keys: Collection[str]) -> dict[str, tuple[str, ...]] | None:
    """Return the baseline keys of each chunk whose whole baseline is among ``keys``.

    None stands for all other chunks.
    """
    if spec.drift.against is Against.REFERENCE:
        return None
    wanted_by = {key: baseline_keys(spec, key) for key in keys}
    return {key: wanted for key, wanted in wanted_by.items() if wanted and all(other in keys for other in wanted)}


def _coarse_counts(bins: Bins, profiles: Iterable[ColumnProfile]) -> Values:
    """Return counts over the cells that distances are computed from, shape (chunks, cells)."""
    return np.array([Comparison(bins, profile, profile).coarse[0] for profile in profiles])


def _sum(profiles: Sequence[ColumnProfile]) -> ColumnProfile:
    total = profiles[0]
    for profile in profiles[1:]:
        total = add_profiles(total, profile)
    return total


def _effect(statistic: str, bins: Bins, expected: ColumnProfile, observed: ColumnProfile) -> float:
    try:
        return effect_of(statistic, bins, expected, observed)
    except UndefinedStatisticError:
        return 0.0


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

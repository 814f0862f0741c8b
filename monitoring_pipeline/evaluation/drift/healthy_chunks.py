"""The healthy chunks of a reference, each beside those that it is compared with, and the effects between them."""

import hashlib
import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from monitoring_pipeline.evaluation.drift.baselines import baseline_keys, without
from monitoring_pipeline.evaluation.drift.comparison import Comparison, Values, finite_cells, moments, positions_of
from monitoring_pipeline.evaluation.drift.statistics_table import DriftStatistic, Moved, learned_statistics
from monitoring_pipeline.evaluation.profiles.bins import SPECIAL_CELLS_AFTER, SPECIAL_CELLS_BEFORE, Bins, NumericBins
from monitoring_pipeline.evaluation.profiles.dead_chunks import dead_chunks
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, add_profiles
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.drift import Against
from monitoring_pipeline.statistics.results import UndefinedStatisticError
from monitoring_pipeline.statistics.samples.day_effects import (
    DayEffect,
    cautious_autocorrelations,
    day_effect,
    day_effect_of_values,
)
from monitoring_pipeline.statistics.samples.prediction_bounds import neighbours

LARGEST_BOUNDED = 1 - 1e-9
LEAST_DAYS_WITH_MOMENTS = 4


@dataclass(frozen=True)
class HealthyColumn:
    """A column on the healthy chunks of a reference, each beside what it is compared with, in the order of time.

    Args:
        reach: the neighbours on each side that are left out of the comparison of a chunk; 0 beside earlier chunks.
        day_effects: how the chunks differ beyond chance, by the statistics whose floors are learned.
    """

    column: str
    bins: Bins
    pairs: Sequence[tuple[ColumnProfile, ColumnProfile]]
    reach: int
    day_effects: Mapping[DriftStatistic, DayEffect]
    generator: np.random.Generator

    @property
    def largest(self) -> int:
        """The rows of the largest chunk."""
        return max(chunk.rows for chunk, _ in self.pairs)

    @cached_property
    def has_one_dimension(self) -> bool:
        """Whether the chunks have rows in two cells only, so that one share determines their counts."""
        return np.count_nonzero(np.any([day.counts for day, _ in self.pairs], axis=0)) == 2  # noqa: PLR2004

    @property
    def autocorrelation(self) -> float:
        """The autocorrelation of neighbouring chunks, cautiously, in the statistic that is named first."""
        return next(iter(self.day_effects.values())).autocorrelation

    def effects(self, rows: int) -> Iterator[tuple[DriftStatistic, Values, float]]:
        """Yield the effects of later chunks with so many rows, as far as the reference shows them, by statistic.

        The last item is the number of independent chunks from which their spread would be known as well.
        """
        compared = [
            Comparison(self.bins, others, thinned(day, rows, self.bins, self.generator)) for day, others in self.pairs
        ]
        for statistic, effect in self.day_effects.items():
            stretch = effect.stretch(len(self.pairs), self.reach, rows) if self.reach else 1.0
            found = stretch * np.array([_effect(statistic, each) for each in compared])
            limited = np.minimum(found, LARGEST_BOUNDED) if statistic.bounded else found
            yield statistic, limited, effect.effective_days(len(self.pairs), rows)


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
        effects = self._day_effects(alive)
        return [
            HealthyColumn(
                column=name,
                bins=self.bins[name],
                pairs=self._pairs(alive[name], profiles[name]),
                reach=self._reach(alive[name]),
                day_effects={statistic: effects[name, statistic] for statistic in self._statistics(name)},
                generator=_generator(self.spec.name, self.model_version, name),
            )
            for name in names
        ]

    def _statistics(self, name: str) -> tuple[DriftStatistic, ...]:
        return learned_statistics(self.spec, self.spec.columns[name])

    def _day_effects(
        self, alive: Mapping[str, Mapping[str, ColumnProfile]]
    ) -> dict[tuple[str, DriftStatistic], DayEffect]:
        """Return the effects of days by column and statistic; what moves with the same is weighed together."""
        found: dict[tuple[str, DriftStatistic], DayEffect] = {}
        for moved in Moved:
            own = {
                (name, statistic): _DAY_EFFECTS[moved](self.bins[name], list(profiles.values()))
                for name, profiles in alive.items()
                for statistic in self._statistics(name)
                if statistic.moves_with is moved
            }
            weighed = cautious_autocorrelations(list(own.values()), len(self.chunks)) if own else ()
            found |= {
                key: replace(effect, autocorrelation=float(autocorrelation))
                for (key, effect), autocorrelation in zip(own.items(), weighed, strict=True)
            }
        return found

    def _alive(self, name: str, profiles: Mapping[str, ColumnProfile]) -> dict[str, ColumnProfile]:
        dead = dead_chunks(self.bins[name], profiles)
        return {key: profile for key, profile in profiles.items() if key not in dead}

    def _reach(self, alive: Collection[str]) -> int:
        return neighbours(len(alive)) if self.baselines is None else 0

    def _pairs(
        self, alive: Mapping[str, ColumnProfile], profiles: Mapping[str, ColumnProfile]
    ) -> list[tuple[ColumnProfile, ColumnProfile]]:
        """Return each chunk's profile with that of its baseline.

        Chunks on which the column was dead are no pairs. They stay in the baseline, because later chunks are compared
        with all rows of the reference: the nulls of one dead day alone are a distance of about .1.
        """
        if self.baselines is not None:
            return [
                (profile, _sum([profiles[other] for other in self.baselines[key]]))
                for key, profile in alive.items()
                if key in self.baselines
            ]
        ordered, reach = list(alive.values()), self._reach(alive)
        total, near = _sum(list(profiles.values())), _sum(ordered[: reach + 1])
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


def _effect_in_cells(bins: Bins, profiles: Sequence[ColumnProfile]) -> DayEffect:
    return day_effect(np.array([Comparison(bins, profile, profile).coarse[0] for profile in profiles]))


def _effect_on_means(_bins: Bins, profiles: Sequence[ColumnProfile]) -> DayEffect:
    """Return the effect of days on their means, in units of the variance of their rows."""
    rows, means, variances = _moments_of_days(profiles)
    within = float(variances.mean()) if variances.size else 0.0
    return day_effect_of_values(means / math.sqrt(within), 1.0, rows) if within > 0.0 else _NONE


def _effect_on_spreads(bins: Bins, profiles: Sequence[ColumnProfile]) -> DayEffect:
    """Return the effect of days on the logarithm of their standard deviation.

    By chance its variance is (k - 1) / 4 over the rows, k the kurtosis, here that of the bins.
    """
    rows, _, variances = _moments_of_days(profiles)
    if not variances.size or not np.all(variances > 0.0):
        return _NONE
    kurtosis = _kurtosis(bins, _sum(profiles))
    return day_effect_of_values(np.log(variances) / 2.0, max(kurtosis - 1.0, 1.0) / 4.0, rows)


def _effect_on_nulls(_bins: Bins, profiles: Sequence[ColumnProfile]) -> DayEffect:
    return day_effect(
        np.array([(profile.counts[0], profile.rows - profile.counts[0]) for profile in profiles], np.float64)
    )


def _no_effect(_bins: Bins, _profiles: Sequence[ColumnProfile]) -> DayEffect:
    return _NONE


_NONE = DayEffect(0.0, 1.0, 0.0)
_DAY_EFFECTS: Mapping[Moved, Callable[[Bins, Sequence[ColumnProfile]], DayEffect]] = {
    Moved.CELLS: _effect_in_cells,
    Moved.MEAN: _effect_on_means,
    Moved.SPREAD: _effect_on_spreads,
    Moved.NULLS: _effect_on_nulls,
    Moved.NOTHING: _no_effect,
}


def _moments_of_days(profiles: Sequence[ColumnProfile]) -> tuple[Values, Values, Values]:
    """Return the rows, means and variances of the days that have them; none of fewer than four such days."""
    found: list[tuple[int, float, float]] = []
    for profile in profiles:
        with suppress(UndefinedStatisticError):
            found.append(moments(profile))
    if len(found) < LEAST_DAYS_WITH_MOMENTS:
        found = []
    rows, means, variances = np.array(found, np.float64).reshape(-1, 3).T
    return rows, means, variances


def _kurtosis(bins: Bins, profile: ColumnProfile) -> float:
    if not isinstance(bins, NumericBins):
        return 0.0
    variance = _moment_of_places(bins, profile, 2)
    return _moment_of_places(bins, profile, 4) / variance**2 if variance > 0.0 else 0.0


def _moment_of_places(bins: NumericBins, profile: ColumnProfile, power: int) -> float:
    """Return a central moment of the places of the ordered bins, in units of half the reference's range."""
    counts, places = finite_cells(np.asarray(profile.counts, np.float64)), positions_of(bins)
    if not counts.any() or not places.size:
        return 0.0
    reach = (places[-1] - places[0]) / 2.0
    shares = counts / counts.sum()
    return float(shares @ ((places - shares @ places) / reach) ** power) if reach > 0.0 else 0.0


def _sum(profiles: Sequence[ColumnProfile]) -> ColumnProfile:
    total = profiles[0]
    for profile in profiles[1:]:
        total = add_profiles(total, profile)
    return total


def _effect(statistic: DriftStatistic, compared: Comparison) -> float:
    try:
        return statistic.effect(compared)
    except UndefinedStatisticError:
        return 0.0


def thinned(profile: ColumnProfile, rows: int, bins: Bins, generator: np.random.Generator) -> ColumnProfile:
    """Return the counts of so many of the profile's rows, drawn without replacement; of all rows if there are fewer."""
    if profile.rows <= rows:
        return profile
    # The method "count" allocates an element for every row.
    drawn = generator.multivariate_hypergeometric(profile.counts, rows, method="marginals")
    thinner = replace(profile, counts=tuple(map(int, drawn)))
    return _with_sums_of(thinner, profile, bins, generator) if isinstance(bins, NumericBins) else thinner


def _with_sums_of(
    thinner: ColumnProfile, profile: ColumnProfile, bins: NumericBins, generator: np.random.Generator
) -> ColumnProfile:
    """Return the thinned profile with sums like those of so many drawn values.

    Their mean varies by chance, and their variance as that of the places of their bins does.
    """
    values, kept = (sum(side.counts[SPECIAL_CELLS_BEFORE:-SPECIAL_CELLS_AFTER]) for side in (profile, thinner))
    if profile.minimum is None or not values or not kept:
        return thinner
    mean = profile.sum_centred / values
    variance = max(0.0, profile.sum_squares_centred / values - mean**2)
    mean += float(generator.standard_normal()) * math.sqrt(variance * max(0.0, 1 / kept - 1 / values))
    variance *= _ratio_of_variances(bins, thinner, profile)
    return replace(thinner, sum_centred=kept * mean, sum_squares_centred=kept * (variance + mean**2))


def _ratio_of_variances(bins: NumericBins, thinner: ColumnProfile, profile: ColumnProfile) -> float:
    """Return the variance of the places of the bins of one profile over that of the other; 1 if there is none."""
    before, after = (_moment_of_places(bins, side, 2) for side in (profile, thinner))
    return after / before if before > 0.0 else 1.0


def _generator(*parts: str) -> np.random.Generator:
    digest = hashlib.blake2b("\n".join(parts).encode(), digest_size=8).digest()
    return np.random.default_rng(int.from_bytes(digest))

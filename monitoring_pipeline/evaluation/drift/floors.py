"""Floors learned from the days of the reference: the distance of a healthy day of this size from the others.

A fixed floor gives a false alarm every day on a column that always varies, such as the weather. So each day of the
reference is compared with its other days, and a column's floor becomes a prediction bound for one more such day. The
day is first thinned to the size of the chunk to be judged, because small chunks lie farther away by chance alone.
"""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from monitoring_pipeline.evaluation.budget.allowed import Spender, allowed_of
from monitoring_pipeline.evaluation.drift.comparison import Values
from monitoring_pipeline.evaluation.drift.healthy_chunks import LARGEST_BOUNDED, HealthyColumn, healthy_chunks
from monitoring_pipeline.evaluation.drift.share_of_flags import share_of_flags, surely_within_budget
from monitoring_pipeline.evaluation.drift.statistics_table import SHARE_STATISTICS, DriftStatistic
from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.samples.openings import HealthyEffect
from monitoring_pipeline.statistics.samples.prediction_bounds import (
    LARGEST_SKEWNESS,
    folded_normal_bound,
    skewness,
    upper_prediction_bound,
)

LEAST_DAYS = 10
LEAST_LEVEL, LEVELS_HALVED = 1e-9, 24
SIZES = (50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 1_000_000)


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
    """Learn the floors of every column's deciding statistics from the chunks of the reference.

    Each chunk is compared with the others, its neighbours left out, or with the earlier chunks that the spec names.
    Effects are stretched by as much as a later chunk lies farther away than one of the window (see
    ``DayEffect.stretch``). A floor is an upper prediction bound for one more chunk, on a scale where effects are nearly
    normal (see ``to_normal`` and ``upper_prediction_bound``). Its level is the spec's share of false alarms divided by
    the number of comparisons (see ``level_of_a_floor``), so that the share holds for a whole chunk. Chunks are
    thinned without replacement. A chunk smaller than the size is used as it is, so the floor is rather too high.

    Args:
        spec: the model, whose drift rules determine the deciding statistics and the baseline of a chunk.
        model_version: version of the reference; seeds the thinning, with model and column.
        bins: bins by column.
        chunks: profiles of the reference's chunks by key.
        columns: the columns whose floors are returned; None for all.
    """
    healthy = healthy_chunks(spec, model_version, bins, chunks)
    reason = None
    if not spec.drift.learn_floors:
        reason = "drift.learn_floors is off"
    elif healthy.compared < LEAST_DAYS:
        counted = f"{healthy.compared} {spec.calendar.noun}s of the reference"
        reason = f"{counted} can be compared, at least {LEAST_DAYS} needed"
    if reason is not None:
        return LearnedFloors(spec.learned_floors_hash, len(healthy.chunks), reason=reason)
    # What one column shows is weighed by the others, so all are learned where some are wanted.
    known = healthy.columns([column for column in spec.columns if column in bins])
    floors = ()
    if known and (columns is None or columns):
        floors = _learn(known, _levels(spec, known))
    wanted = tuple(floor for floor in floors if columns is None or floor.column in columns)
    return LearnedFloors(spec.learned_floors_hash, len(healthy.chunks), wanted)


def level_of_a_floor(spec: ModelSpec, share: float | None = None) -> float:
    """Return the share of healthy days on which one floor may be exceeded (Bonferroni over all columns).

    The statistics of a column move together, and count as one: what they add to the openings of incidents is measured
    to be within the budget (``make bench-false-alarms``).

    Args:
        spec: the model.
        share: share of healthy days that may be flagged; None for the one that keeps the budget in any case.
    """
    watched = sum(not spec.is_ignored(column) for column in spec.columns)
    flagged = surely_within_budget(spec) if share is None else share
    return flagged / max(watched + len(spec.drift.multivariate), 1)


@dataclass(frozen=True)
class _Levels:
    """The share of healthy chunks on which one floor may be exceeded.

    ``of_cells`` is that of shares of cells that hardly fill. They open an incident on one chunk, and drift on several.
    """

    of_columns: float
    of_cells: float

    def of(self, statistic: str) -> float:
        return self.of_cells if statistic in SHARE_STATISTICS else self.of_columns


def _levels(spec: ModelSpec, columns: Sequence[HealthyColumn]) -> _Levels:
    of_columns = level_of_a_floor(spec, share_of_flags(spec, columns))
    cells = sum(statistic.name in SHARE_STATISTICS for column in columns for statistic in column.day_effects)
    if spec.has_own_share_of_flags:
        return _Levels(of_columns, of_columns)
    return _Levels(of_columns, min(of_columns, allowed_of(spec, Spender.DATA).warnings / max(cells, 1)))


def _learn(columns: Sequence[HealthyColumn], levels: _Levels) -> tuple[LearnedFloor, ...]:
    largest = max(column.largest for column in columns)
    sizes = [size for size in SIZES if size < largest] + [largest]
    of_sizes = [_bounds(columns, size, levels) for size in sizes]
    return tuple(
        LearnedFloor(column, statistic, tuple(sizes), _monotone([of[column, statistic] for of in of_sizes]))
        for column, statistic in of_sizes[0]
    )


def _monotone(bounds: Sequence[float]) -> tuple[float, ...]:
    """Return bounds that never rise with the size: if two estimates cross, the higher one is used for both."""
    return tuple(map(float, np.maximum.accumulate(bounds[::-1])[::-1]))


def _bounds(columns: Sequence[HealthyColumn], rows: int, levels: _Levels) -> dict[tuple[str, str], float]:
    """Return the floors for chunks with so many rows, by column and statistic."""
    healthy = [
        HealthyEffects(column, statistic, effects, effective)
        for column in columns
        for statistic, effects, effective in column.effects(rows)
    ]
    usual = usual_skewness(healthy)
    return {each.key: each.bound(levels.of(each.statistic.name), usual[each.statistic.name]) for each in healthy}


@dataclass(frozen=True)
class HealthyEffects:
    """The effects of one statistic on healthy chunks of a column."""

    column: HealthyColumn
    statistic: DriftStatistic
    effects: Values
    effective_days: float

    @property
    def key(self) -> tuple[str, str]:
        """Column and statistic."""
        return self.column.column, self.statistic.name

    @cached_property
    def scaled(self) -> Values:
        """The effects on the scale of ``to_normal``."""
        return to_normal(self.effects, bounded=self.statistic.bounded)

    @cached_property
    def skewness(self) -> float:
        """The skewness of the scaled effects."""
        return skewness(self.scaled)

    def bound(self, level: float, usual_skewness: float) -> float:
        """Return the effect that one more chunk exceeds with probability ``level``.

        A column's own skewness rests on few chunks, so it counts half beside the usual one of the statistic. Effects of
        one dimension are the sizes of a normal variable, unless they are more skewed than chance explains.
        """
        if self.column.has_one_dimension and self.statistic.is_two_sided and self.skewness <= LARGEST_SKEWNESS:
            bound = folded_normal_bound(self.effects, level, effective_days=self.effective_days)
            return min(bound, LARGEST_BOUNDED) if self.statistic.bounded else bound
        skewed = (self.skewness + usual_skewness) / 2
        bound = upper_prediction_bound(self.scaled, level, effective_days=self.effective_days, skewed=skewed)
        return from_normal(bound, bounded=self.statistic.bounded)

    def level(self, floor: float, usual_skewness: float) -> float:
        """Return the probability that one more chunk exceeds a floor: the level whose bound it is."""
        lower, upper = math.log(LEAST_LEVEL), math.log(0.5)
        if self.effects.max() == 0.0 or self.bound(LEAST_LEVEL, usual_skewness) <= floor:
            return LEAST_LEVEL
        for _ in range(LEVELS_HALVED):
            middle = (lower + upper) / 2
            is_lower = self.bound(math.exp(middle), usual_skewness) > floor
            lower, upper = (middle, upper) if is_lower else (lower, middle)
        return math.exp(upper)

    def follows(self, rows: int) -> HealthyEffect:
        """Return the dependence of the effects of neighbouring chunks that have this number of rows."""
        effect = self.column.day_effects[self.statistic]
        return HealthyEffect(
            effect.autocorrelation, effect.reliability(rows), self.effective_days, max(len(self.column.pairs), 1)
        )


def usual_skewness(healthy: Iterable[HealthyEffects]) -> dict[str, float]:
    """Return the median skewness of the columns, by statistic."""
    found: dict[str, list[float]] = {}
    for each in healthy:
        found.setdefault(each.statistic.name, []).append(each.skewness)
    return {name: float(np.median(of)) for name, of in found.items()}


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

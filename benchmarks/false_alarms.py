"""Counts how often the default rule of drift flags healthy days of worlds whose days are not independent.

Usage: ``python benchmarks/false_alarms.py [--references N]``. In each world nothing ever changes: the means of ten
columns of 1,000 rows move from day to day as its row says. A reference is taken, and the 150 days after it are judged.
"""

import argparse
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import polars as pl
from default_rules import FIRST_DAY, spec_of
from numpy.typing import NDArray
from scipy import stats

from monitoring_pipeline.evaluation.drift.columns import Counterpart, measure_drift
from monitoring_pipeline.evaluation.drift.drifted import drifted_of
from monitoring_pipeline.evaluation.drift.floors import learn_floors
from monitoring_pipeline.evaluation.profiles.bins import (
    SPECIAL_CELLS_AFTER,
    SPECIAL_CELLS_BEFORE,
    NumericBins,
    numeric_bins,
)
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, sum_profiles
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.rule_check.held_out_days import ReferenceDays, hold_out

Values = NDArray[np.float64]
Bins = Mapping[str, NumericBins]
Profiles = Mapping[str, ChunkProfile]
_BEFORE, _AFTER = (0,) * SPECIAL_CELLS_BEFORE, (0,) * SPECIAL_CELLS_AFTER
FUTURE_DAYS = 150
LINE = "{:38} {:>5} {:>8} {:>10} {:>9} {:>11} {:>10}"


@dataclass(frozen=True)
class World:
    """How the mean of a column moves from day to day, in standard deviations of its rows.

    Args:
        name: its name in the table.
        spread: standard deviation of a day's mean.
        autocorrelation: that of neighbouring days.
        weekend: what is added on two days of seven.
        reference_days: days of the reference.
        columns: number of columns, independent of one another.
        rows: rows of a day, or the least and the most, drawn evenly.
    """

    name: str
    spread: float = 0.0
    autocorrelation: float = 0.0
    weekend: float = 0.0
    reference_days: int = 60
    columns: int = 10
    rows: tuple[int, int] = (1000, 1000)

    def means(self, generator: np.random.Generator, days: int) -> Values:
        """Return the mean of each column on each day, shape (days, columns)."""
        own = np.empty((days, self.columns))
        own[0] = generator.standard_normal(self.columns)
        kept = self.autocorrelation
        for day in range(1, days):
            own[day] = kept * own[day - 1] + np.sqrt(1 - kept**2) * generator.standard_normal(self.columns)
        is_weekend = np.arange(days) % 7 >= 5
        return self.spread * own + self.weekend * is_weekend[:, None]


WORLDS = (
    World("days are equal"),
    World("days are independent", spread=0.15),
    World("autoregressive .5", spread=0.2, autocorrelation=0.5),
    World("autoregressive .8", spread=0.2, autocorrelation=0.8),
    World("autoregressive .9", spread=0.2, autocorrelation=0.9),
    World("autoregressive .8, 3 columns", spread=0.2, autocorrelation=0.8, columns=3),
    World("autoregressive .8, 40 columns", spread=0.2, autocorrelation=0.8, columns=40),
    World("autoregressive .8, 30 days", spread=0.2, autocorrelation=0.8, reference_days=30),
    World("autoregressive .9, 120 days", spread=0.2, autocorrelation=0.9, reference_days=120),
    World("weekends .4 higher", spread=0.05, weekend=0.4),
    World("weekends .4 higher, autoregressive .8", spread=0.15, autocorrelation=0.8, weekend=0.4),
    World("100 to 3,000 rows, autoregressive .8", spread=0.2, autocorrelation=0.8, rows=(100, 3000)),
    World("100 rows, autoregressive .8", spread=0.2, autocorrelation=0.8, rows=(100, 100)),
)


@dataclass(frozen=True)
class ReferenceOfDays:
    """What held-out days need of a reference."""

    model_version: str
    bins: Bins


@dataclass(frozen=True)
class Outcome:
    """What was found in one future: the share that replay expects, the share flagged, and incidents opened a month."""

    expected: float
    flagged: float
    incidents: float
    floor: float


def days_of(world: World, generator: np.random.Generator, columns: list[str]) -> tuple[Bins, Profiles, Profiles]:
    """Return bins, the profiles of the days of the reference, and those of the days after it, by key."""
    days = world.reference_days + FUTURE_DAYS
    means = world.means(generator, days)
    rows = generator.integers(world.rows[0], world.rows[1] + 1, days)
    bins: dict[str, NumericBins] = {}
    counts: list[NDArray[np.int64]] = []
    for place, column in enumerate(columns):
        drawn = means[: world.reference_days, place, None] + generator.standard_normal((world.reference_days, 500))
        bins[column] = numeric_bins(drawn.ravel())
        below = stats.norm.cdf(np.asarray(bins[column].edges)[None] - means[:, place, None])
        counts.append(generator.multinomial(rows, np.diff(below, axis=1, prepend=0.0, append=1.0)))
    by_day: dict[str, ChunkProfile] = {}
    for day in range(days):
        own = tuple(
            _profile(column, bins[column], of_days[day], float(mean), generator)
            for column, of_days, mean in zip(columns, counts, means[day], strict=True)
        )
        by_day[(FIRST_DAY + dt.timedelta(days=day)).isoformat()] = ChunkProfile("1", int(rows[day]), own)
    ordered = list(by_day.items())
    return bins, dict(ordered[: world.reference_days]), dict(ordered[world.reference_days :])


def _profile(
    column: str, bins: NumericBins, counts: NDArray[np.int64], mean: float, generator: np.random.Generator
) -> ColumnProfile:
    """Return the profile of a day's rows, with sums like those of so many normal values."""
    rows = int(counts.sum())
    found = mean - bins.centre + float(generator.standard_normal()) / np.sqrt(rows)
    squares = float(generator.chisquare(rows - 1)) + rows * found**2
    return ColumnProfile(
        column,
        (*_BEFORE, *counts.tolist(), *_AFTER),
        sum_centred=rows * found,
        sum_squares_centred=squares,
        minimum=-9.0,
        maximum=9.0,
    )


def outcome(world: World, seed: int) -> Outcome:
    """Return what the default rules find in one reference and its future."""
    spec = spec_of({f"x{place}": "numeric" for place in range(world.columns - 1)})
    bins, healthy, later = days_of(world, np.random.default_rng(seed), list(spec.columns))
    floors = learn_floors(spec, "1", bins, healthy)
    against = Counterpart(bins, sum_profiles(healthy.values()), learned=floors.floor)
    flags = np.array([bool(drifted_of(measure_drift(spec, against, day)).columns) for day in later.values()])
    reference = cast("Reference", ReferenceOfDays("1", bins))
    held = hold_out(ReferenceDays(spec, reference, healthy, pl.DataFrame()))
    expected = [bool(drifted_of(measure_drift(spec, day.against, day.profile)).columns) for day in held]
    open_days = np.convolve(flags, np.ones(5), "valid") >= 3
    opened = open_days[0] + np.count_nonzero(open_days[1:] & ~open_days[:-1])
    rows = sum(world.rows) // 2
    floor = np.mean([floors.floor(column, "jensen_shannon", rows) or 0.0 for column in spec.columns])
    return Outcome(float(np.mean(expected)), float(flags.mean()), float(opened) * 30 / FUTURE_DAYS, float(floor))


def main() -> None:
    """Print one line a world."""
    parser = argparse.ArgumentParser(description="Count false alarms of drift where days are not independent.")
    parser.add_argument("--references", type=int, default=20, help="references of each world (default: 20)")
    parser.add_argument("--worlds", default="", help="only worlds whose name contains this text")
    given = parser.parse_args()
    print(LINE.format("", "days", "expected", "flagged %", "+-", "incidents/m", "floor"))
    for world in WORLDS:
        if given.worlds not in world.name:
            continue
        found = [outcome(world, seed) for seed in range(given.references)]
        flagged = np.array([one.flagged for one in found])
        error = flagged.std(ddof=1) / np.sqrt(flagged.size)
        figures = (
            str(world.reference_days),
            f"{100 * np.mean([one.expected for one in found]):.1f}",
            f"{100 * flagged.mean():.1f}",
            f"{100 * error:.1f}",
            f"{np.mean([one.incidents for one in found]):.2f}",
            f"{np.mean([one.floor for one in found]):.3f}",
        )
        print(LINE.format(world.name, *figures), flush=True)


if __name__ == "__main__":
    main()

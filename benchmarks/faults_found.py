"""Counts on how many days planted faults are found by the default rules, beside a plain distance rule.

Usage: ``python benchmarks/faults_found.py [--days N] [--copies N]``. A reference of 60 days is taken in each world, and
a fault is planted into one column on each of N later days of 1,000 rows. The column is found if its drift or its
quality is breached with at least a warning. The plain rule takes the Wasserstein distance in standard deviations of
numbers and the Jensen-Shannon distance of categories, and flags at 0.1.
"""

import argparse
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import polars as pl
from default_rules import FIRST_DAY, spec_of
from numpy.typing import NDArray
from scipy import stats

from monitoring_pipeline.evaluation.drift.columns import Counterpart, measure_drift
from monitoring_pipeline.evaluation.profiles.bins import Bins, NumericBins
from monitoring_pipeline.evaluation.profiles.profile import profile_chunk
from monitoring_pipeline.evaluation.quality.columns import measure_columns
from monitoring_pipeline.evaluation.reference.columns import LearnedColumns, learn_columns
from monitoring_pipeline.records.measurement import Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.samples.distances import jensen_shannon_distance

REFERENCE_DAYS = 60
ROWS = 1_000
PLAIN_FLOOR = 0.1
LEVELS = [f"level {place}" for place in range(12)]
SHARES = np.array([0.3, 0.2, 0.12, 0.1, 0.08, 0.06, 0.05, 0.03, 0.023, 0.017, 0.01, 0.01])
LINE = "{:34} {:>12} {:>12} {:>12} {:>12}"
Values = NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """How days differ: the standard deviation of a day's mean, in those of its rows."""

    name: str
    spread: float


WORLDS = (World("equal days", 0.0), World("means of days +-.15", 0.15))


def numbers(values: Values) -> pl.Series:
    """Return a column of numbers, without NaN."""
    return pl.Series(values, dtype=pl.Float64).fill_nan(None)


def in_share(values: pl.Series, share: float, generator: np.random.Generator, value: float | str | None) -> pl.Series:
    """Return values of which a share is replaced by one value."""
    chosen = generator.random(len(values)) < share
    return pl.select(pl.when(pl.Series(chosen)).then(pl.lit(value)).otherwise(values)).to_series()


@dataclass(frozen=True)
class Fault:
    """A fault of one column: ``plant`` takes its values on a day and returns the faulty ones."""

    name: str
    column: str
    plant: Callable[[pl.Series, np.random.Generator], pl.Series]


def shift_by(deviations: float) -> Callable[[pl.Series, np.random.Generator], pl.Series]:
    """Return the fault that adds so much to every value."""
    return lambda values, _generator: values + deviations


def wider_by(factor: float) -> Callable[[pl.Series, np.random.Generator], pl.Series]:
    """Return the fault that moves every value away from the mean."""

    def planted(values: pl.Series, _generator: np.random.Generator) -> pl.Series:
        numbers = values.to_numpy()
        return pl.Series(numbers.mean() + factor * (numbers - numbers.mean()))

    return planted


def top_times(factor: float) -> Callable[[pl.Series, np.random.Generator], pl.Series]:
    """Return the fault that multiplies the largest twentieth."""

    def planted(values: pl.Series, _generator: np.random.Generator) -> pl.Series:
        is_top = values > values.quantile(0.95)
        return pl.select(pl.when(is_top).then(values * factor).otherwise(values)).to_series()

    return planted


def unit_in(share: float) -> Callable[[pl.Series, np.random.Generator], pl.Series]:
    """Return the fault that multiplies a share of the values by 100."""

    def planted(values: pl.Series, generator: np.random.Generator) -> pl.Series:
        chosen = pl.Series(generator.random(len(values)) < share)
        return pl.select(pl.when(chosen).then(values * 100).otherwise(values)).to_series()

    return planted


def event_with(probability: float) -> Callable[[pl.Series, np.random.Generator], pl.Series]:
    """Return the fault that draws an event with another probability."""
    return lambda values, generator: pl.Series((generator.random(len(values)) < probability).astype(float))


def renamed(old: str, new: str) -> Callable[[pl.Series, np.random.Generator], pl.Series]:
    """Return the fault that gives a category another name."""
    return lambda values, _generator: values.replace(old, new)


FAULTS = (
    Fault("nothing", "x", lambda values, _generator: values),
    Fault("shift of .1 sd", "x", shift_by(0.1)),
    Fault("shift of .2 sd", "x", shift_by(0.2)),
    Fault("shift of .25 sd", "x", shift_by(0.25)),
    Fault("shift of .5 sd", "x", shift_by(0.5)),
    Fault("spread x 1.3", "x", wider_by(1.3)),
    Fault("unit x 100 in 5 % of rows", "x", unit_in(0.05)),
    Fault("top 5 % x 10", "x", top_times(10.0)),
    Fault("top 5 % x 10, lognormal(1.5)", "heavy", top_times(10.0)),
    Fault("2 % nulls", "x", lambda values, generator: in_share(values, 0.02, generator, None)),
    Fault("5 % nulls", "x", lambda values, generator: in_share(values, 0.05, generator, None)),
    Fault("5 % sentinel -999", "x", lambda values, generator: in_share(values, 0.05, generator, -999.0)),
    Fault("2 % unseen category", "level", lambda values, generator: in_share(values, 0.02, generator, "new")),
    Fault("level of 2.3 % renamed", "level", renamed("level 8", "LEVEL 8")),
    Fault("two levels merged (8 and 6 %)", "level", renamed("level 5", "level 4")),
    Fault("binary from 67 to 60 %", "binary", event_with(0.60)),
    Fault("event of 8 % halved", "event", event_with(0.04)),
    Fault("event of 8 % doubled", "event", event_with(0.16)),
)
KINDS = {"x": "numeric", "heavy": "numeric", "level": "categorical", "binary": "numeric", "event": "numeric"}


def day_of(spec: ModelSpec, world: World, day: int, generator: np.random.Generator) -> pl.DataFrame:
    """Return the rows of a healthy day."""
    columns = {name: _drawn(name, world.spread * generator.standard_normal(), generator) for name in spec.columns}
    at = dt.datetime.combine(FIRST_DAY, dt.time(12), dt.UTC) + dt.timedelta(days=day)
    return pl.DataFrame(columns).with_columns(
        row_id=pl.format("{}-{}", pl.lit(day), pl.int_range(ROWS)), predicted_at=pl.lit(at), model_version=pl.lit("1")
    )


def _drawn(name: str, moved: float, generator: np.random.Generator) -> pl.Series:
    base = name.rstrip("0123456789")
    normal = moved + generator.standard_normal(ROWS)
    if base == "heavy":
        return numbers(np.exp(1.5 * normal))
    if base == "level":
        return pl.Series(np.array(LEVELS)[np.searchsorted(np.cumsum(SHARES), stats.norm.cdf(normal)).clip(max=11)])
    if base in ("binary", "event"):
        probability = {"binary": 0.67, "event": 0.08}[base]
        return pl.Series((normal < stats.norm.ppf(probability)).astype(float))
    return numbers(normal)


def is_found(measured: Iterator[Measurement], column: str) -> bool:
    """Return whether a column is breached with at least a warning."""
    return any(
        m.subject == column and m.status is Status.BREACHED and m.severity is not Severity.INFO for m in measured
    )


@dataclass(frozen=True)
class Judge:
    """A spec and what was learned from its reference."""

    spec: ModelSpec
    learned: LearnedColumns

    def measured(self, rows: pl.DataFrame) -> Iterator[Measurement]:
        """Yield the quality and drift of the columns of a day."""
        profile = profile_chunk(nw.from_native(rows.lazy()), self.learned.bins, model_version="1")
        yield from measure_columns(self.learned.facts, profile)
        against = Counterpart(self.learned.bins, self.learned.profile, learned=self.learned.floors.floor)
        yield from measure_drift(self.spec, against, profile)


def plainly_found(before: pl.Series, now: pl.Series, bins: Bins) -> bool:
    """Return whether a plain rule flags a column: a distance of at least 0.1."""
    if isinstance(bins, NumericBins):
        old, new = before.drop_nulls().to_numpy(), now.drop_nulls().to_numpy()
        return stats.wasserstein_distance(old, new) / old.std() >= PLAIN_FLOOR
    levels = sorted({*before.to_list(), *now.to_list()} - {None})
    counts = [[(side == level).sum() for level in levels] for side in (before, now)]
    return jensen_shannon_distance(*counts) >= PLAIN_FLOOR


def main() -> None:
    """Print one line a fault."""
    parser = argparse.ArgumentParser(description="Count the days on which planted faults are found.")
    parser.add_argument("--days", type=int, default=40, help="days into which each fault is planted (default: 40)")
    parser.add_argument("--copies", type=int, default=8, help="columns of each of five kinds (default: 8)")
    given = parser.parse_args()
    spec = spec_of({f"{name}{place}": kind for place in range(given.copies) for name, kind in KINDS.items()})
    found: dict[str, list[str]] = {fault.name: [] for fault in FAULTS}
    for world in WORLDS:
        generator = np.random.default_rng(0)
        reference = pl.concat([day_of(spec, world, day, generator) for day in range(REFERENCE_DAYS)])
        judge = Judge(spec, learn_columns(spec, "1", reference, kept=reference.head(4_000)))
        for fault in FAULTS:
            column, flagged, plain = f"{fault.column}0", 0, 0
            for day in range(given.days):
                rows = day_of(spec, world, REFERENCE_DAYS + day, generator)
                faulty = rows.with_columns(fault.plant(rows[column], generator).alias(column))
                flagged += is_found(judge.measured(faulty), column)
                plain += plainly_found(reference[column], faulty[column], judge.learned.bins[column])
            found[fault.name] += [f"{flagged / given.days:.2f}", f"{plain / given.days:.2f}"]
    print(LINE.format("", *(f"{words}" for world in WORLDS for words in (world.name[:12], "plain rule"))))
    for name, figures in found.items():
        print(LINE.format(name, *figures))


if __name__ == "__main__":
    main()

"""Counts how often healthy segments, groups and periods are called worse where days are not independent.

Usage: ``python -m benchmarks.segment_alarms [--references N] [--series N] [--only TEXT]``. Nothing ever changes. Of
segments, the shares of nulls, the rate of positive labels, the skill and the means of numbers move from day to day, in
each segment by itself. Of groups and periods, the rates and the daily metrics do.
"""

import argparse
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from benchmarks.default_rules import FIRST_DAY, spec_of
from monitoring_pipeline.evaluation.compared_sides import Side, compare_sides
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, fold_incidents
from monitoring_pipeline.evaluation.profiles.bins import Bins, numeric_bins
from monitoring_pipeline.evaluation.profiles.labelled import profile_labelled
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.reference.columns import freeze_bins
from monitoring_pipeline.evaluation.segments.broken_columns import measure_broken_columns
from monitoring_pipeline.evaluation.segments.drift import measure_drift_of_segments
from monitoring_pipeline.evaluation.segments.learned import learn_segments
from monitoring_pipeline.evaluation.segments.metrics import measure_metrics
from monitoring_pipeline.evaluation.segments.of_chunk import SegmentsOfChunk
from monitoring_pipeline.evaluation.segments.performance import measure_performance_of_segments
from monitoring_pipeline.records.incident import EventKind
from monitoring_pipeline.records.measurement import Maturity, Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.predictions.group_rates import group_mean, largest_gaps

LINE_OF_GROUPS = "{:44} {:>8} {:>8}"
LINE_OF_SIDES = "{:32} {:>15} {:>22} {:>15} {:>22}"
Values = NDArray[np.float64]
SEGMENTS, NUMBERS, LATER, ROWS, TINY = 5, 8, 90, 200, 25
USUAL_NULLS = -2.75
"""Logit of the share of nulls: 6 %."""
FAULTS = {"x2": 0.1, "x3": 0.3}
"""Shares of nulls planted into columns of one segment: of one that is steady, and one that moves."""
LINE = "{:40} {:>5} {:>8} {:>8} {:>8} {:>10} {:>10} {:>8} {:>7} {:>7}"


@dataclass(frozen=True)
class World:
    """How each segment moves from day to day by itself, on logits, and in standard deviations of numbers.

    Args:
        name: its name in the table.
        nulls: spread of the logit of the share of nulls, in half of the columns.
        rates: spread of the logit of the rate of positive labels.
        means: spread of the mean of the numbers.
        autocorrelation: that of neighbouring days.
        weekend: what is added to logits on two days of seven, in every second segment.
        has_tiny: whether the first segment has few rows on most days.
        reference_days: days of the reference.
    """

    name: str
    nulls: float = 0.4
    rates: float = 0.3
    means: float = 0.15
    autocorrelation: float = 0.0
    weekend: float = 0.0
    has_tiny: bool = False
    reference_days: int = 60


WORLDS = (
    World("days are equal", nulls=0.0, rates=0.0, means=0.0),
    World("days are independent"),
    World("autoregressive .8", autocorrelation=0.8),
    World("autoregressive .9", autocorrelation=0.9),
    World("autoregressive .8, 30 days", autocorrelation=0.8, reference_days=30),
    World("weekends higher", nulls=0.1, rates=0.1, means=0.05, weekend=0.7),
    World("weekends higher, autoregressive .8", weekend=0.7, autocorrelation=0.8),
    World("a tiny segment, autoregressive .8", autocorrelation=0.8, has_tiny=True),
)


def wandering(generator: np.random.Generator, autocorrelation: float, shape: tuple[int, ...]) -> Values:
    """Return normal series of days with standard deviation 1, shape (days, ...)."""
    series = generator.standard_normal(shape)
    for day in range(1, shape[0]):
        series[day] = autocorrelation * series[day - 1] + (1 - autocorrelation**2) ** 0.5 * series[day]
    return series


def rows_of(world: World, generator: np.random.Generator) -> pl.DataFrame:
    """Return canonical predictions with labels of all days."""
    days = world.reference_days + LATER
    sizes = np.full((days, SEGMENTS), ROWS)
    if world.has_tiny:
        sizes[generator.random(days) < 0.8, 0] = TINY
    day = np.repeat(np.arange(days), sizes.sum(axis=1))
    segment = np.concatenate([np.repeat(np.arange(SEGMENTS), of_day) for of_day in sizes])
    weekend = world.weekend * (day % 7 >= 5) * (segment % 2)
    size = day.size
    skill = generator.standard_normal(size)
    slope = 1.2 + world.rates * wandering(generator, world.autocorrelation, (days, SEGMENTS))[day, segment]
    rate = world.rates * wandering(generator, world.autocorrelation, (days, SEGMENTS))[day, segment] + weekend
    label = (generator.random(size) < special.expit(slope * skill - 1.0 + rate)).astype(np.float64)
    columns: dict[str, object] = {}
    for place in range(NUMBERS):
        mean, nulls = (wandering(generator, world.autocorrelation, (days, SEGMENTS))[day, segment] for _ in "mn")
        spread = world.nulls * (place % 2)
        missing = generator.random(size) < special.expit(USUAL_NULLS + spread * nulls + (place % 2) * weekend)
        values = world.means * mean + generator.standard_normal(size)
        columns[f"x{place}"] = pl.Series(values).set(pl.Series(missing), None)
    score = special.expit(1.2 * skill - 1.0)
    start = dt.datetime.combine(FIRST_DAY, dt.time(12), dt.UTC)
    return pl.DataFrame(
        {
            "row_id": [f"{row:08}" for row in range(size)],
            "predicted_at": pl.Series([start + dt.timedelta(days=each) for each in range(days)])[day],
            "model_version": ["1"] * size,
            "day": day,
            "city": pl.Series([f"c{each}" for each in range(SEGMENTS)])[segment],
            **columns,
            "score": score,
            "prediction": (score >= 0.5).astype(np.float64),
            "label": label,
            "known_at": pl.Series([start + dt.timedelta(days=each, hours=1) for each in range(days)])[day],
        }
    )


def spec_with_segments() -> ModelSpec:
    """Return the spec of a binary model with segments, a metric that follows the rate, and one that does not."""
    document = spec_of({f"x{place}": "numeric" for place in range(NUMBERS)} | {"city": "categorical"}).model_dump()
    kept = {name: document[name] for name in ("name", "owner", "timezone", "start", "reference", "features")}
    return ModelSpec.model_validate(
        kept
        | {
            "task": "binary",
            "predictions": {"table": "scores", "id": "id", "time": "at", "score": "score", "prediction": "decided"},
            "labels": {"label": "churned"},
            "segments": {"by": {"city": "city"}},
            "performance": {
                "thresholds": {
                    "auroc": {"worse_than_reference": 0.05},
                    "brier_score": {"worse_than_reference": 0.02},
                }
            },
        }
    )


@dataclass(frozen=True)
class Outcome:
    """What was breached in one future without change, and how often a planted fault was.

    Args:
        nulls: share of days with a breached share in any segment.
        metrics: share of days with a breached metric in any segment.
        drifted: share of days with drift in any segment, for information.
        data_incidents: incidents a month of shares.
        model_incidents: incidents a month of metrics.
        pages: incidents that become critical, a quarter.
        steady: share of days on which ten points of nulls are found in a column whose nulls do not move.
        moving: the same of thirty points in one whose nulls do.
    """

    nulls: float
    metrics: float
    drifted: float
    data_incidents: float
    model_incidents: float
    pages: float
    steady: float
    moving: float


def outcome(world: World, seed: int) -> Outcome:
    """Return the breaches by the default rules in one reference and its future."""
    generator = np.random.default_rng(seed)
    spec, rows = spec_with_segments(), rows_of(world, generator)
    reference = rows.filter(pl.col("day") < world.reference_days).drop("day")
    bins = {name: freeze_bins(reference[name], kind) for name, kind in spec.columns.items()}
    learned = learn_segments(spec, "1", bins, reference, reference_hash="made up")
    labels = reference.select("row_id", "label")
    whole = measure_metrics(spec, reference.drop("label", "known_at"), labels, ("whole",))
    shares: dict[str, list[Measurement]] = {}
    metrics: dict[str, list[Measurement]] = {}
    drifted: list[bool] = []
    found: list[list[bool]] = []
    for day in range(world.reference_days, world.reference_days + LATER):
        own = rows.filter(pl.col("day") == day).drop("day")
        key = (FIRST_DAY + dt.timedelta(days=day)).isoformat()
        chunk = SegmentsOfChunk(spec, learned, bins, own.drop("label", "known_at"))
        shares[key] = list(measure_broken_columns(chunk, chunk.profiles))
        drifted.append(bool(measure_drift_of_segments(chunk, chunk.profiles)))
        of_labels = own.select("row_id", "label")
        metrics[key] = list(
            measure_performance_of_segments(chunk, of_labels, whole, maturity=Maturity.FINAL, chunk=key)
        )
        found.append([_is_found(chunk, column, share, generator) for column, share in FAULTS.items()])
    data, pages = _opened(spec, shares)
    model, more_pages = _opened(spec, metrics)
    steady, moving = np.mean(found, axis=0)
    return Outcome(
        nulls=_share_of_days(shares),
        metrics=_share_of_days(metrics),
        drifted=float(np.mean(drifted)),
        data_incidents=30 * data / LATER,
        model_incidents=30 * model / LATER,
        pages=90 * (pages + more_pages) / LATER,
        steady=float(steady),
        moving=float(moving),
    )


def _is_found(chunk: SegmentsOfChunk, column: str, share: float, generator: np.random.Generator) -> bool:
    """Return whether further nulls are found in the column of the second segment."""
    hit = pl.Series(generator.random(chunk.rows.height) < share) & (chunk.rows["city"] == "c1")
    broken = replace(
        chunk, rows=chunk.rows.with_columns(pl.when(hit).then(None).otherwise(pl.col(column)).alias(column))
    )
    breached = measure_broken_columns(broken, broken.profiles)
    return any(m.subject == column and m.segment == "city=c1" for m in breached)


def _share_of_days(days: Mapping[str, Sequence[Measurement]]) -> float:
    return float(np.mean([any(m.status is Status.BREACHED for m in of_day) for of_day in days.values()]))


def _opened(spec: ModelSpec, days: Mapping[str, Sequence[Measurement]]) -> tuple[int, int]:
    """Return the number of incidents that open, and of those that become critical."""
    chunks = [ChunkMeasurements(chunk=key, measurements=tuple(of_day)) for key, of_day in days.items()]
    events = [event for history in fold_incidents(spec, chunks) for event in history.events]
    opened = sum(event.kind in {EventKind.OPENED, EventKind.REOPENED} for event in events)
    pages = sum(event.kind is EventKind.ESCALATED and event.severity is Severity.CRITICAL for event in events)
    return opened, pages


def print_segments(references: int, only: str) -> None:
    """Print one line a world of segments."""
    names = ("days", "nulls %", "metric %", "drift %", "data inc/m", "model i/m", "pages/q", "steady", "moving")
    print(LINE.format("segments", *names))
    for world in WORLDS:
        if only not in world.name:
            continue
        found = [outcome(world, seed) for seed in range(references)]

        def mean(name: str, found: Sequence[Outcome] = found) -> float:
            return float(np.mean([getattr(one, name) for one in found]))

        figures = (
            str(world.reference_days),
            *(f"{100 * mean(name):.1f}" for name in ("nulls", "metrics", "drifted")),
            *(f"{mean(name):.2f}" for name in ("data_incidents", "model_incidents", "pages", "steady", "moving")),
        )
        print(LINE.format(world.name, *figures), flush=True)


@dataclass(frozen=True)
class Groups:
    """Groups with equal rates in the long run, whose logits move from day to day by themselves.

    Args:
        name: its name in the table.
        spread: spread of the logit of a day's rate.
        autocorrelation: that of neighbouring days.
        groups: number of groups.
        uneven: spread of the logarithm of the rows of a day.
        present: days on which the last group has rows.
    """

    name: str
    spread: float = 0.0
    autocorrelation: float = 0.0
    groups: int = 2
    uneven: float = 0.0
    present: int = 28


OF_GROUPS = (
    Groups("rows are independent"),
    Groups("days are independent", spread=0.3),
    Groups("autoregressive .5", spread=0.3, autocorrelation=0.5),
    Groups("autoregressive .8", spread=0.3, autocorrelation=0.8),
    Groups("autoregressive .8, 5 groups", spread=0.3, autocorrelation=0.8, groups=5),
    Groups("autoregressive .8, clustered labels", spread=0.3, autocorrelation=0.8, uneven=0.8),
    Groups("one group on 8 days, independent", spread=0.3, present=8),
    Groups("one group on 8 days, autoregressive .8", spread=0.3, autocorrelation=0.8, present=8),
)
GROUP_DAYS, GROUP_ROWS = 28, 60


def gaps_of(world: Groups, generator: np.random.Generator, apart: float) -> tuple[bool, bool]:
    """Return whether a gap is called larger than the true one, and whether one of ``apart`` more logits is found."""
    moves = world.spread * wandering(generator, world.autocorrelation, (GROUP_DAYS, world.groups))
    rows = np.maximum(GROUP_ROWS * np.exp(world.uneven * generator.standard_normal(moves.shape)), 1).astype(int)
    first = generator.integers(GROUP_DAYS - world.present + 1)
    rows[:first, -1] = rows[first + world.present :, -1] = 0
    found: list[bool] = []
    for more in (0.0, apart):
        rates = special.expit(moves + more * (np.arange(world.groups) == 0))
        days = [
            {
                str(group): group_mean((generator.random(count) < rate).astype(np.float64), is_share=True)
                for group, (count, rate) in enumerate(zip(of_rows, of_rates, strict=True))
                if count
            }
            for of_rows, of_rates in zip(rows, rates, strict=True)
        ]
        found.append((largest_gaps(days, 0.99).difference.lower or 0.0) > 0.0)
    return found[0], found[1]


def print_groups(series: int, only: str) -> None:
    """Print one line a world of groups."""
    print(LINE_OF_GROUPS.format("gaps of groups over 28 days", "wrong %", "found %"))
    for world in OF_GROUPS:
        if only in world.name:
            generator = np.random.default_rng(1)
            found = np.mean([gaps_of(world, generator, 0.6) for _ in range(series)], axis=0)
            print(LINE_OF_GROUPS.format(world.name, *(f"{100 * share:.1f}" for share in found)), flush=True)


@dataclass(frozen=True)
class Sides:
    """Two sides of a comparison of equal skill, whose daily rate and skill move.

    Args:
        name: its name in the table.
        spread: spread of a day's logit of the rate, and of its slope.
        autocorrelation: that of neighbouring days.
        is_same_days: whether the sides are two versions on the same days, instead of two periods.
        shared: share of the variance that both versions have in common.
    """

    name: str
    spread: float = 0.0
    autocorrelation: float = 0.0
    is_same_days: bool = False
    shared: float = 0.0


OF_SIDES = (
    Sides("periods, days are equal"),
    Sides("periods, independent", spread=0.3),
    Sides("periods, autoregressive .5", spread=0.3, autocorrelation=0.5),
    Sides("periods, autoregressive .8", spread=0.3, autocorrelation=0.8),
    Sides("versions, independent", spread=0.3, is_same_days=True),
    Sides("versions, autoregressive .5", spread=0.3, autocorrelation=0.5, is_same_days=True),
    Sides("versions, autoregressive .8", spread=0.3, autocorrelation=0.8, is_same_days=True),
    Sides("versions, .8, half in common", spread=0.3, autocorrelation=0.8, is_same_days=True, shared=0.5),
)
COMPARED_ROWS = 200
COMPARED = ("auroc", "brier_score")


def claims_of(world: Sides, days: int, generator: np.random.Generator) -> list[bool]:
    """Return whether the second side is called better or worse, by metric."""
    spec = spec_with_segments()
    moves = wandering(generator, world.autocorrelation, (days if world.is_same_days else 2 * days, 2, 2))
    own, shared = (1 - world.shared) ** 0.5, world.shared**0.5
    in_common = wandering(generator, world.autocorrelation, (days, 2))
    of_sides = (
        [own * moves[:, side] + shared * in_common for side in (0, 1)]
        if world.is_same_days
        else [moves[:days, 0], moves[days:, 0]]
    )
    bins: dict[str, Bins] = {"score": numeric_bins(np.linspace(0.001, 0.999, 2000))}
    sides: list[Side] = []
    for place, of_side in enumerate(of_sides):
        first = 0 if world.is_same_days else place * days
        by_day: dict[str, tuple[ChunkProfile, ...]] = {}
        for day, (rate, slope) in enumerate(world.spread * of_side):
            skill = generator.standard_normal(COMPARED_ROWS)
            label = generator.random(COMPARED_ROWS) < special.expit((1.2 + slope) * skill - 1.0 + rate)
            score = special.expit(1.2 * skill - 1.0)
            rows = pl.DataFrame({"row_id": np.arange(COMPARED_ROWS), "score": score, "prediction": (score > 0.5) * 1.0})
            labels = pl.DataFrame({"row_id": np.arange(COMPARED_ROWS), "label": label.astype(np.float64)})
            key = (FIRST_DAY + dt.timedelta(days=first + day)).isoformat()
            by_day[key] = profile_labelled(spec, bins, rows, labels, model_version="1")
        sides.append(Side(str(place), bins, by_day))
    worse = {one.metric.name: one.worse for one in compare_sides(spec, *sides)}
    return [worse[name] is not None for name in COMPARED]


def print_sides(series: int, only: str) -> None:
    """Print one line a world of comparisons."""
    names = [f"{metric}, {days} days" for days in (14, 28) for metric in COMPARED]
    print(LINE_OF_SIDES.format("called better or worse, %", *names))
    for world in OF_SIDES:
        if only in world.name:
            generator = np.random.default_rng(1)
            found = [np.mean([claims_of(world, days, generator) for _ in range(series)], axis=0) for days in (14, 28)]
            print(LINE_OF_SIDES.format(world.name, *(f"{100 * s:.1f}" for s in np.concatenate(found))), flush=True)


PARTS = ("segments", "groups", "sides")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="Count false alarms of segments, groups and periods.")
    parser.add_argument("--references", type=int, default=2, help="references of each world of segments (default: 2)")
    parser.add_argument("--series", type=int, default=1000, help="series of groups; of comparisons a twentieth")
    parser.add_argument("--worlds", default="", help="only worlds whose name contains this text")
    parser.add_argument("--part", choices=PARTS, help="only this table")
    given = parser.parse_args()
    wanted = PARTS if given.part is None else (given.part,)
    if "segments" in wanted:
        print_segments(given.references, given.worlds)
    if "groups" in wanted:
        print_groups(given.series, given.worlds)
    if "sides" in wanted:
        print_sides(given.series // 20, given.worlds)


if __name__ == "__main__":
    main()

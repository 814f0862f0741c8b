"""Counts how often the default rule of drift flags healthy days of worlds whose days are not independent.

Usage: ``python benchmarks/false_alarms.py [--references N]``. In each world nothing ever changes: the means of ten
columns of 1,000 rows move from day to day as its row says. A reference is taken, and the 150 days after it are judged.
The incidents that open are those of the fold of incidents, beside what ``replay`` expects of the reference alone.
"""

import argparse
import datetime as dt
from collections.abc import Mapping, Sequence
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
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, fold_incidents
from monitoring_pipeline.evaluation.profiles.bins import (
    SPECIAL_CELLS_AFTER,
    SPECIAL_CELLS_BEFORE,
    NumericBins,
    numeric_bins,
)
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile, sum_profiles
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.rule_check.expected_openings import expected_of_drift
from monitoring_pipeline.evaluation.rule_check.held_out_days import ReferenceDays, hold_out
from monitoring_pipeline.records.incident import EventKind
from monitoring_pipeline.records.measurement import Measurement, Severity
from monitoring_pipeline.spec.model import ModelSpec

Values = NDArray[np.float64]
Bins = Mapping[str, NumericBins]
Profiles = Mapping[str, ChunkProfile]
_BEFORE, _AFTER = (0,) * SPECIAL_CELLS_BEFORE, (0,) * SPECIAL_CELLS_AFTER
LINE = "{:46} {:>5} {:>8} {:>10} {:>6} {:>11} {:>9} {:>7} {:>7} {:>8}"
MONTHS = 5
"""That many months of chunks are judged after a reference; of hours it is one."""


@dataclass(frozen=True)
class World:
    """How the mean of a column moves from day to day, in standard deviations of its rows.

    Args:
        name: its name in the table.
        spread: standard deviation of a day's mean.
        autocorrelation: that of neighbouring days.
        weekend: what is added on two days of seven.
        trend: by what the mean rises in 100 days.
        reference_days: days of the reference.
        columns: number of columns, independent of one another.
        rows: rows of a day, or the least and the most, drawn evenly.
        of_month: chunks of a month: 30 of a day, or 720 of an hour.
    """

    name: str
    spread: float = 0.0
    autocorrelation: float = 0.0
    weekend: float = 0.0
    trend: float = 0.0
    reference_days: int = 60
    columns: int = 10
    rows: tuple[int, int] = (1000, 1000)
    of_month: int = 30

    @property
    def has_hours(self) -> bool:
        """Whether chunks are hours."""
        return self.of_month > 30

    @property
    def later(self) -> int:
        """The chunks after the reference that are judged."""
        return self.of_month if self.has_hours else MONTHS * self.of_month

    def key(self, chunk: int) -> str:
        """Return the key of a chunk."""
        if self.has_hours:
            start = dt.datetime.combine(FIRST_DAY, dt.time()) + dt.timedelta(hours=chunk)
            return start.isoformat(timespec="minutes")
        return (FIRST_DAY + dt.timedelta(days=chunk)).isoformat()

    def means(self, generator: np.random.Generator, days: int) -> Values:
        """Return the mean of each column on each day, shape (days, columns)."""
        own = np.empty((days, self.columns))
        own[0] = generator.standard_normal(self.columns)
        kept = self.autocorrelation
        for day in range(1, days):
            own[day] = kept * own[day - 1] + np.sqrt(1 - kept**2) * generator.standard_normal(self.columns)
        is_weekend = np.arange(days) % 7 >= 5
        fixed = self.weekend * is_weekend + self.trend * np.arange(days) / 100
        return self.spread * own + fixed[:, None]


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
    World("trend of .1 in 100 days, autoregressive .5", spread=0.2, autocorrelation=0.5, trend=0.1),
    World("100 to 3,000 rows, autoregressive .8", spread=0.2, autocorrelation=0.8, rows=(100, 3000)),
    World("100 rows, autoregressive .8", spread=0.2, autocorrelation=0.8, rows=(100, 100)),
    World("hours, independent, 3 columns", spread=0.15, columns=3, reference_days=240, of_month=720),
    World(
        "hours, autoregressive .9, 3 columns",
        spread=0.2,
        autocorrelation=0.9,
        columns=3,
        reference_days=240,
        of_month=720,
    ),
)


@dataclass(frozen=True)
class ReferenceOfDays:
    """What held-out days need of a reference."""

    model_version: str
    bins: Bins


@dataclass(frozen=True)
class Outcome:
    """What was found in one future, beside what replay expects.

    Args:
        expected: share of days that is flagged, by replay.
        flagged: share of the later days that was flagged.
        expected_incidents: incidents opened a month, by replay.
        incidents: incidents opened a month.
        within: share of the months whose incidents are within the interval of replay.
        pages: incidents that lasted until they would be critical, a quarter.
        floor: mean floor of Jensen-Shannon.
    """

    expected: float
    flagged: float
    expected_incidents: float
    incidents: float
    within: float
    pages: float
    floor: float


def days_of(world: World, generator: np.random.Generator, columns: list[str]) -> tuple[Bins, Profiles, Profiles]:
    """Return bins, the profiles of the days of the reference, and those of the days after it, by key."""
    days = world.reference_days + world.later
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
        by_day[world.key(day)] = ChunkProfile("1", int(rows[day]), own)
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
    if world.has_hours:
        spec = spec.model_copy(update={"cadence": "hour", "schedule": "15m"})
    bins, healthy, later = days_of(world, np.random.default_rng(seed), list(spec.columns))
    floors = learn_floors(spec, "1", bins, healthy)
    against = Counterpart(bins, sum_profiles(healthy.values()), learned=floors.floor)
    measured = {key: measure_drift(spec, against, day) for key, day in later.items()}
    flags = np.array([bool(drifted_of(found).columns) for found in measured.values()])
    reference = cast("Reference", ReferenceOfDays("1", bins))
    days = ReferenceDays(spec, reference, healthy, pl.DataFrame())
    held = hold_out(days)
    expected = [bool(drifted_of(measure_drift(spec, day.against, day.profile)).columns) for day in held]
    of_month = [found.openings for _, found in expected_of_drift(days, floors)]
    lower, upper = (sum(getattr(found, end) for found in of_month) for end in ("lower", "upper"))
    opened, pages = openings_of(spec, measured)
    by_month = np.bincount(opened // world.of_month, minlength=world.later // world.of_month)
    rows = sum(world.rows) // 2
    floor = np.mean([floors.floor(column, "jensen_shannon", rows) or 0.0 for column in spec.columns])
    return Outcome(
        expected=float(np.mean(expected)),
        flagged=float(flags.mean()),
        expected_incidents=sum(found.value for found in of_month),
        incidents=float(by_month.mean()),
        within=float(np.mean((by_month >= np.floor(lower)) & (by_month <= np.ceil(upper)))),
        pages=3 * pages * world.of_month / world.later,
        floor=float(floor),
    )


def openings_of(spec: ModelSpec, measured: Mapping[str, Sequence[Measurement]]) -> tuple[NDArray[np.int64], int]:
    """Return the places of the days on which incidents of drift open, and how many would become critical by lasting.

    Drift counts with severity warning, as if it always affected the model.
    """
    felt = spec.model_copy(update={"drift": spec.drift.model_copy(update={"severity": "warning"})})
    place = {key: day for day, key in enumerate(measured)}
    chunks = [ChunkMeasurements(chunk=key, measurements=tuple(found)) for key, found in measured.items()]
    events = [event for history in fold_incidents(felt, chunks) for event in history.events]
    opened = [place[event.chunk] for event in events if event.kind in {EventKind.OPENED, EventKind.REOPENED}]
    pages = sum(event.kind is EventKind.ESCALATED and event.severity is Severity.CRITICAL for event in events)
    return np.array(opened, np.int64), pages


def main() -> None:
    """Print one line a world."""
    parser = argparse.ArgumentParser(description="Count false alarms of drift where days are not independent.")
    parser.add_argument("--references", type=int, default=20, help="references of each world (default: 20)")
    parser.add_argument("--worlds", default="", help="only worlds whose name contains this text")
    given = parser.parse_args()
    print(
        LINE.format("", "days", "expected", "flagged %", "+-", "expected/m", "incid./m", "within", "pages/q", "floor")
    )
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
            f"{np.mean([one.expected_incidents for one in found]):.2f}",
            f"{np.mean([one.incidents for one in found]):.2f}",
            f"{np.mean([one.within for one in found]):.2f}",
            f"{np.mean([one.pages for one in found]):.2f}",
            f"{np.mean([one.floor for one in found]):.3f}",
        )
        print(LINE.format(world.name, *figures), flush=True)


if __name__ == "__main__":
    main()

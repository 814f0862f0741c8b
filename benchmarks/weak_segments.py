"""Counts how often planted weak segments are found, and how often shuffled losses give any.

Usage: ``python -m benchmarks.weak_segments [--sets N]``. A set is four weeks of scored flights, with their squared
errors. Losses are shuffled within each day, so that days stay better or worse and no segment is weak. Then the losses
of a segment of about 5.6 % of the rows are multiplied: values or ranges of two features. Ranges are not those of bins.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.detection.flight_days import CATEGORIES, DAY, ID, LABEL, NUMBERS, SCORE, scored_flights
from monitoring_pipeline.evaluation.segments.binned_columns import BinnedColumn, binned
from monitoring_pipeline.evaluation.segments.weak_segments import Halves, halves_of, weak_segments
from monitoring_pipeline.evaluation.segments.weakness import ALPHA
from monitoring_pipeline.spec.sources import FeatureKind

FLIGHTS = Path(__file__).parent / ".data" / "detection" / "flights.parquet"
SHARE, TOLERANCE = 0.056, 0.006
EFFECTS = (1.35, 1.5, 2.0)
FLIGHT = (
    "scheduled_departure_minute",
    "distance_miles",
    "plane_age_years",
    "seats",
    "carrier",
    "origin",
    "destination",
)
KINDS = {"of the flight": FLIGHT, "of all features": (*NUMBERS, *CATEGORIES)}
DAYS = 28
LINE = "{:46} {:>6} {:>8} {:>12} {:>14} {:>14}"
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Case:
    """A number of sets, with a segment of two of the features whose losses are multiplied by ``effect``."""

    words: str
    features: Sequence[str]
    effect: float
    sets: int


class Weeks:
    """Four weeks of flights: their losses, days, halves and bins."""

    def __init__(self, rows: pl.DataFrame, generator: np.random.Generator) -> None:
        self.rows = rows
        self.losses = ((rows[SCORE] - rows[LABEL].cast(pl.Float64)) ** 2).to_numpy()
        self.days = rows[DAY].to_physical().cast(pl.Int64).to_numpy()
        self.halves: Halves = halves_of(self.days, generator)
        kinds = {**dict.fromkeys(NUMBERS, FeatureKind.NUMERIC), **dict.fromkeys(CATEGORIES, FeatureKind.CATEGORICAL)}
        self.columns: dict[str, BinnedColumn] = {
            name: binned(rows[name], kind, self.halves.chosen_on) for name, kind in kinds.items()
        }
        self.codes = {name: column.codes for name, column in self.columns.items()}

    def shuffled(self, generator: np.random.Generator) -> Values:
        """Return the losses, shuffled within each day."""
        order = np.lexsort((generator.random(self.days.size), self.days))
        own = np.argsort(self.days, kind="stable")
        losses = np.empty_like(self.losses)
        losses[own] = self.losses[order]
        return losses

    def planted(self, features: Sequence[str], generator: np.random.Generator) -> Flags:
        """Return the rows of a random segment of about 5.6 % of the rows, of two of the features."""
        while True:
            names = generator.choice(features, 2, replace=False)
            inside = np.logical_and(*(self._part(str(name), generator) for name in names))
            if abs(inside.mean() - SHARE) < TOLERANCE:
                return inside

    def _part(self, name: str, generator: np.random.Generator) -> Flags:
        if name in CATEGORIES:
            return (
                (self.rows[name] == generator.choice(self.rows[name].drop_nulls().to_numpy()))
                .fill_null(value=False)
                .to_numpy()
            )
        values = self.rows[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        start, width = generator.uniform(0.0, 0.75), generator.uniform(0.15, 0.5)
        low, high = np.nanquantile(values, [start, min(1.0, start + width)])
        return (values >= low) & (values <= high)

    def found(self, losses: Values) -> Iterator[Flags]:
        """Yield the rows of each segment that is found."""
        for weak in weak_segments(self.codes, losses, self.halves):
            if weak.p_value < ALPHA:
                places = zip(weak.features, weak.bins, strict=True)
                yield np.logical_and.reduce([self.codes[name] == number for name, number in places])


def main() -> None:
    """Print for each effect how many planted segments are found, and how many shuffled sets give any."""
    parser = argparse.ArgumentParser(description="Count the planted weak segments that are found.")
    parser.add_argument(
        "--sets", type=int, default=40, help="sets of each effect; four times as many without (default: 40)"
    )
    given = parser.parse_args()
    generator = np.random.default_rng(1)
    flights = scored_flights(FLIGHTS).drop_nulls([LABEL, SCORE]).sort(DAY, ID)
    dates = flights[DAY].unique().sort()
    every = [
        Weeks(flights.filter(pl.col(DAY).is_in(dates[first : first + DAYS].implode())), generator)
        for first in range(0, dates.len() - DAYS, DAYS)
    ]
    print(LINE.format("losses", "sets", "found %", "or around it %", "of its rows %", "others too %"))
    cases = [
        Case("shuffled within each day", FLIGHT, 1.0, 4 * given.sets),
        *(
            Case(f"{effect:g} times as large, by two {kind}", features, effect, given.sets)
            for kind, features in KINDS.items()
            for effect in EFFECTS
        ),
    ]
    for case in cases:
        print(line_of(case, every, generator), flush=True)


def line_of(case: Case, every: Sequence[Weeks], generator: np.random.Generator) -> str:
    """Return a row of the table: the share of sets with a planted segment found, and the share with another one."""
    found: list[bool] = []
    share: list[float] = []
    around: list[bool] = []
    others: list[bool] = []
    for number in range(case.sets):
        weeks = every[number % len(every)]
        inside = weeks.planted(case.features, generator)
        losses = weeks.shuffled(generator) * np.where(inside, case.effect, 1.0)
        segments = list(weeks.found(losses))
        hits = [segment for segment in segments if inside[segment].mean() >= 0.5] if case.effect > 1.0 else []
        found.append(bool(hits))
        around.append(any(case.effect > 1.0 and inside[segment].mean() >= 2 * SHARE for segment in segments))
        share += [float(np.logical_or.reduce(hits)[inside].mean())] if hits else []
        others.append(any(case.effect == 1.0 or inside[segment].mean() < 2 * SHARE for segment in segments))
    of_rows = f"{100 * np.mean(share):.0f}" if share else ""
    numbers = (f"{100 * np.mean(found):.0f}", f"{100 * np.mean(around):.0f}", of_rows, f"{100 * np.mean(others):.1f}")
    return LINE.format(case.words, case.sets, *numbers)


if __name__ == "__main__":
    main()

"""Counts how often the default rules flag healthy days of a column with very many categories.

Usage: ``python benchmarks/many_categories.py [--references N]``. Nothing ever changes. A reference is taken, and the 20
days after it are judged by drift and by quality.
"""

import argparse
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import polars as pl
from default_rules import FIRST_DAY, spec_of
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.drift.columns import Counterpart, measure_drift
from monitoring_pipeline.evaluation.profiles.profile import profile_chunk
from monitoring_pipeline.evaluation.quality.columns import measure_columns
from monitoring_pipeline.evaluation.reference.columns import learn_columns
from monitoring_pipeline.records.measurement import Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec

FUTURE_DAYS = 20
LINE = "{:26} {:>6} {:>5} {:>8} {:>8} {:>8}"


@dataclass(frozen=True)
class World:
    """How often categories occur.

    Args:
        categories: their number.
        is_zipf: whether the k-th is 1 / k as frequent as the first, else all are equally frequent.
        rows: rows of a day.
        days: days of the reference.
        spread: standard deviation by which the logarithm of each frequency moves from day to day.
    """

    categories: int
    is_zipf: bool
    rows: int
    days: int
    spread: float = 0.0

    @property
    def name(self) -> str:
        """The name in the table."""
        moving = f", +-{self.spread:.0%}" if self.spread else ""
        return f"{self.categories:,}, {'Zipf' if self.is_zipf else 'even'}{moving}"

    def day(self, generator: np.random.Generator, day: int) -> pl.DataFrame:
        """Return the canonical rows of a day."""
        ranks = np.arange(1, self.categories + 1)
        weights = (1.0 / ranks if self.is_zipf else np.ones(self.categories)) * np.exp(
            self.spread * generator.standard_normal(self.categories)
        )
        drawn: NDArray[np.int64] = generator.choice(self.categories, self.rows, p=weights / weights.sum())
        at = dt.datetime.combine(FIRST_DAY + dt.timedelta(days=day), dt.time(1), dt.UTC)
        return pl.DataFrame(
            {
                "row_id": [f"{number:016x}" for number in generator.integers(0, 2**62, self.rows).tolist()],
                "predicted_at": [at] * self.rows,
                "model_version": ["1"] * self.rows,
                "c": [f"c{place:05d}" for place in drawn.tolist()],
                "prediction": generator.standard_normal(self.rows),
            }
        )


WORLDS = (
    *(
        World(categories, is_zipf, rows, days)
        for categories in (100, 1_000, 10_000)
        for is_zipf in (False, True)
        for rows, days in ((500, 7), (500, 14), (2_000, 14))
    ),
    World(1_000, is_zipf=True, rows=1_000, days=30, spread=0.3),
    World(1_000, is_zipf=False, rows=1_000, days=30, spread=0.3),
)


def judged_days(spec: ModelSpec, world: World, seed: int) -> Iterator[tuple[Measurement, ...]]:
    """Yield the measurements of the column on each day after one reference."""
    generator = np.random.default_rng(seed)
    reference = pl.concat([world.day(generator, day) for day in range(world.days)]).sort("row_id")
    learned = learn_columns(spec, "1", reference, kept=reference)
    against = Counterpart(learned.bins, learned.profile, learned=learned.floors.floor)
    for day in range(FUTURE_DAYS):
        rows = world.day(generator, world.days + day)
        profile = profile_chunk(nw.from_native(rows.lazy()), learned.bins, model_version="1")
        measured = (*measure_drift(spec, against, profile), *measure_columns(learned.facts, profile))
        yield tuple(each for each in measured if each.subject == "c")


def main() -> None:
    """Print one line a world: percent of days with drift, with p below 1 %, and with a warning of unseen categories."""
    parser = argparse.ArgumentParser(description="Count false alarms of columns with very many categories.")
    parser.add_argument("--references", type=int, default=6, help="references of each world (default: 6)")
    given = parser.parse_args()
    spec = spec_of({"c": "categorical"})
    print(LINE.format("", "rows", "days", "drift %", "p %", "unseen %"))
    for world in WORLDS:
        days = [day for seed in range(given.references) for day in judged_days(spec, world, seed)]
        found = np.array([(_is_drift(day), _is_significant(day), _is_unseen(day)) for day in days])
        print(
            LINE.format(world.name, world.rows, world.days, *(f"{100 * x:.1f}" for x in found.mean(axis=0))), flush=True
        )


def _is_drift(day: tuple[Measurement, ...]) -> bool:
    return any(each.status is Status.BREACHED and each.p_value is not None for each in day)


def _is_significant(day: tuple[Measurement, ...]) -> bool:
    (p_value,) = (each.p_value for each in day if each.name == "jensen_shannon")
    return p_value is not None and p_value < 0.01


def _is_unseen(day: tuple[Measurement, ...]) -> bool:
    return any(
        each.name == "unseen_share" and each.status is Status.BREACHED and each.severity is not Severity.INFO
        for each in day
    )


if __name__ == "__main__":
    main()

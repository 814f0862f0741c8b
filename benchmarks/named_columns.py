"""Counts how often the comparison of all features names the column that has changed, beside columns that always differ.

Usage: ``python benchmarks/named_columns.py [--days N]``. Two of eight columns have another mean on each day, so that
they tell every day from the others. After 40 days of the reference, one of the other columns is changed on each day.
"""

import argparse
import datetime as dt
from collections.abc import Callable, Mapping

import numpy as np
import polars as pl
from default_rules import FIRST_DAY, spec_of

from monitoring_pipeline.evaluation.drift.all_features import learn_together, measure_multivariate
from monitoring_pipeline.records.measurement import Status

ROWS, REFERENCE_DAYS = 500, 40
WANDERING, STEADY = ("w0", "w1"), ("s0", "s1", "s2", "s3", "s4", "s5")
LINE = "{:26} {:20} {:>8} {:>14} {:>14}"
CHANGES: Mapping[str, Callable[[pl.Expr], pl.Expr]] = {
    "shift of .5 sd": lambda column: column + 0.5,
    "spread x 1.5": lambda column: column * 1.5,
    "sign flip": lambda column: -column,
    "5 % x 100": lambda column: pl.when(pl.int_range(pl.len()) % 20 == 0).then(column * 100).otherwise(column),
}


def day_of(generator: np.random.Generator, day: int) -> pl.DataFrame:
    """Return the canonical rows of a healthy day; neighbouring steady columns are correlated by .8."""
    common = generator.standard_normal((ROWS, 3))
    steady = {
        name: np.sqrt(0.8) * common[:, place // 2] + np.sqrt(0.2) * generator.standard_normal(ROWS)
        for place, name in enumerate(STEADY)
    }
    wandering = {name: generator.normal(generator.normal(0.0, 1.0), 1.0, ROWS) for name in WANDERING}
    return pl.DataFrame(
        {
            "row_id": [f"{number:016x}" for number in generator.integers(0, 2**62, ROWS).tolist()],
            "predicted_at": [dt.datetime.combine(FIRST_DAY + dt.timedelta(days=day), dt.time(12), dt.UTC)] * ROWS,
            "model_version": ["1"] * ROWS,
            **wandering,
            **steady,
        }
    ).sort("row_id")


def main() -> None:
    """Print for each change and statistic how many days are breached, and on how many the right column comes first."""
    parser = argparse.ArgumentParser(description="Count the days on which the changed column is named first.")
    parser.add_argument("--days", type=int, default=20, help="days with each change (default: 20)")
    given = parser.parse_args()
    spec = spec_of(dict.fromkeys((*WANDERING, *STEADY), "numeric"))
    generator = np.random.default_rng(1)
    reference = pl.concat([day_of(generator, day) for day in range(REFERENCE_DAYS)]).sort("row_id")
    learned = learn_together(spec, "1", reference)
    print(LINE.format("change", "statistic", "breached", "named: before", "now"))
    for name, change in CHANGES.items():
        found: dict[str, list[tuple[bool, bool, bool]]] = {}
        for day in range(given.days):
            column = STEADY[day % len(STEADY)]
            rows = day_of(generator, REFERENCE_DAYS + day).with_columns(change(pl.col(column)))
            both = [
                measure_multivariate(spec, "1", reference, rows, seed_parts=(name, str(day)), usual=usual)
                for usual in ({}, learned.usual)
            ]
            for before, now in zip(*both, strict=True):
                names = [f"carried by {column} " in (each.reason or "") for each in (before, now)]
                found.setdefault(now.name, []).append((now.status is Status.BREACHED, names[0], names[1]))
        for statistic, days in found.items():
            breached, before, now = np.array(days).sum(axis=0)
            print(LINE.format(name, statistic, breached, before, now), flush=True)


if __name__ == "__main__":
    main()

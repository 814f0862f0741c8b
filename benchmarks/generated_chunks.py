"""Writes the rows that the benchmark profiles: 30 numeric and 10 categorical columns, the same on every machine.

Usage: ``python generated_chunks.py FILE ROWS (reference|current)``. The current rows differ from the reference
in every fifth column. Other numbers of columns have the same share of numeric ones.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

COLUMNS = 40
NUMERIC_SHARE = 0.75
CATEGORIES = (2, 3, 5, 8, 10, 20, 30, 50, 80, 100)
NULL_SHARES = (0.0, 0.02, 0.0, 0.1)
CHANGED_EVERY = 5
SEEDS = {"reference": 1, "current": 2}

Generator = np.random.Generator
Draw = Callable[[Generator, int], NDArray[np.float64] | NDArray[np.int64]]

SHAPES: tuple[Draw, ...] = (
    lambda random, rows: random.normal(50, 10, rows),
    lambda random, rows: random.lognormal(3, 1, rows),
    lambda random, rows: random.exponential(20, rows),
    lambda random, rows: random.uniform(0, 1, rows),
    lambda random, rows: random.poisson(6, rows),
    lambda random, rows: random.standard_t(3, rows),
    lambda random, rows: random.binomial(1, 0.4, rows) * random.gamma(2, 30, rows),
    lambda random, rows: random.normal(random.choice((-3, 3), rows), 1),
    lambda random, rows: np.round(random.gamma(2, 40, rows), 2),
    lambda random, rows: random.integers(0, 1440, rows),
)


def generated_chunk(rows: int, role: str, width: int = COLUMNS) -> pl.DataFrame:
    """Return ``rows`` rows; the role (reference or current) decides the seed and whether columns are changed."""
    numeric = round(NUMERIC_SHARE * width)
    random = np.random.default_rng(SEEDS[role])
    columns: dict[str, pl.Series] = {}
    for position in range(width):
        changed = role == "current" and position % CHANGED_EVERY == CHANGED_EVERY - 1
        if position < numeric:
            values = pl.Series(SHAPES[position % len(SHAPES)](random, rows))
            if changed:
                values = values + values.std() * 0.5
            name = "prediction" if position == 0 else f"numeric_{position:02}"
        else:
            turn, place = divmod(position - numeric, len(CATEGORIES))
            count = CATEGORIES[place]
            weights = 1 / np.arange(1, count + 1) ** (0.4 if changed else 1.1)
            codes = random.choice(count, rows, p=weights / weights.sum())
            values = pl.Series([f"category {code}" for code in range(count)]).gather(codes)
            name = f"categorical_{count:03}" + (f"_{turn}" if turn else "")
        present = pl.Series(random.random(rows) >= NULL_SHARES[position % len(NULL_SHARES)])
        columns[name] = values.set(~present, None)
    return pl.DataFrame(columns)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("rows", type=int)
    parser.add_argument("role", choices=SEEDS)
    given = parser.parse_args()
    unfinished = given.file.with_suffix(".partial")
    generated_chunk(given.rows, given.role).write_parquet(unfinished)
    unfinished.replace(given.file)

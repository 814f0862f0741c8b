"""Frames with and without a change, from fixed seeds."""

import datetime as dt

import numpy as np
import polars as pl

REGIONS = ("north", "south", "west")


def people(rows: int, seed: int, *, older: float = 0.0) -> pl.DataFrame:
    """Return inputs whose columns depend on one another: age, income, region."""
    random = np.random.default_rng(seed)
    age = random.normal(40 + older, 10, rows)
    return pl.DataFrame(
        {
            "age": age,
            "income": 1_000 + 50 * age + random.normal(0, 300, rows),
            "region": random.choice(REGIONS, rows, p=[0.5, 0.3, 0.2]),
        }
    )


def scored(rows: int, seed: int, *, first: dt.date = dt.date(2024, 1, 1), days: int = 1) -> pl.DataFrame:
    """Return people with a calibrated score, an outcome and a naive time, evenly spread over days."""
    random = np.random.default_rng(seed + 1_000)
    score = random.beta(2, 2, rows)
    start = dt.datetime.combine(first, dt.time())
    step = dt.timedelta(days=days) / rows
    return people(rows, seed).with_columns(
        made_at=pl.Series([start + n * step for n in range(rows)]),
        score=score,
        outcome=(random.random(rows) < score).astype(np.int8),
    )

"""Writes days of predictions and their labels: a DuckDB file with two tables, and a Parquet file for each day.

Usage: ``python night_rows.py FOLDER ROWS DAYS COLUMNS``. The columns are those of ``generated_chunks.py``. Their
means move from day to day as an autoregressive process does, and half of a change lasts until the next day.
"""

import argparse
import datetime as dt
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
from generated_chunks import generated_chunk

FIRST = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
PHI, STEP = 0.5, 0.02
SCORED_BY = "numeric_01"


def write_days(folder: Path, rows: int, days: int, width: int) -> None:
    """Write the days, each with an id, a time, a score and the columns; the labels become known three hours later."""
    everything = generated_chunk(rows * days, "reference", width).drop("prediction")
    random = np.random.default_rng(3)
    moved = 0.0
    with duckdb.connect(folder / "night.duckdb") as file:
        for day in range(days):
            moved = PHI * moved + STEP * random.standard_normal()
            columns = everything.slice(day * rows, rows)
            columns = columns.with_columns(
                pl.col(name) + moved * pl.col(name).std() for name, kind in columns.schema.items() if kind.is_numeric()
            )
            chances = 1 / (1 + np.exp(-(columns[SCORED_BY].fill_null(0).log1p().to_numpy() - 3)))
            scores = pl.DataFrame(
                {
                    "id": [f"{day}-{row}" for row in range(rows)],
                    "scored_at": [FIRST + dt.timedelta(days=day, seconds=row * 86_000 // rows) for row in range(rows)],
                    "version": ["1"] * rows,
                    "score": chances,
                }
            ).hstack(columns)
            outcomes = scores.select(
                "id",
                pl.Series("outcome", random.random(rows) < chances),
                known_at=pl.col("scored_at") + pl.duration(hours=3),
            )
            columns.write_parquet(folder / f"day_{day}.parquet")
            for name, frame in (("scores", scores), ("outcomes", outcomes)):
                file.register("day", frame.to_arrow())
                file.execute(f"INSERT INTO {name} FROM day" if day else f"CREATE TABLE {name} AS FROM day")
                file.unregister("day")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Write days of predictions and their labels.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("rows", type=int)
    parser.add_argument("days", type=int)
    parser.add_argument("columns", type=int)
    given = parser.parse_args()
    write_days(given.folder, given.rows, given.days, given.columns)

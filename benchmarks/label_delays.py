"""Measures the error of an early base rate when labels no longer arrive as they did in the reference.

Usage: ``python benchmarks/label_delays.py [--chunks N]``. Delays are exponential, positives took 4 hours on average and
negatives 30. A day of 4,000 rows is looked at six hours after its end. ``by the reference`` weights by the old delays.
"""

import argparse
import datetime as dt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.labels.delay import (
    ages_in_hours,
    arrival_weights,
    hours_between,
    learn_label_delay,
)
from monitoring_pipeline.spec.model import ModelSpec

Values = NDArray[np.float64]
START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
LEARNED = (30.0, 4.0)
WORLDS = {
    "as in the reference": (30.0, 4.0),
    "positives twice as slow": (30.0, 8.0),
    "positives as slow as negatives": (30.0, 30.0),
    "negatives as fast as positives": (4.0, 4.0),
    "all twice as slow": (60.0, 8.0),
    "all at half the time": (15.0, 2.0),
}
LINE = "{:34} {:>10} {:>17} {:>10} {:>17}"
SPEC = ModelSpec.model_validate(
    {
        "name": "late",
        "owner": "team:benchmarks",
        "timezone": "UTC",
        "task": "binary",
        "start": START.date(),
        "predictions": {"table": "scores", "id": "id", "time": "at", "score": "score", "prediction": "prediction"},
        "labels": {"table": "labels", "id": "id", "label": "label", "known_at": "known", "delay": "10d"},
        "reference": {"1": {"start": START.date(), "end": START.date() + dt.timedelta(days=30)}},
        "features": {"x": "numeric"},
    }
)


def rows_of(generator: np.random.Generator, rows: int, days: int, mean_hours: tuple[float, float]) -> pl.DataFrame:
    """Return predictions over some days with the times at which their labels become known."""
    hour = generator.uniform(0, 24 * days, rows)
    label = (generator.random(rows) < 0.2 + 0.4 * (hour % 24) / 24).astype(np.float64)
    delay = generator.exponential(np.asarray(mean_hours)[label.astype(np.int64)])
    times = {"predicted_at": hour, "known_at": hour + delay}
    moments = {name: [START + HOUR * float(own) for own in hours] for name, hours in times.items()}
    return pl.DataFrame({"label": label, **moments}).with_columns(
        pl.col("predicted_at", "known_at").cast(pl.Datetime("us", "UTC"))
    )


def main() -> None:
    """Print one line a world."""
    parser = argparse.ArgumentParser(description="Measure the error of early base rates when delays have changed.")
    parser.add_argument("--chunks", type=int, default=100, help="days of each world (default: 100)")
    given = parser.parse_args()
    generator, later = np.random.default_rng(1), START + dt.timedelta(days=900)
    learned = learn_label_delay(SPEC, rows_of(generator, 20_000, 30, LEARNED), later)
    print(LINE.format("error of the base rate", "unweighted", "by the reference", "weighted", "not measured %"))
    for name, mean_hours in WORLDS.items():
        found: list[tuple[float, float, float]] = []
        for _ in range(given.chunks):
            rows, as_of = rows_of(generator, 4000, 1, mean_hours), START + 30 * HOUR
            known = rows.filter(pl.col("known_at") <= as_of)
            ages, label = ages_in_hours(known["predicted_at"], as_of), known["label"].to_numpy()
            every = ages_in_hours(rows["predicted_at"], as_of)
            waited = hours_between(known["predicted_at"], known["known_at"])
            truth = float(rows["label"].to_numpy().mean())
            old = arrival_weights(SPEC, learned, known["label"], ages, every)
            new = arrival_weights(SPEC, learned, known["label"], ages, every, waited_hours=waited)
            errors = [
                np.nan if one.not_interpretable else float(np.average(label, weights=one.weights)) - truth
                for one in (old, new)
            ]
            found.append((float(label.mean()) - truth, errors[0], errors[1]))
        table = np.array(found)
        missing = 100 * float(np.mean(np.isnan(table[:, 2])))
        shown = (f"{np.nanmean(own):+.3f}" if np.isfinite(own).any() else "" for own in table.T)
        print(LINE.format(name, *shown, f"{missing:.0f}"), flush=True)


if __name__ == "__main__":
    main()

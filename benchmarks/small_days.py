"""Counts how often a lasting loss of AUROC is found, and how often a model without one is flagged, by days and windows.

Usage: ``python benchmarks/small_days.py [--models N]``. A model with 10 % positive labels has a threshold of 0.78 on
its AUROC. A reference of 60 days is taken, and the 112 days after it are judged: each day, and the windows of 7 and 28
days that end with it. Scores are binormal; what a day adds to the AUROC is autoregressive.
"""

import argparse
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import special

from monitoring_pipeline.evaluation.performance.metrics_table import Better
from monitoring_pipeline.evaluation.performance.thresholds import judge_by_threshold
from monitoring_pipeline.evaluation.profiles.bins import Bins, numeric_bins
from monitoring_pipeline.evaluation.profiles.labelled import profile_labelled
from monitoring_pipeline.evaluation.windows.performance import Expected, FinalChunk, measure_windows
from monitoring_pipeline.evaluation.windows.reference_days import days_of_reference
from monitoring_pipeline.evaluation.windows.spans import windows_of
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.predictions import classification

Values = NDArray[np.float64]
REFERENCE_DAYS, LATER_DAYS, WARM_UP = 60, 112, 28
THRESHOLD, BASE_RATE = 0.78, 0.1
QUARTER = 91
RESOLVED_AFTER = 7
LINE = "{:34} {:>6} {:>8} {:>8} {:>8} {:>8} {:>9} {:>9} {:>9}"
HEAD = ("", "rows", "days", "3 of 5", "7 days", "28 days", "found by", "found by", "median")
UNITS = ("", "a day", "% flag.", "% flag.", "% flag.", "% flag.", "days, %", "wind., %", "delay")


@dataclass(frozen=True)
class World:
    """How good a model is: its AUROC in the reference and later, and what days add to it.

    Args:
        name: its name in the table.
        before: AUROC in the reference.
        after: AUROC of all later days.
        spread: standard deviation of what a day adds.
        autocorrelation: that of neighbouring days.
    """

    name: str
    before: float
    after: float
    spread: float = 0.0
    autocorrelation: float = 0.0

    def areas(self, generator: np.random.Generator) -> Values:
        """Return the true AUROC of each day, shape (days,)."""
        days = REFERENCE_DAYS + LATER_DAYS
        added = np.empty(days)
        added[0] = generator.standard_normal()
        for day in range(1, days):
            kept = self.autocorrelation
            added[day] = kept * added[day - 1] + math.sqrt(1 - kept**2) * generator.standard_normal()
        means = np.where(np.arange(days) < REFERENCE_DAYS, self.before, self.after)
        return np.clip(means + self.spread * added, 0.5, 0.99)


WORLDS = (
    World(".80 falls to .75", 0.80, 0.75),
    World(".80 falls to .75, days differ", 0.80, 0.75, 0.02, 0.8),
    World(".80 stays", 0.80, 0.80),
    World(".80 stays, days differ", 0.80, 0.80, 0.02, 0.8),
    World(".78 stays, the threshold", 0.78, 0.78),
    World(".78 stays, days differ", 0.78, 0.78, 0.02, 0.8),
)


@dataclass(frozen=True)
class Judged:
    """Which later days and windows were breached, shape (days,) each."""

    days: NDArray[np.bool_]
    short: NDArray[np.bool_]
    long: NDArray[np.bool_]

    @property
    def lasting(self) -> NDArray[np.bool_]:
        """Days on which three of the last five are breached."""
        return np.convolve(self.days, np.ones(5))[: self.days.size] >= 3

    @property
    def by_windows(self) -> NDArray[np.bool_]:
        """Days on which a window is breached, or three of five days."""
        return self.short | self.long | self.lasting


def spec_of_model() -> ModelSpec:
    """Return the model: one feature, labels, and a threshold."""
    return ModelSpec.model_validate(
        {
            "name": "small",
            "task": "binary",
            "owner": "team:small",
            "timezone": "UTC",
            "start": "2024-03-01",
            "predictions": {
                "table": "p", "id": "i", "time": "t", "model_version": "v", "score": "s", "prediction": "d",
            },
            "labels": {"table": "l", "id": "i", "label": "y", "known_at": "k", "delay": "0d"},
            "features": {"x": "numeric"},
            "reference": {"1": {"start": "2024-01-01", "end": "2024-03-01"}},
            "performance": {"thresholds": {"auroc": {"lower": THRESHOLD, "severity": "critical"}}},
        }
    )  # fmt: skip


def rows_of_day(area: float, rows: int, generator: np.random.Generator) -> tuple[Values, Values]:
    """Return scores and labels of a day, shape (rows,) each."""
    labels = (generator.random(rows) < BASE_RATE).astype(np.float64)
    apart = math.sqrt(2) * float(special.ndtri(area))
    log_odds = generator.standard_normal(rows) + apart * labels
    return special.expit(apart * log_odds - apart**2 / 2 + math.log(BASE_RATE / (1 - BASE_RATE))), labels


def judged(world: World, rows: int, generator: np.random.Generator) -> Judged:
    """Judge the later days of one model, and the windows that end with them."""
    spec = spec_of_model()
    calendar = spec.calendar
    first = calendar.chunk("2024-01-01")
    chunks = calendar.range(first, calendar.earlier(first, 1 - REFERENCE_DAYS - LATER_DAYS))
    days = [rows_of_day(area, rows, generator) for area in world.areas(generator)]
    frames = [
        pl.DataFrame({"row_id": [f"{n}" for n in range(rows)], "score": scores, "prediction": 0.0, "label": labels})
        for scores, labels in days
    ]
    kept = pl.concat(
        frame.with_columns(predicted_at=pl.lit(chunk.start))
        for frame, chunk in zip(frames[:REFERENCE_DAYS], chunks, strict=False)
    )
    bins: Mapping[str, Bins] = {"score": numeric_bins(kept["score"].to_numpy())}
    expected = Expected(bins=bins, days=days_of_reference(spec, bins, kept))
    of_chunks: dict[str, FinalChunk] = {}
    found: list[tuple[bool, bool, bool]] = []
    for chunk, frame, (scores, labels) in zip(chunks, frames, days, strict=True):
        profiles = profile_labelled(spec, bins, frame.drop("label"), frame.select("row_id", "label"), model_version="1")
        of_chunks[chunk.key] = FinalChunk(profiles, {})
        if chunk.key < chunks[REFERENCE_DAYS].key:
            continue
        area = classification.auroc(labels, scores)
        day = Measurement(
            kind=Kind.PERFORMANCE, subject="model", name="auroc", model_version="1",
            value=area.value, lower=area.lower, upper=area.upper,
        )  # fmt: skip
        # Windows hold later days only, as those of a new version.
        since = {key: of for key, of in of_chunks.items() if key >= chunks[REFERENCE_DAYS].key}
        windows = windows_of(spec, chunk)
        measured = measure_windows(spec, "1", windows, {k: since[k] for k in windows[-1].keys if k in since}, expected)
        of_day = judge_by_threshold(spec, day, Better.HIGHER)
        found.append(tuple(m.status is Status.BREACHED for m in (of_day, *measured)))
    return Judged(*np.array(found).T)


def incidents(flagged: NDArray[np.bool_]) -> int:
    """Return the number of separate stretches of flagged days; a week without a flag ends one."""
    places = np.flatnonzero(flagged)
    return 0 if not places.size else 1 + int(np.sum(np.diff(places) > RESOLVED_AFTER))


def line(world: World, rows: int, models: int) -> str:
    """Return the line of the table for one world and size of days."""
    every = [judged(world, rows, np.random.default_rng([model, rows, len(world.name)])) for model in range(models)]
    full = [100 * np.mean([of[WARM_UP:].mean() for of in kind]) for kind in zip(
        *((each.days, each.lasting, each.short, each.long) for each in every), strict=True)]  # fmt: skip
    if world.after >= THRESHOLD:
        quarters = models * LATER_DAYS / QUARTER
        by_days = sum(incidents(each.lasting) for each in every) / quarters
        by_windows = sum(incidents(each.by_windows) for each in every) / quarters
        last = (f"{by_days:.2f}/q", f"{by_windows:.2f}/q", "")
    else:
        delays = [int(np.argmax(each.by_windows)) + 1 for each in every if each.by_windows.any()]
        last = (
            f"{100 * np.mean([each.lasting.any() for each in every]):.0f}",
            f"{100 * np.mean([each.by_windows.any() for each in every]):.0f}",
            f"{np.median(delays):.0f} d" if delays else "",
        )
    return LINE.format(world.name, rows, *(f"{share:.1f}" for share in full), *last)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=int, default=40, help="models of each world and size")
    parser.add_argument("--rows", type=int, nargs="*", default=[200, 500, 1_000, 5_000], help="rows of a day")
    arguments = parser.parse_args()
    print(LINE.format(*HEAD))
    print(LINE.format(*UNITS))
    for world in WORLDS:
        for rows in arguments.rows:
            print(line(world, rows, arguments.models), flush=True)


if __name__ == "__main__":
    main()

"""Times the nightly job of every night of a year in one process, and prints how its cost grows with the history.

Usage: ``python benchmarks/year.py [--rows N] [--columns N] [--nights N]``. Each night is a run of its own, as a
schedule starts it. The CPU time of a night is split at the ends of its assets.
"""

import argparse
import os
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from time import process_time

import night as nightly
import numpy as np

from monitoring_pipeline.backfill import dagster_instance, run_range
from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.loading import load_specs

HERE = Path(__file__).resolve().parent
ROW = "{:14} {:>12} {:>12} {:>14} {:>12}"
OF_DAGSTER = "rest of the run"


def main() -> None:
    """Generate the days, draft and monitor the first one, then time every further night and print a table."""
    parser = argparse.ArgumentParser(description="Time every night of a year.")
    parser.add_argument("--rows", type=int, default=1_000, help="rows of a day (default: 1,000)")
    parser.add_argument("--columns", type=int, default=14, help="columns of a row (default: 14)")
    parser.add_argument("--nights", type=int, default=365, help="nights after the first (default: 365)")
    given = parser.parse_args()
    name = f"year_{given.rows}_{given.columns}_{given.nights}"
    rows = nightly.Rows(HERE / ".data" / name, given.rows, given.columns, given.nights)
    if not rows.home.is_dir():
        nightly.prepare(rows)
    print_growth(timed(rows))
    print(f"{_megabytes(rows.copy_of_home):.0f} MB of home after {given.nights} nights")


def timed(rows: nightly.Rows) -> dict[str, list[float]]:
    """Return the CPU-seconds of each night by asset."""
    os.environ |= nightly.environment_of(rows.new_copy_of_home())  # noqa: TID251 - settings are read from it

    settings = Settings()
    definitions, (loaded,) = build_definitions(settings), load_specs(settings.models)
    times: dict[str, list[float]] = {}
    with dagster_instance(settings.dagster_home) as instance:
        for number in range(1, rows.days + 1):
            chunk = loaded.spec.calendar.chunk(rows.key(number))
            marks: list[tuple[str, float]] = []
            start = process_time()
            run = run_range(definitions, instance, loaded.spec, chunk, chunk,
                            report=lambda asset, _, marks=marks: marks.append((asset, process_time())))  # fmt: skip
            if not run.success:
                raise RuntimeError(f"{chunk.key}: {'; '.join(run.failures)}")
            of_night = {"whole night": process_time() - start, OF_DAGSTER: marks[0][1] - start}
            for (_, before), (asset, after) in pairwise(marks):
                of_night[asset] = of_night.get(asset, 0.0) + after - before
            of_night["after verdict"] = process_time() - marks[-1][1]
            for asset, seconds in of_night.items():
                times.setdefault(asset, []).append(seconds)
    return times


def print_growth(times: dict[str, list[float]]) -> None:
    """Print the means of the first and the last tenth of the nights, and the slope of a line through all of them."""
    (whole, *_) = times.values()
    tenth = max(1, len(whole) // 10)
    print(f"\n{os.cpu_count()} cores, {len(whole)} nights, CPU milliseconds a night")
    print(ROW.format("", f"first {tenth}", f"last {tenth}", "slope a night", "+- (95 %)"))
    for asset, seconds in times.items():
        slope, error = _slope(seconds)
        first, last = (1_000 * float(np.mean(part)) for part in (seconds[:tenth], seconds[-tenth:]))
        print(ROW.format(asset, f"{first:.1f}", f"{last:.1f}", f"{1_000 * slope:.3f}", f"{1_000 * error:.3f}"))


def _slope(seconds: Sequence[float]) -> tuple[float, float]:
    """Return the slope of the least-squares line, with the half-width of its interval."""
    nights = np.arange(len(seconds)) - (len(seconds) - 1) / 2
    values = np.asarray(seconds)
    slope = float(nights @ values / (nights @ nights))
    off = values - values.mean() - slope * nights
    return slope, 1.96 * float(np.sqrt(off @ off / max(len(seconds) - 2, 1) / (nights @ nights)))


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6


if __name__ == "__main__":
    main()

"""Counts how often incidents open although nothing has changed, and how soon planted faults open one.

Usage: ``python benchmarks/opening.py [--days N]``. The days of a number follow one another by an autoregression, with
normal values or with heavy tails (Student's t with 4 degrees of freedom). Each series is folded twice: as it is, and
with every breach moved to its limit, where it counts once. The second is the rule "3 of 5" alone.
"""

import argparse
import datetime as dt
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, fold_incidents
from monitoring_pipeline.records.incident import EventKind
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.spec.model import ModelSpec

Values = NDArray[np.float64]
FIRST = dt.date(2001, 1, 1)
SERIES_DAYS = 2_000
FAULT_AFTER, FAULT_DAYS, FAULTS = 40, 10, 40
BEYOND = (1, 5, 10, 15)
"""Sizes of planted faults, in standard deviations beyond the limit."""
AUTOCORRELATIONS = (0.0, 0.5, 0.8, 0.9)
TAILS_DF = 4
LINE = "{:26} {:>4} {:>8} {:>9} {:>9}   {}"


def spec() -> ModelSpec:
    """Return a model with the default rules."""
    return ModelSpec.model_validate({
        "name": "numbers", "owner": "team:benchmarks", "timezone": "UTC", "task": "regression", "start": FIRST,
        "predictions": {"table": "scores", "id": "id", "time": "at", "prediction": "estimate"},
        "reference": {"1": {"start": FIRST, "end": FIRST + dt.timedelta(days=1)}},
        "features": {"age": "numeric"},
    })  # fmt: skip


@dataclass(frozen=True)
class Number:
    """A number of each day, and how standard values of a day become it. A breach is a value beyond ``limit``."""

    name: str
    of: Callable[[Values], Values]
    measurement: Measurement
    is_upper: bool

    def measured(self, value: float, limit: float, *, at_limit: bool) -> Measurement:
        """Return the number of one day; ``at_limit``: a breach lies at its limit."""
        is_breached = value > limit if self.is_upper else value < limit
        shown = limit + (1e-9 if self.is_upper else -1e-9) if is_breached and at_limit else value
        limits = {"threshold_upper": limit} if self.is_upper else {"threshold_lower": limit}
        day = replace(self.measurement, value=shown, **limits)
        return replace(day, status=Status.BREACHED, reason="beyond its limit") if is_breached else day


_ROW = Measurement(kind=Kind.PERFORMANCE, subject="model", name="auroc", model_version="1", value=0.0, rows=1_000)
NUMBERS = (
    Number("AUROC", lambda days: 0.7 + 0.02 * days, _ROW, is_upper=False),
    Number(
        "distance of a column",
        lambda days: 0.03 * np.abs(days),
        replace(_ROW, kind=Kind.DRIFT, subject="age", name="jensen_shannon"),
        is_upper=True,
    ),
)


def standard_days(generator: np.random.Generator, autocorrelation: float, *, heavy: bool, days: int) -> Values:
    """Return days with mean 0 and standard deviation 1."""
    own = np.empty(days)
    own[0] = generator.standard_normal()
    for day in range(1, days):
        noise = np.sqrt(1 - autocorrelation**2) * generator.standard_normal()
        own[day] = autocorrelation * own[day - 1] + noise
    return stats.t.ppf(stats.norm.cdf(own), TAILS_DF) / np.sqrt(TAILS_DF / (TAILS_DF - 2)) if heavy else own


def openings(model: ModelSpec, measured: Sequence[Measurement]) -> list[int]:
    """Return the days, from 0, on which incidents open or reopen."""
    keys = [(FIRST + dt.timedelta(days=day)).isoformat() for day in range(len(measured))]
    place = {key: day for day, key in enumerate(keys)}
    chunks = [ChunkMeasurements(chunk=key, measurements=(m,)) for key, m in zip(keys, measured, strict=True)]
    begun = (EventKind.OPENED, EventKind.REOPENED)
    histories = fold_incidents(model, chunks)
    return [place[event.chunk] for history in histories for event in history.events if event.kind in begun]


def rates(number: Number, autocorrelation: float, *, heavy: bool, share: float, days: int) -> tuple[float, float]:
    """Return the openings in 1,000 days without a change: of the number of days alone, and with weights."""
    generator = np.random.default_rng(7)
    everything = number.of(standard_days(generator, autocorrelation, heavy=heavy, days=days))
    limit = float(np.quantile(everything, 1 - share if number.is_upper else share))
    found = [0, 0]
    for first in range(0, days, SERIES_DAYS):
        series = everything[first : first + SERIES_DAYS]
        for place, at_limit in enumerate((True, False)):
            found[place] += len(openings(spec(), [number.measured(float(v), limit, at_limit=at_limit) for v in series]))
    return found[0] / days * 1_000, found[1] / days * 1_000


def delays(number: Number, autocorrelation: float, *, heavy: bool, share: float, faults: int = FAULTS) -> list[str]:
    """Return for each size of a fault the median days until an incident opens: by days alone, and with weights."""
    generator = np.random.default_rng(11)
    healthy = number.of(standard_days(generator, autocorrelation, heavy=heavy, days=20_000))
    limit, spread = float(np.quantile(healthy, 1 - share if number.is_upper else share)), float(np.std(healthy))
    return [_delay(number, healthy, limit, size * spread, faults) for size in BEYOND]


def _delay(number: Number, healthy: Values, limit: float, size: float, faults: int) -> str:
    found: tuple[list[int], list[int]] = ([], [])
    for first in range(0, faults * FAULT_AFTER, FAULT_AFTER):
        days = healthy[first : first + FAULT_AFTER + FAULT_DAYS].copy()
        middle = float(np.median(healthy))
        # The fault moves the middle of the days to so far beyond the limit.
        days[FAULT_AFTER:] += (limit + size if number.is_upper else limit - size) - middle
        for place, at_limit in enumerate((True, False)):
            measured = [number.measured(float(value), limit, at_limit=at_limit) for value in days]
            opened = [day for day in openings(spec(), measured) if day >= FAULT_AFTER]
            found[place].append(opened[0] - FAULT_AFTER + 1 if opened else FAULT_DAYS)
    return f"{statistics.median(found[0]):g} -> {statistics.median(found[1]):g}"


def main() -> None:
    """Print the rates and the delays."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=40_000, help="days of each world")
    days = parser.parse_args().days
    sizes = ", ".join(f"{size:g}" for size in BEYOND)
    print(LINE.format("days", "phi", "breached", "3 of 5", "weighed", f"days until faults {sizes} sd beyond open one"))
    for number in NUMBERS:
        for heavy in (False, True):
            for autocorrelation in AUTOCORRELATIONS:
                before, after = rates(number, autocorrelation, heavy=heavy, share=0.05, days=days)
                faults = delays(number, autocorrelation, heavy=heavy, share=0.05)
                name = f"{number.name}, {'heavy tails' if heavy else 'normal'}"
                shown = "   ".join(faults)
                print(LINE.format(name, autocorrelation, "5 %", f"{before:.2f}", f"{after:.2f}", shown), flush=True)


if __name__ == "__main__":
    main()

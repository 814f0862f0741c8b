"""Counts how often a challenger of equal skill is called better or worse on days that are correlated or skewed.

Usage: ``python benchmarks/gate_days.py [--series N]``. ``gate`` is the share that passes on so many days (nominal 2.5 %
at 95 %), ``sequence`` the share whose confidence sequence ever excludes no difference from day 7 to 60 (nominal 5 %),
``found`` the share of challengers better by one daily standard deviation that pass on 14 days.
"""

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.statistics.intervals.confidence_sequence import confidence_sequence
from monitoring_pipeline.statistics.intervals.paired import jackknife_interval

Values = NDArray[np.float64]
LINE = "{:28} {:>12} {:>12} {:>12} {:>10}"


def _autoregressive(correlation: float) -> Callable[[np.random.Generator], Values]:
    def draw(generator: np.random.Generator) -> Values:
        days = generator.standard_normal(60)
        for day in range(1, days.size):
            days[day] = correlation * days[day - 1] + (1 - correlation**2) ** 0.5 * days[day]
        return days

    return draw


def _weekly(generator: np.random.Generator) -> Values:
    is_weekend = (np.arange(60) + generator.integers(7)) % 7 >= 5
    return 1.5 * (is_weekend - 2 / 7) + 0.5 * generator.standard_normal(60)


WORLDS: dict[str, Callable[[np.random.Generator], Values]] = {
    "independent days": _autoregressive(0.0),
    "autoregressive .3": _autoregressive(0.3),
    "autoregressive .5": _autoregressive(0.5),
    "autoregressive .7": _autoregressive(0.7),
    "exponential days": lambda generator: generator.exponential(1, 60) - 1,
    "weekly cycle": _weekly,
}


def _passes(days: Values) -> bool:
    total, size = days.sum(), days.size
    found = jackknife_interval(float(days.mean()), (total - days) / (size - 1))
    return found.upper is not None and found.upper < 0.0


def _ever_outside(days: Values) -> bool:
    for count in range(7, days.size + 1):
        found = confidence_sequence(days[:count])
        if found.lower is not None and found.upper is not None and not found.lower <= 0.0 <= found.upper:
            return True
    return False


def main() -> None:
    """Print one line a world."""
    parser = argparse.ArgumentParser(description="Count wrong decisions about versions of equal skill.")
    parser.add_argument("--series", type=int, default=2000, help="series of days of each world (default: 2000)")
    given = parser.parse_args()
    print(LINE.format("equal skill, %", "gate, 14", "gate, 28", "sequence", "found"))
    for name, draw in WORLDS.items():
        generator = np.random.default_rng(1)
        series = [draw(generator) for _ in range(given.series)]
        shares = (
            np.mean([_passes(days[:14]) for days in series]),
            np.mean([_passes(days[:28]) for days in series]),
            np.mean([_ever_outside(days) for days in series[: given.series // 4]]),
            np.mean([_passes(days[:14] - 1.0) for days in series]),
        )
        print(LINE.format(name, *(f"{100 * share:.1f}" for share in shares)), flush=True)


if __name__ == "__main__":
    main()

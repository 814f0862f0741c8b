"""Counts how often numbers of a serving system are flagged although nothing changed, and how often a rise is found.

Usage: ``python benchmarks/usual_numbers.py``. Numbers of simulated days and hours are judged beside the chunks before
them, as numbers of a Prometheus server without a threshold are.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.statistics.inputs import Vector
from monitoring_pipeline.statistics.samples.usual_history import Slot, usual_next

OF_WEEKDAY = np.array([0.0, 0.0, 0.05, 0.1, 0.05, -0.2, -0.25])
OF_DAYS, OF_HOURS = 8e-4, 5e-5
"""Levels that the default budget leaves a model with eight numbers, of days and of hours."""
DAY = 24
LINE = "{:54} {:>16} {:>10} {:>10}"
Draw = Callable[[np.random.Generator, int], Vector]


@dataclass(frozen=True)
class World:
    """Series of one sort, and the chunks that are judged."""

    name: str
    draw: Draw
    slots: Sequence[Slot]
    first: int
    until: int
    history: int
    level: float
    series: int
    rise: float = 1.5


def autoregression(generator: np.random.Generator, size: int, phi: float) -> Vector:
    """Return a series of variance 1 whose values resemble those before them."""
    values = [float(generator.standard_normal())]
    for shock in generator.standard_normal(size + 50) * np.sqrt(1 - phi**2):
        values.append(phi * values[-1] + float(shock))
    return np.array(values[-size:])


def latencies(spread: float, phi: float, season: Vector) -> Draw:
    """Return a source of latencies with a season, whose logarithms resemble those before them."""
    return lambda generator, size: np.exp(3 + season[:size] + spread * autoregression(generator, size, phi))


def worlds() -> list[World]:
    """Return all worlds."""
    days: list[Slot] = [(day % 7,) for day in range(400)]
    week = OF_WEEKDAY[np.arange(400) % 7]
    hours: list[Slot] = [(hour // DAY % 7, hour % DAY) for hour in range(DAY * 60)]
    cycle = np.array([0.5 * np.sin(2 * np.pi * hour / DAY) + OF_WEEKDAY[weekday] for weekday, hour in hours])
    found = [
        World(f"days, spread {spread}, resemblance {phi}, {first} before", latencies(spread, phi, week), days, first,
              first + 24 if first == 14 else 150, 56, OF_DAYS, 120 if first == 14 else 30)
        for spread in (0.05, 0.1) for phi in (0.0, 0.8) for first in (14, 56)
    ]  # fmt: skip
    found += [
        World(f"counts of {mean} events a day, five times as many", lambda g, n, mean=mean: g.poisson(mean, n) / 1e4,
              days, 14, 150, 56, OF_DAYS, 30, rise=5)
        for mean in (0.05, 0.5, 3.0)
    ]  # fmt: skip
    found.append(World("days, heavy tails (Student's t of 5)", lambda g, n: np.exp(3 + 0.1 * g.standard_t(5, n)), days,
                       56, 150, 56, OF_DAYS, 60))  # fmt: skip
    return found + [
        World(f"hours, spread {spread}, resemblance {phi}, {before} days before", latencies(spread, phi, cycle), hours,
              DAY * before, DAY * (before + 4), DAY * 56, OF_HOURS, 6)
        for spread in (0.05, 0.1) for phi in (0.0, 0.8) for before in (14, 56)
    ]  # fmt: skip


def main() -> None:
    """Print flags of healthy chunks per thousand, and the rises that are found."""
    print(LINE.format("", "flags of 1,000", "promised", "found %"))
    for world in worlds():
        flags = found = judged = 0
        for seed in range(world.series):
            series = world.draw(np.random.default_rng(seed), world.until)
            for place in range(world.first, world.until):
                since = max(0, place - world.history)
                usual = usual_next(
                    world.slots[since:place], series[since:place].tolist(), world.slots[place], world.level
                )
                judged += 1
                if usual is not None:
                    flags += bool(series[place] > usual.upper)
                    found += bool(world.rise * series[place] > usual.upper)
        numbers = (f"{1000 * flags / judged:.2f}", f"{1000 * world.level:.2f}", f"{100 * found / judged:.0f}")
        print(LINE.format(world.name, *numbers), flush=True)


if __name__ == "__main__":
    main()

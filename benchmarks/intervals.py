"""Counts how often the 95 % intervals of metrics hold the true value with few positives, rare classes and heavy tails.

Usage: ``python benchmarks/intervals.py [--samples N] [--worlds TEXT]``. Every sample has 300 rows. A bound that is not
given holds. The last columns are the share of samples without a lower or an upper bound, and the median width.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitoring_pipeline.evaluation.performance.metrics_table import Per, metrics_of
from monitoring_pipeline.evaluation.performance.scored_rows import ScoredRows
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

Values = NDArray[np.float64]
Rows = tuple[Values, Values, Values]
ROWS, ROWS_OF_THE_TRUTH, PARTS = 300, 400_000, 50
LINE = "{:34} {:27} {:>7} {:>7} {:>7} {:>9} {:>8}"


@dataclass(frozen=True)
class World:
    """Rows of one kind, and the metrics that are measured on them.

    Args:
        name: its name in the table.
        task: of the model.
        metrics: names.
        draw: labels, predictions and scores of a number of rows.
        truth: the true values in the order of the metrics; none if very many rows give them.
    """

    name: str
    task: Task
    metrics: tuple[str, ...]
    draw: Callable[[np.random.Generator, int], Rows]
    truth: tuple[float, ...] = ()

    def rows(self, generator: np.random.Generator, rows: int, seed: str) -> ScoredRows:
        """Return a sample as metrics take it."""
        labels, predictions, scores = self.draw(generator, rows)
        classes = ("a", "b", "rare") if self.task is Task.MULTICLASS else ()
        return ScoredRows(labels, predictions, scores, classes=classes, seed=("intervals", self.name, seed))


def _positives(expected: float, distance: float, spread: float = 1.0) -> Callable[[np.random.Generator, int], Rows]:
    """Return rows of which ``expected`` of 300 are positive, their log-odds shifted by ``distance``."""

    def draw(generator: np.random.Generator, rows: int) -> Rows:
        count = round(rows * expected / ROWS)
        labels = (np.arange(rows) < count).astype(np.float64)
        odds = np.where(labels, generator.normal(distance, spread, rows), generator.standard_normal(rows))
        score = special.expit(odds - distance)
        return labels, (score > 0.5).astype(np.float64), score[:, None]

    return draw


def _rare_class(share: float) -> Callable[[np.random.Generator, int], Rows]:
    def draw(generator: np.random.Generator, rows: int) -> Rows:
        labels = generator.choice(3, rows, p=[0.6 - share, 0.4, share])
        odds = generator.standard_normal((rows, 3)) + 2.0 * np.eye(3)[labels] + np.log([0.6 - share, 0.4, share])
        scores = special.softmax(odds, axis=1)
        return labels.astype(np.float64), scores.argmax(axis=1).astype(np.float64), scores

    return draw


def _errors(error: Callable[[np.random.Generator, int], Values]) -> Callable[[np.random.Generator, int], Rows]:
    def draw(generator: np.random.Generator, rows: int) -> Rows:
        predictions = generator.normal(100, 20, rows)
        return predictions + error(generator, rows), predictions, np.empty((rows, 0))

    return draw


def _lognormal(sigma: float) -> Callable[[np.random.Generator, int], Values]:
    return lambda generator, rows: generator.choice([-1.0, 1.0], rows) * generator.lognormal(0, sigma, rows)


def _spikes(generator: np.random.Generator, rows: int) -> Values:
    return generator.standard_normal(rows) * np.where(generator.random(rows) < 0.02, 20.0, 1.0)


_BINARY, _CLASSES = ("auroc", "average_precision", "recall", "f1"), ("macro_f1", "macro_auroc", "weighted_f1")
_SHARES = (0.01, 0.02, 0.05, 0.2)
_VALUES = ("mean_absolute_error", "root_mean_squared_error", "mean_bias")
WORLDS = (
    *(World(f"{count} positives, AUROC .9", Task.BINARY, _BINARY, _positives(count, 1.812)) for count in (2, 3, 5, 10)),
    World("5 positives, AUROC .75", Task.BINARY, _BINARY, _positives(5, 0.954)),
    World("5 positives, wide, AUROC .9", Task.BINARY, _BINARY, _positives(5, 2.866, 2.0)),
    World("30 positives, AUROC .9", Task.BINARY, _BINARY, _positives(30, 1.812)),
    World("150 positives, AUROC .9", Task.BINARY, _BINARY, _positives(150, 1.812)),
    *(World(f"class of {share:.0%}", Task.MULTICLASS, _CLASSES, _rare_class(share)) for share in _SHARES),
    World("normal errors", Task.REGRESSION, _VALUES,
          _errors(lambda generator, rows: generator.standard_normal(rows)), ((2 / np.pi) ** 0.5, 1.0, 0.0)),
    World("exponential errors", Task.REGRESSION, _VALUES,
          _errors(lambda generator, rows: generator.exponential(1, rows)), (1.0, 2**0.5, -1.0)),
    World("lognormal(1) errors", Task.REGRESSION, _VALUES, _errors(_lognormal(1.0)), (np.exp(0.5), np.exp(1.0), 0.0)),
    World("lognormal(1.5) errors", Task.REGRESSION, _VALUES,
          _errors(_lognormal(1.5)), (np.exp(1.125), np.exp(2.25), 0.0)),
    World("2 % large spikes", Task.REGRESSION, _VALUES,
          _errors(_spikes), (1.38 * (2 / np.pi) ** 0.5, 8.98**0.5, 0.0)),
    World("t errors, 3 degrees of freedom", Task.REGRESSION, _VALUES,
          _errors(lambda generator, rows: generator.standard_t(3, rows)), (2 * 3**0.5 / np.pi, 3**0.5, 0.0)),
)  # fmt: skip


def _truth(world: World, name: str) -> float:
    """Return the true value of a metric; if it is not known, the mean over many parts of very many rows."""
    if world.truth:
        return world.truth[world.metrics.index(name)]
    metric = next(metric for metric in metrics_of(world.task) if metric.name == name and metric.per is Per.MODEL)
    generator = np.random.default_rng(7)
    rows = ROWS_OF_THE_TRUTH // PARTS
    parts = [metric.measure(world.rows(generator, rows, str(part))).value for part in range(PARTS)]
    return float(np.mean(parts))


def _measured(world: World, samples: int) -> dict[str, list[Quantity]]:
    generator = np.random.default_rng(1)
    found: dict[str, list[Quantity]] = {name: [] for name in world.metrics}
    for sample in range(samples):
        rows = world.rows(generator, ROWS, str(sample))
        for metric in metrics_of(world.task):
            if metric.name in found and metric.per is Per.MODEL:
                try:
                    found[metric.name].append(metric.measure(rows))
                except UndefinedStatisticError:
                    continue
    return found


def _print_line(world: World, name: str, truth: float, found: list[Quantity]) -> None:
    # An interval without bounds and without a reason for it counts as its value.
    above = [q.lower is not None and q.lower > truth for q in found]
    below = [q.upper is not None and q.upper < truth for q in found]
    open_ended = [q.lower is None or q.upper is None for q in found]
    widths = [q.upper - q.lower for q in found if q.lower is not None and q.upper is not None]
    held = 1 - np.mean(above) - np.mean(below)
    figures = (*(f"{100 * share:.1f}" for share in (held, np.mean(above), np.mean(below), np.mean(open_ended))),)
    print(LINE.format(world.name, name, *figures, f"{np.median(widths):.3f}" if widths else ""), flush=True)


def main() -> None:
    """Print one line a world and metric."""
    parser = argparse.ArgumentParser(description="Count how often 95 % intervals of metrics hold the true value.")
    parser.add_argument("--samples", type=int, default=1000, help="samples of each world (default: 1000)")
    parser.add_argument("--worlds", default="", help="only worlds whose name contains this text")
    given = parser.parse_args()
    print(LINE.format("300 rows", "", "holds %", "above %", "below %", "no bound", "width"))
    for world in WORLDS:
        if given.worlds in world.name:
            for name, found in _measured(world, given.samples).items():
                _print_line(world, name, _truth(world, name), found)


if __name__ == "__main__":
    main()

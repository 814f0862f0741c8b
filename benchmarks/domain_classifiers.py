"""Compares the domain classifiers of today and of earlier references: accuracy of weights, and power.

Usage: ``python benchmarks/domain_classifiers.py [--rows N] [--pairs N] [--case NAME ...]``. Rows of a chunk are drawn
by acceptance, so that the true ratio of densities is known. The columns are correlated, heavy-tailed, null or of many
categories.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import process_time

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.fitted_models.domain_classifier import DOMAIN_CLASSIFIERS, DomainClassifier
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.statistics.reweighting import density_ratio_weights
from monitoring_pipeline.statistics.samples.permutation import area_test

Values = NDArray[np.float64]
NUMBERS, CATEGORIES = 10, (2, 8, 30, 100)
COLUMNS = {f"number_{n}": FeatureKind.NUMERIC for n in range(NUMBERS)} | {
    f"category_{n}": FeatureKind.CATEGORICAL for n in CATEGORIES
}
ALPHA = 0.01
LINE = "{:24} {:20} {:>8} {:>9} {:>8} {:>8} {:>6} {:>6} {:>6}"


@dataclass(frozen=True)
class Rows:
    """Rows: numbers, numbers of categories, and whether the last number is null."""

    numbers: Values
    categories: NDArray[np.int64]
    is_null: NDArray[np.bool_]

    def frame(self, side: str) -> pl.DataFrame:
        """Return canonical rows."""
        values = self.numbers.copy()
        values[self.is_null, -1] = np.nan
        columns = {f"number_{n}": pl.Series(values[:, n]).fill_nan(None) for n in range(NUMBERS)}
        columns |= {
            f"category_{count}": pl.Series(self.categories[:, place].astype(str))
            for place, count in enumerate(CATEGORIES)
        }
        return pl.DataFrame({"row_id": [f"{side}{row:07}" for row in range(len(values))]} | columns)

    def where(self, wanted: NDArray[np.bool_]) -> "Rows":
        """Return some of the rows."""
        return Rows(self.numbers[wanted], self.categories[wanted], self.is_null[wanted])


def _logistic(values: Values) -> Values:
    return 1 / (1 + np.exp(-values))


CASES: dict[str, Callable[[Rows], Values]] = {
    "no change": lambda rows: np.ones(len(rows.numbers)),
    "shift of a column": lambda rows: _logistic(1.2 * rows.numbers[:, 0]),
    "shift of three columns": lambda rows: _logistic(rows.numbers[:, :3] @ np.array([1.0, 1.0, -1.0])),
    "strong shift": lambda rows: _logistic(3 * (rows.numbers[:, 0] - 0.5)),
    "spread": lambda rows: np.where(np.abs(rows.numbers[:, 0]) > 1, 1.0, 0.3),
    "heavy tails": lambda rows: (
        np.clip(np.log1p(rows.numbers[:, 3]) / 3, 0.05, 1) * np.where(np.abs(rows.numbers[:, 4]) > 1.5, 1.0, 0.5)
    ),
    "interaction": lambda rows: np.where(rows.numbers[:, 0] * rows.numbers[:, 1] > 0.36, 1.0, 0.25),
    "interaction of category": lambda rows: np.where(
        (rows.categories[:, 1] % 2 == 0) == (rows.numbers[:, 0] > 0), 1.0, 0.3
    ),
    "categories": lambda rows: np.array([1.0, 0.4, 0.7, 0.2, 0.9, 0.3, 0.6, 0.5])[rows.categories[:, 1]],
    "rare categories": lambda rows: np.where(rows.categories[:, 3] % 3 == 0, 1.0, 0.4),
    "nulls": lambda rows: np.where(rows.is_null, 1.0, 0.35),
}
"""The chance that a row is accepted into the chunk."""


def drawn(random: np.random.Generator, rows: int) -> Rows:
    """Return rows of the reference."""
    numbers = 0.6 * random.normal(size=(rows, 1)) + 0.8 * random.normal(size=(rows, NUMBERS))
    numbers[:, 3] = np.exp(1.2 * numbers[:, 3])
    numbers[:, 4] /= np.sqrt(random.chisquare(3, rows) / 3)
    numbers[:, 5] = np.round(2 * numbers[:, 5])
    weights = [1 / np.arange(1, count + 1) ** 1.1 for count in CATEGORIES]
    categories = [random.choice(weight.size, rows, p=weight / weight.sum()) for weight in weights]
    return Rows(numbers, np.column_stack(categories), random.random(rows) < 0.1)


def accepted(random: np.random.Generator, rows: int, chance: Callable[[Rows], Values], dilution: float) -> Rows:
    """Return rows of a chunk; ``dilution`` is the share of rows that are accepted whatever they are."""
    kept: list[Rows] = []
    while sum(len(part.numbers) for part in kept) < rows:
        possible = drawn(random, 4 * rows)
        chances = np.maximum(chance(possible), random.random(4 * rows) < dilution)
        kept.append(possible.where(random.random(4 * rows) < chances))
    joined = [np.concatenate([getattr(part, name) for part in kept])[:rows] for name in ("numbers", "categories")]
    return Rows(joined[0], joined[1], np.concatenate([part.is_null for part in kept])[:rows])


def target(rows: Rows) -> Values:
    """Return a metric's contribution of each row, which depends on several columns together."""
    numbers = rows.numbers
    odds = 0.8 * numbers[:, 0] + 0.5 * numbers[:, 1] * np.sign(numbers[:, 0]) - 0.3 * numbers[:, 2] - 0.2
    odds += 0.4 * (rows.categories[:, 1] % 2) + 0.4 * (rows.categories[:, 3] % 3 == 0) + 0.3 * rows.is_null
    return _logistic(odds + 0.2 * np.tanh(numbers[:, 4]))


CLASSIFIERS = {
    "histogram trees, 40": DOMAIN_CLASSIFIERS[DomainClassifier.HISTOGRAM_TREES].weight,
    "histogram trees, 20": DOMAIN_CLASSIFIERS[DomainClassifier.HISTOGRAM_TREES].test,
    "symmetric trees": DOMAIN_CLASSIFIERS[DomainClassifier.SYMMETRIC_TREES].test,
}


def compared(name: str, rows: int, pairs: int) -> Iterator[tuple[str, list[float]]]:
    """Yield for each classifier the figures of a case."""
    chance = CASES[name]
    many = drawn(np.random.default_rng(1), 400_000)
    chances = chance(many)
    truth = float(np.average(target(many), weights=chances))
    figures: dict[str, list[list[float]]] = {classifier: [] for classifier in CLASSIFIERS}
    for pair in range(pairs):
        random = np.random.default_rng([2, pair, rows])
        reference, chunk, diluted = (
            drawn(random, rows),
            accepted(random, rows, chance, 0.0),
            accepted(random, rows // 2, chance, 0.1),
        )
        ratio = chance(reference) / chances.mean()
        frames = [side.frame(word) for side, word in ((reference, "a"), (chunk, "b"), (diluted, "c"))]
        for classifier, classified in CLASSIFIERS.items():
            start = process_time()
            found = classified(COLUMNS, frames[0], frames[1])
            took = process_time() - start
            weights = density_ratio_weights(found.probabilities[~found.current], rows, rows)
            off = float(np.average(target(reference), weights=weights)) - truth
            off_ratio = np.average(np.abs(np.log(np.maximum(weights, 1e-9) / ratio)), weights=ratio)
            diluted_pair = classified(COLUMNS, frames[0].head(rows // 2), frames[2])
            test = area_test(diluted_pair.probabilities, diluted_pair.current, diluted_pair.folds, random)
            figures[classifier].append(
                [off**2, off, off_ratio, weights.mean(), test.statistic, test.p_value < ALPHA, took]
            )
    for classifier, values in figures.items():
        means = np.mean(values, axis=0)
        yield classifier, [float(np.sqrt(means[0])), *means[1:].tolist()]


def main() -> None:
    """Print the figures of all cases, and their means."""
    parser = argparse.ArgumentParser(description="Compare domain classifiers on pairs with a known ratio of densities.")
    parser.add_argument("--rows", type=int, default=1_000, help="rows of each side (default: 1,000)")
    parser.add_argument("--pairs", type=int, default=10, help="pairs of each case (default: 10)")
    parser.add_argument("--case", choices=list(CASES), nargs="+", default=list(CASES), help="default: all")
    given = parser.parse_args()
    print(LINE.format("", "", "rmse", "bias", "ratio", "weight", "area", "found", "ms"))
    every: dict[str, list[list[float]]] = {}
    for name in given.case:
        for classifier, figures in compared(name, given.rows, given.pairs):
            every.setdefault(classifier, []).append([figures[0], abs(figures[1]), *figures[2:]])
            _print(name, classifier, figures)
    for classifier, figures in every.items():
        _print("mean", classifier, np.mean(figures, axis=0).tolist())


def _print(name: str, classifier: str, figures: list[float]) -> None:
    rmse, bias, ratio, weight, area, found, seconds = figures
    words = [f"{rmse:.4f}", f"{bias:+.4f}", f"{ratio:.3f}", f"{weight:.3f}", f"{area:.3f}", f"{found:.2f}"]
    print(LINE.format(name, classifier, *words, f"{1000 * seconds:.0f}"), flush=True)


if __name__ == "__main__":
    main()

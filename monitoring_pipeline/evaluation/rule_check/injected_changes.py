"""Changes of known size that are injected into the rows of a healthy day, to measure the power of the rules."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from monitoring_pipeline.spec.sources import MEASURED_KINDS, FeatureKind, Task

SHIFTS_IN_DEVIATIONS = (0.1, 0.25, 0.5, 1.0)
SHARES_OF_ROWS = (0.05, 0.2)
SHARES_OF_LABELS = (0.1, 0.3)
ERROR_FACTORS = (1.5, 2.0)
NEVER_SEEN = "(injected by replay)"


@dataclass(frozen=True)
class ColumnChange:
    """A change of one column's values.

    ``apply`` takes the values, the reference's standard deviation (None if it is undefined) and the random generator.
    ``in_deviations`` marks changes that are undefined without a standard deviation.
    """

    name: str
    kinds: frozenset[FeatureKind]
    apply: Callable[[pl.Series, float | None, np.random.Generator], pl.Series]
    definition: str
    in_deviations: bool = False


@dataclass(frozen=True)
class LabelChange:
    """A change of the labels of labelled rows, which have ``label`` and ``prediction``.

    ``apply`` takes the rows, the classes of a multiclass model and the random generator, and returns the new labels.
    """

    name: str
    tasks: frozenset[Task]
    apply: Callable[[pl.DataFrame, tuple[str, ...], np.random.Generator], pl.Series]
    definition: str


def shift_of(deviations: float) -> ColumnChange:
    """Return the change that adds so many of the reference's standard deviations to every value.

    Whole numbers stay whole: each is moved to one of its neighbours at random, so that the mean moves by the shift.
    Otherwise drift would detect the smallest shift of a count by its fractions.
    """

    def shifted(values: pl.Series, deviation: float | None, generator: np.random.Generator) -> pl.Series:
        moved = values + deviations * (deviation or 0.0)
        finite = values.filter(values.is_finite())
        if (finite != finite.floor()).any():
            return moved
        return (moved + pl.Series(generator.random(len(values)))).floor()

    return ColumnChange(
        f"shift={deviations:g}sd",
        frozenset({FeatureKind.NUMERIC}),
        shifted,
        f"every value plus {deviations:g} of the reference's standard deviations; whole numbers stay whole",
        in_deviations=True,
    )


def nulls_in(share: float) -> ColumnChange:
    """Return the change that makes values null in a share of the rows, chosen at random."""

    def with_nulls(values: pl.Series, _deviation: float | None, generator: np.random.Generator) -> pl.Series:
        chosen = _chosen(len(values), share, generator)
        return values.set(chosen, None)

    return ColumnChange(
        f"nulls={share:.0%}",
        frozenset(MEASURED_KINDS),
        with_nulls,
        f"null in {share:.0%} of the rows, chosen at random",
    )


def unseen_in(share: float) -> ColumnChange:
    """Return the change that puts one category that is not in the reference into a share of the rows."""

    def with_unseen(values: pl.Series, _deviation: float | None, generator: np.random.Generator) -> pl.Series:
        return values.set(_chosen(len(values), share, generator), NEVER_SEEN)

    return ColumnChange(
        f"unseen={share:.0%}",
        frozenset({FeatureKind.CATEGORICAL}),
        with_unseen,
        f"one category that the reference has never seen in {share:.0%} of the rows, chosen at random",
    )


def labels_flipped_in(share: float) -> LabelChange:
    """Return the change that gives a share of the rows, chosen at random, the label of another class."""

    def flipped(rows: pl.DataFrame, classes: tuple[str, ...], generator: np.random.Generator) -> pl.Series:
        labels = rows["label"]
        chosen = _chosen(rows.height, share, generator)
        if not classes:
            return pl.select(pl.when(chosen).then(1 - labels).otherwise(labels).alias("label")).to_series()
        place = {name: number for number, name in enumerate(classes)}
        steps: list[int] = generator.integers(1, len(classes), rows.height).tolist()
        other = [classes[(place[label] + step) % len(classes)] for label, step in zip(labels, steps, strict=True)]
        return pl.select(pl.when(chosen).then(pl.Series(other)).otherwise(labels).alias("label")).to_series()

    return LabelChange(
        f"labels_flipped={share:.0%}",
        frozenset({Task.BINARY, Task.MULTICLASS}),
        flipped,
        f"the label of another class in {share:.0%} of the rows, chosen at random",
    )


def errors_times(factor: float) -> LabelChange:
    """Return the change that moves every label away from its prediction, so that the error grows by the factor."""

    def farther(rows: pl.DataFrame, _classes: tuple[str, ...], _generator: np.random.Generator) -> pl.Series:
        label, prediction = pl.col("label"), pl.col("prediction").cast(pl.Float64)
        return rows.select((prediction + factor * (label - prediction)).alias("label")).to_series()

    return LabelChange(
        f"errors=x{factor:g}", frozenset({Task.REGRESSION}), farther, f"every error {factor:g} times as large"
    )


COLUMN_CHANGES = (
    *map(shift_of, SHIFTS_IN_DEVIATIONS),
    *map(nulls_in, SHARES_OF_ROWS),
    *map(unseen_in, SHARES_OF_ROWS),
)
LABEL_CHANGES = (*map(labels_flipped_in, SHARES_OF_LABELS), *map(errors_times, ERROR_FACTORS))


def _chosen(rows: int, share: float, generator: np.random.Generator) -> pl.Series:
    """Return a random mask of exactly this share of the rows, rounded to a whole row."""
    mask = np.zeros(rows, bool)
    mask[generator.permutation(rows)[: round(share * rows)]] = True
    return pl.Series(mask)

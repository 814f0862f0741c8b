"""The few bins of a column in which weak segments are looked for, with words for each."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.segments.weak_segments import LEAST_ROWS, LEAST_SHARE, Codes, Flags
from monitoring_pipeline.spec.sources import FeatureKind

RANGES = 5
MOST_VALUES = 30


@dataclass(frozen=True, eq=False)
class BinnedColumn:
    """The bin of each row.

    Args:
        codes: numbers of the bins, shape (rows,).
        words: the words of each bin, such as ``origin=EWR``.
    """

    codes: Codes
    words: tuple[str, ...]


def binned(column: pl.Series, kind: FeatureKind, chosen_on: Flags) -> BinnedColumn:
    """Return the bins of a column: fifths of a number, or values; missing ones are a bin.

    Bins are made from the rows that segments are chosen on. A value has a bin of its own if it has 2 % of these rows,
    and 20; the other values are one bin. So has each value of a number that has few of them.

    Args:
        column: canonical values of a column.
        kind: numeric or categorical.
        chosen_on: the rows to make bins from, shape (rows,).
    """
    if kind is FeatureKind.CATEGORICAL:
        return _values(column.cast(pl.String), chosen_on)
    numbers = column.cast(pl.Float64).fill_nan(None)
    chosen = numbers.filter(pl.Series(chosen_on)).drop_nulls()
    if chosen.n_unique() <= 2 * RANGES:
        return _values(numbers.map_elements("{:g}".format, return_dtype=pl.String), chosen_on)
    values = chosen.to_numpy()
    # A value with a fifth of the rows or more may be the largest one; then the bin below it has all other values.
    quantiles = np.quantile(values, np.arange(1, RANGES) / RANGES, method="inverted_cdf")
    below = values[values < values.max()].max()
    ends = np.unique(np.minimum(quantiles, below))
    codes = np.searchsorted(ends, numbers.fill_null(0.0).to_numpy(), side="left").astype(np.int64)
    codes[numbers.is_null().to_numpy()] = ends.size + 1
    return BinnedColumn(codes, (*_ranges(column.name, ends.tolist()), _without(column.name)))


def _ranges(name: str, ends: list[float]) -> Iterator[str]:
    yield f"{name} up to {ends[0]:g}"
    yield from (f"{name} above {a:g} up to {b:g}" for a, b in pairwise(ends))
    yield f"{name} above {ends[-1]:g}"


def _values(texts: pl.Series, chosen_on: Flags) -> BinnedColumn:
    least = max(float(LEAST_ROWS), LEAST_SHARE * float(np.count_nonzero(chosen_on)))
    counted = texts.filter(pl.Series(chosen_on)).alias("value").drop_nulls().value_counts(name="rows")
    frequent = counted.filter(pl.col("rows") >= least).sort("rows", "value", descending=[True, False])
    own = frequent["value"].head(MOST_VALUES).to_list()
    numbers = {value: number for number, value in enumerate(own)}
    codes = texts.replace_strict(numbers, default=len(own), return_dtype=pl.Int64).to_numpy().copy()
    codes[texts.is_null().to_numpy()] = len(own) + 1
    words = (*(f"{texts.name}={value}" for value in own), f"{texts.name}=other values", _without(texts.name))
    return BinnedColumn(codes, words)


def _without(name: str) -> str:
    return f"{name} without a value"

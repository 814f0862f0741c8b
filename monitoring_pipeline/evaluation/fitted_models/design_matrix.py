"""Features as numbers, for the models that the monitor fits."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind

Values = NDArray[np.float64]
CATEGORIES = 200


@dataclass(frozen=True, eq=False)
class Encoding:
    """How features become numbers.

    Args:
        columns: the features in order, with their kinds.
        shares: of each categorical feature the most frequent categories, most frequent first, with their shares.
    """

    columns: dict[str, FeatureKind]
    shares: dict[str, dict[str, float]]

    @property
    def categorical(self) -> list[bool]:
        """Whether each column holds codes of categories."""
        return [kind is FeatureKind.CATEGORICAL for kind in self.columns.values()]


def watched_features(spec: ModelSpec) -> dict[str, FeatureKind]:
    """Return the features that ``drift.ignore`` does not name; only these decide."""
    return {name: kind for name, kind in features_of(spec).items() if not spec.is_ignored(name)}


def features_of(spec: ModelSpec) -> dict[str, FeatureKind]:
    """Return the columns that stand for the features, with their kinds."""
    return spec.inputs


def without_words(dead: Mapping[str, str], features: Collection[str]) -> str | None:
    """Return the words that name the features left out because they died; None if none of ``features`` did."""
    named = [f"without {column}: {how}" for column, how in dead.items() if column in features]
    return "; ".join(named) or None


def encoding_of(columns: Mapping[str, FeatureKind], rows: pl.DataFrame) -> Encoding:
    """Learn the categories, at most ``CATEGORIES`` of a column, from some rows.

    For a fair test, these are rows of both sides or rows that are not compared afterwards.
    """
    categorical = [name for name, kind in columns.items() if kind is FeatureKind.CATEGORICAL]
    return Encoding(dict(columns), {name: _shares(rows[name]) for name in categorical})


def code_matrix(encoding: Encoding, rows: pl.DataFrame) -> Values:
    """Return numbers and codes of categories, shape (rows, columns); other categories share a code, NaN is missing."""
    codes = {
        name: {category: float(code) for code, category in enumerate(shares)}
        for name, shares in encoding.shares.items()
    }
    return _matrix(
        encoding, rows, codes, {name: float(len(codes_of_column)) for name, codes_of_column in codes.items()}
    )


def share_matrix(encoding: Encoding, rows: pl.DataFrame) -> Values:
    """Return numbers and, for a category, its share in the rows it was learned from, shape (rows, columns).

    NaN is missing.
    """
    return _matrix(encoding, rows, encoding.shares, dict.fromkeys(encoding.shares, 0.0))


def _matrix(
    encoding: Encoding, rows: pl.DataFrame, numbers: Mapping[str, Mapping[str, float]], others: Mapping[str, float]
) -> Values:
    # One query for all columns: one for each takes longer than the columns of a small chunk.
    found = rows.select(
        _replaced(name, numbers[name], others[name]) if name in numbers else _number(name) for name in encoding.columns
    )
    columns = [
        found[name].to_numpy() if name in numbers else _finite(found[name].to_numpy()) for name in encoding.columns
    ]
    return np.column_stack(columns)


def _shares(values: pl.Series) -> dict[str, float]:
    counts = values.drop_nulls().value_counts(name="n").sort("n", values.name, descending=[True, False])
    kept = counts.head(CATEGORIES)
    return {str(name): count / values.len() for name, count in zip(kept[values.name], kept["n"], strict=True)}


def _replaced(name: str, numbers: Mapping[str, float], other: float) -> pl.Expr:
    values = pl.col(name)
    replaced = values.replace_strict(dict(numbers), default=other, return_dtype=pl.Float64)
    return pl.when(values.is_null()).then(math.nan).otherwise(replaced).alias(name)


def _number(name: str) -> pl.Expr:
    return pl.col(name).cast(pl.Float64).fill_null(math.nan)


def _finite(numbers: Values) -> Values:
    return np.where(np.isfinite(numbers), numbers, math.nan)

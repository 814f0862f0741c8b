"""The few categories that contain most nulls of a column."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind

_MOST_VALUES = 5
_LEAST_ROWS = 30
LEAST_SHARE = 0.5
_TEXT: tuple[object, ...] = (pl.String, pl.Categorical, pl.Enum)
_ELSEWHERE = 0
_CODES_COUNTED_AT_ONCE = 4_000_000

Codes = NDArray[np.int32]


@dataclass(frozen=True)
class NullGroup:
    """Categories of a text column, in alphabetical order, in which another column is mostly null."""

    column: str
    values: tuple[str, ...]

    def rows(self, frame: pl.DataFrame) -> pl.Series:
        """Return which rows belong to the group; rows without a category do not."""
        return frame[self.column].cast(pl.String).is_in(list(self.values)).fill_null(value=False)


class Categories:
    """The categories of text columns that have at least 30 rows, numbered so that they are counted together.

    With C columns and n rows, the numbers are a matrix of C x n: 0 for a rarer category and for null.
    """

    def __init__(self, frame: pl.DataFrame, columns: Iterable[str]) -> None:
        """Number the categories of those ``columns`` of ``frame`` that are text."""
        self._named: list[tuple[str, str]] = [("", "")]
        self._columns: list[str] = []
        numbered: list[Codes] = []
        types = frame.schema
        for column in columns:
            if types[column] in _TEXT and (values := _frequent(frame[column])):
                numbers = range(len(self._named), len(self._named) + len(values))
                codes = frame[column].cast(pl.String)
                codes = codes.replace_strict(values, numbers, default=_ELSEWHERE, return_dtype=pl.Int32)
                numbered.append(codes.to_numpy())
                self._columns.append(column)
                self._named += [(column, value) for value in values]
        self._codes = np.stack(numbered) if numbered else np.zeros((0, frame.height), np.int32)
        self._rows = self._counted(np.arange(frame.height))

    @classmethod
    def of_features(cls, spec: ModelSpec, rows: pl.DataFrame) -> Self:
        """Return the categories of a model's categorical features that are text."""
        categorical = {name for name, feature in spec.features.items() if feature.kind is FeatureKind.CATEGORICAL}
        present = categorical.intersection(rows.columns)
        return cls(rows, [name for name in spec.features if name in present])

    def null_group(self, column: str, missing: pl.Series) -> NullGroup | None:
        """Return the categories of another column that explain the nulls of ``column``; None if there are none.

        ``missing`` is true for every row in which the column is null. A group is up to five categories of one text
        column. Each has at least 30 rows, and at least half of these are null. Together they hold at most half of all
        rows, and the share of nulls outside of them is at most half of the overall share. Of several columns, the one
        with the smallest share outside is taken, then the one with fewest categories, then the first.
        """
        null_rows = np.flatnonzero(missing.to_numpy())
        if not null_rows.size or not self._columns:
            return None
        nulls = self._counted(null_rows)
        mostly_null = np.flatnonzero(nulls >= LEAST_SHARE * self._rows)
        by_column: dict[str, list[int]] = {}
        for code in map(int, mostly_null[mostly_null != _ELSEWHERE]):
            by_column.setdefault(self._named[code][0], []).append(code)
        groups: list[tuple[float, int, int, NullGroup]] = []
        for order, (other, codes) in enumerate(by_column.items()):
            if other == column or len(codes) > _MOST_VALUES:
                continue
            outside = len(missing) - int(self._rows[codes].sum())
            share = (null_rows.size - int(nulls[codes].sum())) / max(outside, 1)
            if 2 * outside >= len(missing) and 2 * share <= null_rows.size / len(missing):
                groups.append((share, len(codes), order, NullGroup(other, self._values(codes))))
        return min(groups, key=lambda entry: entry[:3])[3] if groups else None

    def _values(self, codes: Iterable[int]) -> tuple[str, ...]:
        return tuple(self._named[code][1] for code in codes)

    def _counted(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return how many of the rows have each code."""
        counts = np.zeros(len(self._named), np.int64)
        for some in _in_blocks(rows, _CODES_COUNTED_AT_ONCE // max(len(self._columns), 1)):
            counts += np.bincount(self._codes[:, some].ravel(), minlength=len(counts))
        return counts


def _frequent(values: pl.Series) -> list[str]:
    """Return the categories with at least 30 rows, in alphabetical order."""
    counts = values.cast(pl.String).drop_nulls().alias("value").value_counts(name="rows")
    return counts.filter(pl.col("rows") >= _LEAST_ROWS)["value"].sort().to_list()


def _in_blocks(rows: NDArray[np.intp], size: int) -> Iterator[NDArray[np.intp]]:
    for start in range(0, len(rows), max(size, 1)):
        yield rows[start : start + size]

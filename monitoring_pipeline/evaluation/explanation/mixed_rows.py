"""Rows that have some values of one row and the others of another, as a model takes them."""

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.statistics.inputs import Flags


class MixedRows:
    """Pairs of rows, and rows mixed from them.

    Args:
        features: the columns that are mixed.
        first: one side of each pair.
        second: the other side, in the same order.
    """

    def __init__(self, features: Sequence[str], first: pl.DataFrame, second: pl.DataFrame) -> None:
        if first.height != second.height:
            raise ValueError(f"{first.height} rows and {second.height} rows are no pairs")
        self._pairs = first.height
        self._pooled = pl.concat([side.select(features) for side in (first, second)])

    def mix(self, numbers: NDArray[np.int64], replaced: Flags) -> pl.DataFrame:
        """Return mixed rows.

        Args:
            numbers: the number of the pair of each row, shape (rows,).
            replaced: which values are those of the second side, shape (rows, columns).
        """
        return self._pooled.select(
            column.gather(pl.Series(numbers + self._pairs * replaced[:, place]))
            for place, column in enumerate(self._pooled.get_columns())
        )

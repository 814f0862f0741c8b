"""The few categories that contain most nulls of a column."""

from dataclasses import dataclass

import polars as pl

_MOST_VALUES = 5
_LEAST_ROWS = 30
LEAST_SHARE = 0.5
_TEXT: tuple[object, ...] = (pl.String, pl.Categorical, pl.Enum)


@dataclass(frozen=True)
class NullGroup:
    """Categories of a text column, in alphabetical order, in which another column is mostly null."""

    column: str
    values: tuple[str, ...]

    def rows(self, frame: pl.DataFrame) -> pl.Series:
        """Return which rows belong to the group; rows without a category do not."""
        return frame[self.column].cast(pl.String).is_in(list(self.values)).fill_null(value=False)


def find_null_group(frame: pl.DataFrame, missing: pl.Series, categorical: list[str]) -> NullGroup | None:
    """Return the categories that explain the nulls of a column; None if there are none.

    ``missing`` is true for every row of ``frame`` in which the column is null. A group is up to five categories of one
    text column. Each has at least 30 rows, and at least half of these are null. Together they hold at most half of all
    rows, and the share of nulls outside of them is at most half of the overall share. Of several columns, the one with
    the smallest share outside is taken, then the one with fewest categories, then the first in ``categorical``.
    """
    groups: list[tuple[float, int, int, NullGroup]] = []
    for order, column in enumerate(categorical):
        if frame.schema[column] not in _TEXT:
            continue
        group = NullGroup(column, _mostly_null_values(frame[column].cast(pl.String), missing))
        if not 0 < len(group.values) <= _MOST_VALUES:
            continue
        outside = missing.filter(~group.rows(frame))
        share = float(outside.cast(pl.Float64).sum()) / max(len(outside), 1)
        if 2 * len(outside) >= len(missing) and 2 * share <= missing.sum() / len(missing):
            groups.append((share, len(group.values), order, group))
    return min(groups, key=lambda entry: entry[:3])[3] if groups else None


def _mostly_null_values(categories: pl.Series, missing: pl.Series) -> tuple[str, ...]:
    by_value = pl.DataFrame({"value": categories, "missing": missing}).drop_nulls("value").group_by("value")
    counted = by_value.agg(pl.len().alias("rows"), pl.col("missing").mean().alias("share"))
    chosen = counted.filter((pl.col("rows") >= _LEAST_ROWS) & (pl.col("share") >= LEAST_SHARE))
    return tuple(sorted(chosen["value"]))

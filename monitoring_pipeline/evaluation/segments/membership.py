"""Which rows belong to which segment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.records.names import Segment
from monitoring_pipeline.spec.rules.segments import Condition, Segmentation, Segmentations

Flags = NDArray[np.bool_]
OTHER_VALUES = "other values"
BETWEEN = " & "
_LIKE_BETWEEN = "(^| )&+( |$)"
Values = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class Part:
    """The rows of one segment: its text form, and whether each row belongs to it, shape (rows,)."""

    name: str
    rows: Flags


def values_of(by: Segmentations, rows: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    """Return the values that are segments of their own, most frequent first, by the name of the segmentation.

    Args:
        by: the declared segmentations.
        rows: canonical rows of the reference.
    """
    return {name: _most_frequent(texts_of(by, name, rows), one.values) for name, one in by.items() if not one.where}


def parts_of(by: Segmentations, values: Values, rows: pl.DataFrame) -> tuple[Part, ...]:
    """Return all segments with their rows, in the order of the declaration.

    Args:
        by: the declared segmentations.
        values: the values that are segments of their own; further ones are one segment together.
        rows: canonical rows.
    """
    return tuple(part for name, one in by.items() for part in _parts(by, name, one, values, rows))


def _parts(by: Segmentations, name: str, one: Segmentation, values: Values, rows: pl.DataFrame) -> tuple[Part, ...]:
    if one.where:
        return (Part(name, _fulfilling(one.where, rows)),)
    texts = texts_of(by, name, rows)
    own = values.get(name, ())
    parts = [Part(str(Segment(name, value)), (texts == value).fill_null(value=False).to_numpy()) for value in own]
    others = (~texts.is_in(own) & texts.is_not_null()).fill_null(value=False).to_numpy()
    return (*parts, Part(str(Segment(name, OTHER_VALUES)), others)) if len(own) else ()


def texts_of(by: Segmentations, name: str, rows: pl.DataFrame) -> pl.Series:
    """Return the text of each row's value in a segmentation; null if it has none."""
    one = by[name]
    if one.cross:
        crossed = pl.DataFrame({other: _for_crossing(texts_of(by, other, rows)) for other in one.cross})
        return crossed.select(pl.concat_str(pl.all(), separator=BETWEEN)).to_series()
    if one.where:
        inside = pl.Series(_fulfilling(one.where, rows))
        return inside.to_frame("inside").select(pl.when("inside").then(pl.lit(name))).to_series()
    column = rows[str(one.column)]
    return column.cast(pl.String) if not one.ranges else _ranges(column, one.ranges)


def _for_crossing(texts: pl.Series) -> pl.Series:
    """Return texts in which ``&`` as a word is doubled, so that two crossings cannot have one name."""
    text = pl.col(texts.name)
    doubled = text.str.replace_all("&", "&&", literal=True)
    return texts.to_frame().select(pl.when(text.str.contains(_LIKE_BETWEEN)).then(doubled).otherwise(text)).to_series()


def _ranges(column: pl.Series, starts: Sequence[float]) -> pl.Series:
    # Six digits would give neighbouring ranges of large numbers the same name.
    shown = [f"{start:.15g}" for start in starts]
    texts = [f"below {shown[0]}", *(f"{a} to {b}" for a, b in pairwise(shown)), f"{shown[-1]} or more"]
    numbers = column.cast(pl.Float64).fill_nan(None)
    places = pl.Series(np.searchsorted(starts, numbers.fill_null(0.0).to_numpy(), side="right"))
    return pl.Series(texts).gather(places).set(numbers.is_null(), None)


def _fulfilling(where: Mapping[str, Condition], rows: pl.DataFrame) -> Flags:
    every = [_fulfils(rows[column], condition) for column, condition in where.items()]
    return np.logical_and.reduce(every)


def _fulfils(column: pl.Series, condition: Condition) -> Flags:
    if condition.among:
        return column.cast(pl.String).is_in(condition.among).fill_null(value=False).to_numpy()
    numbers = column.cast(pl.Float64).fill_null(np.nan).to_numpy()
    at_least = -np.inf if condition.at_least is None else condition.at_least
    below = np.inf if condition.below is None else condition.below
    return (numbers >= at_least) & (numbers < below)


def _most_frequent(texts: pl.Series, count: int) -> tuple[str, ...]:
    # A value of this name is one of the other values: two segments cannot have the same name.
    counted = texts.alias("value").drop_nulls().value_counts(name="rows").filter(pl.col("value") != OTHER_VALUES)
    return tuple(counted.sort("rows", "value", descending=[True, False]).head(count)["value"].to_list())

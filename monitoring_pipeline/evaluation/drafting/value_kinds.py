"""How the values of a column can be read: as numbers, times, text, or not at all."""

import math
import re
from collections.abc import Sequence
from enum import StrEnum
from itertools import chain

import polars as pl

from monitoring_pipeline.evaluation.rows.usual_nulls import WORDS_FOR_NOTHING

NEARLY_ALL = 0.99
SMALLEST_VECTOR = 3
LEAST_WORDS = 3.0
LEAST_BEYOND_ASCII = 8
_ISO_DATE = r"^\s*\d{4}-\d{2}-\d{2}\s*$"
_ISO_TIME = r"^\s*\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}"
_OFFSET = r"(?:[zZ]|[+-]\d{2}(?::?\d{2})?)\s*$"
_JSON = r"(?s)^\s*(\{.*\}|\[.*\])\s*$"
_NUMBERS_IN_BRACKETS = r"^\s*[\[{(]\s*[-+0-9.eE]+(\s*,\s*[-+0-9.eE]+)*\s*[\]})]\s*$"
_EPOCH_BOUNDS = ((9e8, 5e9), (9e11, 5e12), (9e14, 5e15), (9e17, 5e18))
"""Epochs of the years 1998 to 2128 in seconds, milliseconds, microseconds and nanoseconds."""


class ValueKind(StrEnum):
    """How the values of a column can be read."""

    NUMBER = "number"
    INTEGER = "whole number"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"
    INSTANT = "time with a zone"
    LOCAL_TIME = "time without a zone"
    NESTED = "nested"
    OTHER = "other"
    EMPTY = "nothing"


NUMERIC = frozenset({ValueKind.NUMBER, ValueKind.INTEGER})
TIMES = frozenset({ValueKind.DATE, ValueKind.INSTANT, ValueKind.LOCAL_TIME})


def as_numbers(values: pl.Series) -> pl.Series:
    """Return values as finite numbers; all else is null."""
    if values.dtype == pl.String:
        values = values.str.strip_chars().cast(pl.Float64, strict=False)
    elif values.dtype.is_numeric() or isinstance(values.dtype, pl.Boolean | pl.Null):
        values = values.cast(pl.Float64)
    else:
        values = pl.Series(values.name, [None] * values.len(), dtype=pl.Float64)
    return pl.select(pl.when(values.is_finite()).then(values).alias(values.name)).to_series()


_KINDS_OF_TYPES = (
    (
        re.compile(
            r"(STRUCT|MAP|UNION|JSONB?|ARRAY|LIST|OBJECT|VARIANT|COMPOSITE|RECORD|HSTORE|VECTOR|SUPER)\b.*|.*\[\d*\]",
            re.IGNORECASE | re.DOTALL,
        ),
        ValueKind.NESTED,
    ),
    (re.compile(r"(BLOB|BYTEA|BYTES|(VAR)?BINARY)\b.*", re.IGNORECASE), ValueKind.OTHER),
)

_KINDS: Sequence[tuple[type[pl.DataType], ValueKind]] = (
    (pl.Boolean, ValueKind.BOOLEAN),
    (pl.Date, ValueKind.DATE),
    (pl.Struct, ValueKind.NESTED),
    (pl.List, ValueKind.NESTED),
    (pl.Array, ValueKind.NESTED),
    (pl.Null, ValueKind.EMPTY),
)


def without_words_for_nothing(texts: pl.Series) -> pl.Series:
    """Return the texts that are no words such as ``NA``."""
    return texts.filter(~texts.str.strip_chars().str.to_lowercase().is_in(list(WORDS_FOR_NOTHING)))


def kind_of(name: str, its_type: str, filled: pl.Series) -> tuple[ValueKind, bool]:
    """Return the kind of the values, and True if they are numbers that may be times.

    Args:
        name: the column.
        its_type: its type, as the warehouse names it; nested values are read as text from most engines.
        filled: its values without nulls.
    """
    dtype = filled.dtype
    if filled.is_empty():
        return ValueKind.EMPTY, False
    if (by_type := _kind_of_type(its_type, dtype)) is not None:
        return by_type, False
    if isinstance(dtype, pl.Datetime):
        return (ValueKind.INSTANT if dtype.time_zone else ValueKind.LOCAL_TIME), False
    if dtype.is_integer():
        return ValueKind.INTEGER, _may_be_time(name, filled)
    if dtype.is_numeric():
        return ValueKind.NUMBER, _may_be_time(name, filled)
    return (_kind_of_text(filled), False) if dtype == pl.String else (ValueKind.OTHER, False)


def _kind_of_type(its_type: str, dtype: pl.DataType) -> ValueKind | None:
    of_warehouse = (kind for pattern, kind in _KINDS_OF_TYPES if pattern.fullmatch(its_type))
    of_frame = (kind for of_frame, kind in _KINDS if isinstance(dtype, of_frame))
    return next(chain(of_warehouse, of_frame), None)


def _kind_of_text(filled: pl.Series) -> ValueKind:
    said = without_words_for_nothing(filled)
    if said.is_empty():
        return ValueKind.TEXT
    if _share(said.str.contains(_ISO_DATE)) >= NEARLY_ALL:
        return ValueKind.DATE
    if _share(said.str.contains(_ISO_TIME)) >= NEARLY_ALL:
        return ValueKind.INSTANT if _share(said.str.contains(_OFFSET)) >= NEARLY_ALL else ValueKind.LOCAL_TIME
    if _share(said.str.contains(_JSON)) >= NEARLY_ALL:
        return ValueKind.NESTED
    numbers = as_numbers(said)
    # A code such as 007 is text, because its zeros would be lost.
    if numbers.null_count() or said.str.contains(r"^\s*[-+]?0\d").any():
        return ValueKind.TEXT
    return ValueKind.INTEGER if bool((numbers == numbers.floor()).all()) else ValueKind.NUMBER


def vector_size(filled: pl.Series) -> int | None:
    """Return how many numbers lists have, or texts such as ``[0.5, 1]``; None unless nearly all have as many.

    Lists of whole numbers are no vectors, because they may be codes, such as the items of an order.
    """
    dtype = filled.dtype
    if dtype == pl.String:
        has_fractions = bool(filled.str.contains(".", literal=True).any())
        if not has_fractions or _share(filled.str.contains(_NUMBERS_IN_BRACKETS)) < NEARLY_ALL:
            return None
        sizes = filled.str.count_matches(",") + 1
    elif isinstance(dtype, pl.List | pl.Array) and dtype.inner.is_float():
        sizes = filled.list.len() if isinstance(dtype, pl.List) else filled.arr.len()
    else:
        return None
    size = min(map(int, sizes.mode().to_list()), default=0)
    return size if size >= SMALLEST_VECTOR and _share(sizes == size) >= NEARLY_ALL else None


def words_of_text(filled: pl.Series) -> float | None:
    """Return the words of a text on average; None if the values do not look as if people wrote them.

    Such values hold several words, or many characters beyond ASCII, because not every script has spaces.
    """
    words = filled.str.count_matches(r"\S+").mean()
    beyond = _share(filled.str.count_matches(r"[^\x00-\x7F]") >= LEAST_BEYOND_ASCII)
    if not isinstance(words, float) or (words < LEAST_WORDS and beyond < NEARLY_ALL / 2):
        return None
    return words


_TIME_WORDS = re.compile(
    r"(time|date|epoch|(^|_)ts($|_)|_at$|(?-i:[a-z](Ts|At)$)|timestamp|day|when|created|scored|observed)", re.IGNORECASE
)
_FIRST_DATE, _LAST_DATE = 19700101, 21001231


def _may_be_time(name: str, filled: pl.Series) -> bool:
    if not _TIME_WORDS.search(name):
        return False
    low, high = finite(filled.min()), finite(filled.max())
    if low is None or high is None:
        return False
    if low >= _FIRST_DATE and high <= _LAST_DATE:
        whole = filled.cast(pl.Int64)
        month, day = whole // 100 % 100, whole % 100
        return bool((month.is_between(1, 12) & day.is_between(1, 31)).all())
    return any(lower <= low and high <= upper for lower, upper in _EPOCH_BOUNDS)


def _share(matches: pl.Series) -> float:
    return float(matches.sum()) / matches.len()


def finite(value: object) -> float | None:
    """Return a finite number; None for another value."""
    if isinstance(value, bool | int | float) and math.isfinite(value):
        return float(value)
    return None

"""Data frames of any library as Polars frames. Indexes are ignored, because a column is needed to name a value."""

import warnings
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import narwhals as nw
import polars as pl

COLUMNS_SHOWN = 12


class ArgumentError(ValueError):
    """An argument cannot be used; the message names the argument, the column if there is one, and what is allowed."""


def polars_frame(given: object, argument: str) -> pl.DataFrame:
    """Return rows of pandas, Polars, PyArrow, DuckDB or another library that narwhals reads, as a Polars frame.

    Categories become text, durations seconds, and integers of 128 bits floats.

    Args:
        given: the rows; a lazy frame or relation is computed.
        argument: the name of the argument, for messages.

    Raises:
        ArgumentError: if it is no data frame, is empty of columns, or a column cannot be read as values of one type.
    """
    frame = _eager(given, argument)
    names = [str(name) for name in frame.columns]
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise ArgumentError(f"{argument}: several columns are called {repeated[0]!r}")
    if not names:
        raise ArgumentError(f"{argument}: it has no columns")
    return pl.DataFrame([_plain(_column(frame, name, argument)).alias(str(name)) for name in frame.columns])


def require_columns(frame: pl.DataFrame, names: Iterable[str], argument: str, place: str) -> None:
    """Raise if a frame lacks a column.

    Args:
        frame: the frame.
        names: the columns that it needs.
        argument: the argument that names them, such as ``label``.
        place: the argument with the frame, such as ``rows``.

    Raises:
        ArgumentError: with the missing column and those that exist.
    """
    missing = [name for name in names if name not in frame.columns]
    if not missing:
        return
    close = get_close_matches(missing[0], frame.columns, n=1)
    shown = ", ".join(frame.columns[:COLUMNS_SHOWN]) + (", ..." if len(frame.columns) > COLUMNS_SHOWN else "")
    hint = f"did you mean {close[0]!r}?" if close else f"columns: {shown}"
    raise ArgumentError(f"{argument}: {place} has no column {missing[0]!r} (an index is no column); {hint}")


def _eager(given: object, argument: str) -> "nw.DataFrame[Any]":
    try:
        frame: Any = nw.from_native(given)  # pyright: ignore[reportArgumentType, reportCallIssue]
    except nw.exceptions.DuplicateError as error:
        raise ArgumentError(f"{argument}: {' '.join(str(error).split())}") from None
    except TypeError:
        kind = f"{type(given).__module__}.{type(given).__qualname__}".removeprefix("builtins.")
        message = f"{argument}: expected a data frame (pandas, Polars, PyArrow, DuckDB relation), got {kind}"
        raise ArgumentError(message) from None
    return frame.collect("polars") if isinstance(frame, nw.LazyFrame) else frame


def _column(frame: "nw.DataFrame[Any]", name: str, argument: str) -> pl.Series:
    try:
        with warnings.catch_warnings():
            # pandas warns of changes in functions that the conversion calls.
            warnings.simplefilter("ignore")
            return frame.get_column(name).to_polars()
    except Exception as error:
        # The text of the error quotes values of the column.
        message = f"{argument}: column {str(name)!r} cannot be read as values of one type ({type(error).__name__})"
        raise ArgumentError(f"{message}; give it one type, such as text") from error


def _plain(column: pl.Series) -> pl.Series:
    if isinstance(column.dtype, pl.Categorical | pl.Enum):
        return column.cast(pl.String)
    if isinstance(column.dtype, pl.Duration):
        return column.dt.total_microseconds() / 1e6
    if column.dtype in (pl.Int128, pl.UInt128):
        return column.cast(pl.Float64)
    return column

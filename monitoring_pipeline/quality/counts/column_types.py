"""Types of columns as Great Expectations sees them, after the conversion to pandas."""

import polars as pl

from monitoring_pipeline.quality.expectation import KNOWN_TYPES


def is_text(kind: pl.DataType) -> bool:
    """Return whether values of a type are text."""
    return isinstance(kind, pl.String | pl.Categorical | pl.Enum)


def is_number(kind: pl.DataType) -> bool:
    """Return whether values of a type are numbers; booleans are not."""
    return kind.is_integer() or kind.is_float() or kind.is_decimal()


def numbers(column: pl.Series) -> pl.Expr:
    """Return the values of a numeric column as the engine sees them, with null for NaN.

    Decimals, and whole numbers of a column that has nulls, are floats there.
    """
    values = pl.col(column.name)
    if column.dtype.is_float():
        return values.fill_nan(None)
    return values.cast(pl.Float64) if column.dtype.is_decimal() or column.null_count() else values


def is_missing(column: pl.Series) -> pl.Expr:
    """Return which values are null or NaN."""
    values = pl.col(column.name)
    return values.is_null() | values.is_nan().fill_null(value=False) if column.dtype.is_float() else values.is_null()


def element_type(column: pl.Series) -> str | None:
    """Return the known type of the single values of a column that the engine judges value by value, else None."""
    if is_text(column.dtype):
        return "str"
    if isinstance(column.dtype, pl.List | pl.Array):
        return "list"
    return "bool" if column.dtype == pl.Boolean and column.null_count() else None


def stored_type(column: pl.Series) -> str | None:
    """Return the name of the pandas type of a column that is judged as a whole; None if it is not, or not known."""
    kind = column.dtype
    if isinstance(kind, pl.Datetime):
        name = "datetime64[us]"
    elif kind == pl.Date:
        name = "datetime64[ms]"
    elif kind.is_decimal() or (kind.is_integer() and column.null_count()):
        name = "float64"
    elif kind == pl.Boolean:
        name = "bool"
    else:
        name = str(kind).lower()
    return name if name in KNOWN_TYPES and not element_type(column) else None

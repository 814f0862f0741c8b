"""Repeated ids and rows, found without a hash of every row where there are none."""

import polars as pl


def has_repeated(ordered: pl.Series) -> bool:
    """Return whether a sorted column without nulls has a value several times."""
    return bool((ordered == ordered.shift()).any())


def one_of_each_id(ordered: pl.DataFrame) -> pl.DataFrame:
    """Return the first row of each ``row_id``, of rows that are sorted by it."""
    if not has_repeated(ordered["row_id"]):
        return ordered
    return ordered.unique("row_id", keep="first", maintain_order=True)


def repeated_rows(rows: pl.DataFrame) -> int:
    """Return the number of rows that equal an earlier one in every column.

    Rows whose value in some column no other row has are left out one column after the other, so that few are left to
    be compared as a whole.
    """
    left = rows
    for name in rows.columns:
        left = left.filter(left[name].is_duplicated())
        if left.is_empty():
            return 0
    return left.height - left.unique().height

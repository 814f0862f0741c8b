"""The queries that read a table of which no spec exists yet: counts of its columns, and a sample of its rows."""

import math
from collections.abc import Iterator, Sequence

from monitoring_pipeline.warehouse.sql.catalogue import Column, Table
from monitoring_pipeline.warehouse.sql.columns import readable
from monitoring_pipeline.warehouse.sql.queries import PREDICTIONS_ALIAS, Query

MOST_COUNTED_ROWS = 5_000_000
"""Distinct values of larger tables are not counted, because that would take minutes."""


MOST_COUNTED_VALUES = 20_000_000
"""Values of which one query counts the different ones: an engine holds the different values of all its columns."""
MOST_COUNTED_COLUMNS = 100


def rows_query(table: Table) -> Query:
    """Return the query for the number of rows."""
    return Query(f"SELECT count(*) AS n FROM {table.listed.sql}", {})


def counts_query(table: Table, columns: Sequence[str]) -> Query:
    """Return the query for the nulls and the different values of columns, in their order."""
    quoted = table.listed.dialect.quoted
    counts = ", ".join(
        f"count(*) - count({quoted(name)}) AS n{place}, count(DISTINCT {quoted(name)}) AS d{place}"
        for place, name in enumerate(columns)
    )
    return Query(f"SELECT {counts} FROM {table.listed.sql}", {})


def counted_together(columns: Sequence[str], rows: int) -> Iterator[Sequence[str]]:
    """Yield the columns of a table of so many rows in groups, each of which one query can count."""
    size = max(1, min(MOST_COUNTED_COLUMNS, MOST_COUNTED_VALUES // max(rows, 1)))
    for start in range(0, len(columns), size):
        yield columns[start : start + size]


def sample_query(table: Table, rows: int, most_rows: int, inside: Sequence[Column] = ()) -> Query:
    """Return the query for a sample of the rows, with the columns of the table in their order, then those ``inside``.

    A row is drawn by a hash of its values, so that the same rows give the same sample.
    """
    dialect = table.listed.dialect
    whole = [Column(name, kind, dialect=dialect) for name, kind in table.types.items()]
    columns = ", ".join(
        f"{readable(column, PREDICTIONS_ALIAS, as_number=True)} AS {dialect.quoted(column.name)}"
        for column in [*whole, *inside]
    )
    every = math.ceil(rows / most_rows)
    values = [f"{PREDICTIONS_ALIAS}.{dialect.quoted(name)}" for name in table.types]
    drawn = f" WHERE {dialect.drawn(values, every)}" if every > 1 else ""
    return Query(f"SELECT {columns} FROM {table.listed.sql} AS {PREDICTIONS_ALIAS}{drawn}", {})

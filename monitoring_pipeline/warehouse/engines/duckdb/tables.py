"""Reads the tables of a DuckDB file of which no spec exists yet."""

import re
from dataclasses import dataclass

from monitoring_pipeline.evaluation.drafting.facts import ColumnCounts, TableSample
from monitoring_pipeline.warehouse.engines.duckdb.rows import frame_of, table_named
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse, connection_to
from monitoring_pipeline.warehouse.sql.catalogue import ListedTable
from monitoring_pipeline.warehouse.sql.queries import tables_query
from monitoring_pipeline.warehouse.sql.table_queries import (
    MOST_COUNTED_ROWS,
    counts_query,
    rows_query,
    sample_query,
)

_NESTED = re.compile(r"(STRUCT|MAP|UNION|JSON)\b.*|.*\[\d*\]", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class DuckDBTables:
    """The tables in the file of a warehouse. Its methods raise the errors of the warehouse."""

    warehouse: DuckDBWarehouse

    def table_names(self) -> tuple[str, ...]:
        """Return the names of all tables and views, as a spec would write them."""
        with connection_to(self.warehouse) as connection:
            if connection.outside is not None:
                return connection.outside.names()
            return tuple(ListedTable(*row).text for row in frame_of(connection, tables_query()).rows())

    def table_sample(self, table: str, most_rows: int, *, counted: bool = True) -> TableSample:
        """Return a table with always the same sample of about so many rows at most."""
        with connection_to(self.warehouse) as connection:
            found = table_named(connection, table, "table")
            rows = int(frame_of(connection, rows_query(found)).item())
            countable = [name for name, kind in found.types.items() if not _NESTED.fullmatch(kind)]
            counts = {}
            if counted and countable and rows <= MOST_COUNTED_ROWS:
                numbers = frame_of(connection, counts_query(found, countable)).row(0)
                pairs = zip(numbers[::2], numbers[1::2], strict=True)
                counts = {name: ColumnCounts(*pair) for name, pair in zip(countable, pairs, strict=True)}
            frame = frame_of(connection, sample_query(found, rows, most_rows))
        return TableSample(name=found.listed.text, rows=rows, types=found.types, counts=counts, frame=frame)

"""Reads the tables of a database of which no spec exists yet, through queries of the dialect."""

from collections.abc import Sequence
from dataclasses import dataclass

from monitoring_pipeline.evaluation.drafting.facts import ColumnCounts, TableSample
from monitoring_pipeline.warehouse.sql.dialect import Kind
from monitoring_pipeline.warehouse.sql.inspection import OpensSource
from monitoring_pipeline.warehouse.sql.table_queries import (
    MOST_COUNTED_ROWS,
    counted_together,
    counts_query,
    rows_query,
    sample_query,
)


@dataclass(frozen=True)
class SqlTables:
    """The tables of a warehouse. Its methods raise the errors of the warehouse."""

    warehouse: OpensSource

    def table_names(self) -> tuple[str, ...]:
        """Return the names of all tables and views, as a spec would write them."""
        with self.warehouse.open() as source:
            return tuple(table.text for table in source.listed())

    def table_sample(
        self, table: str, most_rows: int, *, counted: bool = True, paths: Sequence[str] = ()
    ) -> TableSample:
        """Return a table with always the same sample of about so many rows at most."""
        with self.warehouse.open() as source:
            found = source.table(table, "table")
            rows = int(source.frame(rows_query(found)).item())
            dialect = found.listed.dialect
            # What is read as text, such as JSON, has no order by which different values could be found.
            countable = [name for name, kind in found.types.items() if dialect.kind(kind) is not Kind.READ_AS_TEXT]
            counts: dict[str, ColumnCounts] = {}
            if counted and rows <= MOST_COUNTED_ROWS:
                for columns in counted_together(countable, rows):
                    numbers = source.frame(counts_query(found, columns)).row(0)
                    pairs = zip(numbers[::2], numbers[1::2], strict=True)
                    counts |= {name: ColumnCounts(*pair) for name, pair in zip(columns, pairs, strict=True)}
            inside = [column for path in paths if (column := found.column(path)) is not None and column.steps]
            frame = source.frame(sample_query(found, rows, most_rows, inside))
        types = {**found.types, **{column.name: column.type for column in inside}}
        frame.columns = list(types)
        return TableSample(name=found.listed.text, rows=rows, types=types, counts=counts, frame=frame)

"""The tables of a database server, and rows of a table or query that stand in place of the table of predictions."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.spec.declaration import RowsElsewhere
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.engines.server.session import Cause, ListsTables, Session, StatementError
from monitoring_pipeline.warehouse.errors import UnreadableWarehouseError, WarehouseFailedError
from monitoring_pipeline.warehouse.sql.catalogue import ListedTable, Table, find_table
from monitoring_pipeline.warehouse.sql.dialect import Dialect
from monitoring_pipeline.warehouse.sql.queries import Query, columns_query, tables_query
from monitoring_pipeline.warehouse.sql.statements import one_select
from monitoring_pipeline.warehouse.traffic import counted


@dataclass(frozen=True)
class ServerSource:
    """A connection to a server, and the rows that replace the table of predictions."""

    session: Session
    dialect: Dialect
    rows: RowsElsewhere | None
    shown: str

    def frame(self, query: Query) -> pl.DataFrame:
        """Return the result of a query.

        Raises:
            StatementError: when the server refuses it.
        """
        return counted(self.session.frame(self.dialect.bind(query.sql, query.values)))

    def listed(self) -> list[ListedTable]:
        """Return all tables and views."""
        if isinstance(self.session, ListsTables):
            return self.session.listed()
        return [ListedTable(*row, dialect=self.dialect) for row in self.frame(tables_query(self.dialect)).rows()]

    def table(self, name: str, place: str) -> Table:
        """Return the table that a spec names.

        Raises:
            MissingTableError: when no table matches, or several do.
        """
        table = find_table(name, self.listed(), place)
        if isinstance(self.session, ListsTables):
            return Table(table, self.session.types(f"SELECT * FROM {table.sql}"))
        return Table(table, dict(self.frame(columns_query(table)).rows()))

    def predictions(self, spec: ModelSpec) -> Table:
        """Return the table of predictions, or the rows that replace it.

        Raises:
            MissingTableError: when the table does not exist.
            UnreadableWarehouseError: when the rows cannot be read.
        """
        if self.rows is None:
            return self.table(spec.predictions.table, f"{spec.name}: predictions.table")
        return self._elsewhere(self.rows)

    def _elsewhere(self, rows: RowsElsewhere) -> Table:
        if rows.file is not None:
            message = (
                f"{rows.place}.file: {rows.file}: {self.dialect.name} cannot read files; load the rows into a table "
                "of the warehouse, and name it by table or query"
            )
            raise UnreadableWarehouseError(message)
        if rows.table is not None:
            table = self.table(rows.table, f"{rows.place}.table")
            select, types = f"SELECT * FROM {table.listed.sql}", table.types
        else:
            select = one_select(rows.query or "", lambda text: UnreadableWarehouseError(f"{rows.place}.query: {text}"))
            types = self._types(rows, select)
        listed = ListedTable("", "", rows.name, in_default_schema=True, select=select, dialect=self.dialect)
        if not rows.columns:
            return Table(listed, types)
        columns = _renamed(types, rows)
        names = ", ".join(
            f"{self.dialect.quoted(theirs)} AS {self.dialect.quoted(name)}" for name, theirs in columns.items()
        )
        renamed = ListedTable(
            "",
            "",
            rows.name,
            in_default_schema=True,
            select=f"SELECT {names} FROM {listed.sql} AS given",
            dialect=self.dialect,
        )
        return Table(renamed, {name: types[theirs] for name, theirs in columns.items()})

    def _types(self, rows: RowsElsewhere, select: str) -> Mapping[str, str]:
        try:
            return self.session.types(select)
        except StatementError as error:
            kind = UnreadableWarehouseError if error.cause is Cause.REFUSED else WarehouseFailedError
            raise kind(f"{rows.place}.query: {error.text or error.sentence}") from None


def _renamed(columns: Mapping[str, str], rows: RowsElsewhere) -> dict[str, str]:
    """Return the names that the spec gives to columns, with the names that they have.

    Raises:
        UnreadableWarehouseError: when a column that the spec renames does not exist.
    """
    if missing := sorted(set(rows.columns.values()) - columns.keys()):
        message = f"{rows.place}.columns: no column {', '.join(map(repr, missing))}; columns: {', '.join(columns)}"
        raise UnreadableWarehouseError(message)
    kept = [name for name in columns if name not in rows.columns and name not in rows.columns.values()]
    return {name: name for name in kept} | dict(rows.columns)

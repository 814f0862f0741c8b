"""The tables of a DuckDB file, and rows of a file or query that stand in place of the table of predictions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from monitoring_pipeline.spec.declaration import RowsElsewhere
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.warehouse.engines.duckdb.binding import run_bound
from monitoring_pipeline.warehouse.engines.duckdb.errors import sentence
from monitoring_pipeline.warehouse.engines.duckdb.outside import Ask, OutsideTables, Rows
from monitoring_pipeline.warehouse.engines.duckdb.reader import OpenFile
from monitoring_pipeline.warehouse.engines.duckdb.session import text_about_sql
from monitoring_pipeline.warehouse.errors import (
    MissingTableError,
    UnreadableWarehouseError,
    WarehouseFailedError,
)
from monitoring_pipeline.warehouse.sql.catalogue import ListedTable, Table, find_table, quoted
from monitoring_pipeline.warehouse.sql.queries import Query, columns_query, tables_query
from monitoring_pipeline.warehouse.traffic import counted

REFUSALS = (duckdb.DataError, duckdb.ProgrammingError, duckdb.NotSupportedError)
"""Errors about the rows or the statement (PEP 249). All others are about the source: its file, disk or network."""


class StatementError(Exception):
    """A statement failed: the kind of the error, and its text if it contains no values of rows."""

    def __init__(self, kind: type[duckdb.Error], text: str | None) -> None:
        super().__init__(kind.__name__)
        self.kind, self.text = kind, text


def frame_of(connection: OpenFile, query: Query) -> pl.DataFrame:
    """Return the result of a query.

    Raises:
        StatementError: when DuckDB refuses it.
    """
    try:
        return counted(connection.run(lambda file: pl.DataFrame(run_bound(file, query).to_arrow_table())))
    except duckdb.Error as error:
        text = text_about_sql(connection.connection, error, query.sql, query.values)
        raise StatementError(type(error), text) from None


def table_named(connection: OpenFile, text: str, place: str) -> Table:
    """Return the table that a spec names.

    Raises:
        MissingTableError: when no table matches, or several do.
    """
    if connection.outside is not None:
        return _table_outside(connection, connection.outside, text, place)
    listed = find_table(text, _listed(connection), place)
    return Table(listed, dict(frame_of(connection, columns_query(listed)).rows()))


def _listed(connection: OpenFile) -> list[ListedTable]:
    if connection.outside is not None:
        return [ListedTable("temp", "main", name, in_default_schema=True) for name in connection.outside.names()]
    return [ListedTable(*row) for row in frame_of(connection, tables_query()).rows()]


def ask_of(connection: OpenFile) -> Ask:
    """Return the function that runs queries on a connection."""

    def ask(sql: str) -> Rows:
        return connection.run(lambda file: file.execute(sql).fetchall())

    return ask


def _table_outside(connection: OpenFile, outside: OutsideTables, text: str, place: str) -> Table:
    found = outside.named(text, place, ask_of(connection))
    try:
        connection.run(lambda file: file.execute(f"CREATE OR REPLACE TEMP VIEW {quoted(found.name)} AS {found.select}"))
    except duckdb.Error as error:
        # Without its text, because errors about files quote their rows.
        raise StatementError(type(error), None) from None
    listed = ListedTable("temp", "main", found.name, in_default_schema=True)
    return Table(listed, dict(frame_of(connection, columns_query(listed)).rows()))


def predictions_table(connection: OpenFile, spec: ModelSpec, rows: RowsElsewhere | None) -> Table:
    """Return the table of predictions, or a temporary view of the rows that replace it.

    Raises:
        MissingTableError: when the table does not exist.
        UnreadableWarehouseError: when the rows cannot be read.
    """
    if rows is None:
        return table_named(connection, spec.predictions.table, f"{spec.name}: predictions.table")
    as_read = _view(connection, rows, f"{rows.name} as read", _select(connection, spec, rows))
    columns = ", ".join(_renamed(as_read.types, rows))
    return _view(connection, rows, rows.name, f"SELECT {columns} FROM {as_read.listed.sql}")


@dataclass(frozen=True)
class DuckDBSource:
    """An open file and its tables; ``rows`` replace the table of predictions."""

    connection: OpenFile
    rows: RowsElsewhere | None

    def frame(self, query: Query) -> pl.DataFrame:
        """Return the result of a query."""
        return frame_of(self.connection, query)

    def listed(self) -> list[ListedTable]:
        """Return all tables and views, or those that are read instead."""
        return _listed(self.connection)

    def table(self, name: str, place: str) -> Table:
        """Return the table that a spec names."""
        return table_named(self.connection, name, place)

    def predictions(self, spec: ModelSpec) -> Table:
        """Return the table of predictions, or a temporary view of the rows that replace it."""
        return predictions_table(self.connection, spec, self.rows)


def _select(connection: OpenFile, spec: ModelSpec, rows: RowsElsewhere) -> str:
    """Return the SELECT of all rows, with the names that they have."""
    if rows.table is not None:
        return f"SELECT * FROM {table_named(connection, rows.table, f'{rows.place}.table').listed.sql}"
    if rows.query is not None:
        return _one_select(connection, rows, rows.query)
    file = rows.file or ""
    if "://" not in file and not set("*?[") & set(file) and not Path(file).exists():
        raise UnreadableWarehouseError(f"{rows.place}.file: {file}: no such file")
    if file.lower().endswith(".parquet"):
        return f"SELECT * FROM read_parquet({_text(file)})"
    detected = _view(connection, rows, f"{rows.name} as detected", f"SELECT * FROM read_csv({_text(file)})").types
    types = ", ".join(
        f"{_text(name)}: {_text(kind)}"
        for name, kind in _types_in_predictions(connection, spec, rows, detected).items()
    )
    return f"SELECT * FROM read_csv({_text(file)}{f', types = {{{types}}}' if types else ''})"


def _one_select(connection: OpenFile, rows: RowsElsewhere, query: str) -> str:
    try:
        statements = connection.connection.extract_statements(query)
    except duckdb.Error as error:
        # Nothing has been read. The text is about the statement.
        raise UnreadableWarehouseError(f"{rows.place}.query: {' '.join(str(error).split())}") from None
    kinds = [statement.type.name for statement in statements]
    if kinds != ["SELECT"]:
        message = f"{rows.place}.query: one SELECT is needed, got {' and '.join(kinds) or 'no statement'}"
        raise UnreadableWarehouseError(message)
    if names := sorted(statements[0].named_parameters):
        raise UnreadableWarehouseError(f"{rows.place}.query: it must have no parameters, got {', '.join(names)}")
    return query


def _types_in_predictions(
    connection: OpenFile, spec: ModelSpec, rows: RowsElsewhere, detected: Mapping[str, str]
) -> dict[str, str]:
    """Return the types that columns of a CSV file have in the table of predictions, by their names in the file.

    The type that DuckDB detects may be another one: the id 007 would become the number 7.
    """
    try:
        known = table_named(connection, spec.predictions.table, f"{spec.name}: predictions.table").types
    except MissingTableError:
        return {}
    ours = {theirs: name for name, theirs in rows.columns.items()}
    return {name: known[ours.get(name, name)] for name in detected if ours.get(name, name) in known}


def _view(connection: OpenFile, rows: RowsElsewhere, name: str, select: str) -> Table:
    """Create a temporary view of a SELECT."""
    # No bracket around it, because a query may end with a semicolon or a comment.
    _execute(connection, rows, f"CREATE OR REPLACE TEMP VIEW {quoted(name)} AS {select}")
    listed = ListedTable("temp", "main", name, in_default_schema=True)
    return Table(listed, dict(frame_of(connection, columns_query(listed)).rows()))


def _renamed(columns: Mapping[str, str], rows: RowsElsewhere) -> list[str]:
    """Return the columns as SQL, with the names that the spec gives them.

    Raises:
        UnreadableWarehouseError: when a column that the spec renames does not exist.
    """
    if missing := sorted(set(rows.columns.values()) - columns.keys()):
        message = f"{rows.place}.columns: no column {', '.join(map(repr, missing))}; columns: {', '.join(columns)}"
        raise UnreadableWarehouseError(message)
    kept = [quoted(name) for name in columns if name not in rows.columns and name not in rows.columns.values()]
    return [*kept, *(f"{quoted(theirs)} AS {quoted(name)}" for name, theirs in rows.columns.items())]


def _execute(connection: OpenFile, rows: RowsElsewhere, sql: str) -> None:
    try:
        connection.run(lambda file: file.execute(sql))
    except duckdb.Error as error:
        text = text_about_sql(connection.connection, error, rows.query, {}) if rows.query is not None else None
        kind = next(name for name in ("query", "file", "table") if getattr(rows, name) is not None)
        is_of_view = isinstance(error, duckdb.CatalogException) and rows.query is None
        refused = isinstance(error, REFUSALS) and not is_of_view
        message = f"{rows.place}.{kind}: DuckDB cannot read it: {sentence(type(error), text)}"
        raise (UnreadableWarehouseError if refused else WarehouseFailedError)(message) from None


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"

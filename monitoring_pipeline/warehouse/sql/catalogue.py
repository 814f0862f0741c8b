"""Finds the tables and columns that a spec names; an error lists those that exist.

An exact match has precedence. Otherwise case is ignored, if that leaves one candidate. A name that no column has may be
the path to a value inside of a nested column.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitoring_pipeline.spec.column_names import suggestion
from monitoring_pipeline.warehouse.errors import MissingColumnError, MissingTableError
from monitoring_pipeline.warehouse.sql.dialect import Dialect, Kind
from monitoring_pipeline.warehouse.sql.duckdb_dialect import DUCKDB
from monitoring_pipeline.warehouse.sql.nested import SEPARATOR, Step, inner_value, named_prefix, paths_in


def quoted(identifier: str) -> str:
    """Return an identifier as SQL: in double quotes, those inside it doubled (ISO 9075-2, delimited identifier)."""
    return DUCKDB.quoted(identifier)


@dataclass(frozen=True)
class ListedTable:
    """One table or view of the catalogue.

    ``select`` is a query whose rows stand in its place.
    """

    catalog: str
    schema: str
    name: str
    in_default_schema: bool
    select: str | None = None
    dialect: Dialect = field(default=DUCKDB, repr=False)

    @property
    def text(self) -> str:
        """The name as it is written in a spec."""
        return self.name if self.in_default_schema else f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """The full name as SQL. It includes the catalogue because a schema may have the name of the database."""
        if self.select is not None:
            # A line of its own for the bracket, because the query may end with a comment.
            return f"({self.select}\n)"
        return ".".join(self.dialect.quoted(part) for part in (self.catalog, self.schema, self.name))


@dataclass(frozen=True)
class Column:
    """A column that exists, or a value inside of a nested column.

    Args:
        name: the name; of a value inside of a column its path, such as ``payload.age``.
        type: its type as the catalogue names it.
        base: the column that contains the value, empty for a whole column.
        steps: the steps from that column to the value.
        dialect: the SQL of its engine.
    """

    name: str
    type: str
    base: str = ""
    steps: tuple[Step, ...] = ()
    dialect: Dialect = field(default=DUCKDB, repr=False)

    @property
    def kind(self) -> Kind:
        """What it holds."""
        return self.dialect.kind(self.type)

    def of(self, alias: str) -> str:
        """Return the column as SQL, with the alias of its table."""
        sql = f"{alias}.{self.dialect.quoted(self.base or self.name)}"
        for step in self.steps:
            sql = step.of(sql)
        return sql


@dataclass(frozen=True)
class Table:
    """A table or view that exists, and the types of its columns by name."""

    listed: ListedTable
    types: Mapping[str, str]

    def column(self, name: str) -> Column | None:
        """Return the column of that name, or the value at that path inside of a column.

        Return None if there is none, or if several match only without case.
        """
        dialect = self.listed.dialect
        for base, path in named_prefix(name, self.types):
            if path is None:
                return Column(base, self.types[base], dialect=dialect)
            if (inner := inner_value(self.types[base], path, dialect.inside)) is not None:
                return Column(f"{base}{SEPARATOR}{path}", inner.type, base, inner.steps, dialect)
        return None

    @property
    def paths(self) -> tuple[str, ...]:
        """The columns, and the first paths of nested ones."""
        return tuple(path for column, kind in self.types.items() for path in paths_in(column, kind))

    def required_column(self, name: str, place: str) -> Column:
        """Return the column of that name.

        Args:
            name: the name in the spec.
            place: the model and field that contain it, such as ``flight_delay: predictions.time``.

        Raises:
            MissingColumnError: when there is none.
        """
        if column := self.column(name):
            return column
        message = f"{place}: {self.listed.text} has no column {name!r}; {suggestion(name, self.paths, 'columns')}"
        raise MissingColumnError(message)


def find_table(text: str, tables: Sequence[ListedTable], place: str) -> ListedTable:
    """Return the table that ``table`` or ``schema.table`` names; the default schema has precedence.

    Args:
        text: the name in the spec.
        tables: all tables that exist.
        place: the model and field that contain it, such as ``flight_delay: predictions.table``.

    Raises:
        MissingTableError: when no table matches, or several do.
    """
    matches = [table for table in tables if text in _spellings(table)] or [
        table for table in tables if _same_but_case(text, _spellings(table))
    ]
    if len(matches) > 1:
        matches = [table for table in matches if table.in_default_schema] or matches
    if len(matches) == 1:
        return matches[0]
    if matches:
        names = " or ".join(f"{table.schema}.{table.name}" for table in matches)
        message = f"{place}: {text!r} may be {names}; write which"
    else:
        message = f"{place}: no table {text!r}; {suggestion(text, [table.text for table in tables], 'tables')}"
    raise MissingTableError(message)


def _spellings(table: ListedTable) -> tuple[str, str]:
    return table.name, f"{table.schema}.{table.name}"


def _same_but_case(name: str, existing: Iterable[str]) -> list[str]:
    return [other for other in existing if other.casefold() == name.casefold()]

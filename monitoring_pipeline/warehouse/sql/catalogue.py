"""From the names in a spec to tables and columns that exist, or an error that says what does.

Names are matched as they are written first, and otherwise regardless of case where that leaves one candidate.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from monitoring_pipeline.warehouse.errors import MissingColumnError, MissingTableError

NAMES_LISTED = 30


def quoted(identifier: str) -> str:
    """Return an identifier as SQL: in double quotes, those inside it doubled (ISO 9075-2, delimited identifier)."""
    return '"' + identifier.replace('"', '""') + '"'


@dataclass(frozen=True)
class ListedTable:
    """One table or view of the catalogue."""

    catalog: str
    schema: str
    name: str
    in_default_schema: bool

    @property
    def text(self) -> str:
        """The name as a spec would write it."""
        return self.name if self.in_default_schema else f"{self.schema}.{self.name}"

    @property
    def sql(self) -> str:
        """The full name as SQL; with the catalogue, as a schema may bear the database's name."""
        return ".".join(quoted(part) for part in (self.catalog, self.schema, self.name))


@dataclass(frozen=True)
class Column:
    """A column that exists: its name and its type in the catalogue's words."""

    name: str
    type: str


@dataclass(frozen=True)
class Table:
    """A table or view that exists, and the types of its columns by name."""

    listed: ListedTable
    types: Mapping[str, str]

    def column(self, name: str) -> Column | None:
        """Return the column of that name, if there is one."""
        found = [name] if name in self.types else _same_but_case(name, self.types)
        return Column(found[0], self.types[found[0]]) if len(found) == 1 else None

    def required_column(self, name: str, place: str) -> Column:
        """Return the column of that name.

        Args:
            name: as the spec writes it.
            place: where the spec writes it, such as ``flight_delay: predictions.time``.

        Raises:
            MissingColumnError: when there is none.
        """
        if column := self.column(name):
            return column
        message = f"{place}: {self.listed.text} has no column {name!r}{_known(name, self.types, 'columns')}"
        raise MissingColumnError(message)


def find_table(text: str, tables: Sequence[ListedTable], place: str) -> ListedTable:
    """Return the table that ``table`` or ``schema.table`` means; the default schema comes first.

    Args:
        text: as the spec writes it.
        tables: all that exist.
        place: where the spec writes it, such as ``flight_delay: predictions.table``.

    Raises:
        MissingTableError: when there is none, or several.
    """
    found = [table for table in tables if text in _spellings(table)] or [
        table for table in tables if _same_but_case(text, _spellings(table))
    ]
    if len(found) > 1:
        found = [table for table in found if table.in_default_schema] or found
    if len(found) == 1:
        return found[0]
    if found:
        message = f"{place}: {text!r} may be {' or '.join(f'{t.schema}.{t.name}' for t in found)}; write which"
    else:
        message = f"{place}: no table {text!r}{_known(text, [table.text for table in tables], 'tables')}"
    raise MissingTableError(message)


def _spellings(table: ListedTable) -> tuple[str, str]:
    return table.name, f"{table.schema}.{table.name}"


def _same_but_case(name: str, known: Iterable[str]) -> list[str]:
    return [other for other in known if other.casefold() == name.casefold()]


def _known(name: str, known: Iterable[str], what: str) -> str:
    by_folded = {other.casefold(): other for other in known}
    close = [by_folded[folded] for folded in get_close_matches(name.casefold(), by_folded, n=3)]
    names = sorted(by_folded.values())
    hint = f"; did you mean {' or '.join(close)}?" if close else ";"
    more = f" and {len(names) - NAMES_LISTED} more" if len(names) > NAMES_LISTED else ""
    return f"{hint} {what}: {', '.join(names[:NAMES_LISTED]) or 'none'}{more}"

"""Tables that are not in the opened database, such as files: each is a view of a SELECT."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

Rows = list[tuple[object, ...]]
Ask = Callable[[str], Rows]
"""Runs a query on the open connection, and returns its rows."""


@dataclass(frozen=True)
class OutsideTable:
    """A table outside of the opened database.

    Args:
        name: the name of its view.
        select: the SELECT of its rows.
    """

    name: str
    select: str


class OutsideTables(Protocol):
    """The tables of one place, such as a folder."""

    @property
    def place(self) -> str:
        """The place, for messages."""
        ...

    def check(self) -> None:
        """Raise WarehouseMissingError when the place does not exist."""
        ...

    def names(self) -> tuple[str, ...]:
        """Return the names of all tables, as a spec would write them."""
        ...

    def named(self, text: str, place: str, ask: Ask) -> OutsideTable:
        """Return the table that a spec names at ``place``.

        Raises:
            MissingTableError: when no table matches, or several do.
        """
        ...

    def in_sql(self, sql: str, ask: Ask) -> tuple[OutsideTable, ...]:
        """Return the tables whose names occur in a user's SQL."""
        ...

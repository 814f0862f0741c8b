"""The shape of a connection to a database server, and the error of a statement."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from enum import Enum, auto
from typing import Protocol, runtime_checkable

import polars as pl

from monitoring_pipeline.warehouse.sql.catalogue import ListedTable
from monitoring_pipeline.warehouse.sql.dialect import Dialect, Statement


class Cause(Enum):
    """Why a statement failed."""

    REFUSED = auto()
    """The statement or a value is wrong; the same statement fails again."""
    UNREACHABLE = auto()
    """The rows cannot be reached: server, network, disk, permission or memory failed."""
    TIMEOUT = auto()
    """The limit of time was reached."""


class StatementError(Exception):
    """A statement failed.

    Args:
        cause: the reason.
        sentence: kind and remedy, without values of rows.
        text: the text of an error about the statement, which contains no values of rows; None if there is none.
    """

    def __init__(self, cause: Cause, sentence: str, text: str | None = None) -> None:
        super().__init__(sentence)
        self.cause, self.sentence, self.text = cause, sentence, text


class Session(Protocol):
    """An open connection that reads only."""

    def frame(self, statement: Statement) -> pl.DataFrame:
        """Return the result of a statement.

        Raises:
            StatementError: when it fails.
        """
        ...

    def types(self, select: str) -> Mapping[str, str]:
        """Return the types of a query's columns by name, as the catalogue would name them, without running it.

        Raises:
            StatementError: when it fails.
        """
        ...


@runtime_checkable
class ListsTables(Protocol):
    """A session that lists its tables, because its engine has no queries of the catalogue."""

    def listed(self) -> list[ListedTable]:
        """Return all tables and views.

        Raises:
            StatementError: when the catalogue cannot be read.
        """
        ...


class Server(Protocol):
    """A database server. Its address is shown without passwords."""

    @property
    def name(self) -> str:
        """The name of the product, for messages."""
        ...

    @property
    def shown(self) -> str:
        """The address without passwords, for messages."""
        ...

    @property
    def dialect(self) -> Dialect:
        """The SQL that it understands."""
        ...

    @property
    def business_values(self) -> "Callable[[], BusinessValues]":
        """Makes what binds the values of one business metric."""
        ...

    def connect(self, seconds: float) -> AbstractContextManager[Session]:
        """Open a connection whose statements end after so many seconds.

        Raises:
            StatementError: when the server cannot be reached.
        """
        ...


class BusinessValues(Protocol):
    """Writes the parameters of a user's SQL as the driver needs them, and keeps their order."""

    def placeholder(self, name: str) -> str:
        """Return the placeholder of a parameter."""
        ...

    def bound(self, values: Mapping[str, object]) -> Mapping[str, object] | tuple[object, ...]:
        """Return the values of the placeholders that were written."""
        ...

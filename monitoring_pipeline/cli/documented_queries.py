"""The documented queries of ``sql/queries``: which parameters each takes, and which of them must be given."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import click

from monitoring_pipeline.shipped_files import read_sql, sql_directory

OPTIONAL = "null for"
PARAMETERS = re.compile(r"^-- Parameters\n((?:--   .*\n)*)", re.MULTILINE)


@dataclass(frozen=True)
class QueryParameter:
    """One parameter of a query, as the head of its file describes it."""

    name: str
    meaning: str

    @property
    def required(self) -> bool:
        """Whether the query finds nothing without it."""
        return OPTIONAL not in self.meaning

    @property
    def request(self) -> str:
        """The option that gives it, and its meaning."""
        return f"--set {self.name}=... ({self.meaning})"


@dataclass(frozen=True)
class DocumentedQuery:
    """One file of ``sql/queries``."""

    name: str
    sql: str
    parameters: tuple[QueryParameter, ...]


def query_names() -> tuple[str, ...]:
    """Return the names of all queries."""
    return tuple(sorted(path.stem for path in (sql_directory() / "queries").glob("*.sql")))


def documented_query(name: str) -> DocumentedQuery:
    """Return the query of that name.

    Raises:
        UsageError: when there is none, naming those that exist.
    """
    if name not in query_names():
        message = f"no query {name!r}; known: {', '.join(query_names())}"
        raise click.UsageError(message)
    sql = read_sql(f"queries/{name}.sql")
    return DocumentedQuery(name, sql, _parameters(sql))


def given_parameters(query: DocumentedQuery, pairs: Iterable[str]) -> dict[str, str | None]:
    """Return the value of every parameter of the query, None for one that need not be given and was not.

    Args:
        query: the query.
        pairs: the values of ``--set``, each as ``NAME=VALUE``.

    Raises:
        UsageError: when a pair names no parameter, or a required parameter has no value.
    """
    given = dict(_split(query, pair) for pair in pairs)
    if missing := [wanted for wanted in query.parameters if wanted.required and not given.get(wanted.name)]:
        message = f"{query.name} needs {', '.join(wanted.request for wanted in missing)}"
        raise click.UsageError(message)
    return {wanted.name: given.get(wanted.name) for wanted in query.parameters}


def _split(query: DocumentedQuery, pair: str) -> tuple[str, str]:
    name, separator, value = pair.partition("=")
    known = [wanted.name for wanted in query.parameters]
    if not separator or name not in known:
        message = f"--set {pair}: expected NAME=VALUE with NAME one of {', '.join(known)}"
        raise click.UsageError(message)
    return name, value


def _parameters(sql: str) -> tuple[QueryParameter, ...]:
    """Return the parameters that the head of a query describes, in its order."""
    head = PARAMETERS.search(sql)
    lines = head.group(1).splitlines() if head else []
    named = (line.removeprefix("--   ").split(maxsplit=1) for line in lines)
    return tuple(QueryParameter(name, meaning) for name, meaning in named)

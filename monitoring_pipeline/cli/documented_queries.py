"""The documented queries of ``sql/queries``, with their required and optional parameters."""

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
        """Whether the query needs a value for it."""
        return OPTIONAL not in self.meaning

    @property
    def request(self) -> str:
        """The option that sets it, and its meaning."""
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
    """Return the query with a name.

    Raises:
        UsageError: when there is none; the message lists the existing ones.
    """
    if name not in query_names():
        message = f"no query {name!r}; known: {', '.join(query_names())}"
        raise click.UsageError(message)
    sql = read_sql(f"queries/{name}.sql")
    return DocumentedQuery(name, sql, _parameters(sql))


def given_parameters(query: DocumentedQuery, pairs: Iterable[str]) -> dict[str, str | None]:
    """Return the value of every parameter of the query; None for an optional one that is not given.

    Args:
        query: the query.
        pairs: the values of ``--set``, each as ``NAME=VALUE``.

    Raises:
        UsageError: when a pair names no parameter, or a required parameter has no value.
    """
    given = dict(_split(query, pair) for pair in pairs)
    if missing := [parameter for parameter in query.parameters if parameter.required and not given.get(parameter.name)]:
        message = f"{query.name} needs {', '.join(parameter.request for parameter in missing)}"
        raise click.UsageError(message)
    return {parameter.name: given.get(parameter.name) for parameter in query.parameters}


def _split(query: DocumentedQuery, pair: str) -> tuple[str, str]:
    name, separator, value = pair.partition("=")
    names = [parameter.name for parameter in query.parameters]
    if not separator or name not in names:
        message = f"--set {pair}: expected NAME=VALUE with NAME one of {', '.join(names)}"
        raise click.UsageError(message)
    return name, value


def _parameters(sql: str) -> tuple[QueryParameter, ...]:
    """Return the parameters that the head of a query describes, in that order."""
    head = PARAMETERS.search(sql)
    lines = head.group(1).splitlines() if head else []
    named = (line.removeprefix("--   ").split(maxsplit=1) for line in lines)
    return tuple(QueryParameter(name, meaning) for name, meaning in named)

"""The rows of one model and period in all tables, one after another, for an archive."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitoring_pipeline.store.connection import StoreConnection
from monitoring_pipeline.store.tables.incidents import (
    alerts,
    decisions,
    incident_events,
    incidents,
    model_versions,
    version_cards,
)
from monitoring_pipeline.store.tables.results import (
    REFERENCE_KEY_PATTERN,
    chunk_revisions,
    measurements,
    model_references,
    profiles,
    snapshots,
    verdicts,
)
from monitoring_pipeline.store.tables.upkeep import audit, spec_texts

ROWS_AT_ONCE = 2_000


@dataclass(frozen=True, kw_only=True)
class Part:
    """One model and period.

    Attributes:
        model: name of the model.
        first: key of the first chunk.
        last: key of the last chunk.
        start: begin of the first chunk.
        end: end of the last chunk.
        with_profiles: whether counts of columns and documents of references belong to it.
    """

    model: str
    first: str
    last: str
    start: dt.datetime
    end: dt.datetime
    with_profiles: bool = False


@dataclass(frozen=True)
class TableOfPart:
    """The rows of a table that belong to a part, in the order of its key, not yet read.

    Attributes:
        name: name of the table.
        comment: what a row of the table is.
        columns: names of the columns.
        rows: the rows, which can be read once.
    """

    name: str
    comment: str
    columns: tuple[str, ...]
    rows: Iterator[tuple[Any, ...]]


class ArchiveStore(StoreConnection):
    """Reads everything about one model and period."""

    @contextmanager
    def tables_of(self, part: Part) -> Iterator[Iterator[TableOfPart]]:
        """Yield the tables of a part, in the order of their names, as they are in one state of the store.

        The rows of a table have to be read before the next table. They are not held in memory.
        """
        options: dict[str, Any] = {"postgresql_readonly": True, "sqlite_query_only": True}
        if self._engine.dialect.name == "postgresql":
            options["isolation_level"] = "REPEATABLE READ"
        with self._engine.connect().execution_options(**options) as connection:
            yield (_table_of(connection, wanted) for wanted in _tables(part))

    def snapshots_of(self, part: Part) -> list[str]:
        """Return the URIs of all files to which results of a part point, each once; empty ones are left out."""
        found = sa.select(snapshots.c.uri).distinct().where(*_of_chunks(snapshots, part))
        with self._engine.connect().execution_options(postgresql_readonly=True, sqlite_query_only=True) as connection:
            return sorted(uri for uri in connection.execute(found).scalars() if uri)


class _Wanted(NamedTuple):
    """The rows of a table that belong to a part."""

    table: sa.Table
    conditions: tuple[sa.ColumnElement[bool], ...]
    without: tuple[str, ...] = ()


def _table_of(connection: Connection, wanted: _Wanted) -> TableOfPart:
    columns = [column for column in wanted.table.c if column.name not in wanted.without]
    order = wanted.table.primary_key.columns
    statement = sa.select(*columns).where(*wanted.conditions).order_by(*order)
    rows = connection.execute(statement, execution_options={"yield_per": ROWS_AT_ONCE})
    return TableOfPart(wanted.table.name, wanted.table.comment or "", tuple(rows.keys()), (tuple(row) for row in rows))


def _tables(part: Part) -> Iterator[_Wanted]:
    own_incidents = sa.select(incidents.c.incident_id).where(*_of_incidents(part))
    yield _Wanted(alerts, (alerts.c.incident_id.in_(own_incidents),))
    yield _Wanted(audit, (sa.or_(audit.c.model == part.model, audit.c.model.is_(None)),))
    yield _Wanted(chunk_revisions, _of_chunks(chunk_revisions, part))
    yield _Wanted(decisions, _of_decisions(part, own_incidents))
    yield _Wanted(incident_events, (incident_events.c.incident_id.in_(own_incidents),))
    yield _Wanted(incidents, _of_incidents(part))
    yield _Wanted(measurements, _of_chunks(measurements, part))
    documents = () if part.with_profiles else ("document",)
    yield _Wanted(model_references, (model_references.c.model == part.model,), documents)
    yield _Wanted(model_versions, (model_versions.c.model == part.model,))
    if part.with_profiles:
        yield _Wanted(profiles, _of_chunks(profiles, part))
    yield _Wanted(snapshots, _of_chunks(snapshots, part))
    yield _Wanted(spec_texts, (spec_texts.c.model == part.model,))
    yield _Wanted(verdicts, _of_chunks(verdicts, part))
    yield _Wanted(version_cards, (version_cards.c.model == part.model,))


def _of_decisions(part: Part, own_incidents: sa.Select[Any]) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions for decisions about chunks or incidents of a part, or made in its time."""
    column = decisions.c
    made_then = sa.and_(column.at >= part.start, column.at < part.end)
    is_about = sa.or_(column.chunk.between(part.first, part.last), column.incident_id.in_(own_incidents))
    return column.model == part.model, sa.or_(is_about, made_then)


def _of_chunks(table: sa.Table, part: Part) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions for the chunks of a part, and for the windows of references."""
    column = table.c
    return (
        column.model == part.model,
        sa.or_(column.chunk.between(part.first, part.last), column.chunk.like(REFERENCE_KEY_PATTERN)),
    )


def _of_incidents(part: Part) -> tuple[sa.ColumnElement[bool], ...]:
    column = incidents.c
    return column.model == part.model, column.since <= part.last, column.last_breached >= part.first

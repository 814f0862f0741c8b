"""Removes superseded revisions and pointers to rows, and records what was removed."""

import datetime as dt
from collections.abc import Collection
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from monitoring_pipeline.evaluation.results import REMOVED
from monitoring_pipeline.records.audit import AuditAction, AuditEntry
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.store.connection import StoreConnection
from monitoring_pipeline.store.engine import reading, writing
from monitoring_pipeline.store.tables.results import REVISED_TABLES, chunk_revisions, snapshots
from monitoring_pipeline.store.tables.upkeep import audit, forgotten_rows

_OF_CHUNKS = (Producer.PREDICTIONS.value, Producer.LABELS.value)
_KEY = ("model", "chunk", "producer", "revision")


class UpkeepStore(StoreConnection):
    """Removal of what is no longer to be kept, and the record of it."""

    def old_snapshots(self, model: str, *, ended_before: dt.datetime, first_kept: str | None) -> list[str]:
        """Return the URIs of the rows of old chunks, each once."""
        statement = sa.select(snapshots.c.uri).distinct().where(_has_rows(model), snapshots.c.chunk_end < ended_before)
        if first_kept is not None:
            statement = statement.where(snapshots.c.chunk < first_kept)
        with reading(self._engine) as connection:
            return sorted(connection.execute(statement).scalars())

    def mark_removed(self, model: str, uris: Collection[str]) -> int:
        """Let no result point to some files any more, in one transaction; return how many revisions did."""
        with writing(self._engine, f"upkeep/{model}") as connection:
            changed = 0
            for uri in sorted(uris):
                marked = snapshots.update().where(_has_rows(model), snapshots.c.uri == uri).values(uri=REMOVED + uri)
                changed += connection.execute(marked).rowcount
            return changed

    def marked_snapshots(self, model: str) -> list[str]:
        """Return the URIs of files whose removal has begun and is not recorded as finished."""
        column = snapshots.c.uri
        marked = sa.select(column).distinct().where(snapshots.c.model == model, column.startswith(REMOVED))
        with reading(self._engine) as connection:
            return sorted(uri.removeprefix(REMOVED) for uri in connection.execute(marked).scalars())

    def finish_removal(self, model: str, uris: Collection[str]) -> None:
        """Record that files are removed."""
        with writing(self._engine, f"upkeep/{model}") as connection:
            for uri in sorted(uris):
                finished = snapshots.update().where(snapshots.c.model == model, snapshots.c.uri == REMOVED + uri)
                connection.execute(finished.values(uri=""))

    def superseded_revisions(self, model: str, *, replaced_before: dt.datetime, first_kept: str | None) -> int:
        """Count the revisions that were replaced before a time."""
        counted = sa.select(sa.func.count()).select_from(chunk_revisions)
        with reading(self._engine) as connection:
            return connection.execute(
                counted.where(_is_superseded(chunk_revisions, model, replaced_before, first_kept))
            ).scalar_one()

    def superseded_only(self, model: str, *, replaced_before: dt.datetime, first_kept: str | None) -> list[str]:
        """Return the URIs of files to which only such revisions point."""
        is_old = _is_superseded(snapshots, model, replaced_before, first_kept)
        of_old = sa.select(snapshots.c.uri).where(_has_rows(model), is_old)
        of_others = sa.select(snapshots.c.uri).where(_has_rows(model), ~is_old)
        with reading(self._engine) as connection:
            return sorted(set(connection.execute(of_old).scalars()) - set(connection.execute(of_others).scalars()))

    def remove_superseded(self, model: str, *, replaced_before: dt.datetime, first_kept: str | None) -> dict[str, int]:
        """Remove the revisions that were replaced before a time, in one transaction; return rows by table."""
        removed: dict[str, int] = {}
        with writing(self._engine, f"upkeep/{model}") as connection:
            # The table of revisions shows which are superseded, so that its own rows go last.
            for table in (*(each for each in REVISED_TABLES if each is not chunk_revisions), chunk_revisions):
                found = sa.select(*(table.c[name] for name in _KEY))
                keys = connection.execute(
                    found.where(_is_superseded(table, model, replaced_before, first_kept)).distinct()
                ).all()
                removed[table.name] = sum(
                    connection.execute(table.delete().filter_by(**dict(zip(_KEY, key, strict=True)))).rowcount
                    for key in keys
                )
        return removed

    def snapshot_files(self, model: str) -> list[str]:
        """Return the URIs of all files to which results of a model point, each once."""
        column = snapshots.c
        is_there = sa.and_(column.uri != "", ~column.uri.startswith(REMOVED))
        with reading(self._engine) as connection:
            found = connection.execute(sa.select(column.uri).distinct().where(column.model == model, is_there))
            return sorted(found.scalars())

    def point_to(self, model: str, uri: str, written: str, *, fingerprint: str, fewer_rows: int) -> None:
        """Let all results that point to a file point to another one with fewer rows, in one transaction."""
        pointing = snapshots.update().where(snapshots.c.model == model, snapshots.c.uri == uri)
        with writing(self._engine, f"upkeep/{model}") as connection:
            connection.execute(
                pointing.values(uri=written, fingerprint=fingerprint, rows=snapshots.c.rows - fewer_rows)
            )

    def remember_forgotten(self, model: str, row_ids: Collection[str], *, at: dt.datetime) -> None:
        """Keep hashed ids whose rows must not be read again."""
        with writing(self._engine, f"upkeep/{model}") as connection:
            known = set(connection.execute(sa.select(forgotten_rows.c.row_id).filter_by(model=model)).scalars())
            rows = [{"model": model, "row_id": row_id, "at": at} for row_id in sorted(set(row_ids) - known)]
            if rows:
                connection.execute(forgotten_rows.insert(), rows)

    def forgotten(self, model: str) -> list[str]:
        """Return the hashed ids of a model whose rows must not be read again."""
        statement = sa.select(forgotten_rows.c.row_id).filter_by(model=model).order_by(forgotten_rows.c.row_id)
        with reading(self._engine) as connection:
            return list(connection.execute(statement).scalars())

    def record(self, entry: AuditEntry) -> None:
        """Add an entry to the audit."""
        row = asdict(entry) | {"action": entry.action.value, "details": dict(entry.details)}
        with writing(self._engine, "audit") as connection:
            connection.execute(audit.insert(), row)

    def audit(self, model: str | None = None) -> list[AuditEntry]:
        """Return the audit in its order: of a model, with the entries about all models, or the whole."""
        statement = sa.select(audit).order_by(audit.c.audit_id)
        if model is not None:
            statement = statement.where(sa.or_(audit.c.model == model, audit.c.model.is_(None)))
        with reading(self._engine) as connection:
            rows = connection.execute(statement).mappings().all()
        return [
            AuditEntry(
                at=row["at"], actor=row["actor"], action=AuditAction(row["action"]), summary=row["summary"],
                model=row["model"], details=row["details"],
            )
            for row in rows
        ]  # fmt: skip


def _has_rows(model: str) -> sa.ColumnElement[bool]:
    column = snapshots.c
    is_there = sa.and_(column.uri != "", ~column.uri.startswith(REMOVED))
    return sa.and_(column.model == model, column.kind.in_(_OF_CHUNKS), is_there)


def _is_superseded(
    table: sa.Table, model: str, replaced_before: dt.datetime, first_kept: str | None
) -> sa.ColumnElement[bool]:
    """Return whether a row of a chunk belongs to a revision that another one replaced before a time."""
    newer = chunk_revisions.alias("newer")
    conditions: list[Any] = [
        table.c.model == model,
        table.c.producer.in_([producer.value for producer in Producer]),
        sa.exists().where(
            newer.c.model == table.c.model,
            newer.c.chunk == table.c.chunk,
            newer.c.producer == table.c.producer,
            newer.c.revision > table.c.revision,
            newer.c.measured_at < replaced_before,
        ),
    ]
    if first_kept is not None:
        conditions.append(table.c.chunk < first_kept)
    return sa.and_(*conditions)

"""Keeps the texts of specs by which results were made."""

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from monitoring_pipeline.records.producer import AnyProducer, Producer
from monitoring_pipeline.records.spec_text import Commit, SpecText, UnrecordedSpec
from monitoring_pipeline.store.connection import StoreConnection
from monitoring_pipeline.store.engine import reading, wait_for
from monitoring_pipeline.store.tables.results import chunk_revisions, is_current
from monitoring_pipeline.store.tables.upkeep import spec_texts


class SpecTextStore(StoreConnection):
    """The texts of specs; ``replace`` of the results adds them."""

    def spec_texts(self, model: str) -> list[SpecText]:
        """Return the texts of a model's spec, oldest first; one that came back is there again."""
        statement = sa.select(spec_texts).filter_by(model=model).order_by(spec_texts.c.number)
        with reading(self._engine) as connection:
            return list(map(_text_of, connection.execute(statement).mappings()))

    def newest_spec_text(self, model: str) -> SpecText | None:
        """Return the newest text of a model's spec, if there is one."""
        with reading(self._engine) as connection:
            row = _newest(connection, model)
        return None if row is None else _text_of(row)

    def spec_text_of(self, model: str, chunk: str, producer: AnyProducer) -> SpecText | None:
        """Return the text of the spec by which a producer's current results were made; None if it was not kept."""
        column = chunk_revisions.c
        same = sa.and_(spec_texts.c.model == column.model, spec_texts.c.spec_hash == column.spec_hash)
        made_by = (
            sa.select(spec_texts)
            .join(chunk_revisions, sa.and_(same, spec_texts.c.seen_at <= column.measured_at))
            .where(column.model == model, column.chunk == chunk, column.producer == str(producer))
            .order_by(column.revision.desc(), spec_texts.c.number.desc())
            .where(is_current(chunk_revisions))
            .limit(1)
        )
        with reading(self._engine) as connection:
            row = connection.execute(made_by).mappings().one_or_none()
        return None if row is None else _text_of(row)

    def unrecorded_specs(self, model: str) -> list[UnrecordedSpec]:
        """Return the hashes that results of chunks have and no text, in order of their first result."""
        column = chunk_revisions.c
        first = sa.func.min(column.measured_at).label("first")
        known = sa.select(spec_texts.c.spec_hash).where(spec_texts.c.model == model)
        found = (
            sa.select(column.spec_hash, first)
            # Results about references have the hash of their declaration.
            .where(column.model == model, column.producer.in_([producer.value for producer in Producer]))
            .where(column.spec_hash.not_in(known))
            .group_by(column.spec_hash)
            .order_by(first, column.spec_hash)
        )
        with reading(self._engine) as connection:
            return [
                UnrecordedSpec(spec_hash=row.spec_hash, first_measured_at=row.first)
                for row in connection.execute(found)
            ]


def keep_text(connection: Connection, text: SpecText) -> None:
    """Add a text in an open transaction, unless it is the newest one of its model."""
    # Runs of other chunks may add it at the same time. They would not see it before this transaction ends.
    wait_for(connection, f"{text.model}/spec_texts")
    newest = _newest(connection, text.model)
    if newest is not None and (newest["spec_hash"], newest["text_hash"]) == (text.spec_hash, text.text_hash):
        return
    commit = text.commit
    row = {
        "model": text.model,
        "spec_hash": text.spec_hash,
        "text_hash": text.text_hash,
        "text": text.text,
        "is_file": text.is_file,
        "seen_at": text.seen_at,
        "run_id": text.run_id,
        "recorded_by": text.recorded_by,
        "author": commit.author if commit else None,
        "commit_hash": commit.commit_hash if commit else None,
        "committed_at": commit.committed_at if commit else None,
    }
    connection.execute(spec_texts.insert(), row)


def _newest(connection: Connection, model: str) -> RowMapping | None:
    newest_first = sa.select(spec_texts).filter_by(model=model).order_by(spec_texts.c.number.desc())
    return connection.execute(newest_first.limit(1)).mappings().one_or_none()


def _text_of(row: RowMapping) -> SpecText:
    commit = Commit(row["author"], row["commit_hash"], row["committed_at"]) if row["commit_hash"] else None
    return SpecText(
        model=row["model"],
        spec_hash=row["spec_hash"],
        text=row["text"],
        is_file=row["is_file"],
        seen_at=row["seen_at"],
        run_id=row["run_id"],
        recorded_by=row["recorded_by"],
        commit=commit,
    )

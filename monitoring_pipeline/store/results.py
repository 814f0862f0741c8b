"""Writes and reads the results of chunks, and the references of model versions."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, RowMapping

from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults, KeptRows, KindBreaches, Snapshot
from monitoring_pipeline.ports.references import Origin
from monitoring_pipeline.records.effort import Effort
from monitoring_pipeline.records.measurement import (
    SERVING,
    Kind,
    Measurement,
    Provenance,
    Severity,
    Status,
    Verdict,
)
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.records.producer import AnyProducer, Producer
from monitoring_pipeline.records.spec_text import SpecText
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.store.archive import ArchiveStore
from monitoring_pipeline.store.decisions import DecisionStore
from monitoring_pipeline.store.engine import forget_pragmas, reading, writing
from monitoring_pipeline.store.incidents import IncidentStore
from monitoring_pipeline.store.outbox import OutboxStore
from monitoring_pipeline.store.rows import (
    MEASUREMENT_COLUMNS,
    measurement_from,
    profiles_of,
    provenance_of,
    reference_row,
    rows_of,
    snapshot_of,
    verdict_of,
)
from monitoring_pipeline.store.spec_texts import SpecTextStore, keep_text
from monitoring_pipeline.store.tables.results import (
    REFERENCE_KEY_PATTERN,
    REVISED_TABLES,
    chunk_revisions,
    efforts,
    is_current,
    measurements,
    model_references,
    profiles,
    snapshots,
    verdicts,
)
from monitoring_pipeline.store.upkeep import UpkeepStore

_REVISION = ("model", "chunk", "producer", "revision")


class ResultStore(IncidentStore, OutboxStore, DecisionStore, UpkeepStore, SpecTextStore, ArchiveStore):
    """Results of all models and their consequences in one database; safe for several processes at once.

    Every reader returns the current revision, which is the newest of each (model, chunk, producer).
    """

    def replace(
        self,
        results: ChunkResults,
        *,
        run_id: str,
        measured_at: dt.datetime,
        effort: Effort | None = None,
        spec: SpecText | None = None,
    ) -> int:
        """Store all results of a producer about a chunk in one transaction, and return their revision.

        If the provenance equals that of the newest revision, its rows are replaced and ``known_since`` stays at the
        earlier time. Otherwise a new revision is added. The text of the spec is kept unless it is the newest one.
        """
        key = _key_of(results)
        with writing(self._engine, "/".join(key.values())) as connection:
            revision = _replace(connection, results, run_id=run_id, measured_at=measured_at)
            if spec is not None:
                keep_text(connection, spec)
            if effort is not None:
                connection.execute(efforts.delete().filter_by(**key))
                row = {**key, **asdict(effort), "run_id": run_id, "measured_at": measured_at}
                connection.execute(efforts.insert(), row)
        return revision

    def efforts(self, model: str, chunk: str) -> dict[str, Effort]:
        """Return what each asset took on a chunk when it was measured last, by its name."""
        statement = sa.select(efforts).filter_by(model=model, chunk=chunk)
        with reading(self._engine) as connection:
            rows = connection.execute(statement).mappings().all()
        names = [field.name for field in fields(Effort)]
        return {row["producer"]: Effort(**{name: row[name] for name in names}) for row in rows}

    def measurements(
        self,
        model: str,
        chunk: str,
        producer: AnyProducer | None = None,
        *,
        names: Collection[str] | None = None,
        statuses: Collection[Status] | None = None,
    ) -> list[Measurement]:
        """Return a chunk's measurements: all, or those of one producer, in the order they were written.

        ``names`` and ``statuses`` are those of the measurements to return; None for all.
        """
        column = measurements.c
        conditions = [] if names is None else [column.name.in_(sorted(names))]
        conditions += [] if statuses is None else [column.status.in_([status.value for status in statuses])]
        equal = {"chunk": chunk, **({"producer": producer} if producer else {})}
        statement = _current_rows(measurements, MEASUREMENT_COLUMNS, model, *conditions, **equal)
        with reading(self._engine) as connection:
            return [measurement_from(row) for row in connection.execute(statement)]

    def chunk_measurements(
        self,
        model: str,
        names: Collection[MetricName] | None,
        first: str,
        last: str,
        *,
        subject: str | None = None,
        kinds: Collection[Kind] | None = None,
        statuses: Collection[Status] | None = None,
        only_serving: bool = False,
    ) -> list[tuple[str, Measurement]]:
        """Return measurements with their chunk's key, in chunk order; reference windows are left out.

        Args:
            model: name of the model.
            names: names of the statistics and metrics to return; ``None`` for all.
            first: key of the first chunk.
            last: key of the last chunk, included.
            subject: the column or part that they are about; ``None`` for all.
            kinds: their kinds; ``None`` for all.
            statuses: their statuses; ``None`` for all.
            only_serving: leave out segments, and versions that serve nobody.
        """
        column = measurements.c
        conditions = [column.chunk.between(first, last), column.chunk.not_like(REFERENCE_KEY_PATTERN)]
        if names is not None:
            conditions.append(column.name.in_([str(name) for name in names]))
        conditions += [] if kinds is None else [column.kind.in_([str(kind) for kind in kinds])]
        conditions += [] if statuses is None else [column.status.in_([str(status) for status in statuses])]
        equal = {} if subject is None else {"subject": subject}
        if only_serving:
            conditions += [column.segment == "", column.role.in_([role.value for role in SERVING])]
        statement = _current_rows(measurements, (column.chunk, *MEASUREMENT_COLUMNS), model, *conditions, **equal)
        with reading(self._engine) as connection:
            return [(row[0], measurement_from(row[1:])) for row in connection.execute(statement)]

    def breaches_by_kind(self, model: str, first: str, last: str) -> list[KindBreaches]:
        """Count the breaches of the versions that serve, by chunk, kind and severity, in chunk order."""
        column = measurements.c
        by = (column.chunk, column.kind, column.severity)
        statement = (
            sa.select(*by, sa.func.count().label("breaches"))
            .where(column.model == model, column.status == Status.BREACHED.value, is_current(measurements))
            .where(column.chunk.between(first, last), column.chunk.not_like(REFERENCE_KEY_PATTERN))
            .where(column.role.in_([role.value for role in SERVING]))
            .group_by(*by)
            .order_by(*by)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(statement).mappings().all()
        return [
            KindBreaches(
                chunk=row["chunk"], kind=Kind(row["kind"]), severity=Severity(row["severity"]), count=row["breaches"]
            )
            for row in rows
        ]

    def profiles(self, model: str, chunk: str, producer: AnyProducer = Producer.PROFILE) -> tuple[ChunkProfile, ...]:
        """Return the profiles of a chunk by a producer, one per model version and segment."""
        return profiles_of(self._current(profiles, model, chunk=chunk, producer=producer))

    def profiles_by_chunk(
        self, model: str, producer: AnyProducer, chunks: Collection[str], *, columns: Collection[str] | None = None
    ) -> dict[str, tuple[ChunkProfile, ...]]:
        """Return the profiles by a producer, by the chunk's key; chunks without profiles are left out.

        ``columns`` are those to return; None for all.
        """
        by_chunk: dict[str, list[RowMapping]] = {}
        conditions = [profiles.c.chunk.in_(chunks)]
        conditions += [] if columns is None else [profiles.c.column_name.in_(columns)]
        for row in self._current(profiles, model, *conditions, producer=producer):
            by_chunk.setdefault(row["chunk"], []).append(row)
        return {chunk: profiles_of(rows) for chunk, rows in by_chunk.items()}

    def verdict(self, model: str, chunk: str) -> Verdict | None:
        """Return the verdict on a chunk, if it was judged."""
        rows = self._current(verdicts, model, chunk=chunk)
        return verdict_of(rows[0]) if rows else None

    def verdicts(self, model: str) -> dict[str, Verdict]:
        """Return the verdicts on all judged chunks, by key, in chunk order."""
        return {row["chunk"]: verdict_of(row) for row in self._current(verdicts, model)}

    def judged_between(self, model: str, after: dt.datetime, until: dt.datetime) -> dict[str, tuple[int, dt.datetime]]:
        """Return revision and time of the verdicts written later than a moment and up to another, by chunk."""
        measured_at = chunk_revisions.c.measured_at
        rows = self._current(
            chunk_revisions, model, measured_at > after, measured_at <= until, producer=Producer.VERDICT
        )
        return {row["chunk"]: (row["revision"], row["measured_at"]) for row in rows}

    def snapshot(self, model: str, chunk: str, kind: str) -> Snapshot | None:
        """Return the pointer to a chunk's file of rows, if there is one."""
        rows = self._current(snapshots, model, chunk=chunk, kind=kind)
        return snapshot_of(rows[0]) if rows else None

    def snapshots(self, model: str, kind: str) -> dict[str, Snapshot]:
        """Return the pointers of one kind for all chunks whose rows are kept, by key, in chunk order."""
        found = {row["chunk"]: snapshot_of(row) for row in self._current(snapshots, model, kind=kind)}
        return {chunk: snapshot for chunk, snapshot in found.items() if not snapshot.is_removed}

    def kept_rows(self, model: str, uri: str) -> KeptRows | None:
        """Return the stored facts about a snapshot by its URI; None if no revision points to it."""
        same = [snapshots.c[name] == chunk_revisions.c[name] for name in _REVISION]
        made = sa.select(snapshots, chunk_revisions.c.known_since, chunk_revisions.c.measured_at)
        made = made.join(chunk_revisions, sa.and_(*same)).order_by(snapshots.c.revision.desc())
        with reading(self._engine) as connection:
            pointing = made.where(snapshots.c.model == model, snapshots.c.uri == uri).limit(1)
            newest = connection.execute(pointing).mappings().one_or_none()
            if newest is None:
                return None
            place = {name: newest[name] for name in ("model", "chunk", "producer")}
            earlier = sa.select(snapshots).filter_by(**place).where(snapshots.c.revision < newest["revision"])
            rows = connection.execute(earlier.order_by(snapshots.c.revision.desc())).mappings().all()
        return KeptRows(
            chunk=newest["chunk"],
            snapshot=snapshot_of(newest),
            known_since=newest["known_since"] or newest["measured_at"],
            measured_at=newest["measured_at"],
            before=tuple(map(snapshot_of, rows)),
        )

    def provenance(self, model: str, chunk: str, producer: AnyProducer) -> Provenance | None:
        """Return the provenance of a producer's current results for a chunk, if there are any."""
        rows = self._current(chunk_revisions, model, chunk=chunk, producer=producer)
        return provenance_of(rows[0]) if rows else None

    def revisions(self, model: str, producer: AnyProducer) -> dict[str, int]:
        """Return the numbers of a producer's current revisions, by the chunk's key, in chunk order."""
        return {row["chunk"]: row["revision"] for row in self._current(chunk_revisions, model, producer=producer)}

    def save_reference(
        self,
        reference: Reference,
        provenance: Provenance,
        chunk: Chunk,
        *,
        origin: Origin,
        declaration: str | None = None,
        results: Sequence[ChunkResults] = (),
    ) -> None:
        """Make a reference the current one of its version, in one transaction with the results that belong to it.

        A reference that is already stored keeps its row.

        Args:
            reference: the reference.
            provenance: how it was made.
            chunk: its window.
            origin: the run that built it, and when.
            declaration: the declaration that it was built from, as text.
            results: profiles, findings and rows of the reference.
        """
        version = {"model": reference.model, "model_version": reference.model_version}
        with writing(self._engine, f"reference/{reference.model}/{reference.model_version}") as connection:
            connection.execute(model_references.update().filter_by(**version).values(is_current=False))
            stored = model_references.update().filter_by(**version, reference_hash=reference.reference_hash)
            if not connection.execute(stored.values(is_current=True, declaration=declaration)).rowcount:
                row = reference_row(reference, provenance, chunk, origin) | {"declaration": declaration}
                connection.execute(model_references.insert(), version | row)
            for own in results:
                _replace(connection, own, run_id=origin.run_id, measured_at=origin.at)

    def reference_document(self, model: str, model_version: str) -> str | None:
        """Return the current reference of a model version as it was saved, if there is one."""
        return self._of_current_reference(model_references.c.document, model, model_version)

    def reference_declaration(self, model: str, model_version: str) -> str | None:
        """Return the declaration that the current reference was built from; None if none was recorded."""
        return self._of_current_reference(model_references.c.declaration, model, model_version)

    def declare_reference(self, model: str, model_version: str, declaration: str) -> None:
        """Record the declaration of the current reference of a version."""
        current = model_references.update().filter_by(model=model, model_version=model_version, is_current=True)
        with writing(self._engine, f"reference/{model}/{model_version}") as connection:
            connection.execute(current.values(declaration=declaration))

    def replaced_references(self, model: str) -> tuple[tuple[str, str], ...]:
        """Return version and hash of each reference that another one of its version has replaced, in order."""
        column = model_references.c
        replaced = sa.select(column.model_version, column.reference_hash).filter_by(model=model, is_current=False)
        with reading(self._engine) as connection:
            rows = connection.execute(replaced.order_by(column.model_version, column.reference_hash))
            return tuple((version, reference_hash) for version, reference_hash in rows)

    def _of_current_reference(self, column: sa.Column[str], model: str, model_version: str) -> str | None:
        current = sa.select(column).filter_by(model=model, model_version=model_version, is_current=True)
        with reading(self._engine) as connection:
            return connection.execute(current).scalar()

    def query(self, sql: str, parameters: Mapping[str, object]) -> tuple[list[str], list[tuple[Any, ...]]]:
        """Run one reading statement with named parameters (``:model``); return column names and rows.

        Every parameter must be given, ``None`` for an optional one. The database refuses a statement that writes.
        """
        with reading(self._engine) as connection:
            try:
                result = connection.execute(sa.text(sql), dict(parameters))
                return list(result.keys()), [tuple(row) for row in result]
            finally:
                forget_pragmas(connection)

    def _current(
        self, table: sa.Table, model: str, *conditions: sa.ColumnElement[bool], **equal: str
    ) -> Sequence[RowMapping]:
        """Return rows of the current revisions of one model, in chunk order."""
        statement = _current_rows(table, table.c, model, *conditions, **equal)
        with reading(self._engine) as connection:
            return connection.execute(statement).mappings().all()


def _current_rows(
    table: sa.Table,
    columns: Iterable[sa.ColumnElement[Any]],
    model: str,
    *conditions: sa.ColumnElement[bool],
    **equal: str,
) -> sa.Select[Any]:
    """Return the statement for columns of the current revisions of one model, in chunk order."""
    order_of_writing = [table.c.position] if "position" in table.c else []
    return (
        sa.select(*columns)
        .select_from(table)
        .filter_by(model=model, **{name: str(value) for name, value in equal.items()})
        .where(is_current(table), *conditions)
        .order_by(table.c.chunk_start, table.c.chunk, table.c.producer, *order_of_writing)
    )


def _key_of(results: ChunkResults) -> dict[str, str]:
    return {"model": results.chunk.model, "chunk": results.chunk.key, "producer": str(results.producer)}


def _replace(connection: Connection, results: ChunkResults, *, run_id: str, measured_at: dt.datetime) -> int:
    key = _key_of(results)
    revision, replaced = _revision_for(connection, key, results.provenance)
    known_before = replaced["known_since"] if replaced else None
    known_since = min(filter(None, (known_before, results.as_of or measured_at)))
    if replaced:
        for table in REVISED_TABLES:
            connection.execute(table.delete().filter_by(**key, revision=revision))
    for table, rows in rows_of(
        results, revision=revision, run_id=run_id, measured_at=measured_at, known_since=known_since
    ):
        if rows:
            connection.execute(table.insert(), rows)
    return revision


def _revision_for(connection: Connection, key: dict[str, str], provenance: Provenance) -> tuple[int, RowMapping | None]:
    """Return the revision to write, and its row if it was written before."""
    newest_first = sa.select(chunk_revisions).filter_by(**key).order_by(chunk_revisions.c.revision.desc())
    newest = connection.execute(newest_first.limit(1)).mappings().one_or_none()
    if newest is None:
        return 1, None
    if provenance_of(newest) == provenance:
        return newest["revision"], newest
    return newest["revision"] + 1, None

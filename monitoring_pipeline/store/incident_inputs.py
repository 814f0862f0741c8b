"""Read the measurements from which incidents are folded: breaches, and other values of the same numbers."""

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitoring_pipeline.evaluation.explanation.share import SUBJECT, is_attribution
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.store.rows import measurement_of
from monitoring_pipeline.store.tables.results import REFERENCE_KEY_PATTERN, chunk_revisions, is_current, measurements

_SIGNAL = ("kind", "subject", "name", "segment")


def read_chunk_measurements(connection: Connection, model: str) -> list[ChunkMeasurements]:
    """Return every judged chunk of a model, in order, with the measurements that incidents need.

    Those are all current measurements of a number that was ever breached, by more than an ``info``; the realized
    metric of a breached estimate; the attribution of performance; and the number of rows, which shows that the source
    could be read.
    """
    of_days = measurements.c.chunk.not_like(REFERENCE_KEY_PATTERN)
    current = sa.select(measurements).filter_by(model=model).where(of_days, is_current(measurements)).cte("current")
    breached = (
        sa.select(*(current.c[name] for name in _SIGNAL))
        .where(current.c.status == Status.BREACHED.value, current.c.severity != Severity.INFO.value)
        .distinct()
        .cte("ever_breached")
    )
    same = sa.exists().where(*(current.c[name] == breached.c[name] for name in _SIGNAL))
    estimated = sa.exists().where(
        breached.c.kind == Kind.ESTIMATED_PERFORMANCE.value,
        current.c.kind == Kind.PERFORMANCE.value,
        current.c.name == breached.c.name,
    )
    readable = sa.and_(current.c.kind == Kind.QUALITY.value, current.c.name == "rows")
    attribution = sa.and_(
        current.c.kind == Kind.PERFORMANCE.value,
        current.c.subject == SUBJECT,
        sa.exists().where(breached.c.kind == Kind.PERFORMANCE.value),
    )
    wanted = (
        sa.select(current)
        .where(sa.or_(same, estimated, readable, attribution))
        .order_by(current.c.chunk_start, current.c.chunk, current.c.producer, current.c.position)
    )
    by_chunk: dict[str, list[Measurement]] = {chunk: [] for chunk in _judged_chunks(connection, model)}
    for row in connection.execute(wanted).mappings():
        by_chunk.setdefault(row["chunk"], []).append(measurement_of(row))
    return [_of_chunk(chunk, measured) for chunk, measured in sorted(by_chunk.items())]


def _of_chunk(chunk: str, measured: Sequence[Measurement]) -> ChunkMeasurements:
    return ChunkMeasurements(
        chunk=chunk,
        measurements=tuple(m for m in measured if not is_attribution(m)),
        attribution=tuple(m for m in measured if is_attribution(m)),
    )


def _judged_chunks(connection: Connection, model: str) -> list[str]:
    judged = sa.select(chunk_revisions.c.chunk).filter_by(model=model, producer=Producer.VERDICT.value).distinct()
    return list(connection.execute(judged.order_by(chunk_revisions.c.chunk)).scalars())

"""Read the measurements from which incidents are folded: breaches, and other values of the same numbers."""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitoring_pipeline.evaluation.business.money import AGAINST_REFERENCE, VALUE
from monitoring_pipeline.evaluation.drift.statistics_table import DRIFT_STATISTICS
from monitoring_pipeline.evaluation.explanation.share import SUBJECT
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements, chunk_measurements
from monitoring_pipeline.evaluation.performance.metrics_table import PERFORMANCE_METRICS
from monitoring_pipeline.evaluation.segments.change import CHANGE
from monitoring_pipeline.evaluation.segments.of_chunk import MEASURED
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.store.rows import measurement_of
from monitoring_pipeline.store.tables.results import (
    BREACHED,
    REFERENCE_KEY_PATTERN,
    chunk_revisions,
    is_current,
    measurements,
)

_SIGNAL = ("kind", "subject", "name", "segment")
_Signal = tuple[str, str, str, str]
_SPLIT_OVER_SEGMENTS = frozenset({Kind.PERFORMANCE, Kind.ESTIMATED_PERFORMANCE, Kind.WINDOW, Kind.DRIFT})
_SIGNALS_OF_A_QUERY = 1_000
"""SQLite takes at most 32,766 values in a statement."""


def read_chunk_measurements(connection: Connection, model: str) -> list[ChunkMeasurements]:
    """Return every judged chunk of a model, in order, with the measurements that incidents need.

    Those are all current measurements of a number that was ever breached, by more than an ``info``; the realized
    metric of a breached estimate; the attribution of performance; if an input ever drifted, what shows its effect on
    the model; and the number of rows, which shows that the source could be read. Each is looked up by its name, because
    most measurements of a history are none of them.
    """
    breached = _ever_breached(connection, model)
    rows = {
        (row["chunk_start"], row["chunk"], row["producer"], row["position"]): row
        for condition in _conditions(
            breached,
            is_explained=_has_results_of(Producer.EXPLANATION, connection, model),
            has_value=_has_results_of(Producer.VALUE, connection, model),
        )
        for row in connection.execute(_current(model).where(condition)).mappings()
    }
    by_chunk: dict[str, list[Measurement]] = {chunk: [] for chunk in _judged_chunks(connection, model)}
    for _, row in sorted(rows.items(), key=lambda item: item[0]):
        by_chunk.setdefault(row["chunk"], []).append(measurement_of(row))
    return [chunk_measurements(chunk, measured) for chunk, measured in sorted(by_chunk.items())]


def _current(model: str) -> sa.Select[Any]:
    """Return the query for the current measurements of a model's chunks."""
    of_days = measurements.c.chunk.not_like(REFERENCE_KEY_PATTERN)
    return sa.select(measurements).filter_by(model=model).where(of_days, is_current(measurements))


def _ever_breached(connection: Connection, model: str) -> list[_Signal]:
    """Return the numbers that were ever breached, by more than an ``info``."""
    column = measurements.c
    of_breaches = _current(model).with_only_columns(*(column[name] for name in _SIGNAL)).distinct()
    is_breached = sa.and_(column.status == BREACHED, column.severity != Severity.INFO.value)
    return sorted(tuple(row) for row in connection.execute(of_breaches.where(is_breached)))


def _has_results_of(producer: Producer, connection: Connection, model: str) -> bool:
    """Return whether a model has results of an asset that a spec has to declare."""
    found = sa.select(chunk_revisions.c.chunk).filter_by(model=model, producer=producer.value)
    return connection.execute(found.limit(1)).first() is not None


def _conditions(
    breached: Sequence[_Signal], *, is_explained: bool, has_value: bool
) -> Iterator[sa.ColumnElement[bool]]:
    """Yield conditions of which each wanted measurement fulfils at least one."""
    column = measurements.c
    yield sa.and_(column.kind == Kind.QUALITY.value, column.name == "rows")
    for first in range(0, len(breached), _SIGNALS_OF_A_QUERY):
        signals = breached[first : first + _SIGNALS_OF_A_QUERY]
        # The index is by name.
        names = sorted({name for _, _, name, _ in signals})
        yield sa.and_(column.name.in_(names), sa.tuple_(*(column[name] for name in _SIGNAL)).in_(signals))
    estimated = sorted({name for kind, _, name, _ in breached if kind == Kind.ESTIMATED_PERFORMANCE})
    if estimated:
        yield sa.and_(column.name.in_(estimated), column.kind == Kind.PERFORMANCE.value)
    if any(kind == Kind.DRIFT for kind, *_ in breached):
        yield from _conditions_of_effect()
    if any(kind == Kind.SEGMENT for kind, *_ in breached):
        # They show that segments were measured: their broken columns are measured only where they are broken.
        yield sa.and_(column.kind == Kind.SEGMENT.value, column.name == MEASURED)
    if breached and has_value:
        yield _of_money()
    if (breached and is_explained) or any(kind in {Kind.PERFORMANCE, Kind.WINDOW} for kind, *_ in breached):
        yield sa.and_(column.kind == Kind.PERFORMANCE.value, column.subject == SUBJECT)
    if any(kind in _SPLIT_OVER_SEGMENTS for kind, *_ in breached):
        is_change = column.name.startswith(CHANGE, autoescape=True)
        yield sa.and_(column.kind == Kind.SEGMENT.value, column.subject == SUBJECT, is_change)


def _of_money() -> sa.ColumnElement[bool]:
    column = measurements.c
    return sa.and_(
        column.name.in_(sorted(AGAINST_REFERENCE)), column.kind == Kind.BUSINESS.value, column.subject == VALUE
    )


def _conditions_of_effect() -> Iterator[sa.ColumnElement[bool]]:
    """Yield conditions for what shows the effect of drift on the model: drift of its output, metrics with limits."""
    column = measurements.c
    is_output = sa.or_(
        column.subject.in_(("score", "prediction")), column.subject.startswith("score[", autoescape=True)
    )
    yield sa.and_(column.name.in_(sorted(DRIFT_STATISTICS)), column.kind == Kind.DRIFT.value, is_output)
    has_limit = sa.or_(column.threshold_lower.is_not(None), column.threshold_upper.is_not(None))
    yield sa.and_(
        column.name.in_(sorted({metric.name for metric in PERFORMANCE_METRICS})),
        column.kind.in_((Kind.PERFORMANCE.value, Kind.ESTIMATED_PERFORMANCE.value)),
        column.segment == "",
        has_limit,
    )


def _judged_chunks(connection: Connection, model: str) -> list[str]:
    judged = sa.select(chunk_revisions.c.chunk).filter_by(model=model, producer=Producer.VERDICT.value).distinct()
    return list(connection.execute(judged.order_by(chunk_revisions.c.chunk)).scalars())

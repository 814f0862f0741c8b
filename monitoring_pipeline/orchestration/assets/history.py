"""What the chunks before a chunk were like, drawn in one line of its metadata."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, TypeVar

from monitoring_pipeline.evaluation.periods import HEADLINE_METRIC
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.measurement import Kind, Measurement, Role
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.web_pages.charts.inline import Point, metric_line, verdict_strip

CHUNKS_DRAWN = 30
Drawings: TypeAlias = Mapping[str, str]
"""Drawings as Markdown, by chunk key."""
History: TypeAlias = Callable[[ModelSpec, Sequence[Chunk], Store], Drawings]
"""Draws the history up to each of some chunks; it reads the store once for all of them."""
T = TypeVar("T")


def history_of_verdicts(spec: ModelSpec, chunks: Sequence[Chunk], store: Store) -> Drawings:
    """Draw the verdicts up to each chunk."""
    statuses = {key: str(verdict.status) for key, verdict in store.verdicts(spec.name).items()}
    return {chunk.key: verdict_strip(shown) for chunk in chunks if (shown := _until(chunk.key, statuses))}


def history_of_performance(spec: ModelSpec, chunks: Sequence[Chunk], store: Store) -> Drawings:
    """Draw the headline metric of the champion up to each chunk, with intervals and limits."""
    name, first = MetricName(HEADLINE_METRIC[spec.task]), spec.calendar.earlier(chunks[0], CHUNKS_DRAWN - 1)
    measured = store.chunk_measurements(spec.name, (name,), first.key, chunks[-1].key)
    points = {chunk: _point(m) for chunk, m in measured if _is_of_the_model(m)}
    drawings = {chunk.key: metric_line(str(name), _until(chunk.key, points)) for chunk in chunks}
    return {key: drawing for key, drawing in drawings.items() if drawing}


def _until(key: str, found: Mapping[str, T]) -> list[T]:
    """Return what was found for the last chunks up to a key, oldest first."""
    return [found[other] for other in sorted(found) if other <= key][-CHUNKS_DRAWN:]


def _is_of_the_model(m: Measurement) -> bool:
    return m.kind is Kind.PERFORMANCE and m.subject == "model" and m.role is Role.CHAMPION and not m.segment


def _point(m: Measurement) -> Point:
    return Point(
        value=m.value,
        lower=m.lower,
        upper=m.upper,
        lower_limit=m.threshold_lower,
        upper_limit=m.threshold_upper,
    )

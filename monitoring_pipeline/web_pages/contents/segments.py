"""The segments of a chunk: a row for each, its metrics, and what is broken or moved there by itself."""

from collections.abc import Sequence

from monitoring_pipeline.evaluation.performance.thresholds import Better
from monitoring_pipeline.evaluation.segments.stored_change import SegmentPart, is_of_change, stored_changes
from monitoring_pipeline.records.measurement import WEIGHT, Kind, Measurement, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.web_pages.contents.columns import status_of
from monitoring_pipeline.web_pages.contents.table import Cell, Table
from monitoring_pipeline.web_pages.numbers import interval, named, number, signed

ROWS = "segment_rows"


def segments_table(measurements: Sequence[Measurement]) -> Table:
    """Return a row for each version and segment, those with a breach first, then the largest ones."""
    of_segments = [m for m in measurements if m.kind is Kind.SEGMENT and m.segment and not is_of_change(m)]
    by_segment: dict[tuple[str, str], list[Measurement]] = {}
    for m in of_segments:
        by_segment.setdefault((m.model_version, m.segment), []).append(m)
    metrics = list(dict.fromkeys(m.metric for m in of_segments if m.subject == "model"))
    return Table(
        caption="Each segment beside the same segment of the reference",
        columns=("segment", "version", "rows", "usual rows", *map(str, metrics), "about"),
        rows=tuple(
            (
                Cell(segment, _status(own)),
                Cell(version),
                *_rows(own),
                *(_metric(next((m for m in own if m.metric == metric and m.subject == "model"), None))
                  for metric in metrics),
                Cell("; ".join(m.reason or "" for m in own if m.status is Status.BREACHED)),
            )
            for (version, segment), own in sorted(by_segment.items(), key=lambda item: _place(item[1]))
        ),
    )  # fmt: skip


def segment_changes(
    measurements: Sequence[Measurement], version: str, *, metric: str | None = None, most: int | None = None
) -> tuple[Table, ...]:
    """Return a table for each number of a version whose change was split over segments, with the parts.

    Args:
        measurements: those of the chunk.
        version: the version.
        metric: the only number that is wanted; all by default.
        most: so many parts are shown, the largest; all by default.
    """
    splits = [
        split
        for split in stored_changes(measurements)
        if split.change.model_version == version and metric in {None, split.change.of}
    ]
    return tuple(
        Table(
            caption=f"The change of {split.change.of} by {signed(split.change.value)} since the reference, by segment"
            + (f": {split.change.reason}" if split.change.reason else ""),
            columns=("rows of", "bring", "by their share of the rows", "by their level"),
            rows=tuple(
                (Cell(part.name), Cell(signed(part.value), is_number=True), *_ways(part))
                for part in _largest(split.parts, most)
            ),
        )
        for split in splits
        if split.parts
    )


def worst_segments(
    measurements: Sequence[Measurement], metric: MetricName, better: Better | None, version: str, most: int
) -> Table:
    """Return the segments of a version in which a metric is farthest on the bad side of what is usual there.

    Args:
        measurements: those of the chunk.
        metric: the metric.
        better: its good values; without them no segment is worse.
        version: the version.
        most: so many segments are shown.
    """
    found = [
        (worse, m)
        for m in measurements
        if m.kind is Kind.SEGMENT
        and m.segment
        and (m.subject, m.metric, m.model_version) == ("model", metric, version)
        and (worse := _worse(m, better)) > 0
    ]
    return Table(
        caption=f"Segments in which {metric} is worst beside what is usual there",
        columns=("segment", "value", "95 % interval", "usual", "rows"),
        rows=tuple(
            (
                Cell(m.segment, status_of(m)),
                Cell(named(m.name, m.value), is_number=True),
                Cell(interval(m.name, m.lower, m.upper), is_number=True),
                Cell(named(m.name, m.reference_value), is_number=True),
                Cell(number(m.rows), is_number=True),
            )
            for _, m in sorted(found, key=lambda entry: (-entry[0], entry[1].segment))[:most]
        ),
    )


def _worse(m: Measurement, better: Better | None) -> float:
    """Return by how much a number is worse than usual, or 0 if that is unknown."""
    if m.value is None or m.reference_value is None or better is None:
        return 0.0
    if better is Better.ZERO:
        return abs(m.value) - abs(m.reference_value)
    return (m.reference_value - m.value) * (1 if better is Better.HIGHER else -1)


def _largest(parts: Sequence[SegmentPart], most: int | None) -> Sequence[SegmentPart]:
    return parts if most is None else sorted(parts, key=lambda part: -abs(part.value or 0.0))[:most]


def _ways(part: SegmentPart) -> tuple[Cell, Cell]:
    mix, within = (
        Cell("" if m is None else f"{signed(m.value)} {interval('', m.lower, m.upper)}", is_number=True)
        for m in (part.mix, part.within)
    )
    return mix, within


def _rows(own: Sequence[Measurement]) -> tuple[Cell, Cell]:
    rows = next((m for m in own if m.name == ROWS), None)
    if rows is None:
        return Cell(""), Cell("")
    return Cell(number(rows.value), is_number=True), Cell(number(rows.reference_value), is_number=True)


def _metric(m: Measurement | None) -> Cell:
    if m is None:
        return Cell("")
    usual = "" if m.reference_value is None else f", usually {named(m.name, m.reference_value)}"
    return Cell(f"{named(m.name, m.value)} {interval(m.name, m.lower, m.upper)}{usual}", is_number=True)


def _status(own: Sequence[Measurement]) -> str:
    return status_of(min(own, key=lambda m: (m.status is not Status.BREACHED, -WEIGHT[m.severity])))


def _place(own: Sequence[Measurement]) -> tuple[int, int, str]:
    worst = max((1 + WEIGHT[m.severity] for m in own if m.status is Status.BREACHED), default=0)
    return -worst, -max((m.rows for m in own if m.name == ROWS), default=0), own[0].segment

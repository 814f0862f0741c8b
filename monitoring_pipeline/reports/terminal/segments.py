"""Reports about the segments of a model."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from monitoring_pipeline.evaluation.segments.stored_change import (
    SegmentPart,
    SegmentSplit,
    is_of_change,
    stored_changes,
)
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.reports.report import Report, without_empty_columns
from monitoring_pipeline.reports.terminal.cells import DASH, interval_cell, number_cell

SEGMENT_FIELDS = (
    "model", "chunk", "model_version", "segment", "subject", "metric", "value", "lower", "upper", "reference_value",
    "p_value", "q_value", "rows", "status", "severity", "reason",
)  # fmt: skip


def segments_report(model: str, measured: Sequence[tuple[str, Measurement]]) -> Report:
    """Return one line per chunk, version, segment and number."""
    shown = [(chunk, m) for chunk, m in measured if m.kind is Kind.SEGMENT]
    table = Report(
        title=f"{model}: segments" + ("" if shown else ": nothing"),
        columns=(
            "chunk",
            "version",
            "segment",
            "of",
            "number",
            "value [95 % interval]",
            "usually",
            "rows",
            "",
            "reason",
        ),
        lines=tuple(
            (
                chunk,
                m.model_version,
                m.segment or "all",
                m.subject,
                str(m.metric),
                interval_cell(m, ".4g"),
                number_cell(m.reference_value),
                str(m.rows),
                "" if m.status is Status.OK else f"{m.status} ({m.severity})",
                m.reason or "",
            )
            for chunk, m in shown
            if not is_of_change(m)
        ),
        fields=SEGMENT_FIELDS,
        records=tuple(
            {
                **{field: getattr(m, field) for field in SEGMENT_FIELDS if field not in {"model", "chunk", "metric"}},
                "model": model,
                "chunk": chunk,
                "metric": str(m.metric),
            }
            for chunk, m in shown
        ),
    )
    return without_empty_columns(table)


def changes_report(model: str, measured: Sequence[tuple[str, Measurement]]) -> Report:
    """Return the changes since the reference with the parts of the segments, for people; the records are of the other.

    Args:
        model: the model.
        measured: key of the chunk and measurement, in order of the chunks.
    """
    splits = [
        (chunk, split)
        for chunk, of_chunk in groupby(measured, key=lambda entry: entry[0])
        for split in stored_changes([m for _, m in of_chunk])
    ]
    table = Report(
        title=f"{model}: changes since the reference, by segment",
        columns=(
            "chunk", "version", "number", "rows of", "brings", "by their share [95 % interval]",
            "by their level [95 % interval]", "share before", "level before",
        ),
        lines=tuple(line for chunk, split in splits for line in _lines(chunk, split)),
        fields=SEGMENT_FIELDS,
        records=(),
        note="\n".join(
            f"{chunk}: of the change of {split.change.of} by {split.change.value:+.3g}, {split.change.reason}"
            for chunk, split in splits
            if split.change.reason
        ),
    )  # fmt: skip
    return without_empty_columns(table)


def _lines(chunk: str, split: SegmentSplit) -> Iterator[tuple[str, ...]]:
    change = split.change
    head = (chunk, change.model_version, change.of)
    yield (*head, "all", interval_cell(change, "+.4g"), "", "", "", number_cell(change.reference_value))
    yield from ((*head, *_cells(part)) for part in split.parts)


def _cells(part: SegmentPart) -> tuple[str, ...]:
    value = f"{part.value:+.4g}"
    if part.mix is None or part.within is None:
        return (part.name, value, DASH, DASH, "", "")
    usual = number_cell(part.mix.reference_value), number_cell(part.within.reference_value)
    return (part.name, value, interval_cell(part.mix, "+.4g"), interval_cell(part.within, "+.4g"), *usual)

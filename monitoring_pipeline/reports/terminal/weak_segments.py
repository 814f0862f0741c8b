"""Reports about the weak segments of a model."""

from collections.abc import Iterator, Sequence

from monitoring_pipeline.evaluation.segments.weak_segments import WeakSegment
from monitoring_pipeline.evaluation.segments.weakness import LOSSES, Weakness
from monitoring_pipeline.reports.report import Record, Report
from monitoring_pipeline.spec.model import ModelSpec

WEAK_SEGMENT_FIELDS = (
    "model", "model_version", "segment", "loss", "value", "elsewhere", "lower", "upper", "p_value", "rows",
    "labelled_rows", "reason",
)  # fmt: skip


def weak_segments_report(spec: ModelSpec, found: Sequence[Weakness]) -> Report:
    """Return one sentence for each weak segment, or for a version without one."""
    lines = [line for one in found for line in _lines(spec, one)]
    return Report(
        title=f"{spec.name}: weak segments",
        columns=("version", "segment"),
        lines=tuple((str(record["model_version"]), sentence) for record, sentence in lines),
        fields=WEAK_SEGMENT_FIELDS,
        records=tuple(record for record, _ in lines),
        note="\n".join(
            f"version {one.model_version}: chosen on one half of {one.rows:,} labelled rows, tested on the other "
            f"(halves: {one.halves}); rows and numbers are those of the tested half"
            for one in found
            if one.halves
        ),
    )


def _lines(spec: ModelSpec, one: Weakness) -> Iterator[tuple[Record, str]]:
    nothing: Record = {
        **dict.fromkeys(WEAK_SEGMENT_FIELDS),
        "model": spec.name,
        "model_version": one.model_version,
        "loss": LOSSES[spec.task],
        "labelled_rows": one.rows,
    }
    if not one.segments:
        reason = one.reason or f"none in {one.rows:,} labelled rows"
        yield {**nothing, "reason": reason}, f"not measured: {reason}" if one.reason else reason
    for words, segment in one.segments:
        numbers: Record = {
            "segment": words,
            "value": segment.mean_loss,
            "elsewhere": segment.other_loss,
            "lower": segment.lower,
            "upper": segment.upper,
            "p_value": segment.p_value,
            "rows": segment.rows,
        }
        yield {**nothing, **numbers}, _sentence(words, segment, LOSSES[spec.task])


def _sentence(words: str, segment: WeakSegment, loss: str) -> str:
    apart = segment.mean_loss - segment.other_loss
    return (
        f"where {words}: {loss} {segment.mean_loss:.4g} in {segment.rows:,} rows, "
        f"{segment.other_loss:.4g} elsewhere on the same days; "
        f"higher by {apart:.3g} [{segment.lower:.3g}, {segment.upper:.3g}], p = {segment.p_value:.2g}"
    )

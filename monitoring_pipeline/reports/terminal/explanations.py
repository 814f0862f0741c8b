"""Reports about the split of a change, and about the output of one row."""

from collections.abc import Iterator, Sequence

from monitoring_pipeline.evaluation.explanation import by_cause
from monitoring_pipeline.evaluation.explanation.split import Split, split_of_metric, split_of_output, words_of_split
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.reports.report import Report
from monitoring_pipeline.reports.terminal.cells import number_cell
from monitoring_pipeline.steps.explaining import ExplainedRow

NOT_EXPLAINED = "the spec has no part `explanation`, or the chunk was not measured with it yet"
SPLIT_FIELDS = ("model", "chunk", "model_version", "metric", "name", "value", "lower", "upper", "reason")
ROW_FIELDS = ("model", "chunk", "model_version", "row", "name", "seen", "value")


def split_tables(model: str, chunk: str, measurements: Sequence[Measurement]) -> Iterator[Report]:
    """Yield one report for each number whose change was split, with its parts, the largest first.

    Args:
        model: the model.
        chunk: key of the chunk.
        measurements: measurements of its explanation.
    """
    versions = dict.fromkeys(m.model_version for m in measurements)
    metrics = dict.fromkeys(m.of for m in measurements if m.name == by_cause.CHANGE)
    splits = (
        split
        for version in versions
        for split in (
            split_of_output(measurements, version),
            *(split_of_metric(measurements, metric, version) for metric in metrics),
        )
    )
    found = [split for split in splits if split is not None]
    if not found:
        reasons = dict.fromkeys(m.reason for m in measurements if m.reason)
        why = "; ".join(filter(None, reasons)) or NOT_EXPLAINED
        yield Report(
            title=f"{model} {chunk}: no change was split",
            columns=("why",),
            lines=((why,),),
            fields=SPLIT_FIELDS,
            records=(),
        )
    yield from (_split_table(model, chunk, split) for split in found)


def row_table(model: str, chunk: str, row: ExplainedRow) -> Report:
    """Return the parts of a row's features in its output, the largest first."""
    return Report(
        title=f"{model} {chunk}, row {row.row_id[:12]}: {row.what} {number_cell(row.served)}",
        columns=("feature", "value", "part"),
        lines=tuple((name, row.values[name], f"{part:+.4f}") for name, part in row.parts.items()),
        fields=ROW_FIELDS,
        records=tuple(
            {
                "model": model,
                "chunk": chunk,
                "model_version": row.model_version,
                "row": row.row_id,
                "name": name,
                "seen": row.values[name],
                "value": part,
            }
            for name, part in row.parts.items()
        ),
        note=f"The parts sum to the difference of two outputs: {row.output:.4g} of this row, and {row.usual:.4g} on "
        f"average. Both are those of {row.words}.",
    )


def _split_table(model: str, chunk: str, split: Split) -> Report:
    change = split.change
    lines = [("the whole change", change), *((part.name, part.measurement) for part in split.parts)]
    return Report(
        title=f"{model} {chunk}, version {change.model_version}: change of {split.what} against the reference",
        columns=("part", "value", "95 % interval", "why not"),
        lines=tuple((name, number_cell(m.value), _interval(m), m.reason or "") for name, m in lines),
        fields=SPLIT_FIELDS,
        records=tuple(
            {
                "model": model,
                "chunk": chunk,
                "model_version": m.model_version,
                "metric": split.what,
                "name": name,
                "value": m.value,
                "lower": m.lower,
                "upper": m.upper,
                "reason": m.reason,
            }
            for name, m in lines
        ),
        note=words_of_split(split),
    )


def _interval(m: Measurement) -> str:
    return "" if m.lower is None or m.upper is None else f"{m.lower:.4g} to {m.upper:.4g}"

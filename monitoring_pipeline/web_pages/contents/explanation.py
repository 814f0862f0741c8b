"""What the changes of scores and metrics consist of."""

from collections.abc import Iterable, Sequence

from monitoring_pipeline.evaluation.explanation.share import METRIC_CHANGE
from monitoring_pipeline.evaluation.explanation.split import Split, SplitPart, split_of_metric, split_of_output
from monitoring_pipeline.evaluation.performance.metrics_table import better_of
from monitoring_pipeline.records.measurement import Kind, Measurement
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.web_pages.contents.segments import segment_changes, worst_segments
from monitoring_pipeline.web_pages.contents.table import Cell, Table
from monitoring_pipeline.web_pages.numbers import interval, signed

PARTS_SHOWN, PARTS_OF_AN_INCIDENT = 12, 5
PARTS_OF_A_CHANGE = {
    "change_by_inputs": "by moved inputs",
    "change_of_relation": "by a changed relation of inputs and label",
    "change_by_score": "by shifted scores",
    "change_given_score": "by a changed relation of score and label",
}


def attribution_table(measurements: Sequence[Measurement], metric: str | None = None) -> Table:
    """Return a row per metric, or for one, with the parts of its change; parts that were not measured give a reason."""
    parts = {
        (m.of, m.name): m
        for m in measurements
        if m.kind is Kind.PERFORMANCE
        and m.subject == "relation"
        and m.name in PARTS_OF_A_CHANGE
        and metric in {None, m.of}
    }
    shown = [name for name in PARTS_OF_A_CHANGE if any(key[1] == name for key in parts)]
    return Table(
        caption="What explains the change of performance since the reference",
        columns=("metric", *(PARTS_OF_A_CHANGE[name] for name in shown)),
        rows=tuple(
            (Cell(name_of_metric), *(_part_of_a_change(parts.get((name_of_metric, name))) for name in shown))
            for name_of_metric in sorted({entry for entry, _ in parts})
        ),
    )


def split_tables(measurements: Sequence[Measurement], version: str) -> tuple[Table, ...]:
    """Return a table for each change that was split over features or causes, with its parts, the largest first."""
    metrics = dict.fromkeys(m.of for m in measurements if m.name == METRIC_CHANGE)
    splits = (
        split_of_output(measurements, version),
        *(split_of_metric(measurements, metric, version) for metric in metrics),
    )
    return tuple(_split(split) for split in splits if split is not None)


def _split(split: Split, most: int = PARTS_SHOWN) -> Table:
    shown = split.parts[:most]
    more = len(split.parts) - len(shown)
    rest = f" ({more} smaller parts are not shown)" if more else ""
    return Table(
        caption=f"The change of {split.what} by {signed(split.change.value)} since the reference{rest}",
        columns=("part", "value"),
        rows=tuple(_rows_of_a_split(shown)),
    )


def _rows_of_a_split(parts: Sequence[SplitPart]) -> Iterable[tuple[Cell, Cell]]:
    """Yield a row for each part; parts that were not measured for the same reason have one row together."""
    unmeasured: dict[str, list[str]] = {}
    for part in parts:
        if part.measurement is not None and part.measurement.value is None:
            unmeasured.setdefault(str(part.measurement.reason), []).append(part.name)
        else:
            yield Cell(part.name), _part_of_a_change(part.measurement)
    for reason, names in unmeasured.items():
        yield Cell("; ".join(names)), Cell(f"not measured: {reason}")


def _part_of_a_change(m: Measurement | None) -> Cell:
    if m is None:
        return Cell("")
    return Cell(f"{signed(m.value)} {interval(m.name, m.lower, m.upper)}".strip())


def contributions_to(
    spec: ModelSpec, measurements: Sequence[Measurement], metric: MetricName, version: str
) -> tuple[Table, ...]:
    """Return the causes of a metric's change, and its segments, in the short form for an incident.

    Args:
        spec: the model.
        measurements: those of the chunk.
        metric: the metric.
        version: the version whose metric it is.
    """
    name, own = str(metric), [m for m in measurements if m.model_version == version]
    split = split_of_metric(own, name, version)
    causes = attribution_table(own, name) if split is None else _split(split, PARTS_OF_AN_INCIDENT)
    segments = segment_changes(own, version, metric=name, most=PARTS_OF_AN_INCIDENT)
    better = better_of(spec.task, metric.name)
    worst = worst_segments(own, metric, better, version, PARTS_OF_AN_INCIDENT)
    return tuple(table for table in (causes, *segments, worst) if not table.is_empty)

"""Quality of a chunk's table: its volume, its freshness, and its columns."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.profiles.by_chunk import chunk_keys
from monitoring_pipeline.evaluation.quality.volume import ReferenceChunk, Slots, measure_volume, rows_by_slot
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec

HOUR = dt.timedelta(hours=1)
STALE_BEYOND = 2.0
"""If the spec has no rule, the gap of a chunk may be so many times the longest gap of the reference."""
LEAST_GAP_HOURS = 1.0
NAMES_SHOWN = 5
NO_USUAL_FRESHNESS = "the reference does not show when rows arrive; quality.freshness may set a limit"


@dataclass(frozen=True)
class TableFacts:
    """The table as it was in a version's reference: its chunks, and the types of all its columns.

    ``window`` is the key of the reference window; without one every chunk counts as whole.
    """

    chunks: tuple[ReferenceChunk, ...]
    columns: Mapping[str, str]
    window: str = ""

    def slots(self, spec: ModelSpec) -> Slots:
        """Return the rows of the chunks by slot, such as the weekday."""
        return rows_by_slot(spec.calendar, self.chunks, self.window)


def learn_chunks(spec: ModelSpec, rows: pl.DataFrame) -> tuple[ReferenceChunk, ...]:
    """Return volume and freshness of each chunk with canonical rows."""
    chunks = rows.select("predicted_at", chunk_keys(spec.calendar, rows["predicted_at"])).group_by("chunk")
    volumes = chunks.agg(pl.len().alias("rows"), pl.col("predicted_at").max().alias("newest")).sort("chunk")
    return tuple(
        ReferenceChunk(key, count, (spec.calendar.chunk(key).end - newest) / HOUR)
        for key, count, newest in volumes.iter_rows()
    )


def measure_table(
    spec: ModelSpec,
    chunk: Chunk,
    predicted_at: pl.Series,
    columns: Mapping[str, str],
    facts: TableFacts,
    *,
    repeated: Callable[[], int] = lambda: 0,
) -> tuple[Measurement, ...]:
    """Measure volume, freshness and columns of a chunk, compared with the reference.

    Args:
        spec: the model.
        chunk: the chunk.
        predicted_at: times of its predictions.
        columns: current types of all columns of the table.
        facts: the table as it was in the reference.
        repeated: counts the predictions that equal another one in everything but the id.
    """
    newest = predicted_at.max()
    return measure_counted_table(
        spec,
        chunk,
        rows=predicted_at.len(),
        newest=newest if isinstance(newest, dt.datetime) else None,
        columns=columns,
        facts=facts,
        repeated=repeated,
    )


def measure_counted_table(
    spec: ModelSpec,
    chunk: Chunk,
    *,
    rows: int,
    newest: dt.datetime | None,
    columns: Mapping[str, str],
    facts: TableFacts,
    repeated: Callable[[], int] = lambda: 0,
) -> tuple[Measurement, ...]:
    """Measure the table of a chunk from the number of its predictions and the time of the newest one."""
    blank = Measurement(kind=Kind.QUALITY, subject="chunk", name="", model_version="", value=0.0, rows=rows)
    return (
        measure_volume(spec, chunk, facts.slots(spec), blank, repeated),
        _freshness(spec, chunk, newest, facts, blank),
        *_columns(spec, columns, facts, replace(blank, subject="table")),
    )


def _freshness(
    spec: ModelSpec, chunk: Chunk, newest: dt.datetime | None, facts: TableFacts, blank: Measurement
) -> Measurement:
    gaps = [learned.gap_hours for learned in facts.chunks]
    if spec.quality.freshness is not None:
        longest, words = spec.quality.freshness / HOUR, "allowed by the spec"
    else:
        longest, words = STALE_BEYOND * max([*gaps, LEAST_GAP_HOURS]), f"by the reference's {spec.calendar.noun}s"
    measurement = replace(
        blank,
        name="freshness_hours",
        threshold_upper=longest,
        definition="hours from the newest prediction to the chunk's end",
    )
    if spec.quality.freshness is None and not gaps:
        return measurement.skipped(NO_USUAL_FRESHNESS)
    if newest is None:
        return measurement.skipped("no predictions")
    gap = (chunk.end - newest) / HOUR
    measured = replace(measurement, value=gap, reference_value=float(np.median(gaps)) if gaps else None)
    if gap <= longest:
        return measured
    reason = f"the newest prediction is {gap:.1f} hours older than the chunk's end, at most {longest:.1f} {words}"
    return measured.breached(reason)


def _columns(
    spec: ModelSpec, columns: Mapping[str, str], facts: TableFacts, blank: Measurement
) -> tuple[Measurement, ...]:
    if not facts.columns:
        return ()
    new = sorted(columns.keys() - facts.columns.keys())
    gone = sorted(facts.columns.keys() - columns.keys())
    changed = {name: (facts.columns[name], columns[name]) for name in sorted(columns.keys() & facts.columns.keys())}
    changed = {name: types for name, types in changed.items() if types[0] != types[1]}
    used = _columns_used(spec) & changed.keys()
    return (
        _listed(blank, "columns_new", new, "columns that the table did not have in the reference"),
        _listed(blank, "columns_vanished", gone, "columns that the table had in the reference, and no step uses"),
        _listed(
            replace(blank, severity=Severity.WARNING if used else Severity.INFO),
            "columns_changed_type",
            [f"{name} (was {before}, is {now})" for name, (before, now) in changed.items()],
            "columns whose type is another than in the reference",
        ),
    )


def _listed(blank: Measurement, name: str, names: list[str], definition: str) -> Measurement:
    severity = blank.severity if name == "columns_changed_type" else Severity.INFO
    measurement = replace(
        blank, name=name, value=float(len(names)), threshold_upper=0.0, severity=severity, definition=definition
    )
    if not names:
        return measurement
    shown = ", ".join(names[:NAMES_SHOWN]) + (", ..." if len(names) > NAMES_SHOWN else "")
    return measurement.breached(shown)


def _columns_used(spec: ModelSpec) -> set[str]:
    source = spec.predictions
    outputs = {source.time, source.model_version, source.score, source.prediction, *source.scores.values()}
    features = {feature.column or name for name, feature in spec.features.items()}
    used = (*source.id_columns, *outputs, *features, source.horizon, source.naive, *source.group_columns)
    used += tuple(spec.operations.columns.values())
    return {name for name in used if name is not None}

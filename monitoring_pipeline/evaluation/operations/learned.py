"""What is usual in the telemetry of a version's reference."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import polars as pl
from pydantic import TypeAdapter

from monitoring_pipeline.evaluation.operations.telemetry import Telemetry, measured_rates
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.operations import COLUMNS_OF_TELEMETRY, OF_LATENCY, SLOW
from monitoring_pipeline.statistics.samples.event_rates import UsualRate, learn_rate
from monitoring_pipeline.statistics.samples.observed_quantiles import observed_quantile
from monitoring_pipeline.statistics.samples.usual_levels import LEAST_CHUNKS, UsualLevel, learn_level

WAY_OF_LEARNING = "operations: levels by slot, rates by slot and by hour"
SLOWEST = 0.99
"""Rows above this quantile of the reference's latencies are slow."""
LEAST_HOURS = 48
DOCUMENTS_KEPT = 8
SHARES = {"latency_p50": 0.5, "latency_p95": 0.95, "latency_p99": 0.99}


@dataclass(frozen=True)
class LearnedOperations:
    """The usual telemetry of a version's reference.

    Args:
        model_version: the version.
        learned_from: identifies the reference and the rules.
        slow_above: the latency in milliseconds above which a row is slow; None if it is not known.
        levels: usual latencies.
        rates: usual rates of the chunks of a slot.
        hours: usual rates of the hours of a day.
    """

    model_version: str
    learned_from: str
    slow_above: float | None
    levels: Mapping[str, UsualLevel]
    rates: Mapping[str, UsualRate]
    hours: Mapping[str, UsualRate]


_ADAPTER = TypeAdapter(LearnedOperations)


def operations_document(learned: LearnedOperations) -> str:
    """Return what was learned as JSON; floats survive the round trip exactly."""
    return _ADAPTER.dump_json(learned).decode()


@lru_cache(maxsize=DOCUMENTS_KEPT)
def operations_from_document(document: str) -> LearnedOperations:
    """Return what :func:`operations_document` wrote."""
    return _ADAPTER.validate_json(document)


def learned_from(spec: ModelSpec, reference_hash: str) -> str:
    """Return the hash of all that usual telemetry is learned from: the reference and the rules."""
    rules = spec.operations.model_dump_json(include={*COLUMNS_OF_TELEMETRY, "minimum_rows"})
    return hashlib.sha256(f"{WAY_OF_LEARNING}{reference_hash}{rules}{spec.timezone}".encode()).hexdigest()[:16]


def slot_of(spec: ModelSpec, chunk: str) -> str:
    """Return the text of a chunk's slot, such as its weekday."""
    return ",".join(map(str, spec.calendar.slot(spec.calendar.chunk(chunk))))


def learn_operations(
    spec: ModelSpec, model_version: str, rows: pl.DataFrame, chunks: pl.Series, *, reference_hash: str
) -> LearnedOperations:
    """Learn the usual telemetry from rows of the reference.

    A chunk or an hour with fewer rows than ``operations.minimum_rows`` is left out.

    Args:
        spec: the model.
        model_version: the version.
        rows: canonical rows of the reference.
        chunks: the key of the chunk of each row; null where a row belongs to none.
        reference_hash: hash of the reference.
    """
    whole = Telemetry(spec, rows)
    slow_above = None
    if whole.has_latency and whole.latencies.size >= spec.operations.minimum_rows:
        slow_above = observed_quantile(whole.latencies, SLOWEST).value
    of_chunks = {
        str(key): Telemetry(spec, part)
        for (key,), part in rows.with_columns(chunks.alias("chunk"))
        .drop_nulls("chunk")
        .group_by("chunk", maintain_order=True)
    }
    ordered = dict(sorted(of_chunks.items()))
    rates = {name: _chunks_with(spec, ordered, name) for name in measured_rates(spec)}
    levels = {name: _levels(spec, ordered, name) for name in OF_LATENCY if whole.has_latency}
    hours = {name: _hours(spec, whole, name, slow_above) for name in (*rates, SLOW)}
    return LearnedOperations(
        model_version,
        learned_from(spec, reference_hash),
        slow_above,
        {name: level for name, level in levels.items() if level is not None},
        {name: learn_rate(slots, *zip(*cells, strict=True))
         for name, (slots, cells) in rates.items() if len(cells) >= LEAST_CHUNKS},
        {name: usual for name, usual in hours.items() if usual is not None},
    )  # fmt: skip


def _levels(spec: ModelSpec, chunks: Mapping[str, Telemetry], name: str) -> UsualLevel | None:
    enough = {key: one.latencies for key, one in chunks.items() if one.latencies.size >= spec.operations.minimum_rows}
    levels = [observed_quantile(latencies, SHARES[name]).value for latencies in enough.values()]
    return learn_level([slot_of(spec, key) for key in enough], levels)


def _chunks_with(
    spec: ModelSpec, chunks: Mapping[str, Telemetry], name: str
) -> tuple[list[str], list[tuple[int, int]]]:
    counted = {key: one.counted(name) for key, one in chunks.items()}
    enough = {key: one for key, one in counted.items() if one and one.rows >= spec.operations.minimum_rows}
    return [slot_of(spec, key) for key in enough], [(one.events, one.rows) for one in enough.values()]


def _hours(spec: ModelSpec, whole: Telemetry, name: str, slow_above: float | None) -> UsualRate | None:
    hours = [one for one in whole.hours(name, slow_above) if one.counts.rows >= spec.operations.minimum_rows]
    if len(hours) < LEAST_HOURS:
        return None
    events = [one.counts.events for one in hours]
    return learn_rate([one.slot for one in hours], events, [one.counts.rows for one in hours])

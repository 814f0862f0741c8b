"""The step that measures how a chunk was served: telemetry, numbers of the serving system, and dependencies."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import polars as pl

from monitoring_pipeline.evaluation.budget.allowed import Spender, allowed_of
from monitoring_pipeline.evaluation.operations.measuring import OF_PROMETHEUS, measure_telemetry
from monitoring_pipeline.evaluation.operations.of_server import (
    EarlierNumbers,
    ServerNumber,
    chunks_before,
    earlier_numbers,
    judge_again,
    measure_server,
    seconds_of,
)
from monitoring_pipeline.evaluation.operations.telemetry import Telemetry
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.ports.outside import Kept, Outside
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.ports.serving_metrics import MetricsAwayError, NoMetricError
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.operations import LATENCY, STATUS
from monitoring_pipeline.steps.dependencies import compare_dependencies
from monitoring_pipeline.steps.inputs import (
    PREDICTIONS,
    made_from,
    nothing_to_measure,
    outcome_fingerprint,
    required_snapshot,
    rows_of_version,
    versions_in,
)
from monitoring_pipeline.steps.pushdown import noted, sampled_chunk
from monitoring_pipeline.steps.reference.operations import load_operations
from monitoring_pipeline.steps.references import load_references


def measure_operations(loaded: LoadedSpec, chunk: Chunk, outside: Outside) -> ChunkResults:
    """Measure how every version was served; without a reference it is judged by declared thresholds only.

    Of a chunk that was counted where its rows are, the rows of its sample are measured, and the numbers say so.

    Raises:
        MissingInputError: when the chunk has no predictions.
    """
    spec = loaded.spec
    predictions = required_snapshot(outside.store, spec, chunk, PREDICTIONS)
    versions = versions_in(outside.snapshots, predictions)
    references = load_references(spec, outside.store, versions)
    sampled = sampled_chunk(spec, chunk, outside.store)
    stored = outside.store.measurements(spec.name, chunk.key, Producer.OPERATIONS)
    measured, compared = list[Measurement](), list[Measurement]()
    for version in versions:
        rows = rows_of_version(spec, chunk, version, outside)
        measured += _of_telemetry(spec, chunk, version, rows, reference=references.get(version), kept=outside)
        compared += compare_dependencies(loaded, chunk, version, rows, outside, stored=stored)
    measurements = (*noted(sampled, tuple(measured)), *compared, *_of_server(spec, chunk, stored, outside)) or (
        nothing_to_measure(Kind.OPERATIONS, "rows_per_hour", "throughput", "no predictions", severity=Severity.INFO),
    )
    return ChunkResults(
        producer=Producer.OPERATIONS,
        chunk=chunk,
        provenance=made_from(
            spec, combined_fingerprint(predictions.fingerprint, outcome_fingerprint(measurements)), references
        ),
        measurements=measurements,
    )


def _of_server(
    spec: ModelSpec, chunk: Chunk, stored: Sequence[Measurement], outside: Outside
) -> tuple[Measurement, ...]:
    """Return the numbers of the Prometheus server at the end of the chunk."""
    rules = spec.operations.prometheus
    if rules is None:
        return ()
    seconds = seconds_of(chunk)
    numbers: dict[str, ServerNumber] = {}
    for name in rules.all_queries:
        query = rules.query(name, spec.name, seconds)
        try:
            numbers[name] = ServerNumber(query, outside.serving_metrics.number(rules, query, chunk.end))
        except NoMetricError as error:
            numbers[name] = ServerNumber(query, reason=str(error))
        except MetricsAwayError as error:
            numbers[name] = ServerNumber(query, reason=str(error), is_away=True)
    return measure_server(spec, numbers, stored, _earlier(spec, chunk, outside.store))


def _earlier(spec: ModelSpec, chunk: Chunk, store: Results) -> EarlierNumbers:
    """Return the numbers of the server that are stored of the chunks before."""
    first, allowed = _first_before(spec, chunk), allowed_of(spec, Spender.DATA)
    stored: Sequence[tuple[str, Measurement]] = ()
    if first < chunk.key:
        last = spec.calendar.previous(chunk).key
        of_operations = [Kind.OPERATIONS]
        stored = store.chunk_measurements(spec.name, None, first, last, subject=OF_PROMETHEUS, kinds=of_operations)
    per_chunk = allowed.pages if spec.operations.severity == Severity.CRITICAL else allowed.warnings
    return earlier_numbers(spec, chunk, stored, allowed=per_chunk)


def _first_before(spec: ModelSpec, chunk: Chunk) -> str:
    """Return the key of the first chunk that shows what is usual; that of the chunk itself if there is none before."""
    calendar = spec.calendar
    day = calendar.day_at(chunk.start)
    first = max(calendar.day_at(chunk.start - chunks_before(spec) * calendar.length), calendar.start)
    found = calendar.chunks_of_days(first, day) if first <= day else ()
    return found[0].key if found else chunk.key


def later_chunks(spec: ModelSpec, chunk: Chunk, *, store: Results) -> tuple[Chunk, ...]:
    """Return the later measured chunks whose numbers of a server are judged beside those of a chunk."""
    if spec.operations.prometheus is None:
        return ()
    keys = [key for key in store.revisions(spec.name, Producer.OPERATIONS) if key > chunk.key]
    return tuple(later for later in map(spec.calendar.chunk, keys) if _first_before(spec, later) <= chunk.key)


def judge_server_again(spec: ModelSpec, chunk: Chunk, store: Results) -> ChunkResults | None:
    """Return the results of a chunk whose numbers of a server are judged otherwise now; None if they are not.

    The server is not asked.
    """
    stored = tuple(store.measurements(spec.name, chunk.key, Producer.OPERATIONS))
    made = store.provenance(spec.name, chunk.key, Producer.OPERATIONS)
    again = judge_again(spec, stored, _earlier(spec, chunk, store))
    if made is None or [_as_judged(m) for m in again] == [_as_judged(m) for m in stored]:
        return None
    inputs = combined_fingerprint(made.input_fingerprint, outcome_fingerprint(again))
    provenance = replace(made, input_fingerprint=inputs)
    return ChunkResults(producer=Producer.OPERATIONS, chunk=chunk, provenance=provenance, measurements=again)


def _as_judged(m: Measurement) -> tuple[object, ...]:
    return m.name, m.value, m.status, m.reference_value, m.threshold_upper, m.reason


def _of_telemetry(
    spec: ModelSpec, chunk: Chunk, version: str, rows: pl.DataFrame, *, reference: Reference | None, kept: Kept
) -> Iterator[Measurement]:
    if any(name in rows.columns for name in (LATENCY, STATUS)):
        usual = load_operations(spec, reference, kept) if reference else None
        sampled = sampled_chunk(spec, chunk, kept.store)
        all_rows = rows.height if sampled is None else round(rows.height * sampled.of_rows / max(sampled.rows, 1))
        telemetry = Telemetry(spec, rows)
        yield from measure_telemetry(telemetry, chunk, usual, model_version=version, all_rows=all_rows)
    elif any(name in spec.operations.columns for name in (LATENCY, STATUS)):
        reason = "the stored rows have no telemetry: measure the predictions of the chunk again"
        yield nothing_to_measure(Kind.OPERATIONS, "rows_per_hour", "throughput", reason)

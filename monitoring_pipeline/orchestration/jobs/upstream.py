"""The sensor that requests the chunks of a model when the asset that writes its predictions has been materialized."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg
from dagster import EventLogRecord

from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names, upstream_key
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec

MOST_AT_ONCE = 100


@dataclass(frozen=True)
class _Read:
    """What a tick makes of the new materializations, and up to which of them."""

    requests: list[dg.RunRequest]
    cursor: int
    waits_for: str | None = None


def build_upstream_sensor(spec: ModelSpec, *, interval_seconds: int, names: Names = PLAIN) -> dg.SensorDefinition:
    """Return the sensor of a model whose trigger is ``upstream``. It reacts to what happens after its first tick."""
    path = spec.upstream.predictions or ""

    @dg.sensor(
        name=names.upstream_sensor(spec),
        job_name=names.nightly_job(spec),
        minimum_interval_seconds=interval_seconds,
        description=f"Requests the chunk of {spec.name} when {path} has been materialized and the chunk has ended.",
    )
    @hidden_in_errors()
    @names.given
    def upstream(context: dg.SensorEvaluationContext, clock: dg.ResourceParam[Clock]) -> dg.SensorResult:
        key, instance = upstream_key(path), context.instance
        if context.cursor is None:
            newest = instance.fetch_materializations(key, limit=1).records
            skip = dg.SkipReason(f"waits for the next materialization of {path}")
            return dg.SensorResult(skip_reason=skip, cursor=str(newest[0].storage_id if newest else 0))
        after = dg.AssetRecordsFilter(key, after_storage_id=int(context.cursor))
        records = instance.fetch_materializations(after, limit=MOST_AT_ONCE, ascending=True).records
        read = _read(spec, records, clock, int(context.cursor))
        why = read.waits_for or f"{path} has not been materialized"
        skip = None if read.requests else dg.SkipReason(why)
        return dg.SensorResult(run_requests=read.requests, skip_reason=skip, cursor=str(read.cursor))

    return upstream


def _read(spec: ModelSpec, records: Sequence[EventLogRecord], clock: Clock, cursor: int) -> _Read:
    """Return the requests for materializations in their order; one whose chunk has not ended is read again later."""
    requests: list[dg.RunRequest] = []
    for record in records:
        chunk = _chunk_of(spec, record)
        if chunk is not None and chunk.end > clock():
            return _Read(requests, cursor, f"{spec.calendar.label(chunk)} has not ended")
        cursor = record.storage_id
        if chunk is not None:
            run_key = f"{chunk.key}:{record.storage_id}"
            requests.append(dg.RunRequest(run_key=run_key, partition_key=chunk.key))
    return _Read(requests, cursor)


def _chunk_of(spec: ModelSpec, record: EventLogRecord) -> Chunk | None:
    """Return the chunk of a materialization; None if its partition is that of no monitored chunk."""
    key, calendar = record.partition_key, spec.calendar
    if key is None:
        chunk = calendar.last_complete(dt.datetime.fromtimestamp(record.timestamp, dt.UTC))
        return chunk if calendar.is_monitored(chunk) else None
    try:
        chunk = calendar.chunk(key)
    except ValueError:
        return None
    return chunk if chunk.key == key and calendar.is_monitored(chunk) else None

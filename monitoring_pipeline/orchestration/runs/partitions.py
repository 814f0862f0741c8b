"""Chunks as Dagster partitions, and the time as of which a run reads labels."""

import datetime as dt

import dagster as dg

from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec

AS_OF_TAG = "monitoring_pipeline/as_of"


class OutsidePartitionsError(ValueError):
    """A range that the model has no chunks for."""


def partitions_of(spec: ModelSpec) -> dg.TimeWindowPartitionsDefinition:
    """Return one partition per chunk of the model's calendar; the only place that makes partitions of chunks."""
    calendar = spec.calendar
    rhythm = calendar.rhythm
    if spec.cadence == "day":
        # A definition of its own class, as in homes of earlier versions.
        return dg.DailyPartitionsDefinition(
            start_date=calendar.start.isoformat(),
            end_date=calendar.end.isoformat() if calendar.end else None,
            timezone=calendar.zone.key,
        )
    return dg.TimeWindowPartitionsDefinition(
        start=calendar.first.start.astimezone(calendar.zone),
        end=None if calendar.end is None else rhythm.begin_of(calendar.end).astimezone(calendar.zone),
        timezone=calendar.zone.key,
        cron_schedule=rhythm.cron,
        fmt=rhythm.key_format,
    )


def check_range(spec: ModelSpec, first: Chunk, last: Chunk) -> None:
    """Refuse a range that the model is not monitored in.

    Raises:
        OutsidePartitionsError: when a chunk of it is no partition, or its last chunk is before its first.
    """
    partitions = partitions_of(spec)
    if last.key < first.key or not all(partitions.has_partition_key(chunk.key) for chunk in (first, last)):
        ends = f"{partitions.get_first_partition_key()} to {partitions.get_last_partition_key()}"
        message = f"{spec.name}: {first.key} to {last.key} is not within its chunks, {ends}"
        raise OutsidePartitionsError(message)


def chunks_of(context: dg.AssetExecutionContext, spec: ModelSpec) -> list[Chunk]:
    """Return the chunks of a run's partitions, in order."""
    return [spec.calendar.chunk(key) for key in sorted(context.partition_keys)]


def as_of(context: dg.AssetExecutionContext, clock: Clock) -> dt.datetime:
    """Return the time as of which a run reads labels: the run's tag ``monitoring_pipeline/as_of``, or now without it.

    Raises:
        dagster.Failure: when the tag has no time zone. It is not retried, because a retry would fail, too.
        ValueError: when the tag is not an ISO 8601 time.
    """
    tag = context.run.tags.get(AS_OF_TAG)
    if tag is None:
        return clock()
    moment = dt.datetime.fromisoformat(tag)
    if moment.tzinfo is None:
        message = f"tag {AS_OF_TAG}: {tag!r} has no zone; write for example 2013-04-02T10:00:00+00:00"
        raise dg.Failure(description=message, allow_retries=False)
    return moment

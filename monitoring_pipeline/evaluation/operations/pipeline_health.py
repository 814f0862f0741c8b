"""Measurements of the monitoring itself: failed runs, overdue chunks, and chunks without a decisive measurement."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec

SUBJECT = "pipeline"
DEFAULT_GRACE = dt.timedelta(hours=3)
OVERDUE_DAYS = 7


@dataclass(frozen=True, kw_only=True)
class FailedRun:
    """A failed run: its job, the failed step (empty if the run failed outside a step), and the error message."""

    job: str
    run_id: str
    step: str = ""
    message: str = ""


def run_failure_measurement(failure: FailedRun) -> Measurement:
    """Return the measurement of a chunk whose run has failed. The complete message stays with the run."""
    place = f" in step {failure.step}" if failure.step else ""
    said = f": {failure.message}" if failure.message else ""
    return Measurement(
        kind=Kind.OPERATIONS,
        subject=SUBJECT,
        name="run",
        model_version="",
        value=1.0,
        threshold_upper=0.0,
        status=Status.BREACHED,
        severity=Severity.CRITICAL,
        reason=f"run {failure.run_id} failed{place}{said}",
        definition=_run_definition(failure.job),
    )


def overdue_measurement(spec: ModelSpec, chunk: Chunk, grace: dt.timedelta = DEFAULT_GRACE) -> Measurement:
    """Return the measurement of a chunk without a verdict in time. It does not depend on when it is made."""
    due = due_at(spec, chunk, grace).astimezone(spec.zone)
    return Measurement(
        kind=Kind.OPERATIONS,
        subject=SUBJECT,
        name="overdue",
        model_version="",
        value=1.0,
        threshold_upper=0.0,
        status=Status.BREACHED,
        severity=Severity.CRITICAL,
        reason=f"no verdict by {due:%Y-%m-%d %H:%M} {spec.timezone}; is the daemon running, and the schedule on?",
        definition="1 while the chunk has no verdict in time",
    )


def with_failure(known: Sequence[Measurement], failure: Measurement) -> tuple[Measurement, ...]:
    """Return the health measurements of a chunk after one more failure: the newest of each name, in a fixed order."""
    others = [measurement for measurement in known if measurement.name != failure.name]
    return tuple(sorted([*others, failure], key=lambda measurement: measurement.name))


def recovered(known: Sequence[Measurement], job: str, nightly_job: str) -> tuple[Measurement, ...]:
    """Return the health measurements of a chunk after a run that ended with a verdict.

    The nightly run clears all failures. Another job clears only its failures: it repeats only part of the night.
    """
    return tuple(
        _healthy(measurement)
        if job == nightly_job or measurement.name == "overdue" or measurement.definition == _run_definition(job)
        else measurement
        for measurement in known
    )


def due_at(spec: ModelSpec, chunk: Chunk, grace: dt.timedelta = DEFAULT_GRACE) -> dt.datetime:
    """Return the instant (UTC) by which a chunk should be judged: its scheduled run plus a grace period."""
    return spec.calendar.due_at(chunk) + grace


def overdue_chunks(
    spec: ModelSpec, judged_keys: Collection[str], now: dt.datetime, grace: dt.timedelta = DEFAULT_GRACE
) -> tuple[Chunk, ...]:
    """Return the chunks after the newest judged one that should have been judged by now; at most the last seven days.

    A model without any judged chunk is not monitored yet and has no overdue chunks.
    """
    if not judged_keys:
        return ()
    calendar, newest = spec.calendar, max(judged_keys)
    return tuple(
        chunk
        for chunk in calendar.chunks_before(calendar.chunk_at(now), OVERDUE_DAYS)
        if chunk.key > newest and calendar.is_monitored(chunk) and now >= due_at(spec, chunk, grace)
    )


def _healthy(measurement: Measurement) -> Measurement:
    return replace(measurement, value=0.0, status=Status.OK, reason=None)


def _run_definition(job: str) -> str:
    return f"1 while the newest run of {job} on the chunk has failed"

"""The monitoring's own health, as measurements: failed runs, overdue chunks, and nights without anything decisive."""

import datetime as dt
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.judgement.guards import GUARDED
from monitoring_pipeline.evaluation.judgement.verdict import is_decisive
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.chunk import Chunk, chunk_of_day
from monitoring_pipeline.spec.model import ModelSpec

PRODUCER = "pipeline"
"""Who says it: a producer of its own, as it is said when the others could not speak."""
SUBJECT = "pipeline"
DECISIVE = "decisive_measurements"
DEFAULT_GRACE = dt.timedelta(hours=3)
OVERDUE_DAYS = 7
LONGEST_MESSAGE = 300

_DATE_OR_VALUE = re.compile(
    r"""(?P<date>\b\d{4}-\d{2}-\d{2}\b)|(?<!\w)(?P<quote>['"`]).*?(?P=quote)|\b\w*(?:\d\w*){3,}\b"""
)
SHORTEST_IDENTIFIER = 5


@dataclass(frozen=True, kw_only=True)
class FailedRun:
    """A run that failed: which job, in which step (empty when in none), and what it said."""

    job: str
    run_id: str
    step: str = ""
    message: str = ""


def run_failure_measurement(failure: FailedRun) -> Measurement:
    """Return the measurement of a chunk whose run has failed; the whole message stays with the run."""
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
    """Return the measurement of a chunk that has no verdict in time; the same, whenever it is found out."""
    due = due_at(spec, dt.date.fromisoformat(chunk.key), grace).astimezone(spec.zone)
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
    """Return what is known of a chunk's health after one more failure: the newest of each name, in a fixed order."""
    others = [measurement for measurement in known if measurement.name != failure.name]
    return tuple(sorted([*others, failure], key=lambda measurement: measurement.name))


def recovered(known: Sequence[Measurement], job: str, nightly_job: str) -> tuple[Measurement, ...]:
    """Return what is known of a chunk's health after a run that ended with a verdict.

    The nightly run makes good all failures, any other job its own: it has not done what the night left undone.
    """
    return tuple(
        _healthy(measurement)
        if job == nightly_job or measurement.name == "overdue" or measurement.definition == _run_definition(job)
        else measurement
        for measurement in known
    )


def decisive_measurements(measurements: Iterable[Measurement], rows: int) -> Measurement:
    """Return how much of what decides about a chunk could be measured; nothing, though it has rows, is a breach.

    Args:
        measurements: all of the chunk.
        rows: its predictions.
    """
    count = sum(map(is_decisive, measurements))
    measurement = Measurement(
        kind=Kind.OPERATIONS,
        subject="chunk",
        name=DECISIVE,
        model_version="",
        value=float(count),
        threshold_lower=1.0,
        severity=Severity.WARNING,
        definition="measurements of drift, performance and estimated performance that are not skipped",
        rows=rows,
    )
    if count or not rows:
        return measurement
    reason = f"nothing decisive could be measured, though there are {rows} predictions"
    return replace(measurement, status=Status.BREACHED, reason=reason)


def about_the_model(measurements: Iterable[Measurement]) -> list[Measurement]:
    """Return the measurements without those about the monitoring itself, on which no verdict rests."""
    return [m for m in measurements if m.subject != SUBJECT and m.name not in (DECISIVE, GUARDED)]


def due_at(spec: ModelSpec, day: dt.date, grace: dt.timedelta = DEFAULT_GRACE) -> dt.datetime:
    """Return the instant (UTC) by which a day's chunk should be judged: the next day's nightly run, and some grace."""
    time = dt.time.fromisoformat(spec.schedule)
    return dt.datetime.combine(day + dt.timedelta(days=1), time, spec.zone).astimezone(dt.UTC) + grace


def overdue_chunks(
    spec: ModelSpec, judged_keys: Collection[str], now: dt.datetime, grace: dt.timedelta = DEFAULT_GRACE
) -> tuple[Chunk, ...]:
    """Return the chunks after the newest judged one that should have been judged by now; at most the last seven days.

    A model of which nothing was ever judged is not yet monitored, and has none.
    """
    if not judged_keys:
        return ()
    newest = dt.date.fromisoformat(max(judged_keys))
    today = now.astimezone(spec.zone).date()
    days = [today - dt.timedelta(days=n) for n in range(OVERDUE_DAYS, 0, -1)]
    return tuple(
        chunk_of_day(spec, day)
        for day in days
        if day > newest
        and day >= spec.start
        and (spec.end is None or day < spec.end)
        and now >= due_at(spec, day, grace)
    )


def is_within_horizon(spec: ModelSpec, chunk: Chunk, now: dt.datetime, *, by_labels: bool = False) -> bool:
    """Whether a chunk is young enough for anybody to be told about it.

    What only labels tell is as young as its labels: it may be told as much later as they take (``labels.delay``).
    """
    age = now - chunk.end - (spec.labels.delay if by_labels else dt.timedelta())
    return age <= spec.incidents.horizon


def message_without_values(message: str) -> str:
    """Return the first line of an unexpected error's message, without what may be a value of somebody's row.

    Quoted text and words with three digits or more, of at least five characters, become ``...``; dates stay.
    """
    return shortened(_DATE_OR_VALUE.sub(_masked, _first_line(message)))


def shortened(message: str) -> str:
    """Return the first line of a message, at most 300 characters of it."""
    line = _first_line(message)
    return line if len(line) <= LONGEST_MESSAGE else f"{line[: LONGEST_MESSAGE - 3]}..."


def _first_line(message: str) -> str:
    return next((line.strip() for line in message.splitlines() if line.strip()), "")


def _masked(found: re.Match[str]) -> str:
    is_value = found["quote"] or (found["date"] is None and len(found[0]) >= SHORTEST_IDENTIFIER)
    return "..." if is_value else found[0]


def _healthy(measurement: Measurement) -> Measurement:
    return replace(measurement, value=0.0, status=Status.OK, reason=None)


def _run_definition(job: str) -> str:
    return f"1 while the newest run of {job} on the chunk has failed"

"""Runs whose source is away: they record nothing and fail, and are started again until the outage lasts too long."""

import datetime as dt
from dataclasses import dataclass

import dagster as dg
from dagster import DagsterInstance, DagsterRun

from monitoring_pipeline.orchestration.runs.dagster_private import (
    MAX_RETRIES_TAG,
    PARTITION_NAME_TAG,
    SCHEDULE_NAME_TAG,
    SENSOR_NAME_TAG,
    InstigatorType,
)
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.spec.model import ModelSpec

SENSOR = "outages"
AWAY_TAG = "monitoring_pipeline/away"
"""Tag with the ID of the run that failed because its source was away. A run that is made from it copies its tags."""
AT_TAG = "monitoring_pipeline/away_at"
SINCE_TAG = "monitoring_pipeline/away_since"
TRIES_TAG = "monitoring_pipeline/tries"
LAST_TRY = dt.timedelta(hours=1)
"""How long the last run has time to report the outage by itself."""
FIRST_PAUSE, LONGEST_PAUSE = dt.timedelta(minutes=2), dt.timedelta(hours=1)


@dataclass(frozen=True, kw_only=True)
class Outage:
    """A run that failed because its source was away.

    Attributes:
        run: the run.
        chunk: the key of its chunk.
        since: when the first run of the chunk failed for this reason.
        at: when this run failed.
        tries: how many runs of the chunk have failed for this reason.
        ends: when it is reported.
    """

    run: DagsterRun
    chunk: str
    since: dt.datetime
    at: dt.datetime
    tries: int
    ends: dt.datetime

    @property
    def next_try(self) -> dt.datetime:
        """When the chunk is run again: after pauses that double up to an hour, and for the last time at the end."""
        pause = min(FIRST_PAUSE * 2 ** min(self.tries - 1, 10), LONGEST_PAUSE)
        return max(self.at, min(self.at + pause, self.ends))

    def is_waited_for(self, now: dt.datetime) -> bool:
        """Return whether nothing is reported yet about the chunk, because a run is still to come."""
        return now < self.ends + LAST_TRY

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the next run, from which it finds how long the source has been away."""
        return {SINCE_TAG: self.since.isoformat(), TRIES_TAG: str(self.tries)}


def outage_of(spec: ModelSpec, run: DagsterRun) -> Outage | None:
    """Return the outage that a run failed in; None if it failed for another reason."""
    if run.tags.get(AWAY_TAG) != run.run_id:
        return None
    return _outage(spec, run, dt.datetime.fromisoformat(run.tags[AT_TAG]))


def waits_for_source(
    spec: ModelSpec, run: DagsterRun, instance: DagsterInstance, now: dt.datetime, names: Names = PLAIN
) -> bool:
    """Return whether a run records nothing if its source is away now, because it will be started again.

    That is so for runs of one chunk that a schedule or a sensor has requested, while the sensor that starts them again
    is on.
    """
    is_requested = PARTITION_NAME_TAG in run.tags and {SCHEDULE_NAME_TAG, SENSOR_NAME_TAG} & run.tags.keys()
    if not is_requested or instance.schedule_storage is None or now >= _outage(spec, run, now).ends:
        return False
    sensors = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    return any(state.instigator_name == names.of(SENSOR) and state.is_running for state in sensors)


def note_outage(spec: ModelSpec, run: DagsterRun, instance: DagsterInstance, now: dt.datetime) -> Outage:
    """Record in the tags of a run that its source was away, and return the outage."""
    outage = _outage(spec, run, now)
    away = {AWAY_TAG: run.run_id, AT_TAG: now.isoformat(), SINCE_TAG: outage.since.isoformat(), MAX_RETRIES_TAG: "0"}
    instance.add_run_tags(run.run_id, away)
    return outage


def failure_of_outage(spec: ModelSpec, outage: Outage, reason: str) -> dg.Failure:
    """Return the failure of a run that will be started again."""
    when = f"{outage.next_try.astimezone(spec.zone):%H:%M} {spec.timezone}"
    message = f"{spec.name} {outage.chunk}: nothing is recorded, and the run is started again at {when}: {reason}"
    return dg.Failure(description=message, allow_retries=False)


def _outage(spec: ModelSpec, run: DagsterRun, at: dt.datetime) -> Outage:
    since, key = run.tags.get(SINCE_TAG), run.tags[PARTITION_NAME_TAG]
    began = dt.datetime.fromisoformat(since) if since else at
    chunk = spec.calendar.chunk(key)
    return Outage(
        run=run,
        chunk=key,
        since=began,
        at=at,
        tries=int(run.tags.get(TRIES_TAG, "0")) + 1,
        ends=began + min(spec.incidents.outage, chunk.end - chunk.start),
    )

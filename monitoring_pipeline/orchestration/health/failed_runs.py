"""Finds the failed runs to record, with their chunks and the reasons of failure."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus, RunRecord, RunsFilter

from monitoring_pipeline.evaluation.incidents.horizon import is_within_horizon
from monitoring_pipeline.evaluation.operations.pipeline_health import (
    FailedRun,
)
from monitoring_pipeline.evaluation.privacy.messages import message_without_values, shortened
from monitoring_pipeline.orchestration.health.recording_request import (
    FAILURE_TAG,
    JOB,
    OP,
    FailureConfig,
    recording_request,
    tries_of,
)
from monitoring_pipeline.orchestration.runs.dagster_private import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
    WILL_RETRY_TAG,
)
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.orchestration.runs.outages import outage_of
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.inputs import LABELS, PREDICTIONS
from monitoring_pipeline.steps.refusals import refusal

OVERLAP = dt.timedelta(minutes=5)
"""How far back a tick reads runs again, because two that end at once may become visible one after the other."""
CANCELED = frozenset({DagsterRunStatus.CANCELED, DagsterRunStatus.CANCELING})


@dataclass(frozen=True)
class _Failure:
    """A failed run with its message; ``is_about_rows`` if an asset raised on purpose because rows were refused."""

    run: FailedRun
    is_about_rows: bool = False


def failed_run_requests(
    specs: Sequence[ModelSpec],
    records: Sequence[RunRecord],
    *,
    instance: DagsterInstance,
    store: Store,
    now: dt.datetime,
    names: Names = PLAIN,
) -> Iterator[dg.RunRequest]:
    """Yield a request for every failed run that concerns chunks within their model's horizon.

    No request is made for a run that Dagster will retry, for one that waits for its source, for chunks that a later run
    of the same job covers, or for refused rows, which a measurement already reports. If a recording run failed, it is
    requested again.
    """
    spec_of = {job: spec for spec in specs for job in (names.nightly_job(spec), names.late_labels_job(spec))}
    for run in (record.dagster_run for record in records):
        if run.tags.get(WILL_RETRY_TAG) == "true":
            continue
        if run.job_name == names.of(JOB):
            yield from _recording_again(specs, run, now, instance, names)
        elif (spec := spec_of.get(run.job_name)) and not is_waited_for(spec, run, now):
            every = keys_of_run(spec, run)
            keys = [key for key in _young(spec, every, now) if not is_superseded(instance, run.run_id, key)]
            failure = _failure_of(instance, run)
            if keys and not (failure.is_about_rows and _any_refused(spec, every, store)):
                config = FailureConfig(model=spec.name, chunks=keys, kind="run", **asdict(failure.run))
                yield recording_request(run.run_id, config, names=names)


def is_superseded(instance: DagsterInstance, run_id: str, chunk_key: str) -> bool:
    """Return whether a later run of the same job covers a chunk. That run succeeds, or is recorded when it fails."""
    record = instance.get_run_record_by_id(run_id)
    if record is None:
        return False
    later = instance.get_run_records(
        RunsFilter(job_name=record.dagster_run.job_name, created_after=record.create_timestamp - OVERLAP)
    )
    return any(
        other.storage_id > record.storage_id
        and other.dagster_run.status not in CANCELED
        and _concerns(other.dagster_run, chunk_key)
        for other in later
    )


def is_waited_for(spec: ModelSpec, run: DagsterRun, now: dt.datetime) -> bool:
    """Return whether a run failed because its source was away, and nothing is reported about it yet."""
    outage = outage_of(spec, run)
    return outage is not None and outage.is_waited_for(now)


def keys_of_run(spec: ModelSpec, run: DagsterRun) -> list[str]:
    """Return the keys of a run's chunks from its tags, which name one chunk or a range; none without such tags."""
    ends = _ends_of_run(run)
    if ends is None:
        return []
    first, last = map(spec.calendar.chunk, ends)
    return [chunk.key for chunk in spec.calendar.range(first, last)]


def _ends_of_run(run: DagsterRun) -> tuple[str, str] | None:
    """Return the keys of the first and last chunk of a run from its tags; None without such tags."""
    tags = run.tags
    if PARTITION_NAME_TAG in tags:
        return tags[PARTITION_NAME_TAG], tags[PARTITION_NAME_TAG]
    if ASSET_PARTITION_RANGE_START_TAG not in tags or ASSET_PARTITION_RANGE_END_TAG not in tags:
        return None
    return tags[ASSET_PARTITION_RANGE_START_TAG], tags[ASSET_PARTITION_RANGE_END_TAG]


def _concerns(run: DagsterRun, chunk_key: str) -> bool:
    """Return whether a run covers a chunk. Keys are compared as text, because they sort in the order of time."""
    ends = _ends_of_run(run)
    return ends is not None and ends[0] <= chunk_key <= ends[1]


def _young(spec: ModelSpec, keys: Sequence[str], now: dt.datetime) -> list[str]:
    return [key for key in keys if is_within_horizon(spec, spec.calendar.chunk(key), now)]


def _any_refused(spec: ModelSpec, keys: Sequence[str], store: Store) -> bool:
    return any(
        refusal(spec, spec.calendar.chunk(key), producer, store=store) is not None
        for key in keys
        for producer in (PREDICTIONS, LABELS)
    )


def _recording_again(
    specs: Sequence[ModelSpec], run: DagsterRun, now: dt.datetime, instance: DagsterInstance, names: Names
) -> Iterator[dg.RunRequest]:
    failure = run.tags.get(FAILURE_TAG, run.run_id)
    if tries_of(instance, failure) is None:
        return
    run_config: Mapping[str, Any] = run.run_config
    config = FailureConfig(**run_config["ops"][names.of(OP)]["config"])
    for spec in specs:
        if spec.name == config.model and (keys := _young(spec, config.chunks, now)):
            yield recording_request(run.run_id, config.model_copy(update={"chunks": keys}), failure, names)


def _failure_of(instance: DagsterInstance, run: DagsterRun) -> _Failure:
    """Return the failure of the first failed step of a run, or of the run if it died outside of all steps."""
    failed = instance.get_records_for_run(run.run_id, of_type=DagsterEventType.STEP_FAILURE, limit=1).records
    event = failed[0].event_log_entry.dagster_event if failed else None
    if event is None:
        ended = instance.get_records_for_run(run.run_id, of_type=DagsterEventType.RUN_FAILURE, limit=1).records
        run_event = ended[0].event_log_entry.dagster_event if ended else None
        message = message_without_values(run_event.message or "") if run_event else ""
        return _Failure(FailedRun(job=run.job_name, run_id=run.run_id, message=message))
    failure = event.step_failure_data
    described = failure.user_failure_data
    error = failure.error and (failure.error.cause or failure.error)
    return _Failure(
        FailedRun(
            job=run.job_name,
            run_id=run.run_id,
            step=event.step_key or "",
            message=shortened(described.description or "")
            if described
            else message_without_values(error.message if error else ""),
        ),
        is_about_rows=described is not None,
    )

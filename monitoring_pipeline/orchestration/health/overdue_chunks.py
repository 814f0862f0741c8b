"""Finds the chunks without a verdict in time that are to be recorded."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence

import dagster as dg

from monitoring_pipeline.evaluation.incidents.horizon import is_within_horizon
from monitoring_pipeline.evaluation.operations.pipeline_health import (
    overdue_chunks,
)
from monitoring_pipeline.orchestration.health.recording_request import (
    FailureConfig,
    recording_request,
)
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.measurement import Status
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.references import may_be_empty


def overdue_requests(
    specs: Sequence[ModelSpec],
    *,
    store: Store,
    now: dt.datetime,
    waited_for: Collection[tuple[str, str]] = (),
    names: Names = PLAIN,
) -> Iterator[dg.RunRequest]:
    """Yield a request for every chunk within the horizon without a verdict in time, unless a failure is recorded.

    A chunk in which the reference expects no predictions is not missed.

    Args:
        specs: the models.
        store: the store.
        now: the present time.
        waited_for: model and chunk key of chunks whose source is away, and whose runs are started again.
        names: the names of definitions.
    """
    for spec in specs:
        for chunk in overdue_chunks(spec, store.verdicts(spec.name), now):
            recorded = store.measurements(spec.name, chunk.key, Producer.PIPELINE)
            if (
                (spec.name, chunk.key) not in waited_for
                and is_within_horizon(spec, chunk, now)
                and not any(m.status is Status.BREACHED for m in recorded)
                and not may_be_empty(spec, chunk, store)
            ):
                config = FailureConfig(model=spec.name, chunks=[chunk.key], kind="overdue")
                yield recording_request(names.tag(f"overdue:{spec.name}:{chunk.key}"), config, names=names)

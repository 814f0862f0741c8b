"""Sensors: one per purpose for all models. They read and return run requests; effects happen in runs."""

import datetime as dt
from collections.abc import Iterator, Sequence

import dagster as dg
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from monitoring_pipeline.evaluation.labels.maturity import final_from
from monitoring_pipeline.evaluation.results import Snapshot
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.orchestration.runs.dagster_private import UnresolvedAssetJobDefinition
from monitoring_pipeline.orchestration.runs.job_names import late_labels_job_name
from monitoring_pipeline.orchestration.runs.requests import ASKED_AGAIN
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.ports.warehouse import LabelCount, Warehouse
from monitoring_pipeline.records.measurement import Maturity
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec

ARRIVAL_TAG = "monitoring_pipeline/arrival"
MOST_TRIES = 3


def build_late_labels_sensor(
    specs: Sequence[ModelSpec], jobs: Sequence[UnresolvedAssetJobDefinition], *, interval_seconds: int
) -> dg.SensorDefinition:
    """Return the sensor that re-runs past chunks whose labels have grown, once per arrival unless the run fails."""

    @dg.sensor(
        name="late_labels",
        jobs=jobs,
        minimum_interval_seconds=interval_seconds,
        description="Finds past partitions whose labels have grown, or whose label delay has passed, "
        f"and re-runs labels, performance and verdict for them: once per arrival, {MOST_TRIES} times where it fails.",
    )
    def late_labels(
        context: dg.SensorEvaluationContext,
        warehouse: dg.ResourceParam[Warehouse],
        store: dg.ResourceParam[Store],
        clock: dg.ResourceParam[Clock],
    ) -> dg.SensorResult:
        requests: list[dg.RunRequest] = []
        unreadable: list[str] = []
        for spec in specs:
            try:
                found = late_label_requests(spec, store, warehouse, now=clock())
                requests.extend(wanted for request in found for wanted in _unless_tried(request, context.instance))
            except SourceError as error:
                # The other models' labels still count; this model's nightly run reports the same failure.
                context.log.warning("%s: %s", spec.name, error)
                unreadable.append(spec.name)
        reason = f"cannot read the labels of {', '.join(unreadable)}" if unreadable else "no labels have arrived"
        return dg.SensorResult(run_requests=requests, skip_reason=None if requests else dg.SkipReason(reason))

    return late_labels


def late_label_requests(
    spec: ModelSpec, store: Store, warehouse: Warehouse, *, now: dt.datetime
) -> Iterator[dg.RunRequest]:
    """Yield a request for every chunk whose labels differ from those its performance was measured on.

    The run key is made of what has arrived, so the same arrival asks once.
    """
    seen = _labels_seen(spec, store)
    chunks = _within_lookback(spec, [spec.calendar.chunk(key) for key in sorted(seen)])
    if not chunks:
        return
    counts = warehouse.label_counts(spec, chunks, now)
    for chunk in chunks:
        arrival = _arrival(seen[chunk.key], counts[chunk.key])
        if arrival is None and now >= final_from(spec, chunk) and not _is_final(store, spec, chunk):
            arrival = "final"
        if arrival is not None:
            key = f"{spec.name}:{chunk.key}:{arrival}"
            yield dg.RunRequest(
                run_key=key,
                job_name=late_labels_job_name(spec),
                partition_key=chunk.key,
                tags={"monitoring_pipeline/trigger": "late_labels", ARRIVAL_TAG: key} | ASKED_AGAIN,
            )


def _unless_tried(request: dg.RunRequest, instance: DagsterInstance) -> Iterator[dg.RunRequest]:
    """Yield the request; under another key after runs that failed, and not at all after enough of them."""
    runs = instance.get_runs(RunsFilter(tags={ARRIVAL_TAG: request.tags[ARRIVAL_TAG]}))
    if not runs:
        yield request
    elif len(runs) < MOST_TRIES and all(run.status is DagsterRunStatus.FAILURE for run in runs):
        yield request.with_replaced_attrs(run_key=f"{request.run_key}:{len(runs)}")


def _labels_seen(spec: ModelSpec, store: Store) -> dict[str, Snapshot | None]:
    """Return what was last known of the labels by chunk key; ``None`` where they could not be read.

    Chunks without predictions are left out: their labels cannot be joined to anything.
    """
    predictions = store.snapshots(spec.name, "predictions")
    labels = store.snapshots(spec.name, "labels")
    refused = [
        key for key in predictions.keys() - labels.keys() if store.provenance(spec.name, key, "labels") is not None
    ]
    return {key: labels[key] for key in predictions.keys() & labels.keys()} | dict.fromkeys(refused)


def _within_lookback(spec: ModelSpec, chunks: list[Chunk]) -> list[Chunk]:
    """Return the chunks young enough, counted from the newest that is monitored."""
    if not chunks:
        return []
    oldest = max(chunk.end for chunk in chunks) - spec.labels.lookback
    return [chunk for chunk in chunks if chunk.end >= oldest]


def _arrival(known: Snapshot | None, counted: LabelCount) -> str | None:
    """Return what has arrived since the chunk was measured, or None."""
    if known is not None and (counted.rows, counted.latest_at) == (known.rows, known.latest_at):
        return None
    return f"{counted.rows}:{counted.latest_at.isoformat() if counted.latest_at else 'none'}"


def _is_final(store: Store, spec: ModelSpec, chunk: Chunk) -> bool:
    states = {m.maturity for m in store.measurements(spec.name, chunk.key, "labels") if m.maturity}
    return states <= {Maturity.FINAL}

"""The sensor that requests runs for past chunks whose labels have changed. It reads only; runs have the effects.

It compares the state of a chunk's labels in the warehouse with the state on which the chunk was measured. A label that
arrives, is corrected or is withdrawn changes the state.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dagster as dg
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from monitoring_pipeline.evaluation.labels.maturity import final_from
from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors
from monitoring_pipeline.evaluation.results import Snapshot
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.orchestration.runs.dagster_private import UnresolvedAssetJobDefinition
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.orchestration.runs.requests import ASKED_AGAIN
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.ports.warehouse import LabelState, Warehouse
from monitoring_pipeline.records.measurement import Maturity
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec

ARRIVAL_TAG = "monitoring_pipeline/arrival"
MOST_TRIES = 3


def build_late_labels_sensor(
    specs: Sequence[ModelSpec],
    jobs: Sequence[UnresolvedAssetJobDefinition],
    *,
    interval_seconds: int,
    names: Names = PLAIN,
) -> dg.SensorDefinition:
    """Return the sensor that requests one run per change of a past chunk's labels, and more if that run fails."""

    @dg.sensor(
        name=names.of("late_labels"),
        jobs=jobs,
        minimum_interval_seconds=interval_seconds,
        description="Finds past partitions whose labels have changed, or whose label delay has passed, and requests "
        f"runs that measure them again. A failed run is repeated; a change has at most {MOST_TRIES} runs.",
    )
    @hidden_in_errors()
    @names.given
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
                arrived = late_label_requests(spec, store, warehouse, now=clock(), names=names)
                requests.extend(to_run for request in arrived for to_run in _unless_tried(request, context.instance))
            except SourceError as error:
                # Labels of other models are still looked for; this model's nightly run reports the same failure.
                context.log.warning("%s: %s", spec.name, error)
                unreadable.append(spec.name)
        reason = f"cannot read the labels of {', '.join(unreadable)}" if unreadable else "no labels have changed"
        return dg.SensorResult(run_requests=requests, skip_reason=None if requests else dg.SkipReason(reason))

    return late_labels


def late_label_requests(
    spec: ModelSpec, store: Store, warehouse: Warehouse, *, now: dt.datetime, names: Names = PLAIN
) -> Iterator[dg.RunRequest]:
    """Yield a request for every chunk whose labels differ from those on which its performance was measured.

    A chunk is also measured again when its label delay has passed. The run key contains the revision of the chunk's
    labels, the state on which it was measured, and the state in the warehouse. So one change causes one request, and a
    state that returns after another was measured causes another.
    """
    if spec.labels is None:
        return
    measured = _measured_labels(spec, store)
    chunks = _within_lookback(spec, [spec.calendar.chunk(key) for key in sorted(measured)])
    if not chunks:
        return
    states = warehouse.label_states(spec, chunks, now)
    for chunk in chunks:
        change = _change(measured[chunk.key], states[chunk.key])
        if change is None and now >= final_from(spec, chunk) and not _is_final(store, spec, chunk):
            change = "final"
        if change is not None:
            key = f"{spec.name}:{chunk.key}:{change}"
            yield dg.RunRequest(
                run_key=key,
                job_name=names.late_labels_job(spec),
                partition_key=chunk.key,
                tags={"monitoring_pipeline/trigger": "late_labels", ARRIVAL_TAG: names.tag(key)} | ASKED_AGAIN,
            )


def _unless_tried(request: dg.RunRequest, instance: DagsterInstance) -> Iterator[dg.RunRequest]:
    """Yield the request if it has no runs yet, or with a new run key if all its runs failed and some remain."""
    runs = instance.get_runs(RunsFilter(tags={ARRIVAL_TAG: request.tags[ARRIVAL_TAG]}))
    if not runs:
        yield request
    elif len(runs) < MOST_TRIES and all(run.status is DagsterRunStatus.FAILURE for run in runs):
        yield request.with_replaced_attrs(run_key=f"{request.run_key}:{len(runs)}")


@dataclass(frozen=True)
class _Measured:
    """The labels on which a chunk was measured; ``snapshot`` is ``None`` if they could not be read."""

    revision: int
    snapshot: Snapshot | None

    @property
    def state(self) -> str:
        """Their state as text."""
        if self.snapshot is None:
            return "unread"
        return self.snapshot.state or f"{self.snapshot.rows}:{self.snapshot.latest_at}"

    def equals(self, found: LabelState) -> bool:
        """Return whether the labels in the warehouse have the same state."""
        if self.snapshot is None:
            return False
        if self.snapshot.state is None:
            # Earlier versions kept only these two.
            return (found.rows, found.latest_at) == (self.snapshot.rows, self.snapshot.latest_at)
        return found.fingerprint == self.snapshot.state


def _measured_labels(spec: ModelSpec, store: Store) -> dict[str, _Measured]:
    """Return the labels on which chunks were measured, by chunk key.

    Chunks without predictions are left out, because their labels cannot be joined.
    """
    # A run may store its results between these reads. A new revision with older labels would look like a change.
    revisions = store.revisions(spec.name, Producer.LABELS)
    predictions = store.snapshots(spec.name, Producer.PREDICTIONS)
    labels = store.snapshots(spec.name, Producer.LABELS)
    return {key: _Measured(revisions[key], labels.get(key)) for key in predictions if key in revisions}


def _within_lookback(spec: ModelSpec, chunks: list[Chunk]) -> list[Chunk]:
    """Return the chunks that end within ``labels.lookback`` before the end of the newest chunk."""
    if not chunks:
        return []
    oldest = max(chunk.end for chunk in chunks) - spec.declared_labels.lookback
    return [chunk for chunk in chunks if chunk.end >= oldest]


def _change(measured: _Measured, found: LabelState) -> str | None:
    """Return a text that identifies a change of labels since the chunk was measured; None if there is none."""
    return None if measured.equals(found) else f"{measured.revision}:{measured.state}->{found.fingerprint}"


def _is_final(store: Store, spec: ModelSpec, chunk: Chunk) -> bool:
    states = {m.maturity for m in store.measurements(spec.name, chunk.key, Producer.LABELS) if m.maturity}
    return states <= {Maturity.FINAL}

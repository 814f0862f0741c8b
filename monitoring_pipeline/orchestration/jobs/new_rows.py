"""The sensor that requests a chunk once its rows are in the warehouse and have stopped changing. It reads only."""

import datetime as dt

import dagster as dg

from monitoring_pipeline.evaluation.operations.arrivals import (
    Arrival,
    State,
    as_text,
    chunks_to_look_at,
    from_text,
    is_due,
    look,
)
from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors, without_secrets
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.ports.warehouse import PredictionState, Warehouse
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec


def build_new_rows_sensor(spec: ModelSpec, *, interval_seconds: int, names: Names = PLAIN) -> dg.SensorDefinition:
    """Return the sensor of a model whose trigger is ``new_rows``; each tick asks the warehouse one query of counts."""

    @dg.sensor(
        name=names.new_rows_sensor(spec),
        job_name=names.nightly_job(spec),
        minimum_interval_seconds=interval_seconds,
        description=f"Requests a chunk of {spec.name} once its predictions are in the warehouse and have not changed "
        f"for {spec.upstream.settle}, again after each later change, and two hours after its scheduled time.",
    )
    @hidden_in_errors()
    @names.given
    def new_rows(
        context: dg.SensorEvaluationContext,
        warehouse: dg.ResourceParam[Warehouse],
        store: dg.ResourceParam[Store],
        clock: dg.ResourceParam[Clock],
    ) -> dg.SensorResult:
        now = clock()
        chunks = chunks_to_look_at(spec, now)
        try:
            states = {key: _state(found) for key, found in warehouse.prediction_states(spec, chunks).items()}
            reason = "no rows have settled since the last run"
        except SourceError as error:
            # At the last call the run itself finds out whether the warehouse is still away.
            states, reason = None, without_secrets(str(error))
            context.log.warning("%s", reason)
        judged = frozenset(store.verdicts(spec.name))
        seen = look(from_text(context.cursor), states, chunks, judged=judged, now=now)
        due = [chunk for chunk in chunks if is_due(spec, chunk, seen[chunk.key], now)]
        requests = [_request(chunk, seen[chunk.key]) for chunk in due]
        after = seen | {chunk.key: seen[chunk.key].requested() for chunk in due}
        skip = None if requests else dg.SkipReason(reason)
        return dg.SensorResult(run_requests=requests, skip_reason=skip, cursor=as_text(after))

    return new_rows


def _state(found: PredictionState) -> State:
    latest = found.latest_at
    return found.rows, "" if latest is None else latest.astimezone(dt.UTC).isoformat()


def _request(chunk: Chunk, arrival: Arrival) -> dg.RunRequest:
    rows, latest = arrival.state
    return dg.RunRequest(
        run_key=f"{chunk.key}:{arrival.runs}:{rows}:{latest}",
        partition_key=chunk.key,
        tags={"monitoring_pipeline/trigger": "new_rows"},
    )

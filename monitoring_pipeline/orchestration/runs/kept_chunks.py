"""Chunks that a run could not read again because their source was away: what was known of them stays.

The asset that cannot read them notes them in the run's events; those after it leave them alone, and the last one fails.
"""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
from dagster import DagsterEventType, DagsterRun

from monitoring_pipeline.evaluation.rows.errors import SourceUnreachableError
from monitoring_pipeline.orchestration.runs.dagster_private import ASSET_RESUME_RETRY_TAG, RESUME_RETRY_TAG
from monitoring_pipeline.spec.model import ModelSpec


def reason_to_keep(error: SourceUnreachableError) -> str:
    """Return what people are told of a chunk that was not read again."""
    return f"not read again, what was known stays: {error}"


def note_kept_chunks(context: dg.AssetExecutionContext, reasons: Mapping[str, str]) -> None:
    """Note, by chunk key, why a finished asset has left chunks as they were."""
    for key, reason in reasons.items():
        context.log_event(dg.AssetObservation(asset_key=context.asset_key, partition=key, description=reason))


def kept_chunks(context: dg.AssetExecutionContext, spec: ModelSpec, producers: Sequence[str]) -> dict[str, str]:
    """Return, by chunk key, why one of ``producers`` has left chunks of this run as they were."""
    assets = {dg.AssetKey([spec.name, producer]) for producer in producers}
    return {
        str(noted.partition): str(noted.description)
        for run in _run_and_those_it_resumes(context)
        for noted in _observations(context.instance, run)
        if noted.asset_key in assets
    }


def _run_and_those_it_resumes(context: dg.AssetExecutionContext) -> Iterator[DagsterRun]:
    run: DagsterRun | None = context.run
    while run is not None:
        yield run
        resumes = "true" in (run.tags.get(RESUME_RETRY_TAG), run.tags.get(ASSET_RESUME_RETRY_TAG))
        parent = run.get_parent_run_id() if resumes else None
        run = context.instance.get_run_by_id(parent) if parent else None


def _observations(instance: dg.DagsterInstance, run: DagsterRun) -> Iterator[dg.AssetObservation]:
    for record in instance.get_records_for_run(run.run_id, of_type=DagsterEventType.ASSET_OBSERVATION).records:
        if event := record.event_log_entry.dagster_event:
            yield event.asset_observation_data.asset_observation

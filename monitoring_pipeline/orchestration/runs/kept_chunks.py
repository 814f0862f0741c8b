"""Chunks that keep their stored results because a run could not reach their source to read them again.

The asset that cannot read them records them in the events of the run. Later assets skip them, and the last one fails.
"""

from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
from dagster import DagsterEventType, DagsterRun

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.evaluation.rows.errors import SourceUnreachableError
from monitoring_pipeline.orchestration.runs.dagster_private import ASSET_RESUME_RETRY_TAG, RESUME_RETRY_TAG


def reason_to_keep(error: SourceUnreachableError) -> str:
    """Return the message about a chunk that was not read again."""
    return f"not read again, so the stored results stay: {without_secrets(str(error))}"


def note_kept_chunks(context: dg.AssetExecutionContext, reasons: Mapping[str, str]) -> None:
    """Record in the events of the run why an asset kept the results of chunks; ``reasons`` are by chunk key."""
    for key, reason in reasons.items():
        context.log_event(dg.AssetObservation(asset_key=context.asset_key, partition=key, description=reason))


def kept_chunks(context: dg.AssetExecutionContext, producers: Sequence[str]) -> dict[str, str]:
    """Return the reasons, by chunk key, for which an asset of the same model kept the results of chunks of this run."""
    model = context.asset_key.path[:-1]
    assets = {dg.AssetKey([*model, producer]) for producer in producers}
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

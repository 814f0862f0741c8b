"""The run of the asset ``incidents``: once for all chunks of the run, after all measurements."""

from collections.abc import Iterator

import dagster as dg

from monitoring_pipeline.evaluation.incidents.changes import is_active
from monitoring_pipeline.orchestration.assets.asset import AssetRun, Event
from monitoring_pipeline.orchestration.assets.each_chunk import fail_on_refusals
from monitoring_pipeline.orchestration.assets.metadata import incidents_metadata
from monitoring_pipeline.orchestration.health.recorded_results import recovered_results
from monitoring_pipeline.orchestration.runs.kept_chunks import kept_chunks
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.steps.chunk.incidents import precision_of_alerts, update_incidents
from monitoring_pipeline.steps.refusals import refusal
from monitoring_pipeline.steps.versions.decisions import decide_after_chunk


def run_incidents(this: AssetRun) -> Iterator[Event]:
    """Update incidents, alerts and decisions; then raise if rows of a chunk were refused or not read."""
    spec, store, chunks = this.spec, this.store, this.chunks
    kept = kept_chunks(this.context, this.sources)
    job = this.context.run.job_name
    for chunk in chunks:
        if chunk.key not in kept and (results := recovered_results(spec, chunk, job, store=store, names=this.names)):
            this.write(results)
    announced = update_incidents(spec, store, this.alerting, now=this.clock())
    for chunk in chunks:
        if results := precision_of_alerts(spec, chunk, store=store):
            this.write(results)
    decided = decide_after_chunk(spec, chunks[-1], store=store, now=this.clock())
    active = [entry for entry in store.incidents(spec.name) if is_active(entry.incident)]
    refusals = {
        chunk.key: reason
        for producer in (Producer.LABELS, Producer.PREDICTIONS)
        for chunk in chunks
        if (reason := refusal(spec, chunk, producer, store=store)) is not None
    }
    fail_on_refusals(spec, refusals | kept)
    yield dg.MaterializeResult(metadata=incidents_metadata(active, announced, decided))

"""The assets that judge: business metrics, objectives, versions on trial, the verdict, and incidents."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from monitoring_pipeline.evaluation.incidents.changes import is_active
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.orchestration.assets.declaring import (
    RETRIES,
    asset_keys,
    fail_on_refusals,
    model_asset,
    run_each_chunk,
    write_results,
)
from monitoring_pipeline.orchestration.assets.metadata import incidents_metadata
from monitoring_pipeline.orchestration.health.failed_runs import recovered_results
from monitoring_pipeline.orchestration.runs.kept_chunks import kept_chunks
from monitoring_pipeline.orchestration.runs.partitions import chunks_of
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.registry import Registry
from monitoring_pipeline.ports.snapshots import Snapshots
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.ports.warehouse import Warehouse
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.chunk.business import measure_business
from monitoring_pipeline.steps.chunk.incidents import Rules, precision_of_alerts, update_incidents
from monitoring_pipeline.steps.chunk.objectives import chunks_after, measure_chunk_objectives
from monitoring_pipeline.steps.chunk.verdict import judge_chunk
from monitoring_pipeline.steps.refusals import refusal
from monitoring_pipeline.steps.versions.decisions import decide_night
from monitoring_pipeline.steps.versions.trial import compare_versions


def business_asset(loaded: LoadedSpec) -> dg.AssetsDefinition:
    """Return the asset of the user's own numbers."""
    spec = loaded.spec

    @model_asset(
        spec,
        "business",
        deps=asset_keys(spec, "predictions"),
        description="The numbers of the user's own SQL.",
        kinds={"duckdb"},
        retry_policy=RETRIES,
    )
    def business(
        context: dg.AssetExecutionContext,
        warehouse: dg.ResourceParam[Warehouse],
        store: dg.ResourceParam[Store],
        snapshots: dg.ResourceParam[Snapshots],
    ) -> Iterator[dg.MaterializeResult]:
        def step(chunk: Chunk) -> ChunkResults:
            return measure_business(loaded, chunk, warehouse=warehouse, store=store, snapshots=snapshots)

        run_each_chunk(context, spec, store, step)
        yield dg.MaterializeResult()

    return business


def objectives_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the asset of the service levels."""

    @model_asset(
        spec,
        "objectives",
        deps=asset_keys(spec, "predictions", "labels", "performance", *(["business"] if spec.business else [])),
        description="Service levels over their rolling windows: attainment, error budget, burn rate.",
    )
    def objectives(context: dg.AssetExecutionContext, store: dg.ResourceParam[Store]) -> Iterator[dg.MaterializeResult]:
        def step(chunk: Chunk) -> ChunkResults:
            return measure_chunk_objectives(spec, chunk, store=store)

        run_each_chunk(context, spec, store, step, needs=())
        newest = chunks_of(context, spec)[-1]
        for chunk in chunks_after(spec, newest, store=store):
            write_results(context, store, step(chunk))
            write_results(context, store, judge_chunk(spec, chunk, store=store))
        yield dg.MaterializeResult()

    return objectives


def trial_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the asset that compares two versions on trial."""

    @model_asset(
        spec,
        "trial",
        deps=asset_keys(spec, "predictions", "labels"),
        description="A shadow beside the champion, or a new champion beside the one that it has replaced: "
        "the difference of their losses on the same rows, with a confidence sequence.",
        kinds={"mlflow"},
    )
    def trial(
        context: dg.AssetExecutionContext,
        store: dg.ResourceParam[Store],
        snapshots: dg.ResourceParam[Snapshots],
        registry: dg.ResourceParam[Registry],
    ) -> Iterator[dg.MaterializeResult]:
        def step(chunk: Chunk) -> ChunkResults:
            return compare_versions(spec, chunk, store=store, snapshots=snapshots, registry=registry)

        run_each_chunk(context, spec, store, step, needs=("predictions", "labels"))
        yield dg.MaterializeResult()

    return trial


def verdict_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the asset of the judgement on a chunk."""
    optional = [
        name
        for name, given in (("business", spec.business), ("objectives", spec.objectives), ("trial", spec.retraining))
        if given
    ]

    @model_asset(
        spec,
        "verdict",
        deps=asset_keys(
            spec, "predictions", "profile", "drift", "estimate", "labels", "performance", "attribution", *optional
        ),
        description="The judgement on the chunk from everything that was measured on it.",
    )
    def verdict(context: dg.AssetExecutionContext, store: dg.ResourceParam[Store]) -> Iterator[dg.MaterializeResult]:
        run_each_chunk(context, spec, store, lambda chunk: judge_chunk(spec, chunk, store=store))
        yield dg.MaterializeResult()

    return verdict


def incidents_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    """Return the asset of lasting problems, and of what follows from them."""

    @model_asset(
        spec,
        "incidents",
        deps=asset_keys(spec, "verdict"),
        description="Lasting problems, folded from all measurements; alerts about what is new; whether to retrain. "
        "Fails, once everything is written, where rows were refused or could not be read again.",
    )
    def incidents(
        context: dg.AssetExecutionContext,
        store: dg.ResourceParam[Store],
        alerting: dg.ResourceParam[Rules],
        clock: dg.ResourceParam[Clock],
    ) -> dg.MaterializeResult[Any]:
        chunks = chunks_of(context, spec)
        kept = kept_chunks(context, spec, ("predictions", "labels", "business"))
        for chunk in chunks:
            if chunk.key not in kept and (results := recovered_results(spec, chunk, context.run.job_name, store=store)):
                write_results(context, store, results)
        told = update_incidents(spec, store, alerting, now=clock())
        for chunk in chunks:
            if results := precision_of_alerts(spec, chunk, store=store):
                write_results(context, store, results)
        decided = decide_night(spec, chunks[-1], store=store, now=clock())
        lasting = [entry for entry in store.incidents(spec.name) if is_active(entry.incident)]
        refusals = {
            chunk.key: reason
            for producer in ("labels", "predictions")
            for chunk in chunks
            if (reason := refusal(spec, chunk, producer, store=store)) is not None
        }
        fail_on_refusals(spec, refusals | kept)
        return dg.MaterializeResult(metadata=incidents_metadata(lasting, told, decided))

    return incidents

"""The assets of one model: each reads, calls one step per chunk, and replaces the chunk's results."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import dagster as dg

from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.errors import SourceError, SourceUnreachableError
from monitoring_pipeline.orchestration.assets.checks import check_result
from monitoring_pipeline.orchestration.assets.declaring import (
    RETRIES,
    asset_keys,
    fail_on_refusals,
    model_asset,
    run_each_chunk,
    write_results,
)
from monitoring_pipeline.orchestration.assets.judging import (
    business_asset,
    incidents_asset,
    objectives_asset,
    trial_asset,
    verdict_asset,
)
from monitoring_pipeline.orchestration.runs.kept_chunks import note_kept_chunks, reason_to_keep
from monitoring_pipeline.orchestration.runs.partitions import as_of, chunks_of
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.registry import Registry
from monitoring_pipeline.ports.snapshots import Snapshots
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.ports.suites import Suites
from monitoring_pipeline.ports.warehouse import Warehouse
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.chunk.attribution import attribute_chunk
from monitoring_pipeline.steps.chunk.drift import compare_chunk
from monitoring_pipeline.steps.chunk.estimate import estimate_chunks
from monitoring_pipeline.steps.chunk.incidents import Rules, update_incidents
from monitoring_pipeline.steps.chunk.labels import take_labels
from monitoring_pipeline.steps.chunk.performance import score_chunk
from monitoring_pipeline.steps.chunk.predictions import PredictionsOutcome, take_predictions, unreadable_predictions
from monitoring_pipeline.steps.chunk.profile import profile_predictions
from monitoring_pipeline.steps.chunk.verdict import verdict_of_refusal
from monitoring_pipeline.steps.reference.building import take_reference
from monitoring_pipeline.steps.refusals import unreadable
from monitoring_pipeline.steps.roles import effective_spec
from monitoring_pipeline.steps.versions.decisions import decide_night

Events = Iterator[dg.AssetCheckResult | dg.MaterializeResult]
Measured = Mapping[str, tuple[Measurement, ...]]
"""Measurements by chunk key."""


class ReferenceConfig(dg.Config):
    """How the reference asset runs."""

    rebuild: bool = False


def build_assets(loaded: LoadedSpec) -> list[dg.AssetsDefinition]:
    """Return the assets of one model."""
    spec = loaded.spec
    return [
        _reference_asset(loaded),
        _predictions_asset(loaded),
        _profile_asset(spec),
        _drift_asset(spec),
        _estimate_asset(spec),
        _labels_asset(spec),
        _performance_asset(spec),
        _attribution_asset(spec),
        *([business_asset(loaded)] if spec.business else []),
        *([objectives_asset(spec)] if spec.objectives else []),
        *([trial_asset(spec)] if spec.retraining else []),
        verdict_asset(spec),
        incidents_asset(spec),
    ]


def _reference_asset(loaded: LoadedSpec) -> dg.AssetsDefinition:
    spec = loaded.spec

    @model_asset(
        spec,
        "reference",
        partitioned=False,
        description="Per model version: frozen bins, profile and performance of its reference window. "
        "Built again when the declaration of sources, features or window changes, or with `rebuild: true`.",
        kinds={"duckdb", "polars"},
    )
    def reference(
        context: dg.AssetExecutionContext,
        config: ReferenceConfig,
        *,
        warehouse: dg.ResourceParam[Warehouse],
        store: dg.ResourceParam[Store],
        snapshots: dg.ResourceParam[Snapshots],
        suites: dg.ResourceParam[Suites],
        id_key: dg.ResourceParam[bytes],
        clock: dg.ResourceParam[Clock],
        registry: dg.ResourceParam[Registry],
    ) -> dg.MaterializeResult[Any]:
        metadata: dict[str, Any] = {}
        known = replace(loaded, spec=effective_spec(spec, store))
        for version in known.spec.reference:
            built = take_reference(
                known,
                version,
                warehouse=warehouse,
                store=store,
                snapshots=snapshots,
                suites=suites,
                id_key=id_key,
                rebuild=config.rebuild,
                run_id=context.run.run_id,
                now=clock(),
                registry=registry,
            )
            context.log.info("version %s: %s", version, "as before" if built.reused else "built")
            metadata[f"version {version}: rows"] = built.reference.profile.rows
            metadata[f"version {version}: hash"] = built.reference.reference_hash
            for entry in built.reference.performance:
                metadata[f"version {version}: {entry.metric}"] = entry.value
        return dg.MaterializeResult(metadata=metadata)

    return reference


def _predictions_asset(loaded: LoadedSpec) -> dg.AssetsDefinition:
    spec = loaded.spec

    @model_asset(
        spec,
        "predictions",
        deps=asset_keys(spec, "reference"),
        description="Snapshot of the chunk's predictions: needed columns only, ids hashed, the suite run on them.",
        kinds={"duckdb", "polars", "greatexpectations"},
        retry_policy=RETRIES,
    )
    def predictions(
        context: dg.AssetExecutionContext,
        *,
        warehouse: dg.ResourceParam[Warehouse],
        store: dg.ResourceParam[Store],
        snapshots: dg.ResourceParam[Snapshots],
        suites: dg.ResourceParam[Suites],
        id_key: dg.ResourceParam[bytes],
        alerting: dg.ResourceParam[Rules],
        clock: dg.ResourceParam[Clock],
    ) -> Events:
        schema: dict[str, tuple[Measurement, ...]] = {}
        values: dict[str, tuple[Measurement, ...]] = {}
        rows: dict[str, tuple[Measurement, ...]] = {}
        refusals: dict[str, str] = {}
        kept: dict[str, str] = {}

        def take(chunk: Chunk) -> PredictionsOutcome:
            try:
                return take_predictions(
                    loaded, chunk, warehouse=warehouse, store=store, snapshots=snapshots, suites=suites, id_key=id_key
                )
            except SourceError as error:
                return unreadable_predictions(spec, chunk, error, store=store)

        for chunk in chunks_of(context, spec):
            try:
                outcome = take(chunk)
            except SourceUnreachableError as error:
                kept[chunk.key] = reason_to_keep(error)
                continue
            schema[chunk.key], values[chunk.key] = outcome.suite.schema, outcome.suite.values
            of_suite = {*outcome.suite.schema, *outcome.suite.values}
            rows[chunk.key] = tuple(m for m in outcome.results.measurements if m not in of_suite)
            write_results(context, store, outcome.results)
            if outcome.refusal:
                refusals[chunk.key] = outcome.refusal
                write_results(context, store, verdict_of_refusal(outcome.results))
        nothing_read = len(refusals) == len(schema)
        yield from _checks_of_predictions(spec, schema, values, rows, stops=nothing_read)
        if nothing_read:
            # Nothing after this asset runs any more, and the incident must be told all the same, the answer given.
            update_incidents(spec, store, alerting, now=clock())
            decide_night(spec, chunks_of(context, spec)[-1], store=store, now=clock())
            fail_on_refusals(spec, refusals | kept)
        note_kept_chunks(context, kept)
        yield dg.MaterializeResult()

    return predictions


def _checks_of_predictions(
    spec: ModelSpec, schema: Measured, values: Measured, rows: Measured, *, stops: bool
) -> Iterator[dg.AssetCheckResult]:
    if not schema:
        return
    yield check_result(spec.name, "predictions", "schema", schema, stops=stops)
    yield check_result(spec.name, "predictions", "values", values)
    yield check_result(spec.name, "predictions", "rows", rows)


def _profile_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    @model_asset(
        spec,
        "profile",
        deps=asset_keys(spec, "reference", "predictions"),
        description="Counts of every column over the reference's bins: what all distances are computed from.",
        kinds={"polars"},
    )
    def profile(
        context: dg.AssetExecutionContext,
        store: dg.ResourceParam[Store],
        snapshots: dg.ResourceParam[Snapshots],
    ) -> Events:
        def step(chunk: Chunk) -> ChunkResults:
            return profile_predictions(spec, chunk, store=store, snapshots=snapshots)

        yield check_result(spec.name, "profile", "columns", run_each_chunk(context, spec, store, step))
        yield dg.MaterializeResult()

    return profile


def _drift_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    @model_asset(
        spec,
        "drift",
        deps=asset_keys(spec, "reference", "predictions", "profile"),
        description="Distance of every column to the reference, or to the earlier days that the spec names, with "
        "evidence; which columns have drifted, and whether all of them together have.",
        kinds={"scipy"},
    )
    def drift(
        context: dg.AssetExecutionContext,
        store: dg.ResourceParam[Store],
        snapshots: dg.ResourceParam[Snapshots],
    ) -> Events:
        def step(chunk: Chunk) -> ChunkResults:
            return compare_chunk(spec, chunk, store=store, snapshots=snapshots)

        yield check_result(spec.name, "drift", "drift", run_each_chunk(context, spec, store, step))
        yield dg.MaterializeResult()

    return drift


def _estimate_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    @model_asset(
        spec,
        "estimate",
        deps=asset_keys(spec, "reference", "predictions"),
        description="Performance that is to be expected without labels, with its measured error: from the scores "
        "themselves (classification), or from a model of the errors (regression). "
        "A changed relation of inputs and label cannot be seen this way.",
        kinds={"scikitlearn"},
    )
    def estimate(
        context: dg.AssetExecutionContext,
        store: dg.ResourceParam[Store],
        snapshots: dg.ResourceParam[Snapshots],
    ) -> Events:
        step = estimate_chunks(spec, store=store, snapshots=snapshots)
        yield check_result(spec.name, "estimate", "estimate", run_each_chunk(context, spec, store, step))
        yield dg.MaterializeResult()

    return estimate


def _labels_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    @model_asset(
        spec,
        "labels",
        deps=asset_keys(spec, "reference", "predictions"),
        description="Snapshot of the labels that are known by now, and how mature the chunk is.",
        kinds={"duckdb", "polars"},
        retry_policy=RETRIES,
    )
    def labels(
        context: dg.AssetExecutionContext,
        *,
        warehouse: dg.ResourceParam[Warehouse],
        store: dg.ResourceParam[Store],
        snapshots: dg.ResourceParam[Snapshots],
        id_key: dg.ResourceParam[bytes],
        clock: dg.ResourceParam[Clock],
    ) -> Events:
        moment = as_of(context, clock)

        def step(chunk: Chunk) -> ChunkResults:
            try:
                return take_labels(
                    spec, chunk, moment, warehouse=warehouse, store=store, snapshots=snapshots, id_key=id_key
                )
            except SourceError as error:
                return unreadable(spec, chunk, error, producer="labels", store=store)

        yield check_result(spec.name, "labels", "labels", run_each_chunk(context, spec, store, step))
        yield dg.MaterializeResult()

    return labels


def _performance_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    @model_asset(
        spec,
        "performance",
        deps=asset_keys(spec, "reference", "predictions", "labels"),
        description="Realized performance on the rows whose labels are known, each number with its interval.",
        kinds={"scipy"},
    )
    def performance(
        context: dg.AssetExecutionContext,
        store: dg.ResourceParam[Store],
        snapshots: dg.ResourceParam[Snapshots],
        clock: dg.ResourceParam[Clock],
    ) -> Events:
        moment = as_of(context, clock)

        def step(chunk: Chunk) -> ChunkResults:
            return score_chunk(spec, chunk, moment, store=store, snapshots=snapshots)

        measured = run_each_chunk(context, spec, store, step, needs=("predictions", "labels"))
        yield check_result(spec.name, "performance", "performance", measured)
        yield dg.MaterializeResult()

    return performance


def _attribution_asset(spec: ModelSpec) -> dg.AssetsDefinition:
    @model_asset(
        spec,
        "attribution",
        deps=asset_keys(spec, "reference", "predictions", "labels"),
        description="Why performance changed: how much of it the moved inputs explain, and how much is a changed "
        "relation of inputs and label.",
        kinds={"scikitlearn"},
    )
    def attribution(
        context: dg.AssetExecutionContext,
        store: dg.ResourceParam[Store],
        snapshots: dg.ResourceParam[Snapshots],
    ) -> Iterator[dg.MaterializeResult]:
        def step(chunk: Chunk) -> ChunkResults:
            return attribute_chunk(spec, chunk, store=store, snapshots=snapshots)

        run_each_chunk(context, spec, store, step, needs=("predictions", "labels"))
        yield dg.MaterializeResult()

    return attribution

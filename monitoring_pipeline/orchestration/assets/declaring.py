"""What all assets of a model share: how they are declared, and how a step runs for each chunk of a run."""

import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, cast

import dagster as dg

from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.errors import SourceUnreachableError
from monitoring_pipeline.orchestration.assets.checks import check_specs
from monitoring_pipeline.orchestration.assets.metadata import METADATA_OF
from monitoring_pipeline.orchestration.runs.kept_chunks import kept_chunks, note_kept_chunks, reason_to_keep
from monitoring_pipeline.orchestration.runs.partitions import chunks_of, partitions_of
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.refusals import refusal
from monitoring_pipeline.steps.roles import with_roles

RETRIES = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)


def model_asset(
    spec: ModelSpec, name: str, *, partitioned: bool = True, **own: Any
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Return Dagster's decorator with what all assets of a model share, and the asset's own arguments."""
    shared: dict[str, Any] = {
        "name": name,
        "key_prefix": spec.name,
        "group_name": spec.name,
        "owners": [spec.owner],
        "tags": {"model": spec.name, "task": spec.task.value},
        "pool": spec.name,
        "check_specs": check_specs(spec.name, name),
    }
    if partitioned:
        shared |= {
            "partitions_def": partitions_of(spec),
            "backfill_policy": dg.BackfillPolicy.single_run(),
        }
    return cast("Callable[[Callable[..., Any]], dg.AssetsDefinition]", dg.asset(**shared, **own))


def asset_keys(spec: ModelSpec, *names: str) -> list[dg.AssetKey]:
    """Return the keys of a model's assets."""
    return [dg.AssetKey([spec.name, name]) for name in names]


def run_each_chunk(
    context: dg.AssetExecutionContext,
    spec: ModelSpec,
    store: Store,
    step: Callable[[Chunk], ChunkResults],
    *,
    needs: Sequence[str] = ("predictions",),
) -> dict[str, tuple[Measurement, ...]]:
    """Run a step for every chunk of the run, write each as it comes, and return the measurements by chunk.

    Chunks of which one of ``needs`` was refused or not read are left as they are, and so are those of which the step
    itself finds the source away.
    """
    measurements: dict[str, tuple[Measurement, ...]] = {}
    left, kept = kept_chunks(context, spec, needs), dict[str, str]()
    for chunk in chunks_of(context, spec):
        if chunk.key in left or any(refusal(spec, chunk, name, store=store) is not None for name in needs):
            continue
        try:
            results = step(chunk)
        except SourceUnreachableError as error:
            kept[chunk.key] = reason_to_keep(error)
            continue
        write_results(context, store, results)
        measurements[chunk.key] = results.measurements
    note_kept_chunks(context, kept)
    return measurements


def write_results(context: dg.AssetExecutionContext, store: Store, results: ChunkResults) -> None:
    """Replace what a producer says about a chunk, and show it with the partition."""
    results = with_roles(results, store)
    store.replace(results, run_id=context.run.run_id, measured_at=dt.datetime.now(dt.UTC))
    is_of_run = results.chunk.key in context.partition_keys
    if is_of_run and context.asset_key.path[-1] == results.producer:
        context.add_asset_metadata(METADATA_OF[results.producer](results), partition_key=results.chunk.key)


def fail_on_refusals(spec: ModelSpec, refusals: dict[str, str]) -> None:
    """Fail the step where rows were refused or not read, naming why by chunk key; a retry would not help."""
    if not refusals:
        return
    by_reason: dict[str, list[str]] = {}
    for key, reason in refusals.items():
        by_reason.setdefault(reason, []).append(key)
    lines = [f"{spec.name} {keys[0]}{f' and {len(keys) - 1} more' if len(keys) > 1 else ''}: {reason}"
             for reason, keys in by_reason.items()]  # fmt: skip
    raise dg.Failure(description="\n".join(lines), allow_retries=False)

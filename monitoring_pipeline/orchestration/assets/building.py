"""Makes the Dagster assets of a model from the table of assets."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import dagster as dg

from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors, without_secrets
from monitoring_pipeline.evaluation.rows.errors import SourceUnreachableError
from monitoring_pipeline.orchestration.assets.asset import Asset, AssetRun, Event
from monitoring_pipeline.orchestration.assets.checks import check_specs
from monitoring_pipeline.orchestration.assets.freshness import freshness_of
from monitoring_pipeline.orchestration.assets.table import MEASURED, SOURCES, assets_of
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names, upstream_key
from monitoring_pipeline.orchestration.runs.outages import failure_of_outage, note_outage
from monitoring_pipeline.orchestration.runs.partitions import partitions_of
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec

RETRIES = dg.RetryPolicy(max_retries=2, delay=5, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
RESOURCES = {"outside", "alerting"}


def build_assets(loaded: LoadedSpec, names: Names = PLAIN, *, has_freshness: bool = False) -> list[dg.AssetsDefinition]:
    """Return the assets of one model.

    Args:
        loaded: the model's spec.
        names: the names of definitions.
        has_freshness: whether the verdict has a freshness policy.
    """
    with warnings.catch_warnings():
        # Dagster marks single-run backfills as beta, and checks with partitions as a preview. Both are used on purpose:
        # one reads a table only once, the other keeps the result of each chunk.
        for category in (dg.BetaWarning, dg.PreviewWarning):
            warnings.simplefilter("ignore", category)
        return [_build_asset(asset, loaded, names, has_freshness=has_freshness) for asset in assets_of(loaded.spec)]


def asset_keys(spec: ModelSpec, names: Names = PLAIN) -> list[dg.AssetKey]:
    """Return the keys of a model's assets."""
    return [names.asset(spec.name, asset.name) for asset in assets_of(spec)]


def late_label_asset_keys(spec: ModelSpec, names: Names = PLAIN) -> list[dg.AssetKey]:
    """Return the keys of the assets that labels which arrive late can change."""
    assets = assets_of(spec)
    return [names.asset(spec.name, asset.name) for asset in assets if asset.may_change_with_late_labels]


def _build_asset(asset: Asset, loaded: LoadedSpec, names: Names, *, has_freshness: bool) -> dg.AssetsDefinition:
    spec = loaded.spec
    present, key = {other.name for other in assets_of(spec)}, names.asset(spec.name, asset.name)
    optional: dict[str, Any] = {}
    if asset.is_partitioned:
        optional |= {"partitions_def": partitions_of(spec), "backfill_policy": dg.BackfillPolicy.single_run()}
    if asset.reads_source:
        optional |= {"retry_policy": RETRIES}
    if has_freshness and asset.name == str(Producer.VERDICT):
        optional |= {"freshness_policy": freshness_of(spec)}
    if asset.config:
        optional |= {"config_schema": asset.config.to_config_schema().as_field()}

    @dg.asset(
        key=key,
        group_name=names.of(spec.name),
        description=asset.description,
        owners=[spec.owner],
        tags={"model": spec.name, "task": spec.task.value},
        kinds=set(asset.kinds),
        pool=names.of(spec.name),
        deps=[*(names.asset(spec.name, name) for name in asset.deps if name in present), *_upstream(spec, asset)],
        required_resource_keys={names.of(name) for name in RESOURCES},
        metadata=_code_references(loaded),
        check_specs=check_specs(spec, key, asset.checks),
        **optional,
    )
    def run(context: dg.AssetExecutionContext) -> Iterator[Event]:
        this = AssetRun(context, loaded, asset, MEASURED, SOURCES, names)
        with hidden_in_errors(), one_thread(), _waiting_for_source(this):
            yield from asset.run(this)

    return cast("dg.AssetsDefinition", run)


@contextmanager
def _waiting_for_source(this: AssetRun) -> Iterator[None]:
    """Let a run that will be started again fail without a record, if its source is away."""
    try:
        yield
    except SourceUnreachableError as error:
        if not this.waits:
            raise
        outage = note_outage(this.spec, this.context.run, this.context.instance, this.clock())
        raise failure_of_outage(this.spec, outage, without_secrets(str(error))) from None


def _code_references(loaded: LoadedSpec) -> dict[str, dg.MetadataValue[Any]]:
    """Return links from an asset to the files that declare it."""
    files = {"spec": loaded.path, "suite": loaded.suite_path}
    links = dg.CodeReferencesMetadataValue(
        code_references=[
            dg.LocalFileCodeReference(file_path=str(path.absolute()), line_number=1, label=label)
            for label, path in files.items()
            if path.exists()
        ]
    )
    return {"dagster/code_references": links}


def _upstream(spec: ModelSpec, asset: Asset) -> list[dg.AssetDep]:
    """Return the asset of the project that writes what an asset reads.

    All its partitions are named, because Dagster refuses to match windows of time in two time zones.
    """
    paths = spec.upstream.model_dump(include={"predictions", "labels", "reference"})
    path = paths.get(asset.name)
    return [dg.AssetDep(upstream_key(path), partition_mapping=dg.AllPartitionMapping())] if path else []

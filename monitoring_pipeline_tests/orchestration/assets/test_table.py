"""The rows of the table of assets agree with one another, with the documentation, and with Dagster."""

from pathlib import Path

import dagster as dg
import pytest

from monitoring_pipeline.orchestration.assets.building import asset_keys, build_assets
from monitoring_pipeline.orchestration.assets.table import ASSETS, MEASURED, SOURCES
from monitoring_pipeline.orchestration.jobs.nightly import build_nightly_job
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline_tests.worlds.world import LOANS, LOANS_SPEC

ROWS = {asset.name: asset for asset in ASSETS}
DESIGN = Path(__file__).parents[3] / "docs" / "design.md"


def _downstream(name: str) -> set[str]:
    following = {asset.name for asset in ASSETS if name in asset.deps}
    return following.union(*(_downstream(other) for other in following))


def test_asset_names_are_unique():
    assert len(ROWS) == len(ASSETS)


@pytest.mark.parametrize("asset", ASSETS, ids=lambda asset: asset.name)
def test_dependencies_of_an_asset_stand_before_it(asset):
    names = list(ROWS)
    assert set(asset.deps) <= set(names[: names.index(asset.name)])


def test_assets_downstream_of_labels_run_again_with_late_labels():
    again = {asset.name for asset in ASSETS if asset.may_change_with_late_labels}
    assert _downstream("labels") | {"labels"} <= again


def test_producers_of_the_verdict_keep_the_order_of_their_fingerprints():
    assert MEASURED == (
        "predictions", "profile", "drift", "estimate", "labels", "performance", "windows",
        "attribution", "segments", "fairness", "operations", "business", "value", "measures", "cost", "objectives",
        "trial", "explanation",
    )  # fmt: skip
    assert SOURCES == ("predictions", "labels", "business", "cost")


def test_design_document_lists_the_assets_in_order():
    listed = [line.split()[1] for line in DESIGN.read_text(encoding="utf-8").splitlines() if line.startswith("asset ")]
    assert listed == [*ROWS, "report"]


def test_schema_check_is_the_only_blocking_check():
    assert [check.name for asset in ASSETS for check in asset.checks if check.blocking] == ["schema"]


def _loaded() -> LoadedSpec:
    return LoadedSpec(path=Path(f"{LOANS}.yaml"), spec=ModelSpec.model_validate(LOANS_SPEC))


def _assets_of_nightly_job(group: str, *others: dg.AssetsDefinition) -> set[dg.AssetKey]:
    """Return the assets of the nightly job if the model's assets and ``others`` are in ``group``."""
    loaded = _loaded()
    assets = [
        asset.map_asset_specs(lambda spec: spec.replace_attributes(group_name=group)) for asset in build_assets(loaded)
    ]
    job = build_nightly_job(loaded.spec, asset_keys(loaded.spec))
    used = {key for asset in assets for key in asset.required_resource_keys} - {"io_manager"}
    resources = dict.fromkeys(used, dg.ResourceDefinition.mock_resource())
    definitions = dg.Definitions(assets=[*assets, *others], jobs=[job], resources=resources)
    return set(definitions.resolve_job_def(job.name).asset_layer.executable_asset_keys)


def test_nightly_job_of_a_regrouped_model_runs_all_its_assets():
    assert _assets_of_nightly_job("risk") == set(asset_keys(_loaded().spec))


def test_nightly_job_leaves_a_foreign_asset_of_the_group_alone():
    @dg.asset(group_name=LOANS)
    def my_report() -> None: ...

    assert dg.AssetKey("my_report") not in _assets_of_nightly_job(LOANS, my_report)


def test_nightly_job_loads_beside_a_weekly_asset_of_the_group():
    @dg.asset(group_name=LOANS, partitions_def=dg.WeeklyPartitionsDefinition("2024-03-25"))
    def my_weekly_report() -> None: ...

    assert _assets_of_nightly_job(LOANS, my_weekly_report) == set(asset_keys(_loaded().spec))

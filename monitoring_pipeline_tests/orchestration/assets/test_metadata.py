"""The metadata of partitions: significant digits, and the address of the report if the site is known."""

import dagster as dg
import pytest
import yaml

from monitoring_pipeline.orchestration.assets.metadata import shown_metadata
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, World

SITE = "https://models.example.com/"


def test_numbers_have_four_digits_and_other_values_stay() -> None:
    shown = shown_metadata({"auroc": 0.123456789, "rows": 123456, "state": "final", "bias": -1234567.89}, None)
    assert shown == {"auroc": 0.1235, "rows": 123456, "state": "final", "bias": -1235000.0}


@pytest.mark.parametrize(("rules", "address"), [
    ({"site": SITE}, f"https://models.example.com/models/{LOANS}?chunk={DAYS[0]}"),
    ({}, None),
    ({"site": "no address"}, None),
])  # fmt: skip
def test_partition_links_to_its_report(world: World, rules: dict[str, str], address: str | None) -> None:
    (world.folder / "alerting.yaml").write_text(yaml.safe_dump(rules), encoding="utf-8")
    world.run(LOANS, DAYS[0])
    record = world.instance.fetch_materializations(dg.AssetKey([LOANS, "drift"]), limit=1).records[0]
    assert record.asset_materialization is not None
    link = record.asset_materialization.metadata.get("report")
    assert (None if link is None else link.value) == address

"""The drawings of earlier chunks in the metadata of Dagster: read as what they are, SVG in an address."""

import base64
import re
import xml.etree.ElementTree as ET

import dagster as dg

from monitoring_pipeline.web_pages.charts.inline import HEIGHT, STEP, Point, metric_line, verdict_strip
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, World

SVG = "{http://www.w3.org/2000/svg}"


def drawing(markdown: str) -> tuple[str, ET.Element]:
    """Return the words and the SVG of an image in Markdown."""
    found = re.fullmatch(r"!\[([^\[\]]+)\]\(data:image/svg\+xml;base64,([\w+/=]+)\)", markdown)
    assert found
    return found[1], ET.fromstring(base64.b64decode(found[2]))


def of_partitions(world: World, asset: str) -> dict[str, str]:
    """Return the history that each partition of an asset shows."""
    records = world.instance.fetch_materializations(dg.AssetKey([LOANS, asset]), limit=100).records
    return {
        str(record.partition_key): str(record.asset_materialization.metadata["history"].value)
        for record in records
        if record.asset_materialization and "history" in record.asset_materialization.metadata
    }


def test_strip_has_one_bar_per_verdict_and_a_height_for_each_status() -> None:
    words, svg = drawing(verdict_strip(["ok", "critical", "ok", "unknown", "warning"]))
    assert words == "the last 5 verdicts: 2 ok, 1 warning, 1 critical, 1 unknown"
    bars = svg.findall(f"{SVG}rect")
    assert [int(bar.attrib["x"]) for bar in bars] == [0, STEP, 2 * STEP, 3 * STEP, 4 * STEP]
    heights = [int(bar.attrib["height"]) for bar in bars]
    assert heights[0] == heights[2]
    assert heights[3] < heights[0] < heights[4] < heights[1] <= HEIGHT
    assert all(int(bar.attrib["y"]) + int(bar.attrib["height"]) == HEIGHT for bar in bars)


def test_line_has_values_intervals_and_limits_on_one_scale() -> None:
    words, svg = drawing(
        metric_line(
            "auroc",
            [
                Point(value=0.8, lower=0.7, upper=0.9, lower_limit=0.5),
                Point(value=None),
                Point(value=0.6, lower_limit=0.5, upper_limit=0.9),
            ],
        )
    )
    assert words == "auroc of the last 3 chunks: from 0.600 to 0.800, last 0.600"
    # The scale goes from 0.5 at 33 to 0.9 at 3: a tenth is 7.5 high.
    assert svg.find(f"{SVG}polyline").attrib["points"] == "4.0,10.5 20.0,25.5"
    lines = [line.attrib for line in svg.findall(f"{SVG}line")]
    assert {line["y1"] for line in lines if "stroke-dasharray" in line} == {"33.0", "3.0"}
    assert [(line["y1"], line["y2"]) for line in lines if "stroke-opacity" in line] == [("18.0", "3.0")]


def test_line_of_equal_values_lies_in_the_middle_and_of_none_is_empty() -> None:
    _, svg = drawing(metric_line("auroc", [Point(value=0.5)]))
    assert svg.find(f"{SVG}circle").attrib["cy"] == "18.0"
    assert metric_line("auroc", [Point(value=None)]) == ""


def test_partitions_show_the_verdicts_and_the_metric_up_to_them(monitored: World) -> None:
    verdicts, performance = of_partitions(monitored, "verdict"), of_partitions(monitored, "performance")
    for place, day in enumerate(DAYS, start=1):
        assert len(drawing(verdicts[day])[1].findall(f"{SVG}rect")) == place
        words, svg = drawing(performance[day])
        assert words.startswith(f"auroc of the last {place} chunks")
        assert len(svg.findall(f"{SVG}circle")) == place
    assert set(of_partitions(monitored, "drift")) == set()

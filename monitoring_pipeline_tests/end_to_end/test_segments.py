"""Segments of a model in real runs of Dagster: a fault and a flipped relation in one region each are named."""

import json

import pytest
from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline_tests.worlds.one_model_world import SPEC, OneModelWorld

FIRST, LAST, BROKEN, FLIPPED = "2024-02-01", "2024-02-06", "2024-02-03", "2024-02-04"
REGIONS = "(['north', 'south', 'west', 'far'])[CASE WHEN hash(id) % 100 < 3 THEN 4 ELSE 1 + (hash(id) % 3)::INT END]"


@pytest.fixture(scope="module")
def regions(tmp_path_factory):
    """A month's reference and six days: nulls in the north on one, and labels against the score in the south after."""
    with pytest.MonkeyPatch.context() as patched:
        world = OneModelWorld(tmp_path_factory.mktemp("regions"), patched)
        world.rows("2024-01-01 05:00", "2024-02-07 05:00", "4 minutes")
        world.execute("ALTER TABLE scores ADD COLUMN region VARCHAR")
        world.execute(f"UPDATE scores SET region = {REGIONS}, c = chr(65 + (hash(id, 1) % 4)::INT)")
        north = f"region = 'north' AND hash(id) % 20 < 3 AND ts >= '{BROKEN} 05:00' AND ts < '{FLIPPED} 05:00'"
        world.execute(f"UPDATE scores SET a = NULL WHERE {north}")
        world.execute(
            f"UPDATE outcomes SET label = 1 - label WHERE id IN "
            f"(SELECT id FROM scores WHERE region = 'south' AND ts >= '{FLIPPED} 05:00')"
        )
        world.spec(
            start=FIRST,
            predictions=SPEC["predictions"] | {"group_columns": ["region"]},
            reference={"1": {"start": "2024-01-01", "end": FIRST}},
            incidents={"resolve": {"chunks": 2, "of": 2}},
            segments={"by": {"region": "region", "c": "c", "both": {"cross": ["region", "c"]}}},
        )
        world.run("backfill", "m", "--from", FIRST, "--to", LAST)
        yield world


def _segments(world, *options):
    result = CliRunner().invoke(main, ["segments", "m", *options, "--json"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_nulls_of_one_region_are_found_the_same_day_and_named_in_the_first_sentence(regions):
    titles = dict(regions.ask("SELECT opened, title FROM incidents WHERE cause = 'column:a'"))
    assert list(titles) == [BROKEN]
    assert "of the values of a are null where region=north; 0.0% there in the reference" in titles[BROKEN]
    assert "0.0% elsewhere" in titles[BROKEN]


def test_relation_flipped_in_one_region_is_an_incident_of_that_region(regions):
    found = regions.ask("SELECT cause, since, title FROM incidents WHERE cause LIKE 'segment:%'")
    assert [(cause, since) for cause, since, _ in found] == [("segment:region=south", FLIPPED)]
    assert "where region=south is" in found[0][2]


def test_incident_of_the_whole_model_names_the_region_that_brings_the_loss(regions):
    ((title,),) = regions.ask("SELECT title FROM incidents WHERE cause = 'performance'")
    first, split, elsewhere = title.split("; ")
    assert first.startswith("auroc is ")
    assert split.startswith("of the change of log_loss by +0.")
    assert " from the rows where region=south: 0.5" in split
    assert elsewhere.startswith("elsewhere 0.4")


def test_parts_of_regions_are_those_of_plain_sql(regions):
    loss = "-(label * ln(score) + (1 - label) * ln(1 - score))"
    rows = "FROM scores JOIN outcomes USING (id) WHERE region = 'south' AND"
    days = "ts < '2024-02-01 05:00'", "ts >= '2024-02-06 05:00' AND ts < '2024-02-07 05:00'"
    before, after = (regions.number(f"SELECT avg({loss}) {rows} {day}") for day in days)
    shares = [
        regions.number(f"SELECT avg((region = 'south')::INT) FROM scores JOIN outcomes USING (id) WHERE {day}")
        for day in days
    ]
    ((within, usual),) = regions.ask(
        "SELECT value, reference_value FROM measurements WHERE name = 'change_within[log_loss]' "
        "AND segment = 'region=south' AND chunk = ?",
        LAST,
    )
    assert usual == pytest.approx(before, abs=1e-9)
    assert within == pytest.approx(sum(shares) / 2 * (after - before), abs=1e-9)


def test_changes_are_printed_with_the_segment_that_brings_most(regions):
    printed = CliRunner().invoke(main, ["segments", "m", "--from", LAST, "--to", LAST], catch_exceptions=False).output
    table = printed[printed.index("changes since the reference, by segment") :]
    assert "other rows by region" in table
    assert "of the change of log_loss by +0." in table


def test_an_incident_of_a_segment_ends_when_its_column_is_whole_again(regions):
    ((state,),) = regions.ask("SELECT state FROM incidents WHERE cause = 'column:a'")
    assert state == "resolved"


def test_a_segment_of_few_rows_is_nowhere(regions):
    everything = _segments(regions, "--from", FIRST, "--to", LAST)
    assert not [one for one in everything if "far" in one["segment"]]
    suppressed = [one["value"] for one in everything if one["metric"] == "segments_suppressed"]
    assert len(suppressed) == 6
    assert min(suppressed) >= 1
    assert regions.ask("SELECT count(*) FROM measurements WHERE segment LIKE '%far%' OR reason LIKE '%far%'") == [(0,)]


def test_what_is_usual_is_not_stored_for_each_column(regions):
    usual = regions.ask(
        "SELECT chunk, segment, group_concat(name, ' ') FROM (SELECT * FROM measurements WHERE kind = 'segment' "
        "AND segment NOT IN ('', 'region=south') AND status = 'ok' AND subject <> 'relation' AND chunk <> ? "
        "ORDER BY name) "
        "GROUP BY chunk, segment",
        BROKEN,
    )
    assert len(usual) <= 5 * (3 + 4 + 12)
    parts = regions.ask("SELECT count(*) FROM measurements WHERE subject = 'relation' GROUP BY chunk")
    # Of each of two numbers the change, and of each of three segmentations three segments and the rest.
    assert max(count for (count,) in parts) <= 2 * (1 + 3 * (3 * 2 + 1))
    # Segments of fewer than 50 labelled rows have no metric.
    assert {(segment.split("=")[0], names) for _, segment, names in usual} == {
        ("region", "auroc segment_rows"), ("c", "auroc segment_rows"), ("both", "segment_rows"),
    }  # fmt: skip


def test_rows_and_metrics_of_a_segment_are_those_of_its_rows(regions):
    by_metric = {
        one["metric"]: one["value"]
        for one in _segments(regions, "--from", LAST, "--to", LAST)
        if one["segment"] == "region=north"
    }
    rows = regions.number("SELECT count(*) FROM scores WHERE region = 'north' AND ts >= '2024-02-06 05:00'")
    assert by_metric["segment_rows"] == rows
    # A pair of a positive and a negative row is ordered well if the positive one has the higher score.
    pairs = regions.number(
        "SELECT avg(CASE WHEN p.score > n.score THEN 1.0 WHEN p.score = n.score THEN 0.5 ELSE 0.0 END) "
        "FROM (SELECT * FROM scores JOIN outcomes USING (id)) p, (SELECT * FROM scores JOIN outcomes USING (id)) n "
        "WHERE p.label = 1 AND n.label = 0 AND p.region = 'north' AND n.region = 'north' "
        "AND p.ts >= '2024-02-06 05:00' AND n.ts >= '2024-02-06 05:00'",
    )
    assert by_metric["auroc"] == pytest.approx(pairs, abs=1e-12)


def test_breached_ones_alone_can_be_printed(regions):
    found = _segments(regions, "--from", BROKEN, "--to", BROKEN, "--breached")
    assert [(one["segment"], one["subject"], one["metric"]) for one in found if one["severity"] != "info"] == [
        ("region=north", "a", "null_share")
    ]


def test_drift_within_a_segment_names_column_and_segment(regions):
    drifted = regions.ask(
        "SELECT subject, segment, reason FROM measurements WHERE kind = 'segment' AND status = 'breached' "
        "AND severity = 'info'"
    )
    assert drifted
    assert all(reason.startswith(f"{subject} where {segment}: ") for subject, segment, reason in drifted)


def _compared(*segments):
    words = ["compare", "m", "--segments", *segments, "--from", FLIPPED, "--to", LAST]
    return CliRunner().invoke(main, [*words, "--json"], catch_exceptions=False)


def test_comparison_finds_the_flipped_region_worse_than_another_and_counts_its_rows(regions):
    rows = {one["metric"]: one for one in json.loads(_compared("region=north", "region=south").stdout)}
    assert rows["auroc"]["worse"] is True
    assert rows["auroc"]["difference"] == pytest.approx(rows["auroc"]["second_value"] - rows["auroc"]["first_value"])
    counted = regions.ask(
        "SELECT sum(value) FROM measurements WHERE name = 'segment_rows' AND segment = 'region=south' AND chunk >= ?",
        FLIPPED,
    )
    assert rows["auroc"]["second_rows"] == counted[0][0]


def test_comparison_shows_no_suppressed_segment_and_lists_the_segments_that_exist(regions):
    assert "has no labelled rows" in _compared("region=north", "region=far").output
    refused = _compared("region=north", "region=nowhere").output
    assert "there is no segment 'region=nowhere'; known: " in refused
    assert "region=south, region=north" in refused


def test_incident_of_a_segment_names_it_above_its_chart(regions):
    regions.run("report", "m", "-o", str(regions.folder / "flipped.html"))
    page = (regions.folder / "flipped.html").read_text(encoding="utf-8")
    assert "auroc where region=south: 0." in page
    assert "model auroc where region=south" in page


def test_report_has_a_row_for_each_segment_the_broken_one_first(regions):
    page = regions.folder / "m.html"
    regions.run("report", "m", "--to", BROKEN, "--output", str(page))
    html = page.read_text(encoding="utf-8")
    table = html[html.index('id="all-segments"') :]
    assert table.index("region=north") < table.index("region=south")
    assert 'href="#segments"' in html


def test_report_has_the_parts_of_the_change(regions):
    regions.run("report", "m", "-o", str(regions.folder / "parts.html"))
    page = (regions.folder / "parts.html").read_text(encoding="utf-8")
    section = page[page.index('id="segments"') :]
    assert "The change of log_loss by +0." in section
    assert "since the reference, by segment: +0." in section
    assert "other rows by region" in section

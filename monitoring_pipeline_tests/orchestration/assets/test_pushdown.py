"""Chunks that are counted where their rows are: the same profiles and drift as those of rows that are read."""

from pathlib import Path
from typing import Any

import pytest

from monitoring_pipeline.evaluation.rows import pushdown
from monitoring_pipeline_tests.worlds.one_model_world import OneModelWorld

DATES: dict[str, Any] = {
    "start": "2024-01-06",
    "reference": {"1": {"start": "2024-01-01", "end": "2024-01-06"}},
    "drift": {},
}
DAYS = ("backfill", "m", "--from", "2024-01-06", "--to", "2024-01-08")
PROFILES = """
SELECT chunk, column_name, rows, counts, unseen, minimum, maximum, sum_centred, sum_squares_centred
FROM current_profiles WHERE producer = 'profile' ORDER BY chunk, column_name
"""
MEASURED = """
SELECT chunk, producer, subject, name, value, reason FROM current_measurements
WHERE producer IN ({producers}) AND name NOT IN ('sampled_rows') ORDER BY chunk, producer, position
"""

EXACT = """
SELECT chunk, name, value, rows, definition FROM current_measurements
WHERE producer = 'performance' AND name IN ('brier_score', 'base_rate', 'mean_bias') ORDER BY chunk, name
"""
"""Metrics that follow from counts without an error by binning."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OneModelWorld:
    """A model with a reference of five days, and rows every minute."""
    made = OneModelWorld(tmp_path, monkeypatch)
    made.rows("2024-01-01 05:00", "2024-01-09 05:00", "1 minute", drifted_from="2024-01-08 05:00")
    return made


def monitored(world: OneModelWorld, *producers: str, **fields: Any) -> tuple[list[Any], list[Any]]:
    """Return profiles, and measurements of some producers, in a home of its own."""
    world.spec(**DATES | fields)
    world.run(*DAYS)
    listed = ", ".join(f"'{producer}'" for producer in producers)
    return world.ask(PROFILES), world.ask(MEASURED.format(producers=listed))


def test_chunk_counted_in_the_warehouse_has_the_same_results(world, monkeypatch):
    producers = ("predictions", "profile", "drift", "estimate", "performance", "attribution", "verdict")
    read = monitored(world, *producers, pushdown="never")
    counted = monitored(world, *producers, pushdown="always")
    assert counted == read


def test_large_chunk_is_counted_in_the_warehouse_and_measured_on_a_sample(world, monkeypatch):
    read = monitored(world, "labels", "drift", pushdown="never")
    rows_of = dict(world.ask("SELECT chunk, rows FROM current_measurements WHERE name = 'brier_score'"))
    exact = world.ask(EXACT)
    monkeypatch.setattr(pushdown, "SAMPLE_ROWS", 600)
    monkeypatch.setenv("MONITORING_PIPELINE_PUSHDOWN_ROWS", "1439")
    counted = monitored(world, "labels", "drift", pushdown="auto")
    assert counted[0] == read[0]
    assert of_columns(counted[1]) == of_columns(read[1])
    sampled = dict(world.ask("SELECT chunk, value FROM current_measurements WHERE name = 'sampled_rows'"))
    assert all(300 <= rows <= 700 for rows in sampled.values())
    assert set(sampled) == {"2024-01-06", "2024-01-07", "2024-01-08"}
    for (chunk, name, value, *_), (_, _, counted_value, rows, definition) in zip(exact, world.ask(EXACT), strict=True):
        assert counted_value == pytest.approx(value, abs=1e-8), name
        assert rows == rows_of[chunk]
        assert "off by at most 0 by binning" in definition
    for name in ("estimate", "attribution"):
        definitions = world.ask("SELECT definition FROM current_measurements WHERE producer = ? AND rows > 0", name)
        assert definitions
        assert all("on a sample of" in text for (text,) in definitions)


SUITE = """
expectations:
  - {type: expect_table_row_count_to_be_between, kwargs: {min_value: 1200, max_value: 1500}}
  - {type: expect_table_row_count_to_equal, kwargs: {value: 1440}}
  - {type: expect_column_values_to_be_unique, kwargs: {column: row_id}}
  - {type: expect_column_values_to_be_unique, kwargs: {column: a}}
  - {type: expect_column_sum_to_be_between, kwargs: {column: a, min_value: 600}}
  - {type: expect_column_unique_value_count_to_be_between, kwargs: {column: a, min_value: 1000}}
  - {type: expect_column_max_to_be_between, kwargs: {column: a, min_value: 0.9}}
  - {type: expect_column_distinct_values_to_equal_set, kwargs: {column: c, value_set: [A, B, C, D]}}
  - {type: expect_compound_columns_to_be_unique, kwargs: {column_list: [a, c]}}
  - {type: expect_column_mean_to_be_between, kwargs: {column: a, min_value: 0.4, max_value: 0.6}}
"""
ON_A_SAMPLE = {"column_values_to_be_unique row_id", "column_mean_to_be_between a"}
OF_SUITE = """
SELECT name || ' ' || subject, status, value, reason, definition FROM current_measurements
WHERE kind = 'quality' AND chunk = '2024-01-06' AND definition LIKE 'expect_%' AND definition NOT LIKE '%to_exist%'
AND definition NOT LIKE '%type_list%' ORDER BY producer, position
"""


def test_expectations_that_need_all_rows_are_not_answered_by_a_sample(world, monkeypatch):
    (world.folder / "models" / "m.suite.yaml").write_text(SUITE, encoding="utf-8")
    monitored(world, pushdown="never")
    read = {name: (status, value) for name, status, value, *_ in world.ask(OF_SUITE)}
    assert len(read) == 10
    monkeypatch.setattr(pushdown, "SAMPLE_ROWS", 600)
    monkeypatch.setenv("MONITORING_PIPELINE_PUSHDOWN_ROWS", "1000")
    monitored(world, pushdown="auto")
    for name, status, value, reason, definition in world.ask(OF_SUITE):
        if name.startswith("table_row_count"):
            assert (status, value) == read[name]
            assert "counted in all rows" in definition
        elif name in ON_A_SAMPLE:
            assert status == read[name][0]
            assert "on a sample of" in definition
        else:
            assert (status, value) == ("skipped", None), name
            assert "needs all rows" in reason


def of_columns(measured: list[Any]) -> list[Any]:
    """Return the measurements that are from counts: all but those of all features together."""
    return [row for row in measured if row[1:3] != ("drift", "features")]

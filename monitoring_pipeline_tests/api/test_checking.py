"""A suite on a frame: from a file, a mapping or a list."""

import polars as pl
import pytest
import yaml

from monitoring_pipeline.api import ArgumentError, check
from monitoring_pipeline.records.measurement import VerdictStatus

ROWS = pl.DataFrame({"age": [20, 30, 400], "plan": ["a", "b", None]})
EXPECTATIONS = [
    {"type": "expect_column_values_to_be_between", "kwargs": {"column": "age", "min_value": 0, "max_value": 120}},
    {
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "plan", "mostly": 0.5},
        "severity": "critical",
    },
    {"type": "expect_column_to_exist", "kwargs": {"column": "region"}, "severity": "critical"},
    {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "region"}},
]


def test_suite_is_checked_on_a_frame_from_a_file_a_mapping_or_a_list(tmp_path):
    file = tmp_path / "rows.suite.yaml"
    file.write_text(yaml.safe_dump({"expectations": EXPECTATIONS}, sort_keys=False), encoding="utf-8")
    results = [
        check(suite, ROWS.to_pandas()) for suite in (str(file), file, {"expectations": EXPECTATIONS}, EXPECTATIONS)
    ]
    assert all(result.to_polars().equals(results[0].to_polars()) for result in results)
    frame = results[0].to_polars()
    assert frame["status"].to_list() == ["breached", "ok", "breached", "breached"]
    assert frame["value"].to_list() == [1 / 3, 1 / 3, 1.0, 1.0]
    assert results[0].verdict is VerdictStatus.CRITICAL
    assert frame["reason"].to_list()[-1] == "nothing was checked: the chunk has no column region"


def test_column_that_only_rows_of_a_model_have_is_skipped():
    result = check([*EXPECTATIONS[1:2], {**EXPECTATIONS[1], "kwargs": {"column": "row_id"}}], ROWS)
    assert result.verdict is VerdictStatus.OK
    assert "not measured: row_id column_values_to_not_be_null: the chunk has no column row_id" in result.reasons


def test_suite_that_holds_is_ok():
    assert check(EXPECTATIONS[1:2], ROWS).verdict is VerdictStatus.OK


@pytest.mark.parametrize(
    ("suite", "words"),
    [
        ([{"type": "expect_colum"}], "suite: expectations\\[0\\]: type: unknown 'expect_colum'"),
        ({"checks": []}, "suite: expected the one key expectations"),
        ("nowhere.yaml", "nowhere.yaml"),
    ],
)
def test_suite_that_is_none_is_named(suite, words):
    with pytest.raises(ArgumentError, match=words):
        check(suite, ROWS)

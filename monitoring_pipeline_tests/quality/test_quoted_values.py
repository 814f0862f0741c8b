"""Reasons of expectations quote values that at least 20 rows have."""

import polars as pl
import pytest

from monitoring_pipeline.quality.runner import run_suite

CARRIERS = ["MQ", "AA", "UA", "DL"]
LONG = "long " * 30


def _reason(spec, frame, write_suite, check, **kwargs):
    (found,) = run_suite(spec, write_suite({"type": f"expect_{check}", "kwargs": kwargs}), frame).values
    return found.reason


@pytest.fixture
def changed(rows):
    """Rows with a carrier of 19 rows, one of 20 rows with a long name, and an extreme age."""
    place = pl.int_range(pl.len())
    return rows.with_columns(
        carrier=pl.when(place < 19).then(pl.lit("rare")).when(place < 39).then(pl.lit(LONG)).otherwise("carrier"),
        age=pl.when(place == 3).then(917_263).otherwise("age"),
    )


def test_examples_are_values_of_20_rows_and_80_characters(spec, changed, write_suite):
    asked = {"column": "carrier", "value_set": CARRIERS}
    reason = _reason(spec, changed, write_suite, "column_values_to_be_in_set", **asked)
    assert "39 of 2000 values not in the set" in reason
    assert f"such as '{LONG[:76]}... (20 times)" in reason
    assert "rare" not in reason
    few = changed.filter(pl.col("carrier") != LONG)
    reason = _reason(spec, few, write_suite, "column_values_to_be_in_set", **asked)
    assert "19 of 1980 values not in the set" in reason
    assert "such as" not in reason


@pytest.mark.parametrize(("check", "kwargs", "shown", "hidden"), [
    ("column_max_to_be_between", {"column": "age", "max_value": 5}, "observed about 920000", "917263"),
    ("column_distinct_values_to_be_in_set", {"column": "carrier", "value_set": ["x"]}, "failed, allowed x", "rare"),
    ("column_most_common_value_to_be_in_set", {"column": "carrier", "value_set": ["x"]}, "observed 'AA' (523", "rare"),
    ("column_distinct_values_to_contain_set", {"column": "carrier", "value_set": ["x"]}, "failed, allowed x", "rare"),
    ("column_quantile_values_to_be_between",
     {"column": "age", "quantile_ranges": {"quantiles": [1.0], "value_ranges": [[0, 1]]}}, "failed", "917263"),
    ("column_mean_to_be_between", {"column": "weight", "min_value": 60}, "observed ", "rare"),
])  # fmt: skip
def test_what_was_observed_quotes_no_rare_value(check, kwargs, shown, hidden, spec, changed, write_suite):
    reason = _reason(spec, changed, write_suite, check, **kwargs)
    assert shown in reason
    assert hidden not in reason

"""A drafted suite passes on the reference, tolerates chance, and finds the categories with most nulls."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.quality.drafting import draft_suite, plausible_range
from monitoring_pipeline.quality.runner import run_suite
from monitoring_pipeline.quality.suites import SuiteError, load_suite
from monitoring_pipeline.records.measurement import Status
from monitoring_pipeline.spec.model import ModelSpec

WriteSuite = Callable[..., Path]


def _entries(text: str, column: str, check: str) -> list[dict[str, Any]]:
    entries = yaml.safe_load(text)["expectations"]
    return [e for e in entries if e["kwargs"]["column"] == column and e["type"] == f"expect_column_values_to_{check}"]


def test_reference_satisfies_its_draft(spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite) -> None:
    result = run_suite(spec, write_suite(text=draft_suite(spec, rows)), rows)
    assert {m.status for m in result.schema + result.values} == {Status.OK}
    assert {m.subject for m in result.values} == set(rows.columns)


def test_draft_of_shuffled_rows_is_the_same(spec: ModelSpec, rows: pl.DataFrame) -> None:
    assert draft_suite(spec, rows) == draft_suite(spec, rows.sample(fraction=1, shuffle=True, seed=5))


def test_every_expectation_of_a_draft_is_loaded(spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite) -> None:
    text = draft_suite(spec, rows)
    assert len(load_suite(write_suite(text=text)).expectations) == len(yaml.safe_load(text)["expectations"])


def test_category_with_most_nulls_gets_a_separate_expectation(spec: ModelSpec, rows: pl.DataFrame) -> None:
    others, mq = _entries(draft_suite(spec, rows), "age", "not_be_null")
    assert (others["kwargs"]["row_condition"]["operator"], mq["kwargs"]["row_condition"]["operator"]) == ("!=", "==")
    assert {e["kwargs"]["row_condition"]["parameter"] for e in (others, mq)} == {"MQ"}
    assert others["kwargs"]["mostly"] > 0.85
    assert mq["kwargs"]["mostly"] < 0.1
    assert "null in 95.2% of the reference rows with carrier MQ, in 1.0% elsewhere" in mq["notes"]


def test_day_like_the_reference_passes_and_a_broken_day_fails(
    spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite
) -> None:
    path = write_suite(text=draft_suite(spec, rows))
    day = rows.head(100)
    assert {m.status for m in run_suite(spec, path, day).values} == {Status.OK}
    broken = day.with_columns(
        weight=pl.lit(-999.0), depot=pl.lit("east"), score=pl.lit(1.5), age=pl.lit(None, pl.Int64)
    )
    failed = {(m.subject, str(m.severity)) for m in run_suite(spec, path, broken).values if m.status is Status.BREACHED}
    assert failed == {("weight", "warning"), ("depot", "warning"), ("score", "critical"), ("age", "warning")}


def test_small_day_with_the_usual_share_of_nulls_passes(spec: ModelSpec, rows: pl.DataFrame) -> None:
    random = np.random.default_rng(11)
    weights = pl.Series([None if missing else 1.0 for missing in random.random(10_000) < 0.05])
    reference = pl.concat([rows] * 5).with_columns(weight=weights)
    (entry,) = _entries(draft_suite(spec, reference), "weight", "not_be_null")
    tolerated = 1 - entry["kwargs"]["mostly"]
    days_of_500_rows = random.binomial(500, 0.05, size=20_000) / 500
    assert (days_of_500_rows > tolerated).mean() < 1e-3
    assert tolerated < 0.12


def test_one_bad_day_in_the_reference_does_not_loosen_the_draft(spec: ModelSpec, rows: pl.DataFrame) -> None:
    bad_day = pl.when(pl.int_range(pl.len()) < 100).then(None).otherwise("weight")
    (entry,) = _entries(draft_suite(spec, rows.with_columns(weight=bad_day)), "weight", "not_be_null")
    assert entry["kwargs"]["mostly"] > 0.8


def test_draft_gives_no_tolerance_where_the_reference_is_spotless(spec: ModelSpec, rows: pl.DataFrame) -> None:
    text = draft_suite(spec, rows.with_columns(weight=pl.lit(1.5)))
    (nulls,), (between,) = (_entries(text, "weight", check) for check in ("not_be_null", "be_between"))
    assert "mostly" not in nulls["kwargs"]
    assert "mostly" not in between["kwargs"]


def test_tiny_days_do_not_make_an_expectation_that_cannot_fail(spec: ModelSpec, rows: pl.DataFrame) -> None:
    """Every second day has one row, whose weight is null; only the share on days with rows counts."""
    first = rows["predicted_at"].min()
    tiny = pl.concat([rows.head(1)] * 10).with_columns(
        row_id=pl.Series([f"tiny {day}" for day in range(10)]),
        predicted_at=pl.Series([first + dt.timedelta(days=100 + day) for day in range(10)]).cast(
            rows.schema["predicted_at"]
        ),
        weight=pl.lit(None, rows.schema["weight"]),
    )
    (entry,) = _entries(draft_suite(spec, pl.concat([rows, tiny])), "weight", "not_be_null")
    assert entry["kwargs"]["mostly"] > 0.85


def test_column_with_many_rare_categories_tolerates_more_new_ones(spec: ModelSpec, rows: pl.DataFrame) -> None:
    rare = pl.when(pl.int_range(pl.len()) % 20 == 0).then("row_id").otherwise("depot")
    common = _entries(draft_suite(spec, rows), "depot", "be_in_set")[0]["kwargs"]
    many = _entries(draft_suite(spec, rows.with_columns(depot=rare)), "depot", "be_in_set")[0]["kwargs"]
    assert common["value_set"] == ["north", "south"]
    assert many["mostly"] < 0.9
    assert "mostly" not in common


def test_features_without_values_or_with_too_many_categories_are_left_out(spec: ModelSpec, rows: pl.DataFrame) -> None:
    text = draft_suite(spec, rows.with_columns(age=pl.lit(None, pl.Int64), depot="row_id"))
    assert _entries(text, "age", "not_be_null") == []
    assert _entries(text, "depot", "be_in_set") == []
    assert len(_entries(text, "depot", "not_be_null")) == 1


def test_ids_that_repeat_get_no_uniqueness_expectation(spec: ModelSpec, rows: pl.DataFrame) -> None:
    assert len(_entries(draft_suite(spec, rows), "row_id", "be_unique")) == 1
    assert _entries(draft_suite(spec, pl.concat([rows, rows])), "row_id", "be_unique") == []


def test_draft_of_rows_that_do_not_fit_the_spec_is_refused(spec: ModelSpec, rows: pl.DataFrame) -> None:
    with pytest.raises(SuiteError, match="without rows"):
        draft_suite(spec, rows.clear())
    with pytest.raises(SuiteError, match="weight: the chunk has no column weight"):
        draft_suite(spec, rows.drop("weight"))
    with pytest.raises(SuiteError, match="predicted_at: 2000 null values"):
        draft_suite(spec, rows.with_columns(predicted_at=pl.lit(None, pl.Datetime)))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([10.0, 60.0], (0, 110.0)),
        ([100.0, 150.0], (50.0, 200.0)),
        ([-60.0, -10.0], (-110.0, 0)),
        ([-1.0, 1.0], (-3.0, 3.0)),
        ([5.123456, 5.123456], (5.123456, 5.123456)),
        ([1, 7], (1, 7)),
        (list(range(300, 1440)), (0, 2578)),
    ],
)
def test_range_is_widened_by_its_width_but_not_across_zero(values: list[float], expected: tuple[float, float]) -> None:
    assert plausible_range(pl.Series(values)) == expected


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30))
def test_range_contains_all_values_of_the_reference(values: list[float]) -> None:
    lower, upper = plausible_range(pl.Series(values, dtype=pl.Float64))
    assert lower <= min(values) <= max(values) <= upper

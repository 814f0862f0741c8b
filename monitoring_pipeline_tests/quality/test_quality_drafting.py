"""A drafted suite holds on the reference, leaves room for chance, and finds where nulls sit."""

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


def _entries(text: str, column: str, what: str) -> list[dict[str, Any]]:
    found = yaml.safe_load(text)["expectations"]
    return [e for e in found if e["kwargs"]["column"] == column and e["type"] == f"expect_column_values_to_{what}"]


def test_the_reference_satisfies_its_own_draft(spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite) -> None:
    result = run_suite(spec, write_suite(text=draft_suite(spec, rows)), rows)
    assert {m.status for m in result.schema + result.values} == {Status.OK}
    assert {m.subject for m in result.values} == set(rows.columns)


def test_the_draft_does_not_depend_on_the_order_of_the_rows(spec: ModelSpec, rows: pl.DataFrame) -> None:
    assert draft_suite(spec, rows) == draft_suite(spec, rows.sample(fraction=1, shuffle=True, seed=5))


def test_a_draft_is_loaded_as_it_was_written(spec: ModelSpec, rows: pl.DataFrame, write_suite: WriteSuite) -> None:
    text = draft_suite(spec, rows)
    assert len(load_suite(write_suite(text=text)).expectations) == len(yaml.safe_load(text)["expectations"])


def test_nulls_of_one_carrier_get_their_own_expectation(spec: ModelSpec, rows: pl.DataFrame) -> None:
    others, mq = _entries(draft_suite(spec, rows), "age", "not_be_null")
    assert (others["kwargs"]["row_condition"]["operator"], mq["kwargs"]["row_condition"]["operator"]) == ("!=", "==")
    assert {e["kwargs"]["row_condition"]["parameter"] for e in (others, mq)} == {"MQ"}
    assert others["kwargs"]["mostly"] > 0.85
    assert mq["kwargs"]["mostly"] < 0.1
    assert "null in 95.2% of the reference rows with carrier MQ, in 1.0% elsewhere" in mq["notes"]


def test_days_like_the_reference_pass_and_a_broken_one_does_not(
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


def test_chance_alone_does_not_fail_a_small_day(spec: ModelSpec, rows: pl.DataFrame) -> None:
    random = np.random.default_rng(11)
    weights = pl.Series([None if missing else 1.0 for missing in random.random(10_000) < 0.05])
    reference = pl.concat([rows] * 5).with_columns(weight=weights)
    (entry,) = _entries(draft_suite(spec, reference), "weight", "not_be_null")
    tolerated = 1 - entry["kwargs"]["mostly"]
    days_of_500_rows = random.binomial(500, 0.05, size=20_000) / 500
    assert (days_of_500_rows > tolerated).mean() < 1e-3
    assert tolerated < 0.12


def test_a_bad_day_in_the_reference_does_not_loosen_the_draft(spec: ModelSpec, rows: pl.DataFrame) -> None:
    bad_day = pl.when(pl.int_range(pl.len()) < 100).then(None).otherwise("weight")
    (entry,) = _entries(draft_suite(spec, rows.with_columns(weight=bad_day)), "weight", "not_be_null")
    assert entry["kwargs"]["mostly"] > 0.8


def test_new_categories_are_reckoned_with_as_often_as_there_are_rare_ones(spec: ModelSpec, rows: pl.DataFrame) -> None:
    rare = pl.when(pl.int_range(pl.len()) % 20 == 0).then("row_id").otherwise("depot")
    common = _entries(draft_suite(spec, rows), "depot", "be_in_set")[0]["kwargs"]
    many = _entries(draft_suite(spec, rows.with_columns(depot=rare)), "depot", "be_in_set")[0]["kwargs"]
    assert common["value_set"] == ["north", "south"]
    assert many["mostly"] < 0.9 < common["mostly"]


def test_a_feature_without_values_and_one_with_too_many_categories_are_left_out(
    spec: ModelSpec, rows: pl.DataFrame
) -> None:
    text = draft_suite(spec, rows.with_columns(age=pl.lit(None, pl.Int64), depot="row_id"))
    assert _entries(text, "age", "not_be_null") == []
    assert _entries(text, "depot", "be_in_set") == []
    assert len(_entries(text, "depot", "not_be_null")) == 1


def test_ids_that_repeat_are_not_declared_unique(spec: ModelSpec, rows: pl.DataFrame) -> None:
    assert len(_entries(draft_suite(spec, rows), "row_id", "be_unique")) == 1
    assert _entries(draft_suite(spec, pl.concat([rows, rows])), "row_id", "be_unique") == []


def test_rows_that_do_not_fit_the_spec_are_refused(spec: ModelSpec, rows: pl.DataFrame) -> None:
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
def test_a_range_is_widened_by_its_width_but_not_across_zero(
    values: list[float], expected: tuple[float, float]
) -> None:
    assert plausible_range(pl.Series(values)) == expected


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=30))
def test_a_range_holds_all_values_of_the_reference(values: list[float]) -> None:
    lower, upper = plausible_range(pl.Series(values, dtype=pl.Float64))
    assert lower <= min(values) <= max(values) <= upper

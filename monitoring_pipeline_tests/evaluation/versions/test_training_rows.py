"""Days of training and holdout, and the rows that a trainer receives."""

import datetime as dt

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.versions.training_rows import (
    NotEnoughHistoryError,
    one_row_per_id,
    training_request,
    training_windows,
)
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.retraining import RetrainingRules
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline_tests.worlds.world import DELIVERIES_SPEC, LOANS_SPEC

LOANS, DELIVERIES = ModelSpec.model_validate(LOANS_SPEC), ModelSpec.model_validate(DELIVERIES_SPEC)
TRAINER = "a.b:c"
DAY = dt.timedelta(days=1)
NOON = dt.datetime(2024, 4, 6, 12, tzinfo=dt.UTC)


def _rules(**parts: object) -> RetrainingRules:
    return RetrainingRules.model_validate({"trainer": TRAINER, "holdout_days": 4} | parts)


def test_held_out_days_are_the_last_whose_label_delay_has_passed() -> None:
    windows = training_windows(LOANS, _rules(), NOON)
    assert windows.held_out == ReferenceWindow(start=dt.date(2024, 3, 31), end=dt.date(2024, 4, 4))
    assert windows.training == ReferenceWindow(start=dt.date(2024, 3, 15), end=dt.date(2024, 3, 31))


@given(hours=st.integers(0, 24 * 40), holdout=st.integers(3, 6))
def test_held_out_window_ends_with_the_last_final_day(hours: int, holdout: int) -> None:
    spec = LOANS.model_copy(update={"end": None})
    now = NOON + dt.timedelta(hours=hours)
    windows = training_windows(spec, _rules(holdout_days=holdout), now)
    assert spec.calendar.window(windows.held_out).end + spec.labels.delay <= now
    assert now < spec.calendar.chunk(str(windows.held_out.end)).end + spec.labels.delay
    assert windows.training.end == windows.held_out.start
    assert (windows.held_out.end - windows.held_out.start).days == holdout


def test_held_out_window_of_a_retired_model_ends_with_the_model() -> None:
    assert training_windows(LOANS, _rules(), NOON + 60 * DAY).held_out.end == LOANS.end


def test_training_starts_where_the_rules_set_it() -> None:
    assert training_windows(LOANS, _rules(training_days=7), NOON).training.start == dt.date(2024, 3, 24)
    late = _rules(training_start=dt.date(2024, 3, 20), training_days=30)
    assert training_windows(LOANS, late, NOON).training.start == dt.date(2024, 3, 20)


def test_holdout_that_leaves_no_training_days_is_refused_with_the_days() -> None:
    with pytest.raises(NotEnoughHistoryError, match=r"training starts on 2024-03-15, and the 28 days from 2024-03-07"):
        training_windows(LOANS, _rules(holdout_days=28), NOON)


def _rows(ids: list[str], versions: list[str]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "row_id": ids,
            "predicted_at": [dt.datetime(2024, 3, 20, 23 - n, tzinfo=dt.UTC) for n in range(len(ids))],
            "model_version": versions,
            "income": [float(n) for n in range(len(ids))],
            "employment": [None if n % 2 else "none" for n in range(len(ids))],
            "age": [None if n == 0 else 30.0 + n for n in range(len(ids))],
        }
    )


LABELS = pl.DataFrame({"row_id": ["a", "b", "c"], "label": [1.0, 0.0, None]})


def test_row_of_the_preferred_version_is_kept_and_unlabelled_rows_are_dropped() -> None:
    rows = _rows(["a", "a", "b", "b", "c"], ["1", "2", "1", "3", "2"])
    kept = one_row_per_id(rows, LABELS, preferred_version="2")
    assert kept.select("row_id", "model_version", "label").rows() == [("a", "2", 1.0), ("b", "1", 0.0)]


@given(order=st.permutations(range(5)))
def test_order_of_rows_does_not_change_the_kept_rows(order: list[int]) -> None:
    rows = _rows(["a", "a", "b", "b", "c"], ["1", "2", "1", "3", "2"])
    expected = one_row_per_id(rows, LABELS, preferred_version="3")
    assert one_row_per_id(rows[order], LABELS, preferred_version="3").equals(expected)


WINDOW = ReferenceWindow(start=dt.date(2024, 3, 15), end=dt.date(2024, 3, 31))


def test_training_request_has_rows_by_time_integer_labels_and_names_of_the_spec() -> None:
    labelled = one_row_per_id(_rows(["a", "b"], ["1", "1"]), LABELS, preferred_version="1")
    request = training_request(LOANS, WINDOW, labelled, seed=7)
    assert request.rows.columns == ["predicted_at", "income", "employment", "age", "label"]
    assert request.labels().tolist() == [0, 1]
    assert request.labels().dtype == np.int64
    assert request.categorical == ("employment",)
    inputs = request.inputs()
    assert list(inputs.columns) == ["income", "employment", "age"]
    assert np.isnan(inputs["age"].iloc[1])
    assert inputs["employment"].isna().tolist() == [True, False]


def test_fingerprint_depends_on_rows_but_not_on_the_seed() -> None:
    labelled = one_row_per_id(_rows(["a", "b"], ["1", "1"]), LABELS, preferred_version="1")
    first, same = (training_request(LOANS, WINDOW, labelled, seed=seed) for seed in (1, 2))
    other = training_request(LOANS, WINDOW, labelled.with_columns(pl.col("income") + 1), seed=1)
    assert first.data_fingerprint == same.data_fingerprint != other.data_fingerprint


@pytest.mark.parametrize(("spec", "least"), [(LOANS, 2), (DELIVERIES, 1)])
def test_classifier_with_one_class_and_regression_without_rows_are_refused(spec: ModelSpec, least: int) -> None:
    rows = pl.DataFrame(
        {"row_id": ["a"], "predicted_at": [NOON], "label": [1.0]} | {name: [None] for name in spec.features}
    )
    if least == 1:
        assert training_request(spec, WINDOW, rows, seed=1).labels().tolist() == [1.0]
        rows = rows.clear()
    with pytest.raises(NotEnoughHistoryError, match=rf"{rows.height} labelled rows .* are not enough to train on"):
        training_request(spec, WINDOW, rows, seed=1)

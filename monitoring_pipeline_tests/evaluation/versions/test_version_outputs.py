"""Outputs of models are read in every form that flavours return, and malformed ones are refused."""

import datetime as dt

import numpy as np
import pandas as pd
import polars as pl
import pytest

from monitoring_pipeline.evaluation.versions.outputs import OutputError, has_outputs, read_outputs, with_outputs
from monitoring_pipeline.evaluation.versions.pairing import pair_versions
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.retraining import GateRules
from monitoring_pipeline_tests.worlds.world import DELIVERIES_SPEC, LOANS_SPEC

LOANS, DELIVERIES = ModelSpec.model_validate(LOANS_SPEC), ModelSpec.model_validate(DELIVERIES_SPEC)
SOURCE = {key: value for key, value in LOANS_SPEC["predictions"].items() if key not in {"score", "decision_threshold"}}
PARCELS = ModelSpec.model_validate(
    LOANS_SPEC
    | {"name": "parcels", "task": "multiclass", "performance": {}}
    | {"predictions": SOURCE | {"scores": {"on_time": "p0", "late": "p1", "cancelled": "p2"}}}
)
PROBABILITIES = np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])


@pytest.mark.parametrize(
    "returned",
    [
        np.array([0.25, 0.5]),
        np.array([[0.25], [0.5]]),
        np.array([[0.75, 0.25], [0.5, 0.5]]),
        pd.DataFrame({"probability": [0.25, 0.5]}),
        pd.DataFrame({0: [0.75, 0.5], 1: [0.25, 0.5]}),
        pd.Series([0.25, 0.5]),
        [0.25, 0.5],
    ],
)
def test_probabilities_of_a_binary_model_are_read_from_every_form(returned: object) -> None:
    assert read_outputs(LOANS, returned, rows=2).values.tolist() == [0.25, 0.5]


@pytest.mark.parametrize("decided", [[1, 0], [1.0, 0.0], [True, False], ["1", "0"]])
def test_decision_that_a_model_returns_is_kept(decided: list[object]) -> None:
    outputs = read_outputs(LOANS, pd.DataFrame({"probability": [0.25, 0.5], "prediction": decided}), rows=2)
    rows = with_outputs(LOANS, _rows(), "7", outputs)
    assert rows["prediction"].to_list() == ["1", "0"]


def test_columns_of_arrays_are_classes_by_alphabet_and_of_frames_by_name() -> None:
    named = pd.DataFrame(PROBABILITIES, columns=["cancelled", "late", "on_time"])[["late", "on_time", "cancelled"]]
    for returned in (PROBABILITIES, named):
        values = read_outputs(PARCELS, returned, rows=2).values
        np.testing.assert_array_equal(values, PROBABILITIES[:, [2, 1, 0]])


@pytest.mark.parametrize(
    ("spec", "returned", "told"),
    [
        (LOANS, np.ones((2, 3)), r"shape \(2, 3\), binary needs \(2,\) or \(2, 2\)"),
        (PARCELS, np.ones((2, 2)), r"shape \(2, 2\), multiclass needs \(2, 3\)"),
        (DELIVERIES, np.ones((2, 2)), r"shape \(2, 2\), regression needs \(2,\)"),
        (LOANS, np.array([0.5, np.nan]), "1 of the model's outputs are not finite"),
        (LOANS, np.array([-3.0, 3.0]), "returned -3 to 3, probabilities are needed"),
        (PARCELS, np.ones((5, 3)), "5 outputs for 2 rows"),
        (LOANS, np.array(["low", "high"]), "what are no numbers: could not convert string to float: .*'low'"),
        (PARCELS, pd.DataFrame({"on_time": ["a", "b"], "late": 0.5, "cancelled": 0.5}), "what are no numbers"),
        (LOANS, pd.DataFrame({"p": [0.2, 0.5], "prediction": ["1", "yes"]}), "decided 'yes'; known: 0, 1"),
        (LOANS, pd.DataFrame({"p": [0.2, 0.5], "prediction": [1.0, None]}), "decided 'nan'; known: 0, 1"),
    ],
)
def test_malformed_outputs_are_refused_with_a_reason(spec: ModelSpec, returned: object, told: str) -> None:
    with pytest.raises(OutputError, match=told):
        read_outputs(spec, returned, rows=2)


def _rows(score: list[float | None] | None = None) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "row_id": ["a", "b"],
            "predicted_at": [dt.datetime(2024, 3, 31, 21 + 2 * n, tzinfo=dt.UTC) for n in range(2)],
            "model_version": "1",
            "score": score or [0.9, 0.1],
            "prediction": ["1", "0"],
            "employment": ["none", None],
            "label": [1.0, 0.0],
        }
    )


def test_outputs_of_another_version_replace_the_served_ones() -> None:
    rows = with_outputs(LOANS, _rows(), "7", read_outputs(LOANS, [0.39, 0.4], rows=2))
    assert rows["model_version"].to_list() == ["7", "7"]
    assert rows["score"].to_list() == [0.39, 0.4]
    assert rows["prediction"].to_list() == ["0", "1"]
    assert rows["label"].to_list() == [1.0, 0.0]


def test_most_likely_class_is_the_prediction() -> None:
    blank = pl.DataFrame({"row_id": ["a", "b"], "model_version": "1"})
    rows = with_outputs(PARCELS, blank, "2", read_outputs(PARCELS, PROBABILITIES, rows=2))
    assert rows["prediction"].to_list() == ["late", "cancelled"]
    assert rows.select(PARCELS.score_columns.values()).rows() == [(0.3, 0.5, 0.2), (0.3, 0.1, 0.6)]


def test_row_with_a_null_or_nan_score_has_no_output() -> None:
    assert has_outputs(LOANS, _rows([None, 0.1])).to_list() == [False, True]
    assert has_outputs(LOANS, _rows([float("nan"), 0.1])).to_list() == [False, True]


def test_versions_are_paired_by_id_and_day_in_the_time_zone_of_the_model() -> None:
    second = with_outputs(LOANS, _rows(), "7", read_outputs(LOANS, [0.3, 0.6], rows=2))
    gate = GateRules(segments=("employment",))
    pairs = pair_versions(LOANS, _rows(), second[::-1], champion="1", challenger="7", gate=gate)
    assert pairs.champion_scores.tolist() == [[0.9], [0.1]]
    assert pairs.challenger_scores.tolist() == [[0.3], [0.6]]
    assert pairs.challenger_predictions.tolist() == [0.0, 1.0]
    assert pairs.labels.tolist() == [1.0, 0.0]
    # 21:00 and 23:00 UTC, the day of Berlin's clock change: 23:00 and 01:00.
    assert pairs.days.tolist() == ["2024-03-31", "2024-04-01"]
    assert pairs.segments["employment"].tolist() == ["none", ""]


def test_row_that_one_version_has_not_scored_is_not_paired_but_counted() -> None:
    second = _rows([None, 0.6])
    pairs = pair_versions(LOANS, _rows(), second, champion="1", challenger="7")
    assert pairs.labels.tolist() == [0.0]
    # The gate needs the count because a version must not look better by leaving hard rows unscored.
    assert (pairs.champion_missing, pairs.challenger_missing) == (0, 1)
    assert pair_versions(LOANS, _rows(), second.clear(), champion="1", challenger="7").labels.size == 0

"""Performance on a frame: the task is concluded and stated, thresholds judge, and what does not fit is named."""

import math
import os
import re
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import mean_absolute_error, roc_auc_score

from monitoring_pipeline.api import ArgumentError, performance
from monitoring_pipeline.api.limits import check_limits
from monitoring_pipeline.evaluation.performance.metrics_table import PERFORMANCE_METRICS, range_of
from monitoring_pipeline.records.measurement import VerdictStatus
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline_tests.api.frames_for_tests import scored
from monitoring_pipeline_tests.spec.cases import binary_spec


@pytest.fixture(scope="module")
def rows():
    return scored(400, 5)


def value(result, metric):
    return result.to_polars().filter(kind="performance", metric=metric)["value"][0]


def test_area_under_the_curve_is_that_of_sklearn_and_the_task_is_stated(rows):
    result = performance(rows, label="outcome", score="score")
    assert value(result, "auroc") == pytest.approx(roc_auc_score(rows["outcome"], rows["score"]))
    assert result.notes == (
        "task: binary, because score is given",
        "positive class: 1, because the classes are 0 and 1",
    )
    assert (result.verdict, result.reasons[0]) == (
        VerdictStatus.UNKNOWN,
        "not judged, because no thresholds are given",
    )


def test_threshold_that_the_whole_interval_misses_is_critical(rows):
    result = performance(rows, label="outcome", score="score", thresholds={"auroc": {"lower": 0.99}})
    assert (result.verdict, [m.name for m in result.breaches]) == (VerdictStatus.CRITICAL, ["auroc"])
    kept = performance(rows, label="outcome", score="score", thresholds={"auroc": {"lower": 0.5}})
    assert kept.verdict is VerdictStatus.OK


@pytest.mark.parametrize(
    ("metric", "threshold", "words"),
    [
        ("auroc", {"lower": 70}, "thresholds.auroc: lower is 70, and auroc is 0 to 1: .*; write 0.7 if 70 % is meant"),
        ("recall", {"upper": 95}, "thresholds.recall: upper is 95, and recall is 0 to 1: it is never breached"),
        ("log_loss", {"lower": -0.1}, "thresholds.log_loss: lower is -0.1, and log_loss is at least 0"),
        ("mean_bias", {"upper": -2}, "thresholds.mean_bias: upper is -2, and mean_bias is -1 to 1"),
        ("auroc", {"worse_than_reference": 5}, "auroc: it may be worse by 5, and auroc is 0 to 1"),
    ],
)
def test_threshold_outside_of_the_range_of_its_metric_is_an_error_with_the_range(metric, threshold, words, rows):
    with pytest.raises(ArgumentError, match=words):
        performance(rows, label="outcome", score="score", thresholds={metric: threshold})


@pytest.mark.parametrize("name", [m.name for m in PERFORMANCE_METRICS if m.task is Task.BINARY])
def test_threshold_at_the_ends_of_a_range_is_allowed_and_beyond_them_is_not(name):
    possible = range_of(Task.BINARY, name)
    for bound, beyond in ((possible.lower, possible.lower - 0.5), (possible.upper, possible.upper + 0.5)):
        for side in ("lower", "upper") if math.isfinite(bound) else ():
            check_limits(binary_spec(performance={"thresholds": {name: {side: bound}}}))
            with pytest.raises(ArgumentError, match=re.escape(f"{name} is {possible}")):
                check_limits(binary_spec(performance={"thresholds": {name: {side: beyond}}}))


def test_metric_stands_beside_that_of_the_reference(rows):
    before = scored(500, 6)
    result = performance(rows, label="outcome", score="score", reference=before)
    shown = result.to_polars().filter(metric="auroc")
    assert shown["reference_value"][0] == pytest.approx(roc_auc_score(before["outcome"], before["score"]))


def test_rows_without_a_label_are_left_out(rows):
    half = rows.with_columns(outcome=pl.when(pl.int_range(pl.len()) % 2 == 0).then("outcome"))
    result = performance(half, label="outcome", score="score")
    assert result.title == "performance: 200 of 400 rows have a label"
    kept = rows.gather_every(2)
    assert value(result, "auroc") == pytest.approx(roc_auc_score(kept["outcome"], kept["score"]))


def test_prediction_that_is_a_number_is_a_regression():
    random = np.random.default_rng(3)
    frame = pl.DataFrame({"price": random.normal(100, 10, 200)}).with_columns(guess=pl.col("price") + 2)
    result = performance(frame.to_pandas(), label="price", prediction="guess")
    assert value(result, "mean_absolute_error") == pytest.approx(mean_absolute_error(frame["price"], frame["guess"]))
    assert result.notes == ("task: regression, because prediction is a number and no score is given",)


def test_scores_of_classes_are_multiclass():
    random = np.random.default_rng(4)
    shares = random.dirichlet([1, 1, 1], 300)
    labels = [random.choice(3, p=row) for row in shares]
    frame = pl.DataFrame({f"p{n}": shares[:, n] for n in range(3)}).with_columns(label=pl.Series(labels))
    result = performance(frame, label="label", scores={0: "p0", 1: "p1", 2: "p2"})
    assert value(result, "accuracy") == pytest.approx(np.mean(shares.argmax(axis=1) == np.array(labels)))
    assert result.notes[0] == "task: multiclass, because scores are given"


@pytest.mark.parametrize(
    ("labels", "positive"),
    [(["no", "yes"], None), (["paid", "lost"], "lost"), ([False, True], None), ([0.0, 1.0], 1.0)],
)
def test_positive_class_in_any_coding_gives_the_same_numbers(labels, positive, rows):
    coded = rows.with_columns(outcome=pl.Series([labels[value] for value in rows["outcome"]]))
    expected = value(performance(rows, label="outcome", score="score"), "auroc")
    assert value(performance(coded, label="outcome", score="score", positive=positive), "auroc") == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"label": "outcom", "score": "score"}, "label: rows has no column 'outcom'.*did you mean 'outcome'"),
        ({"label": "outcome"}, "score, scores or prediction: one of them is needed"),
        (
            {"label": "region", "score": "score"},
            "positive: needed, because column 'region' .* 'north', 'south', 'west'",
        ),
        ({"label": "region", "score": "score", "positive": "north"}, "holds more than one other value"),
        ({"label": "score", "score": "score"}, "label and score: both are column 'score'"),
        ({"label": "outcome", "score": "income"}, "rows: score .*outside \\[0, 1\\]"),
        ({"label": "outcome", "score": "region"}, "rows: score: the column holds text"),
        ({"label": "outcome", "score": "score", "task": "ranking"}, "task: 'ranking' is not one of binary"),
        ({"label": "outcome", "prediction": "region"}, "score or scores: needed for classes"),
        ({"label": "outcome", "scores": ["score"]}, "scores: expected classes and their columns"),
        ({"label": "outcome", "score": "score", "thresholds": {"auc": {"lower": 1}}}, "thresholds.*unknown 'auc'"),
        ({"label": "outcome", "score": "score", "thresholds": {"auroc": {"min": 1}}}, "thresholds.auroc.min"),
    ],
)
def test_argument_that_cannot_be_used_is_named(arguments, words, rows):
    with pytest.raises(ArgumentError, match=words):
        performance(rows, **arguments)


def test_few_rows_are_not_measured_unless_allowed(rows):
    few = performance(rows.head(30), label="outcome", score="score")
    assert any("30 labelled rows, at least 50 needed" in reason for reason in few.reasons)
    assert value(performance(rows.head(30), label="outcome", score="score", minimum_rows=20), "auroc") is not None


SCORED_IN_A_PROCESS = """
import numpy as np
import polars as pl
from monitoring_pipeline.api import performance
generator = np.random.default_rng(7)
scores = generator.random(50_173)
rows = pl.DataFrame({"p": scores, "y": generator.random(scores.size) < scores**1.1})
measured = performance(rows, score="p", label="y", reference=rows.head(40_000)).to_polars()
print(measured.select("metric", "value", "lower", "upper", "reference_value").write_json())
"""


def test_numbers_do_not_depend_on_the_number_of_threads() -> None:
    printed = {
        subprocess.run(
            [sys.executable, "-c", SCORED_IN_A_PROCESS],
            env=os.environ | {"OPENBLAS_NUM_THREADS": threads, "OMP_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "3")
    }
    assert len(printed) == 1

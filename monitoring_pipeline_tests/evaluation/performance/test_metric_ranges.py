"""The possible values of metrics, held against values that are measured."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.performance.metric_ranges import ANY, AT_LEAST_ZERO, AT_MOST_ONE, SHARE, MetricRange
from monitoring_pipeline.evaluation.performance.metrics_table import PERFORMANCE_METRICS, range_of
from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.records.measurement import Kind
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline_tests.evaluation.cases import canonical, labels_of
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec, regression_spec

CLASSES = ("a", "b", "c")


@pytest.mark.parametrize(("values", "inside", "outside", "words"), [
    (SHARE, [0.0, 0.5, 1.0, 1 + 1e-12], [-0.1, 1.1, 70.0, math.nan, math.inf], "0 to 1"),
    (AT_LEAST_ZERO, [0.0, 1e9], [-1.0, math.nan], "at least 0"),
    (AT_MOST_ONE, [1.0, -1e9], [1.5, math.nan], "at most 1"),
    (ANY, [-1e9, 0.0, 1e9], [math.nan], "any number"),
])  # fmt: skip
def test_range_contains_its_values_and_is_shown_in_words(values: MetricRange, inside, outside, words):
    assert all(value in values for value in inside)
    assert not any(value in values for value in outside)
    assert str(values) == words


def test_metric_has_the_same_range_for_all_its_parts():
    for metric in PERFORMANCE_METRICS:
        assert range_of(metric.task, metric.name) == metric.range


def test_metric_that_the_task_lacks_has_any_range():
    assert range_of(Task.REGRESSION, "auroc") == ANY


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 60), hard=st.booleans())
def test_measured_value_lies_within_the_range_of_its_metric(seed, rows, hard):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet([0.5, 0.5, 0.5], rows)
    shares = np.round(shares) if hard else shares
    decided = [CLASSES[n] for n in shares.argmax(axis=1)]
    cases = (
        (binary_spec(), {"score": shares[:, 0], "prediction": [str(int(s >= 0.5)) for s in shares[:, 0]]},
         rng.integers(0, 2, rows).tolist()),
        (multiclass_spec(),
         {f"score[{name}]": shares[:, n] for n, name in enumerate(CLASSES)} | {"prediction": decided},
         rng.choice(CLASSES, rows).tolist()),
        (regression_spec(), {"prediction": rng.normal(0, 10, rows)}, rng.normal(0, 10, rows).tolist()),
    )  # fmt: skip
    for spec, columns, labels in cases:
        measured = measure_performance(spec, canonical(spec, columns), labels_of(labels), model_version="1")
        for each in measured:
            if each.kind is Kind.PERFORMANCE and each.value is not None:
                values = range_of(spec.task, each.metric.name)
                assert all(v is None or v in values for v in (each.value, each.lower, each.upper)), each

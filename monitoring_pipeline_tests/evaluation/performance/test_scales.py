"""Metrics of a regression whose labels are in any unit: scale-free or proportional to it, or not measured."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.records.measurement import Kind, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.statistics.results import Quantity
from monitoring_pipeline_tests.evaluation.cases import canonical, labels_of
from monitoring_pipeline_tests.spec.cases import regression_spec

SPEC = regression_spec()
SCALE_FREE = {"r_squared", "mae_skill", "mean_absolute_percentage_error"}
UNITS = {
    "mean_absolute_error",
    "root_mean_squared_error",
    "mean_bias",
    "median_absolute_error",
    "median_label",
    "quantile_loss",
}
LARGEST_OF_PAIRS = 74
"""Metrics that refuse numbers above 1e75 are measured up to 10 to this power; all others at every scale."""


def _measured(power, weights):
    """Return all metrics of rows whose labels and predictions are in a unit of 10**power."""
    rng = np.random.default_rng(5)
    labels = (4 + rng.gamma(2, 1, 60)) * 10.0**power
    predictions = labels * rng.uniform(0.7, 1.3, 60)
    known = labels_of(labels.tolist())
    if weights:
        known = known.with_columns(pl.Series("weight", rng.uniform(1, 2, 60)))
    dummy = {MetricName("median_label"): Quantity(5 * 10.0**power)}
    outputs = canonical(SPEC, {"prediction": predictions.tolist()})
    found = measure_performance(SPEC, outputs, known, model_version="1", reference=dummy)
    return {m.name: m for m in found if m.kind is Kind.PERFORMANCE}


ORDINARY = {weights: _measured(0, weights) for weights in (False, True)}


@settings(max_examples=40, deadline=None)
@given(power=st.integers(-300, 300), weights=st.booleans())
@example(power=-300, weights=False)
@example(power=-300, weights=True)
@example(power=-170, weights=True)
@example(power=300, weights=False)
def test_metrics_at_any_scale_are_those_of_ordinary_rows_in_another_unit(power, weights):
    ordinary, found = ORDINARY[weights], _measured(power, weights)
    measured = SCALE_FREE | UNITS
    for name in measured if power < LARGEST_OF_PAIRS else ():
        assert found[name].value is not None, found[name].reason
    for name in measured:
        of_ordinary, own = ordinary[name], found[name]
        if own.value is None:
            assert own.status is Status.SKIPPED, name
            assert own.reason, name
            continue
        scale = 10.0**power if name in UNITS else 1.0
        for side in ("value", "lower", "upper"):
            expected, number = getattr(of_ordinary, side), getattr(own, side)
            assert math.isfinite(number), (name, side)
            assert number / scale == pytest.approx(expected, rel=1e-6), (name, side)

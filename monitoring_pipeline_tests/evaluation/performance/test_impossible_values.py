"""Values that no metric can have are never measured: adversarial rows through every metric, estimate and comparison."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.performance.metric_ranges import AT_LEAST_ZERO, SHARE
from monitoring_pipeline.evaluation.performance.metrics_table import range_of
from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.evaluation.versions.paired_comparison import compare_paired
from monitoring_pipeline.evaluation.versions.paired_rows import PairedRows
from monitoring_pipeline.records.measurement import Kind, Status
from monitoring_pipeline.spec.rules.retraining import GateRules
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError
from monitoring_pipeline_tests.evaluation.cases import canonical, labels_of
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec, regression_spec

CLASSES = ("a", "b", "c")
BINARY, MULTICLASS, REGRESSION = binary_spec(), multiclass_spec(), regression_spec()
EXTREME = st.sampled_from(
    [0.0, -0.0, 5e-324, 1e-308, 1e-16, 0.5, 1.0, 1e75, 1e154, 1e308, math.inf, -math.inf, math.nan]
)
PROBABILITY = st.sampled_from([0.0, 5e-324, 1e-16, 0.25, 0.5, 1 - 2**-53, 1.0]) | st.floats(0, 1)
NUMBER = st.one_of(EXTREME, EXTREME.map(lambda value: -value), st.floats(-1e3, 1e3))
FINITE = NUMBER.filter(math.isfinite)
WEIGHT = st.sampled_from([5e-324, 1e-300, 1e-9, 1.0, 1e9, 1e150, 1e300])
MANY = settings(max_examples=60, deadline=None)


def _columns(draw, rows, values):
    """Return a column: all values drawn, or one value for all rows."""
    if draw(st.booleans()):
        return [draw(values)] * rows
    return draw(st.lists(values, min_size=rows, max_size=rows))


@st.composite
def labelled_rows(draw):
    """Return a spec, columns of outputs, labels, and weights or None."""
    rows = draw(st.integers(1, 40))
    task = draw(st.sampled_from(Task))
    weights = _columns(draw, rows, WEIGHT) if draw(st.booleans()) else None
    if task is Task.BINARY:
        decided = _columns(draw, rows, st.sampled_from(["0", "1"]))
        outputs = {"score": _columns(draw, rows, PROBABILITY | EXTREME), "prediction": decided}
        return BINARY, outputs, _columns(draw, rows, st.sampled_from([0.0, 1.0])), weights
    if task is Task.MULTICLASS:
        scores = {f"score[{name}]": _columns(draw, rows, PROBABILITY) for name in CLASSES}
        outputs = scores | {"prediction": _columns(draw, rows, st.sampled_from(CLASSES))}
        return MULTICLASS, outputs, _columns(draw, rows, st.sampled_from(CLASSES)), weights
    return REGRESSION, {"prediction": _columns(draw, rows, NUMBER)}, _columns(draw, rows, FINITE), weights


def _is_possible(spec, measurement):
    values = range_of(spec.task, measurement.metric.name)
    numbers = (measurement.value, measurement.lower, measurement.upper)
    return all(number is None or (math.isfinite(number) and number in values) for number in numbers)


@MANY
@given(case=labelled_rows())
def test_metric_of_adversarial_rows_is_possible_or_not_measured_with_a_reason(case):
    spec, outputs, labels, weights = case
    known = labels_of(labels)
    if weights is not None:
        known = known.with_columns(pl.Series("weight", weights, dtype=pl.Float64))
    own = measure_performance(spec, canonical(spec, outputs), known, model_version="1")
    reference = {m.metric: Quantity(m.value, m.lower, m.upper) for m in own if m.value is not None}
    again = measure_performance(spec, canonical(spec, outputs), known, model_version="1", reference=reference)
    for m in (*own, *again):
        assert m.kind is not Kind.PERFORMANCE or _is_possible(spec, m), m
        assert m.status is not Status.SKIPPED or m.reason


@st.composite
def paired(draw):
    """Return rows that two versions have scored."""
    rows, task = draw(st.integers(4, 30)), draw(st.sampled_from(Task))
    days = np.array([f"2024-01-{n % 4 + 1:02}" for n in range(rows)])
    if task is Task.REGRESSION:
        labels, one, other = (np.array(_columns(draw, rows, FINITE)) for _ in range(3))
        return PairedRows(task=task, labels=labels, champion_predictions=one, challenger_predictions=other, days=days)
    classes = CLASSES if task is Task.MULTICLASS else ("0", "1")
    numbers = st.integers(0, len(classes) - 1).map(float)
    labels, one, other = (np.array(_columns(draw, rows, numbers)) for _ in range(3))
    width = len(classes) if task is Task.MULTICLASS else 1
    scores = [np.array([_columns(draw, rows, PROBABILITY | EXTREME) for _ in range(width)]).T for _ in range(2)]
    return PairedRows(
        task=task, labels=labels, champion_predictions=one, challenger_predictions=other, days=days,
        champion_scores=scores[0], challenger_scores=scores[1], classes=classes if width > 1 else (),
    )  # fmt: skip


@MANY
@given(rows=paired())
def test_comparison_of_adversarial_rows_has_possible_values_or_a_reason(rows):
    compared = compare_paired(rows, GateRules())
    for found in (compared.loss, *compared.metrics):
        if found.reason is not None:
            assert (found.champion, found.challenger) == (None, None)
            continue
        values = AT_LEAST_ZERO if found is compared.loss else range_of(rows.task, found.name)
        assert found.champion in values
        assert found.challenger in values
        bounds = (found.worsening.value, found.worsening.lower, found.worsening.upper)
        assert all(bound is None or math.isfinite(bound) for bound in bounds)


@pytest.mark.parametrize(("found", "reason"), [
    (Quantity(1.2), "the result 1.2 is impossible; possible is 0 to 1"),
    (Quantity(math.nan), "the result nan is impossible"),
    (Quantity(0.5, 0.1, math.inf), "its interval has no bounds"),
])  # fmt: skip
def test_impossible_result_is_refused_with_a_reason(found, reason):
    with pytest.raises(UndefinedStatisticError, match=reason):
        SHARE.checked(found)


def test_interval_that_leaves_the_range_is_cut_at_the_range():
    assert SHARE.checked(Quantity(0.99, 0.9, 1.02)) == Quantity(0.99, 0.9, 1.0)
    assert SHARE.checked(Quantity(0.99)) == Quantity(0.99)

"""Thresholds of metrics: absolute bounds, and margins below the reference."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.performance.thresholds import Better, judge_by_threshold
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.rules.performance import PerformanceRules
from monitoring_pipeline.statistics.results import Quantity
from monitoring_pipeline_tests.spec.cases import binary_spec, multiclass_spec, regression_spec


def _spec(threshold, *, breach_on="interval"):
    return binary_spec(performance__thresholds={"auroc": threshold}, performance__breach_on=breach_on)


def _metric(value, lower=None, upper=None, *, name="auroc"):
    return Measurement(
        kind=Kind.PERFORMANCE, subject="model", name=name, model_version="1", value=value, lower=lower, upper=upper
    )


def _judged(threshold, metric, better=Better.HIGHER, reference=None, **rules):
    return judge_by_threshold(_spec(threshold, **rules), _metric(*metric), better, reference)


@pytest.mark.parametrize(("threshold", "metric", "reason"), [
    ({"lower": 0.7}, (0.6, 0.5, 0.69), "0.6 (0.5 to 0.69) is below 0.7"),
    ({"lower": 0.7}, (0.6, 0.5, 0.7), None),
    ({"lower": 0.7}, (0.9, 0.8, 0.95), None),
    ({"lower": 0.7}, (0.699,), "0.699 is below 0.7"),
    ({"lower": 0.7}, (0.7,), None),
    ({"upper": 0.3}, (0.4, 0.31, 0.5), "0.4 (0.31 to 0.5) is above 0.3"),
    ({"upper": 0.3}, (0.4, 0.3, 0.5), None),
    ({"upper": 0.3}, (0.2, 0.1, 0.25), None),
    ({"lower": 0.2, "upper": 0.3}, (0.25, 0.1, 0.9), None),
    ({"lower": 0.0}, (-0.5, -0.6, -0.4), "-0.5 (-0.6 to -0.4) is below 0"),
    ({"upper": 0.0}, (0.5, 0.4, 0.6), "0.5 (0.4 to 0.6) is above 0"),
])  # fmt: skip
def test_threshold_is_breached_only_if_the_whole_interval_is_beyond(threshold, metric, reason):
    judged = _judged(threshold, metric)
    assert judged.reason == reason
    assert judged.status is (Status.BREACHED if reason else Status.OK)
    assert judged.severity is Severity.CRITICAL
    assert (judged.threshold_lower, judged.threshold_upper) == (threshold.get("lower"), threshold.get("upper"))


@pytest.mark.parametrize(("value", "status"), [(0.69, Status.BREACHED), (0.7, Status.OK)])
def test_threshold_with_breach_on_point_is_breached_by_the_point(value, status):
    assert _judged({"lower": 0.7}, (value, 0.5, 0.9), breach_on="point").status is status
    assert _judged({"lower": 0.7}, (value, 0.5, 0.9)).status is Status.OK


def test_severity_in_the_spec_is_the_severity_of_the_metric():
    assert _judged({"lower": 0.7, "severity": "info"}, (0.5,)).severity is Severity.INFO


def test_metric_without_a_threshold_is_returned_unchanged():
    metric = _metric(0.1, name="brier_score")
    assert judge_by_threshold(_spec({"lower": 0.7}), metric, Better.LOWER, Quantity(0.0, 0.0, 0.0)) is metric


def test_skipped_metric_has_its_bounds_and_is_not_breached():
    skipped = Measurement(
        kind=Kind.PERFORMANCE, subject="model", name="auroc", model_version="1", status=Status.SKIPPED, reason="few"
    )
    judged = judge_by_threshold(_spec({"lower": 0.7}), skipped, Better.HIGHER)
    assert (judged.status, judged.reason, judged.threshold_lower) == (Status.SKIPPED, "few", 0.7)


# The difference of (0.80 +- 0.03) and (0.90 +- 0.04) is -0.10 +- 0.05.
NOW, BEFORE = (0.80, 0.77, 0.83), Quantity(0.90, 0.86, 0.94)


@pytest.mark.parametrize(("better", "metric", "reference", "margin", "breached"), [
    (Better.HIGHER, NOW, BEFORE, 0.049, True),
    (Better.HIGHER, NOW, BEFORE, 0.051, False),
    (Better.HIGHER, (0.90, 0.86, 0.94), Quantity(*NOW), 0.0, False),
    (Better.LOWER, (0.90, 0.86, 0.94), Quantity(*NOW), 0.049, True),
    (Better.LOWER, (0.90, 0.86, 0.94), Quantity(*NOW), 0.051, False),
    (Better.LOWER, NOW, BEFORE, 0.0, False),
    (Better.ZERO, (-0.90, -0.94, -0.86), Quantity(*NOW), 0.049, True),
    (Better.ZERO, (-0.90, -0.94, -0.86), Quantity(*NOW), 0.051, False),
    (Better.ZERO, (0.90, 0.86, 0.94), Quantity(-0.80, -0.83, -0.77), 0.049, True),
    (Better.ZERO, (0.1, -0.1, 0.3), Quantity(0.0, -0.01, 0.01), 0.05, False),  # zero itself is possible
    (Better.ZERO, (0.0, -0.01, 0.01), Quantity(-0.90, -0.94, -0.86), 0.0, False),
    (None, NOW, BEFORE, 0.0, False),
    (Better.HIGHER, NOW, None, 0.0, False),
])  # fmt: skip
def test_worse_than_reference_is_decided_by_the_interval_of_the_difference(better, metric, reference, margin, breached):
    judged = _judged({"worse_than_reference": margin}, metric, better, reference)
    assert judged.status is (Status.BREACHED if breached else Status.OK)
    if breached:
        assert f"is worse than the reference's {reference.value:g} by more than {margin:g}" in judged.reason


@pytest.mark.parametrize(("margin", "status"), [(0.09, Status.BREACHED), (0.11, Status.OK)])
@pytest.mark.parametrize(("metric", "reference", "breach_on"), [
    (NOW, BEFORE, "point"),
    ((0.80,), BEFORE, "interval"),
    (NOW, Quantity(0.90), "interval"),
])  # fmt: skip
def test_worse_than_reference_is_decided_by_the_points_if_the_spec_asks(metric, reference, breach_on, margin, status):
    judged = _judged({"worse_than_reference": margin}, metric, Better.HIGHER, reference, breach_on=breach_on)
    assert judged.status is status


def test_reason_of_a_double_breach_is_the_absolute_bound():
    judged = _judged({"lower": 0.85, "worse_than_reference": 0.01}, NOW, Better.HIGHER, BEFORE)
    assert judged.reason == "0.8 (0.77 to 0.83) is below 0.85"


@pytest.mark.parametrize(("task", "name", "better", "before", "margin"), [
    ("binary", "auroc", Better.HIGHER, 0.9, 0.05),
    ("multiclass", "macro_auroc", Better.HIGHER, 0.9, 0.05),
    ("regression", "mean_absolute_error", Better.LOWER, 4.0, 1.0),
])  # fmt: skip
def test_main_metric_of_a_spec_without_thresholds_is_guarded(task, name, better, before, margin):
    spec = {"binary": binary_spec, "multiclass": multiclass_spec, "regression": regression_spec}[task]()
    spec = spec.model_copy(update={"performance": PerformanceRules()})
    sign = -1 if better is Better.HIGHER else 1
    for loss, status in ((0.9 * margin, Status.OK), (1.1 * margin, Status.BREACHED)):
        metric = Measurement(
            kind=Kind.PERFORMANCE, subject="model", name=name, model_version="1", value=before + sign * loss
        )
        judged = judge_by_threshold(spec, metric, better, Quantity(before))
        assert (judged.status, judged.severity) == (status, Severity.WARNING)
    without_reference = judge_by_threshold(spec, metric, better, None)
    assert without_reference is metric
    other = replace(metric, name="other")
    assert judge_by_threshold(spec, other, better, Quantity(before)) is other


def test_one_threshold_of_a_spec_replaces_the_default_guard():
    spec = binary_spec(performance__thresholds={"accuracy": {"lower": 0.5}})
    metric = Measurement(kind=Kind.PERFORMANCE, subject="model", name="auroc", model_version="1", value=0.1)
    assert judge_by_threshold(spec, metric, Better.HIGHER, Quantity(0.9)) is metric


NUMBERS = st.integers(-100, 100).map(lambda n: n / 50)
WIDTHS = st.integers(0, 50).map(lambda n: n / 50)


@given(NUMBERS, WIDTHS, WIDTHS, NUMBERS, WIDTHS, WIDTHS, WIDTHS)
def test_higher_and_lower_metrics_are_judged_as_mirror_images(
    value, below, above, before, before_below, before_above, margin
):
    threshold = {"worse_than_reference": margin}
    high = _judged(
        threshold,
        (value, value - below, value + above),
        Better.HIGHER,
        Quantity(before, before - before_below, before + before_above),
    )
    low = _judged(
        threshold,
        (-value, -value - above, -value + below),
        Better.LOWER,
        Quantity(-before, -before - before_above, -before + before_below),
    )
    assert high.status is low.status
    if high.status is Status.BREACHED:
        assert value < before - margin


@pytest.mark.parametrize(("lower", "upper", "bound", "is_breach"), [
    (1.2, None, {"upper": 1.0}, True),
    (0.9, None, {"upper": 1.0}, False),
    (None, None, {"upper": 1.0}, False),
    (0.1, None, {"lower": 2.0}, False),
])  # fmt: skip
def test_bound_that_the_rows_do_not_give_proves_nothing(lower, upper, bound, is_breach):
    spec = regression_spec(performance__thresholds={"mean_absolute_error": bound})
    metric = replace(_metric(1.5, lower, upper, name="mean_absolute_error"), reason="a few rows decide it")
    judged = judge_by_threshold(spec, metric, Better.LOWER)
    assert (judged.status is Status.BREACHED) == is_breach
    assert judged.reason == ("1.5 (1.2 to ?) is above 1" if is_breach else "a few rows decide it")


def test_reference_without_an_upper_bound_is_not_a_limit_and_the_reason_is_given():
    spec = regression_spec(performance__thresholds={"mean_absolute_error": {"worse_than_reference": 0.1}})
    metric = _metric(9.0, 8.0, 10.0, name="mean_absolute_error")
    assert judge_by_threshold(spec, metric, Better.LOWER, Quantity(2.0, 1.9, 2.1)).status is Status.BREACHED
    judged = judge_by_threshold(spec, metric, Better.LOWER, Quantity(2.0, 1.9, None))
    assert (judged.status, judged.reason) == (
        Status.OK,
        "cannot be proven worse than the reference, a few of whose rows decide its value",
    )

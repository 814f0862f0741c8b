"""Thresholds of metrics: breached if the whole interval is beyond the bound, or the point if the spec asks for it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.threshold import Threshold
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.intervals.intervals import difference_interval
from monitoring_pipeline.statistics.results import Quantity


class Better(StrEnum):
    """The good values of a metric."""

    HIGHER = "higher"
    LOWER = "lower"
    ZERO = "zero"


@dataclass(frozen=True)
class DefaultGuard:
    """What guards a model without thresholds: a metric, and the loss against the reference that is a breach.

    The loss is ``absolute``, or a ``share`` of the reference's value.
    """

    metric: MetricName
    absolute: float = 0.0
    share: float = 0.0


DEFAULT_GUARDS: Mapping[Task, DefaultGuard] = {
    Task.BINARY: DefaultGuard(MetricName("auroc"), absolute=0.05),
    Task.MULTICLASS: DefaultGuard(MetricName("macro_auroc"), absolute=0.05),
    Task.REGRESSION: DefaultGuard(MetricName("mean_absolute_error"), share=0.25),
}


OF_WINDOWS = 0.4
"""Part of the margin that a window has. It has the rows of many chunks, so that a smaller loss is no chance."""


@dataclass(frozen=True)
class _Range:
    """A value with its interval.

    Both bounds equal the value if the point decides, or if the values have no spread. A bound that the rows do not give
    is infinite, so that nothing is proven on that side.
    """

    value: float
    lower: float
    upper: float


def judge_by_threshold(
    spec: ModelSpec, measurement: Measurement, better: Better | None, reference: Quantity | None = None
) -> Measurement:
    """Judge a metric by the spec's threshold for it, or by the default guard if the spec has no threshold at all.

    Args:
        spec: the model.
        measurement: the metric, with its interval.
        better: its good values, which define "worse than the reference"; without them, nothing is worse.
        reference: the metric on the reference, with its interval.
    """
    threshold = spec.performance.thresholds.get(measurement.metric) or _default_guard(spec, measurement, reference)
    if threshold is None:
        return measurement
    point = spec.performance.breach_on == "point"
    return judge(measurement, threshold, better, reference, point=point, severity=Severity.CRITICAL)


def judge(
    measurement: Measurement,
    threshold: Threshold,
    better: Better | None,
    reference: Quantity | None,
    *,
    point: bool,
    severity: Severity,
) -> Measurement:
    """Judge a number by a threshold.

    Args:
        measurement: the number, with its interval.
        threshold: its allowed range.
        better: its good values, which define "worse than the reference"; without them, nothing is worse.
        reference: the number on the reference, with its interval.
        point: whether the point decides, instead of the whole interval.
        severity: severity of a breach, if the threshold declares none.
    """
    lower, upper = _limits(threshold, better, reference)
    bounded = replace(
        measurement,
        threshold_lower=lower,
        threshold_upper=upper,
        severity=Severity(threshold.severity or severity),
    )
    if bounded.value is None:
        return bounded
    measured = Quantity(bounded.value, bounded.lower, bounded.upper, note=bounded.reason)
    reason = _beyond(measured, threshold, point=point)
    margin = threshold.worse_than_reference
    if reason is None and margin is not None and better is not None and reference is not None:
        reason = _worse(measured, margin, better, reference, point=point)
        bounded = bounded.noted(_reference_without_bound(better, reference, point=point))
    return bounded if reason is None else bounded.breached(reason)


def _default_guard(spec: ModelSpec, measurement: Measurement, reference: Quantity | None) -> Threshold | None:
    """Return the threshold that the main metric of the task has in a spec without thresholds."""
    guard = DEFAULT_GUARDS[spec.task]
    if spec.performance.thresholds or reference is None or measurement.metric != guard.metric:
        return None
    margin = guard.absolute + guard.share * abs(reference.value)
    if measurement.kind is Kind.WINDOW:
        margin *= OF_WINDOWS
    return Threshold(worse_than_reference=margin, severity="warning")


def _limits(
    threshold: Threshold, better: Better | None, reference: Quantity | None
) -> tuple[float | None, float | None]:
    """Return the bounds to show: those of the spec, or else the reference's value with the allowed margin."""
    lower, upper, margin = threshold.lower, threshold.upper, threshold.worse_than_reference
    if margin is None or reference is None:
        return lower, upper
    if better is Better.HIGHER and lower is None:
        lower = reference.value - margin
    if better is Better.LOWER and upper is None:
        upper = reference.value + margin
    return lower, upper


def _beyond(measured: Quantity, threshold: Threshold, *, point: bool) -> str | None:
    judged = _range(measured, point=point)
    if threshold.lower is not None and judged.upper < threshold.lower:
        return f"{_shown(measured)} is below {threshold.lower:g}"
    if threshold.upper is not None and judged.lower > threshold.upper:
        return f"{_shown(measured)} is above {threshold.upper:g}"
    return None


def _worse(measured: Quantity, margin: float, better: Better, reference: Quantity, *, point: bool) -> str | None:
    """Return the reason if the interval of the difference from the reference is worse than the margin; else None."""
    before, now = (_folded(entry) if better is Better.ZERO else entry for entry in (reference, measured))
    difference = _range(difference_interval(now, before), point=point)
    loss = -difference.upper if better is Better.HIGHER else difference.lower
    if loss <= margin:
        return None
    return f"{_shown(measured)} is worse than the reference's {reference.value:.4g} by more than {margin:.4g}"


def _reference_without_bound(better: Better, reference: Quantity, *, point: bool) -> str | None:
    """Return the reason if the rows of the reference do not bound how bad the metric was on them; else None."""
    before = _range(_folded(reference) if better is Better.ZERO else reference, point=point)
    if math.isfinite(before.lower if better is Better.HIGHER else before.upper):
        return None
    return "cannot be proven worse than the reference, a few of whose rows decide its value"


def _range(estimate: Quantity, *, point: bool) -> _Range:
    if point or (estimate.lower is None and estimate.upper is None and estimate.note is None):
        return _Range(estimate.value, estimate.value, estimate.value)
    lower = -math.inf if estimate.lower is None else estimate.lower
    upper = math.inf if estimate.upper is None else estimate.upper
    return _Range(estimate.value, lower, upper)


def _folded(estimate: Quantity) -> Quantity:
    """Return the distance from zero."""
    if estimate.lower is None and estimate.upper is None:
        return replace(estimate, value=abs(estimate.value))
    found = _range(estimate, point=False)
    lower = 0.0 if found.lower <= 0.0 <= found.upper else min(abs(found.lower), abs(found.upper))
    upper = max(abs(found.lower), abs(found.upper))
    return Quantity(abs(estimate.value), lower, None if math.isinf(upper) else upper, note=estimate.note)


def _shown(measured: Quantity) -> str:
    if measured.lower is None and measured.upper is None:
        return f"{measured.value:.4g}"
    lower, upper = ("?" if bound is None else f"{bound:.4g}" for bound in (measured.lower, measured.upper))
    return f"{measured.value:.4g} ({lower} to {upper})"

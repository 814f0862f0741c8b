"""Judgements of limits: those that no number can keep, and those that every number keeps."""

from collections.abc import Iterator
from dataclasses import dataclass

from monitoring_pipeline.evaluation.budget.allowed import MONTH, Spender, allowed_of, chunks_of
from monitoring_pipeline.evaluation.drift.share_of_flags import openings_a_month
from monitoring_pipeline.evaluation.performance.metric_ranges import ANY, AT_LEAST_ZERO, SHARE, MetricRange
from monitoring_pipeline.evaluation.performance.metrics_table import better_of, range_of
from monitoring_pipeline.evaluation.performance.thresholds import Better
from monitoring_pipeline.evaluation.spec_check.declared import Declared
from monitoring_pipeline.evaluation.spec_check.findings import Observation
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.incidents import Objective
from monitoring_pipeline.statistics.samples.openings import HealthyEffect

PERCENT = 100
USUAL_RATIO = 1.0
_USUAL_EFFECT = HealthyEffect(autocorrelation=0.8, reliability=1.0, effective_chunks=13.0, chunks=60)
"""That of a column whose chunks follow one another, in a reference of 60 chunks."""


@dataclass(frozen=True, kw_only=True)
class _Limits:
    """The limits of one number in a spec; ``margin`` is the allowed distance from the reference."""

    field: str
    number: str
    range: MetricRange
    better: Better | None = None
    lower: float | None = None
    upper: float | None = None
    margin: float | None = None

    @property
    def fact(self) -> str:
        return f"{self.number} is {self.range}"


def impossible_limits(declared: Declared) -> Iterator[Observation]:
    """Yield the limits that no value of the metric can keep, such as ``auroc: {lower: 70}``."""
    noun = declared.spec.calendar.noun
    for limits in _all_limits(declared.spec):
        if limits.lower is not None and limits.lower > limits.range.upper:
            seen = f"lower is {limits.lower:g}, and {limits.fact}: every {noun} would be breached"
            yield Observation(limits.field, seen, _possible("lower", limits.lower, limits.range))
        if limits.upper is not None and limits.upper < limits.range.lower:
            seen = f"upper is {limits.upper:g}, and {limits.fact}: every {noun} would be breached"
            yield Observation(limits.field, seen, _possible("upper", limits.upper, limits.range))


def limits_outside_of_range(declared: Declared) -> Iterator[Observation]:
    """Yield the limits that are no values of the metric, whether every value breaches or keeps them."""
    yield from impossible_limits(declared)
    for limits in _all_limits(declared.spec):
        yield from _beyond_every_value(limits)


def limits_without_effect(declared: Declared) -> Iterator[Observation]:
    """Yield the limits that every value of the metric keeps, such as ``recall: {upper: 95}``."""
    for limits in _all_limits(declared.spec):
        yield from _beyond_every_value(limits)
        values = limits.range
        is_possible = limits.margin is not None and limits.margin < values.upper - values.lower
        if is_possible and limits.better is None:
            seen = f"neither high nor low values of {limits.number} are better, so it is never worse than the reference"
            yield Observation(limits.field, seen, "give lower and upper")


def _beyond_every_value(limits: _Limits) -> Iterator[Observation]:
    values = limits.range
    if limits.lower is not None and limits.lower < values.lower:
        seen = f"lower is {limits.lower:g}, and {limits.fact}: it is never breached"
        yield Observation(limits.field, seen, "raise it or remove it")
    if limits.upper is not None and limits.upper > values.upper:
        seen = f"upper is {limits.upper:g}, and {limits.fact}: it is never breached"
        yield Observation(limits.field, seen, _possible("upper", limits.upper, values))
    if limits.margin is not None and limits.margin >= values.upper - values.lower:
        seen = f"it may be worse by {limits.margin:g}, and {limits.fact}: it is never breached"
        yield Observation(limits.field, seen, _possible("a margin", limits.margin, values))


def limits_on_the_good_side(declared: Declared) -> Iterator[Observation]:
    """Yield the metrics whose only limit is breached when the model is good."""
    for limits in _all_limits(declared.spec):
        only_upper = limits.upper is not None and limits.lower is None and limits.margin is None
        only_lower = limits.lower is not None and limits.upper is None and limits.margin is None
        if only_upper and limits.better is Better.HIGHER and (limits.upper or 0.0) <= limits.range.upper:
            seen = f"only upper ({limits.upper:g}) is given, and high values of {limits.number} are good"
            yield Observation(limits.field, seen, f"write lower: {limits.upper:g} if a fall is to be a breach")
        if only_lower and limits.better is Better.LOWER and (limits.lower or 0.0) >= limits.range.lower:
            seen = f"only lower ({limits.lower:g}) is given, and low values of {limits.number} are good"
            yield Observation(limits.field, seen, f"write upper: {limits.lower:g} if a rise is to be a breach")


def volume_that_refuses_usual_days(declared: Declared) -> Iterator[Observation]:
    """Yield limits of the volume that a chunk with the usual number of predictions breaches."""
    ratio = declared.spec.quality.volume_ratio
    beyond = (ratio.lower is not None and ratio.lower > USUAL_RATIO) or (
        ratio.upper is not None and ratio.upper < USUAL_RATIO
    )
    if beyond:
        words = " to ".join(f"{limit:g}" if limit is not None else "any" for limit in (ratio.lower, ratio.upper))
        seen = (
            f"{words} leaves out 1, the ratio of a {declared.spec.calendar.noun} with the usual number of predictions"
        )
        yield Observation(
            "quality.volume_ratio", seen, "write limits on both sides of 1, such as lower: 0.5, upper: 1.9"
        )


def flags_beyond_budget(declared: Declared) -> Iterator[Observation]:
    """Yield a written share of flagged chunks that would open more false incidents than the budget allows for drift."""
    spec = declared.spec
    if not spec.has_own_share_of_flags or spec.drift.severity == "info":
        return
    allowed = allowed_of(spec, Spender.DRIFT).warnings * chunks_of(spec.calendar, MONTH)
    opened = openings_a_month(spec, _USUAL_EFFECT)
    if opened > allowed:
        yield Observation(
            "drift.false_alarm_share",
            f"{spec.drift.false_alarm_share:g} opens about {opened:.2g} false incidents of drift a month if "
            f"{spec.calendar.noun}s follow one another (autocorrelation {_USUAL_EFFECT.autocorrelation:g}); the budget "
            f"allows {allowed:.2g}",
            "leave it out, so that it follows from budget.warnings_per_month, or raise the budget",
        )


def budgets_that_one_chunk_spends(declared: Declared) -> Iterator[Observation]:
    """Yield the objectives whose whole error budget is less than one chunk."""
    spec = declared.spec
    for name, objective in spec.objectives.items():
        chunks = spec.calendar.chunks_in_days(objective.days)
        budget = (1 - objective.share) * chunks
        if objective.counts == "chunks" and budget < 1:
            seen = (
                f"a share of {objective.share:g} of {chunks} {spec.calendar.noun}s allows {budget:.2g} bad ones: the "
                f"first bad {spec.calendar.noun} spends more than the error budget"
            )
            yield Observation(f"objectives.{name}", seen, "lengthen days, lower share, or write counts: predictions")


def _all_limits(spec: ModelSpec) -> Iterator[_Limits]:
    for metric, threshold in spec.performance.thresholds.items():
        yield _Limits(
            field=f"performance.thresholds.{metric}",
            number=metric.name,
            range=range_of(spec.task, metric.name),
            better=better_of(spec.task, metric.name),
            lower=threshold.lower,
            upper=threshold.upper,
            margin=threshold.worse_than_reference,
        )
    for name, objective in spec.objectives.items():
        performance = objective.kind == "performance"
        yield _Limits(
            field=f"objectives.{name}",
            number=objective.metric,
            range=_range_of_objective(spec, objective),
            better=better_of(spec.task, objective.measured.name) if performance else None,
            lower=objective.lower,
            upper=objective.upper,
        )
    yield _Limits(
        field="quality.volume_ratio",
        number="volume_ratio",
        range=AT_LEAST_ZERO,
        lower=spec.quality.volume_ratio.lower,
        upper=spec.quality.volume_ratio.upper,
    )
    for metric, margin in (spec.retraining.gate.guards if spec.retraining else {}).items():
        yield _Limits(
            field=f"retraining.gate.guards.{metric}",
            number=metric.name,
            range=range_of(spec.task, metric.name),
            better=better_of(spec.task, metric.name),
            margin=margin,
        )


def _range_of_objective(spec: ModelSpec, objective: Objective) -> MetricRange:
    name = objective.measured.name
    if objective.kind == "performance":
        return range_of(spec.task, name)
    return SHARE if objective.kind == "quality" and name.endswith("_share") else ANY


def _possible(limit: str, value: float, values: MetricRange) -> str:
    as_share = value / PERCENT
    if values.upper <= 1.0 and value > values.upper and as_share in values:
        return f"write {as_share:g} if {value:g} % is meant"
    return f"write {limit} within the range"

"""The gaps between groups over the last days, judged by the allowed ones."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.fairness.groups import group_mean_of
from monitoring_pipeline.evaluation.fairness.measures import allowed_gaps, rates_of
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.fairness import AllowedGap
from monitoring_pipeline.statistics.predictions.group_rates import Gaps, GroupMean, largest_gaps
from monitoring_pipeline.statistics.results import Quantity, UndefinedStatisticError

DIFFERENCE, RATIO = "difference", "ratio"


@dataclass(frozen=True)
class _Measured:
    """The largest gap of one measure, and the rate that it is of."""

    rate: str
    gaps: Gaps


def measure_gaps(
    spec: ModelSpec, chunks: Sequence[Sequence[Measurement]], *, model_version: str
) -> Iterator[Measurement]:
    """Yield the difference and the ratio of each measure and grouping, over some chunks together.

    Args:
        spec: the model.
        chunks: the numbers of groups of one version on each chunk, as ``measure_groups`` gives them.
        model_version: the version.
    """
    blank = Measurement(
        kind=Kind.FAIRNESS,
        subject="",
        name="",
        model_version=model_version,
        value=0.0,
        severity=Severity(spec.fairness.severity),
    )
    for by in spec.fairness.by:
        for measure, allowed in allowed_gaps(spec).items():
            named = replace(blank, subject=by, of=f"{spec.fairness.days} days")
            yield from _of_measure(spec, named, measure, allowed, chunks)


def _of_measure(
    spec: ModelSpec, blank: Measurement, measure: str, allowed: AllowedGap, chunks: Sequence[Sequence[Measurement]]
) -> Iterator[Measurement]:
    difference = replace(
        blank,
        name=f"{measure}_{DIFFERENCE}",
        threshold_upper=allowed.difference,
        definition=f"largest difference of {measure} between two groups of {blank.subject}; "
        f"{spec.fairness.confidence:.0%} interval for all pairs together",
    )
    try:
        found = [_Measured(rate, _gaps(spec, blank.subject, rate, chunks)) for rate in rates_of(measure)]
    except UndefinedStatisticError as undefined:
        yield difference.skipped(str(undefined))
        return
    rows = sum(m.rows for each in chunks for m in each if m.subject == blank.subject and m.name == found[0].rate)
    widest = max(found, key=lambda one: one.gaps.difference.value)
    yield _judged(replace(difference, rows=rows), _outermost([one.gaps.difference for one in found]), widest)
    ratios = [one for one in found if one.gaps.ratio is not None]
    if len(ratios) == len(found):
        smallest = min(ratios, key=lambda one: one.gaps.ratio.value if one.gaps.ratio else 1.0)
        ratio = replace(
            difference,
            name=f"{measure}_{RATIO}",
            rows=rows,
            threshold_upper=None,
            threshold_lower=allowed.ratio,
            definition=f"ratio of the lowest to the highest {measure} of the groups of {blank.subject}",
        )
        values = [one.gaps.ratio for one in ratios if one.gaps.ratio]
        least = Quantity(
            min(v.value for v in values), _least([v.lower for v in values]), _least([v.upper for v in values])
        )
        yield _judged(ratio, least, smallest)


def _gaps(spec: ModelSpec, by: str, rate: str, chunks: Sequence[Sequence[Measurement]]) -> Gaps:
    days = [{m.segment: group_mean_of(m) for m in chunk if m.subject == by and m.name == rate and m.segment}
            for chunk in chunks]  # fmt: skip
    rows: dict[str, int] = {}
    for day in days:
        for name, mean in day.items():
            rows[name] = rows.get(name, 0) + mean.rows
    kept = {name for name, count in rows.items() if count >= spec.fairness.minimum_rows}
    of_kept = [_only(day, kept) for day in days if day]
    return largest_gaps(of_kept, spec.fairness.confidence)


def _only(day: Mapping[str, GroupMean], kept: set[str]) -> dict[str, GroupMean]:
    return {name: mean for name, mean in day.items() if name in kept}


def _outermost(values: Sequence[Quantity]) -> Quantity:
    return Quantity(
        max(v.value for v in values),
        max(v.lower for v in values if v.lower is not None),
        max(v.upper for v in values if v.upper is not None),
    )


def _least(ends: Sequence[float | None]) -> float:
    return min(end for end in ends if end is not None)


def _judged(measurement: Measurement, gap: Quantity, of: _Measured) -> Measurement:
    m = replace(measurement, value=gap.value, lower=gap.lower, upper=gap.upper)
    between = f"{of.rate.replace('_', ' ')} is lowest where {of.gaps.lowest}, highest where {of.gaps.highest}"
    shown = f"{gap.value:.3g} ({gap.lower:.3g} to {gap.upper:.3g})"
    if m.threshold_upper is not None and gap.lower is not None and gap.lower > m.threshold_upper:
        return m.breached(f"{shown}, at most {m.threshold_upper:g} is allowed; {between}")
    if m.threshold_lower is not None and gap.upper is not None and gap.upper < m.threshold_lower:
        return m.breached(f"{shown}, at least {m.threshold_lower:g} is allowed; {between}")
    return m.noted(between)

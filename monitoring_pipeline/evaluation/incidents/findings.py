"""Breaches as the evidence of an incident."""

from dataclasses import dataclass

from monitoring_pipeline.evaluation.explanation.effect import Effect
from monitoring_pipeline.evaluation.incidents.evidence import ONCE, Evidence
from monitoring_pipeline.evaluation.judgement.excess import relative_excess
from monitoring_pipeline.evaluation.judgement.order import place_among_causes
from monitoring_pipeline.records.cause import Cause
from monitoring_pipeline.records.incident import Finding
from monitoring_pipeline.records.measurement import WEIGHT, Measurement


@dataclass(frozen=True)
class Breach:
    """One breached measurement, and the first chunk of the unbroken run of breaches of its signal.

    ``explainers`` are the causes that were breached on the same chunk and would explain it, most fundamental first.
    ``evidence`` is how much it counts for the opening of an incident. ``effect`` is what is known about the effect of
    drifted inputs on the model; None for other breaches.
    """

    measurement: Measurement
    since: str
    explainers: tuple[Cause, ...]
    effect: Effect | None = None
    evidence: Evidence = ONCE


def finding_of(breach: Breach, *, consequence: bool) -> Finding:
    """Return a breach as evidence. ``consequence`` is true if another breach probably explains it."""
    m = breach.measurement
    return Finding(
        kind=m.kind,
        subject=m.subject,
        name=m.name,
        of=m.of,
        model_version=m.model_version,
        segment=m.segment,
        severity=m.severity,
        value=m.value,
        lower=m.lower,
        upper=m.upper,
        reference_value=m.reference_value,
        threshold_lower=m.threshold_lower,
        threshold_upper=m.threshold_upper,
        q_value=m.q_value,
        reason=m.reason or "",
        rows=m.rows,
        since=breach.since,
        consequence=consequence,
    )


def place_of(finding: Finding) -> tuple[bool, int, str, int, float, str, str, str, str]:
    """Return the sort key: causes before consequences, the most severe, those that last longest, the farthest beyond.

    Of findings that begin on the same chunk, realized performance comes before its estimate, and broken data before
    drift.
    """
    return (
        finding.consequence,
        -WEIGHT[finding.severity],
        finding.since,
        place_among_causes(finding.kind, finding.subject, finding.name),
        -relative_excess(finding.value, finding.threshold_lower, finding.threshold_upper),
        finding.subject,
        str(finding.metric),
        finding.segment,
        finding.model_version,
    )

"""Which simultaneous incidents explain a breach of performance, by the attribution of the chunk.

Coincidence is no evidence of a cause: moved inputs need not move a metric.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from monitoring_pipeline.evaluation.explanation.share import MetricChange, Part, explains_change, is_share_of_faults
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import Finding
from monitoring_pipeline.records.measurement import Kind, Measurement

_PARTS = {Family.INPUTS: Part.INPUTS, Family.COLUMN: Part.INPUTS, Family.OUTPUTS: Part.SCORE}


def supported_causes(
    features: AbstractSet[str],
    attribution: Sequence[Measurement],
    findings: Sequence[Finding],
    related: Sequence[Cause],
) -> tuple[Cause, ...]:
    """Return the causes that the attribution of the chunk supports.

    It supports broken columns if their faults, repeated on the reference, make up at least half of the change. It
    supports drifted inputs if moved inputs explain the change of a breached metric, and drifted outputs if the moved
    score explains it. It does not identify the input, so broken columns are named only if no other input drifted.

    Args:
        features: names of the model's inputs.
        attribution: measurements of the chunk's attribution.
        findings: breaches of the incident on the chunk.
        related: causes of the other incidents on the chunk.
    """
    changes = [_change(finding) for finding in findings if finding.kind == Kind.PERFORMANCE and not finding.consequence]
    have_drifted = any(cause.family is Family.INPUTS for cause in related)
    return tuple(
        cause
        for cause in related
        if any(is_share_of_faults(cause.columns, change, attribution) for change in changes)
        or (
            (part := _PARTS.get(cause.family)) is not None
            and (cause.family is not Family.COLUMN or (not have_drifted and not features.isdisjoint(cause.columns)))
            and any(explains_change(part, change, attribution) for change in changes)
        )
    )


def _change(finding: Finding) -> MetricChange:
    return MetricChange(
        metric=str(finding.metric),
        model_version=finding.model_version,
        direction=_is_above(finding) - _is_below(finding),
    )


def _is_above(finding: Finding) -> bool:
    value, limit = finding.value, finding.threshold_upper
    return value is not None and limit is not None and value > limit


def _is_below(finding: Finding) -> bool:
    value, limit = finding.value, finding.threshold_lower
    return value is not None and limit is not None and value < limit

"""Drifted columns by what they matter to the model, where the importance of its features was measured."""

from collections.abc import Sequence

from monitoring_pipeline.evaluation.explanation.importance import Importance, stored_importance
from monitoring_pipeline.evaluation.judgement.excess import relative_excess
from monitoring_pipeline.records.incident import Finding
from monitoring_pipeline.records.measurement import Kind, Measurement

COLUMNS_NAMED = 3


def by_importance(findings: Sequence[Finding], attribution: Sequence[Measurement]) -> tuple[Finding, ...]:
    """Return findings in which drifted features stand by drift times importance, and all others stay in their places.

    Args:
        findings: in their order.
        attribution: measurements of the chunk that attribute changes; without importance the order stays.
    """
    importance = {version: stored_importance(attribution, version) for version in {f.model_version for f in findings}}
    places = [
        place for place, f in enumerate(findings) if f.subject in importance[f.model_version].shares and _drifts(f)
    ]
    ranked = sorted(
        (findings[place] for place in places), key=lambda f: (f.consequence, -_weight(f, importance[f.model_version]))
    )
    return tuple(dict(zip(places, ranked, strict=True)).get(place, finding) for place, finding in enumerate(findings))


def importance_words(findings: Sequence[Finding], attribution: Sequence[Measurement]) -> str:
    """Return the words for the importance of the drifted features that are named first; empty if it is not known."""
    drifted = [finding for finding in findings if _drifts(finding)]
    if not drifted:
        return ""
    importance = stored_importance(attribution, drifted[0].model_version)
    named = [name for name in dict.fromkeys(f.subject for f in drifted) if name in importance.shares][:COLUMNS_NAMED]
    shares = ", ".join(f"{name} {importance.shares[name]:.0%}" for name in named)
    return f"share in what matters to the model, by {importance.words}: {shares}" if named else ""


def _drifts(finding: Finding) -> bool:
    return finding.kind == Kind.DRIFT


def _weight(finding: Finding, importance: Importance) -> float:
    beyond = relative_excess(finding.value, finding.threshold_lower, finding.threshold_upper)
    return (1.0 + beyond) * importance.weight(finding.subject)

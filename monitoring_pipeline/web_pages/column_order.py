"""The order in which columns are shown: drifted ones first, then by effect in terms of their floors."""

from collections.abc import Iterable

from monitoring_pipeline.evaluation.drift.drifted import in_floors
from monitoring_pipeline.evaluation.explanation.importance import Importance, stored_importance
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec

_RANKS = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}
_OK, _NOT_MEASURED = 3, 4


def drift_in_order(spec: ModelSpec, measurements: Iterable[Measurement], version: str) -> list[Measurement]:
    """Return the measurement that says most about each column of a version's rows: what matters most first.

    If the importance of the features to the model was measured, the effect counts by it.
    """
    found = list(measurements)
    importance = stored_importance(found, version)
    drift = [
        m
        for m in found
        if m.kind is Kind.DRIFT and m.model_version == version and m.subject in spec.columns and not m.segment
    ]
    by_column: dict[str, Measurement] = {}
    for m in sorted(drift, key=_weight):
        by_column.setdefault(m.subject, m)
    return sorted(by_column.values(), key=lambda m: _weight(m, importance))


def _weight(m: Measurement, importance: Importance | None = None) -> tuple[int, float, str, str]:
    weight = 1.0 if importance is None else importance.weight(m.subject)
    return _rank(m), -in_floors(m) * weight, m.subject, m.name


def _rank(m: Measurement) -> int:
    if m.status is Status.SKIPPED:
        return _NOT_MEASURED
    return _RANKS[m.severity] if m.status is Status.BREACHED else _OK

"""Guarded metrics that could not be measured, so that their thresholds are not checked.

A metric is guarded if it has a threshold or an objective above severity ``info``. A performance metric is missing only
if the labels are final and the chunk has enough labelled predictions; too few labels are the matter of
``labels_arrived_ratio``. A business metric is missing if its SQL fails, or if it still gives NULL by then. A metric
that may still arrive is not counted.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from monitoring_pipeline.evaluation.business.business_metrics import MEASURES, has_failed
from monitoring_pipeline.evaluation.business.money import PER_PREDICTION
from monitoring_pipeline.evaluation.judgement.lost_coverage import History
from monitoring_pipeline.evaluation.labels.maturity import PRESENT
from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement, Role, Severity, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec

GUARDED = "guarded_metrics"
_DEFINITION = "metrics with a threshold or an objective that could not be measured, once their labels are final"


class _State(StrEnum):
    """Whether a guarded metric was measured, is missing for good, or may still arrive."""

    MEASURED = "measured"
    MISSING = "missing"
    PENDING = "pending"


def measure_guards(
    spec: ModelSpec, measurements: Sequence[Measurement], rows: int, history: History = lambda _count: ()
) -> tuple[Measurement, ...]:
    """Return the number of the champion's guarded metrics that could not be measured, for performance and business.

    Args:
        spec: the model.
        measurements: all of the chunk.
        rows: number of its predictions.
        history: the chunks before it. A metric of performance that none of several chunks in a row had is missing, too.
    """
    excuse = _excuse(spec, measurements, rows)
    guards = {
        kind: _measure(kind, found, rows=rows, excuse=excuse)
        for kind in (Kind.PERFORMANCE, Kind.BUSINESS)
        if (found := _of_champion(kind, guarded_names(spec, kind), measurements))
    }
    lasting = _missing_for_long(spec, measurements, history)
    if lasting and (Kind.PERFORMANCE not in guards or guards[Kind.PERFORMANCE].status is not Status.BREACHED):
        guards[Kind.PERFORMANCE] = _measure(Kind.PERFORMANCE, lasting, rows=rows, excuse=None)
    return tuple(guards.values())


def _missing_for_long(
    spec: ModelSpec, measurements: Sequence[Measurement], history: History
) -> dict[str, list[Measurement]]:
    """Return the metrics of performance that none of the last chunks could have, with the reason.

    The chunks are as many as ``incidents.open`` looks at, because one small chunk is nothing unusual.
    """
    missing, needed = _never_measured(spec, measurements), spec.incidents.open.of
    if not missing or len(earlier := history(needed - 1)) < needed - 1:
        return {}
    for each in earlier:
        missing &= _never_measured(spec, each)
    found = _of_champion(Kind.PERFORMANCE, missing, measurements)
    return {str(name): [_lasting(name, found.get(str(name), ()), spec, needed)] for name in sorted(missing)}


def _lasting(name: MetricName, own: Sequence[Measurement], spec: ModelSpec, chunks: int) -> Measurement:
    reason = own[0].reason if own else "there are no rows to measure it on"
    return Measurement(
        kind=Kind.PERFORMANCE,
        subject="model",
        name=name.name,
        of=name.of,
        model_version="",
        status=Status.SKIPPED,
        reason=f"{reason} (on each of the last {chunks} {spec.calendar.noun}s with predictions)",
    )


def _never_measured(spec: ModelSpec, measurements: Sequence[Measurement]) -> set[MetricName]:
    """Return the guarded metrics of performance that a chunk lacks, and that later labels cannot give it."""
    of_model = [m for m in measurements if m.kind is Kind.PERFORMANCE and m.role == Role.CHAMPION and not m.segment]
    rows = next((m.value for m in measurements if m.name == "rows" and m.kind is Kind.QUALITY), None) or 0.0
    is_final = any(m.subject == "label" and m.maturity is Maturity.FINAL for m in measurements)
    if not of_model or (rows >= spec.performance.minimum_rows and not is_final):
        return set()
    return guarded_names(spec, Kind.PERFORMANCE) - {m.metric for m in of_model if m.status is not Status.SKIPPED}


def guarded_names(spec: ModelSpec, kind: str) -> set[MetricName]:
    """Return the names of the guarded metrics of a kind, performance or business."""
    thresholds = (
        dict(spec.performance.thresholds)
        if kind == Kind.PERFORMANCE
        else {MetricName(name): metric.threshold for name, metric in spec.business.items() if metric.threshold}
    )
    if kind == Kind.BUSINESS:
        thresholds |= {
            MetricName(name): measure.threshold for name, measure in spec.measures.items() if measure.threshold
        }
        if spec.value is not None and spec.value.threshold is not None:
            thresholds |= {MetricName(PER_PREDICTION): spec.value.threshold}
    # Without a severity of its own, a threshold is at least a warning.
    own = {name for name, threshold in thresholds.items() if threshold.severity != Severity.INFO}
    guarded = own | {o.measured for o in spec.objectives.values() if o.kind == kind and o.severity != Severity.INFO}
    if kind != Kind.BUSINESS:
        return guarded
    return {MetricName(metric.name) if metric.name in spec.measures else metric for metric in guarded}


def _excuse(spec: ModelSpec, measurements: Sequence[Measurement], rows: int) -> str | None:
    """Return the reason why a chunk is not checked, or None if it is."""
    needed = spec.performance.minimum_rows
    if rows < needed:
        return f"{rows} predictions, at least {needed} needed"
    if spec.labels is None:
        # Only business metrics are guarded then, and no later night measures the chunk again.
        return None
    if not any(m.subject == "label" and m.maturity is Maturity.FINAL for m in measurements):
        return "labels are not final yet"
    labelled = next((m.value for m in measurements if m.name == PRESENT and m.value is not None), needed)
    return None if labelled >= needed else f"{labelled:g} labelled predictions, at least {needed} needed"


def _of_champion(
    kind: Kind, names: set[MetricName], measurements: Iterable[Measurement]
) -> dict[str, list[Measurement]]:
    """Return the guarded metrics by the text of their name; on the day of a promotion two versions were champion."""
    found: dict[str, list[Measurement]] = {}
    for m in measurements:
        metric = _guarded(m)
        if m.kind is kind and metric in names and m.role == Role.CHAMPION and not m.segment:
            found.setdefault(str(metric), []).append(m)
    return dict(sorted(found.items()))


def _guarded(measurement: Measurement) -> MetricName:
    """Return the name by which a number is guarded; all numbers of a measure have the name of the measure."""
    return MetricName(measurement.name) if measurement.subject == MEASURES else measurement.metric


def _measure(kind: Kind, found: dict[str, list[Measurement]], *, rows: int, excuse: str | None) -> Measurement:
    states = {name: _state(own, is_final=excuse is None) for name, own in found.items()}
    missing = [name for name, state in states.items() if state is _State.MISSING]
    pending = [name for name, state in states.items() if state is _State.PENDING]
    status, reason = Status.OK, None
    if missing:
        reasons = "; ".join(f"{name}: {found[name][0].reason}" for name in missing)
        status, reason = Status.BREACHED, f"could not be measured: {reasons}"
    elif pending:
        status, reason = Status.SKIPPED, f"{', '.join(pending)}: {excuse}"
    return Measurement(
        kind=Kind.OPERATIONS,
        subject=kind.value,
        name=GUARDED,
        model_version="",
        value=None if status is Status.SKIPPED else float(len(missing)),
        threshold_upper=0.0,
        status=status,
        severity=Severity.WARNING,
        reason=reason,
        definition=_DEFINITION,
        rows=rows,
    )


def _state(own: Sequence[Measurement], *, is_final: bool) -> _State:
    if any(m.status is not Status.SKIPPED for m in own):
        return _State.MEASURED
    return _State.MISSING if is_final or any(map(has_failed, own)) else _State.PENDING

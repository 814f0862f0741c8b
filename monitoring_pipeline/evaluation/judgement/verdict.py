"""The judgement on a chunk from all its measurements."""

from collections.abc import Sequence

from monitoring_pipeline.evaluation.judgement.order import SEVERITY_ORDER, place_of_reason
from monitoring_pipeline.evaluation.rows.expected_gap import why_gap_is_expected
from monitoring_pipeline.records.measurement import (
    SERVING,
    Kind,
    Measurement,
    Role,
    Severity,
    Status,
    Verdict,
    VerdictStatus,
)

DECISIVE_KINDS = frozenset({Kind.DRIFT, Kind.PERFORMANCE, Kind.ESTIMATED_PERFORMANCE})
NOTHING_DECISIVE = "not measured: neither drift nor performance of the model"
"""The reason of a verdict that is unknown because nothing decisive was attempted, such as one without rows."""


def judge(measurements: Sequence[Measurement]) -> Verdict:
    """Judge a chunk by its most severe breach; it is unknown if nothing is breached and nothing decisive was measured.

    Reasons are sorted by severity; of equal severity, broken data come first, then performance, then drift.
    Breaches of severity ``info`` are listed but leave a chunk ok. Skipped measurements are neither healthy nor
    breached; they are counted, and missing performance is listed, or why the chunk needs no predictions. An estimate
    counts only until the same metric is measured by labels. Measurements of a version that
    serves nobody are not decisive.
    """
    breached = _one_of_each_subject(
        sorted(
            (m for m in without_replaced_estimates(measurements) if m.status is Status.BREACHED), key=place_of_reason
        )
    )
    skipped = [m for m in measurements if m.status is Status.SKIPPED]
    decisive = [m for m in measurements if is_decisive(m)]
    reasons = [f"{m.severity}: {_whose(m)}{m.kind} {m.subject} {m.metric}: {m.reason or _limits(m)}" for m in breached]
    status, missing = _status(breached, measured=bool(decisive)), _what_is_missing(skipped)
    if status is VerdictStatus.UNKNOWN:
        gap = why_gap_is_expected(measurements)
        missing = [gap] if gap is not None else missing or [NOTHING_DECISIVE]
    return Verdict(
        status=status,
        reasons=(*reasons, *missing),
        measured=len(measurements) - len(skipped),
        breaches=len(breached),
        skipped=len(skipped),
    )


def decides(reason: str) -> bool:
    """Return whether a reason of a verdict is about more than information."""
    return not reason.startswith(f"{Severity.INFO}: ")


def deciding_reasons(verdict: Verdict) -> tuple[str, ...]:
    """Return the reasons why a verdict is not ok, the most severe one first; none if it is ok.

    A verdict that an earlier version stored without a reason has one, too.
    """
    if verdict.status is VerdictStatus.OK:
        return ()
    return tuple(filter(decides, verdict.reasons)) or (NOTHING_DECISIVE,)


def is_decisive(measurement: Measurement) -> bool:
    """Return whether a measurement is decisive: measured drift or performance of a version that serves."""
    return (
        measurement.kind in DECISIVE_KINDS and measurement.status is not Status.SKIPPED and measurement.role in SERVING
    )


def without_replaced_estimates(measurements: Sequence[Measurement]) -> list[Measurement]:
    """Return the measurements without estimates of metrics that labels have given, version by version."""
    realized = {
        (m.model_version, m.metric)
        for m in measurements
        if m.kind is Kind.PERFORMANCE and m.status is not Status.SKIPPED
    }
    return [
        m
        for m in measurements
        if m.kind is not Kind.ESTIMATED_PERFORMANCE or (m.model_version, m.metric) not in realized
    ]


_SEVERAL_NUMBERS = frozenset({Kind.DRIFT, Kind.OBJECTIVE})
"""Kinds in which several numbers state one matter of a subject."""


def _one_of_each_subject(breached: Sequence[Measurement]) -> list[Measurement]:
    """Return breaches with one of each column's drift and of each objective: the first of several numbers."""
    seen: set[tuple[str, ...]] = set()
    kept: list[Measurement] = []
    for m in breached:
        key = (m.kind, m.subject, m.model_version, m.segment, m.severity)
        if m.kind in _SEVERAL_NUMBERS and key in seen:
            continue
        kept.append(m)
        seen.add(key)
    return kept


def _limits(measurement: Measurement) -> str:
    """Return value and limits of a breach that was stored without a reason."""
    limits = [
        f"{word} {limit:.4g}"
        for word, limit in (("at least", measurement.threshold_lower), ("at most", measurement.threshold_upper))
        if limit is not None
    ]
    return f"{measurement.value or 0.0:.4g}" + (f", allowed is {' and '.join(limits)}" if limits else "")


def _whose(measurement: Measurement) -> str:
    """Return the words for the version, empty for the champion and for measurements without a version."""
    is_champions = measurement.role == Role.CHAMPION or not measurement.model_version
    return "" if is_champions else f"{measurement.role} {measurement.model_version}: "


def _status(breached: Sequence[Measurement], *, measured: bool) -> VerdictStatus:
    worst = min((SEVERITY_ORDER[m.severity] for m in breached), default=SEVERITY_ORDER[Severity.INFO])
    if worst == SEVERITY_ORDER[Severity.CRITICAL]:
        return VerdictStatus.CRITICAL
    # A measured breach decides, even if little else was measured.
    if worst == SEVERITY_ORDER[Severity.WARNING]:
        return VerdictStatus.WARNING
    return VerdictStatus.OK if measured else VerdictStatus.UNKNOWN


def _what_is_missing(skipped: Sequence[Measurement]) -> list[str]:
    """Return one line for each kind and reason of decisive measurements that were skipped."""
    counted: dict[tuple[str, str], int] = {}
    for m in skipped:
        if m.kind in DECISIVE_KINDS and m.severity is not Severity.INFO:
            key = (f"{_whose(m)}{m.kind}", m.reason or "")
            counted[key] = counted.get(key, 0) + 1
    return [f"not measured: {kind} ({count}): {reason}" for (kind, reason), count in sorted(counted.items())]

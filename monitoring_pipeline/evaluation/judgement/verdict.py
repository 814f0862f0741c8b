"""The judgement on a chunk from all its measurements."""

from collections.abc import Sequence

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
_WEIGHT = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


def judge(measurements: Sequence[Measurement]) -> Verdict:
    """Judge a chunk: as bad as its most severe breach, unknown if there is none and nothing decisive could be measured.

    Breaches of severity ``info`` are listed and do not make a chunk less than ok. What could not be measured
    is neither healthy nor breached: it is counted, and performance that is missing is said. An estimate counts only
    until the labels tell the same metric. A version that serves nobody is no measure of whether anything was measured.
    """
    breached = sorted(
        (m for m in without_replaced_estimates(measurements) if m.status is Status.BREACHED),
        # What could not be measured comes last: mostly, something before it is the reason.
        key=lambda m: (
            _WEIGHT[m.severity],
            m.kind is Kind.OPERATIONS,
            m.kind,
            m.subject,
            str(m.metric),
            m.model_version,
        ),
    )
    skipped = [m for m in measurements if m.status is Status.SKIPPED]
    decisive = [m for m in measurements if is_decisive(m)]
    reasons = [f"{m.severity}: {_whose(m)}{m.kind} {m.subject} {m.metric}: {m.reason}" for m in breached]
    return Verdict(
        status=_status(breached, measured=bool(decisive)),
        reasons=(*reasons, *_what_is_missing(skipped)),
        measured=len(measurements) - len(skipped),
        breaches=len(breached),
        skipped=len(skipped),
    )


def is_decisive(measurement: Measurement) -> bool:
    """Return whether a measurement says something about a model that serves: drift or performance, and measured."""
    return (
        measurement.kind in DECISIVE_KINDS and measurement.status is not Status.SKIPPED and measurement.role in SERVING
    )


def without_replaced_estimates(measurements: Sequence[Measurement]) -> list[Measurement]:
    """Return the measurements without the estimates of metrics that the labels have told, version by version."""
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


def _whose(measurement: Measurement) -> str:
    """Name the version, unless it is the champion's or nobody's."""
    is_champions = measurement.role == Role.CHAMPION or not measurement.model_version
    return "" if is_champions else f"{measurement.role} {measurement.model_version}: "


def _status(breached: Sequence[Measurement], *, measured: bool) -> VerdictStatus:
    worst = min((_WEIGHT[m.severity] for m in breached), default=_WEIGHT[Severity.INFO])
    if worst == _WEIGHT[Severity.CRITICAL]:
        return VerdictStatus.CRITICAL
    # A breach was measured, however little else could be.
    if worst == _WEIGHT[Severity.WARNING]:
        return VerdictStatus.WARNING
    return VerdictStatus.OK if measured else VerdictStatus.UNKNOWN


def _what_is_missing(skipped: Sequence[Measurement]) -> list[str]:
    """Return one line per kind and reason that kept something decisive from being measured."""
    counted: dict[tuple[str, str], int] = {}
    for m in skipped:
        if m.kind in DECISIVE_KINDS and m.severity is not Severity.INFO:
            key = (f"{_whose(m)}{m.kind}", m.reason or "")
            counted[key] = counted.get(key, 0) + 1
    return [f"not measured: {kind} ({count}): {reason}" for (kind, reason), count in sorted(counted.items())]

"""Measurements of numbers that were read from a Prometheus server."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.operations.measuring import OF_PROMETHEUS, judged
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.operations import REACHABLE


@dataclass(frozen=True)
class ServerNumber:
    """The outcome of one query: its number, or why there is none.

    Args:
        query: the text that was asked.
        value: the number; None without one.
        reason: why there is none.
        is_away: whether the server did not answer.
    """

    query: str
    value: float | None = None
    reason: str = ""
    is_away: bool = False


def measure_server(
    spec: ModelSpec, numbers: Mapping[str, ServerNumber], stored: Sequence[Measurement]
) -> tuple[Measurement, ...]:
    """Return a measurement for each number, and whether the server answered.

    A number that the server no longer has keeps the value that is stored, if the same query was asked for it.

    Args:
        spec: the model.
        numbers: what was read, by name.
        stored: the measurements of the chunk that are stored.
    """
    known = {(m.name, m.definition): m.value for m in stored if m.subject == OF_PROMETHEUS and m.value is not None}
    measured = [_measured(spec, name, number, known.get((name, number.query))) for name, number in numbers.items()]
    missing = [
        (m, number)
        for m, number in zip(measured, numbers.values(), strict=True)
        if m.status is Status.SKIPPED and number.is_away
    ]
    reachable = Measurement(
        kind=Kind.OPERATIONS,
        subject=OF_PROMETHEUS,
        name=REACHABLE,
        model_version="",
        value=0.0 if missing else 1.0,
        threshold_lower=1.0,
        severity=Severity.WARNING,
        definition="1 if the Prometheus server answered",
    )
    if missing:
        counted = f"{len(missing)} number{'' if len(missing) == 1 else 's'} of the serving system"
        reachable = reachable.breached(f"{missing[0][1].reason}; {counted} could not be measured")
    return (*measured, reachable)


def _measured(spec: ModelSpec, name: str, number: ServerNumber, known: float | None) -> Measurement:
    threshold = spec.operations.thresholds.get(name)
    m = Measurement(
        kind=Kind.OPERATIONS,
        subject=OF_PROMETHEUS,
        name=name,
        model_version="",
        value=0.0,
        threshold_lower=threshold.lower if threshold else None,
        threshold_upper=threshold.upper if threshold else None,
        severity=Severity((threshold.severity if threshold else None) or spec.operations.severity),
        definition=number.query,
    )
    value = known if number.value is None else number.value
    return m.skipped(number.reason) if value is None else judged(replace(m, value=value))

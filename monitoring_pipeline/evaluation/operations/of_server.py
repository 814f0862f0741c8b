"""Measurements of numbers that were read from a Prometheus server, judged by thresholds or by the chunks before."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.operations.measuring import OF_PROMETHEUS, judged
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.operations import REACHABLE
from monitoring_pipeline.statistics.samples.usual_history import Slot, usual_next

WEEK = dt.timedelta(days=7)
HISTORY, LEAST_HISTORY = 8 * WEEK, 2 * WEEK
"""What is usual is learned from as much time before a chunk, and from no less."""
HISTORY_OF_LONG_CHUNKS, LEAST_OF_LONG_CHUNKS = 30, 8
"""Chunks before, and the fewest, where a chunk is a week or a month."""
LARGEST_LEVEL = 1e-3
"""A number of a healthy chunk is breached with at most this probability."""
SHARE_OF_BUDGET = 0.5
"""Share of the false alarms by broken data that numbers of a server may spend."""


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


@dataclass(frozen=True)
class EarlierNumbers:
    """The numbers of the chunks before a chunk, from which is learned what is usual.

    Args:
        numbers: by name, with the slot of each chunk, in order.
        slot: the slot of the chunk that is judged.
        least: fewest numbers that show what is usual.
        level: probability of a breach on a healthy chunk.
        noun: what a chunk is.
    """

    numbers: Mapping[str, Sequence[tuple[Slot, float]]]
    slot: Slot
    least: int
    level: float
    noun: str


def chunks_before(spec: ModelSpec) -> int:
    """Return the number of earlier chunks with which a chunk is compared."""
    return HISTORY_OF_LONG_CHUNKS if _is_long(spec) else round(HISTORY / spec.calendar.length)


def earlier_numbers(
    spec: ModelSpec, chunk: Chunk, stored: Iterable[tuple[str, Measurement]], *, allowed: float
) -> EarlierNumbers:
    """Return the stored numbers of earlier chunks. Numbers of another query are left out.

    Args:
        spec: the model, which declares a server.
        chunk: the chunk that is judged.
        stored: measurements of earlier chunks with their keys, in the order of the chunks.
        allowed: false alarms per chunk that broken data may give.
    """
    rules, calendar = spec.operations.prometheus, spec.calendar
    names = rules.all_queries if rules else {}
    numbers: dict[str, list[tuple[Slot, float]]] = {name: [] for name in names}
    for key, m in stored:
        if rules is None or m.name not in numbers or m.value is None:
            continue
        earlier = calendar.chunk(key)
        if m.definition == rules.query(m.name, spec.name, seconds_of(earlier)):
            numbers[m.name].append((calendar.slot(earlier), m.value))
    by_history = max(len(names.keys() - spec.operations.thresholds.keys()), 1)
    return EarlierNumbers(
        numbers,
        calendar.slot(chunk),
        LEAST_OF_LONG_CHUNKS if _is_long(spec) else round(LEAST_HISTORY / calendar.length),
        min(SHARE_OF_BUDGET * allowed / by_history, LARGEST_LEVEL),
        calendar.noun,
    )


def seconds_of(chunk: Chunk) -> int:
    """Return the length of a chunk."""
    return round((chunk.end - chunk.start).total_seconds())


def judge_again(
    spec: ModelSpec, measurements: Sequence[Measurement], earlier: EarlierNumbers
) -> tuple[Measurement, ...]:
    """Return the measurements of a chunk, those of the server judged beside what is known now of the chunks before."""
    return tuple(
        replace(_judged(spec, _blank(spec, m.name, m.definition or ""), m.value, earlier), role=m.role)
        if m.subject == OF_PROMETHEUS and m.name != REACHABLE and m.value is not None
        else m
        for m in measurements
    )


def _is_long(spec: ModelSpec) -> bool:
    return spec.calendar.length >= WEEK


def measure_server(
    spec: ModelSpec, numbers: Mapping[str, ServerNumber], stored: Sequence[Measurement], earlier: EarlierNumbers
) -> tuple[Measurement, ...]:
    """Return a measurement for each number, and whether the server answered.

    A number that the server no longer has keeps the value that is stored, if the same query was asked for it.

    Args:
        spec: the model.
        numbers: what was read, by name.
        stored: the measurements of the chunk that are stored.
        earlier: the numbers of the chunks before, which show what is usual.
    """
    known = {(m.name, m.definition): m.value for m in stored if m.subject == OF_PROMETHEUS and m.value is not None}
    measured = [
        _measured(spec, name, number, known.get((name, number.query)), earlier) for name, number in numbers.items()
    ]
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


def _measured(
    spec: ModelSpec, name: str, number: ServerNumber, known: float | None, earlier: EarlierNumbers
) -> Measurement:
    blank = _blank(spec, name, number.query)
    value = known if number.value is None else number.value
    return blank.skipped(number.reason) if value is None else _judged(spec, blank, value, earlier)


def _blank(spec: ModelSpec, name: str, query: str) -> Measurement:
    threshold = spec.operations.thresholds.get(name)
    return Measurement(
        kind=Kind.OPERATIONS,
        subject=OF_PROMETHEUS,
        name=name,
        model_version="",
        value=0.0,
        threshold_lower=threshold.lower if threshold else None,
        threshold_upper=threshold.upper if threshold else None,
        severity=Severity((threshold.severity if threshold else None) or spec.operations.severity),
        definition=query,
    )


def _judged(spec: ModelSpec, blank: Measurement, value: float, earlier: EarlierNumbers) -> Measurement:
    """Return a number judged by its threshold; without one, beside the chunks before."""
    m = replace(blank, value=value)
    if m.name in spec.operations.thresholds:
        return judged(m)
    known = earlier.numbers.get(m.name, ())
    if len(known) < earlier.least:
        return m.noted(f"not judged: {len(known)} {earlier.noun}s before are known, {earlier.least} are needed")
    usual = usual_next([slot for slot, _ in known], [number for _, number in known], earlier.slot, earlier.level)
    if usual is None:
        return m.noted("not judged: it was always 0, or negative, before; give a threshold")
    m = replace(m, reference_value=usual.middle, threshold_upper=usual.upper)
    if value <= usual.upper:
        return m
    return m.breached(
        f"{value:.6g}; {usual.middle:.4g} is usual, up to {usual.upper:.4g} (from {len(known)} {earlier.noun}s before)"
    )

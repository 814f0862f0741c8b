"""What the predictions of an incident's chunks are worth, against what so many usual ones are worth."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitoring_pipeline.evaluation.business.money import COST, DIFFERENCE, ESTIMATED, USUAL, amount
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.measurement import Measurement, Role
from monitoring_pipeline.spec.model import ModelSpec

_COST = Cause(Family.BUSINESS, (COST,))


@dataclass(frozen=True)
class _OfChunk:
    """The difference of one version's chunk, with what makes its interval.

    Args:
        value: the difference.
        below: distance to the lower end of its interval, without the error of the reference.
        above: distance to the upper end, likewise. It is farther off if estimated rows may be worth more.
        shared: what the error of the reference adds, which is the same error on every chunk.
        is_estimated: whether labels were not known.
    """

    value: float
    below: float
    above: float
    shared: float
    is_estimated: bool


def money_words(spec: ModelSpec, cause: Cause, chunks: Mapping[str, Sequence[Measurement]]) -> str:
    """Return the words for the difference in value between an incident's predictions and usual ones.

    Nothing is claimed if the interval includes 0. The errors of chunks are independent, but for that of the reference.

    Args:
        spec: the model.
        cause: the cause of the incident.
        chunks: measurements against the reference, by the key of each chunk of the incident.
    """
    if spec.value is None or cause == _COST:
        return ""
    noun, currency = spec.calendar.noun, spec.value.currency
    of_chunks = [_of_chunk(cause, measured) for measured in chunks.values()]
    found = [own for of_chunk in of_chunks for own in of_chunk]
    if not found:
        return ""
    total = math.fsum(own.value for own in found)
    shared = math.fsum(own.shared for own in found)
    lower = total - math.hypot(*(own.below for own in found), shared)
    upper = total + math.hypot(*(own.above for own in found), shared)
    measured = sum(map(bool, of_chunks))
    on = f" on {measured} {noun}s" if measured > 1 else ""
    notes: list[str] = []
    if estimated := sum(any(own.is_estimated for own in of_chunk) for of_chunk in of_chunks):
        notes.append(ESTIMATED if estimated == measured else f"{ESTIMATED} on {estimated} of them")
    if measured < len(of_chunks):
        missing = len(of_chunks) - measured
        notes.append(f"not known on {missing} {noun}{'' if missing == 1 else 's'}")
    if lower <= 0 <= upper:
        notes = [f"{amount(lower)} to {amount(upper)} {currency}{on}", *notes]
        return f"no loss of value is proven ({'; '.join(notes)})"
    low, high = sorted((abs(lower), abs(upper)))
    notes = [f"{amount(low)} to {amount(high)}{on}", *notes]
    side = "less" if total < 0 else "more"
    return f"about {amount(abs(total))} {currency} {side} than usual so far ({'; '.join(notes)})"


def _of_chunk(cause: Cause, measured: Sequence[Measurement]) -> list[_OfChunk]:
    segment = cause.about[0] if cause.family is Family.SEGMENT else ""
    own = [m for m in measured if m.segment == segment and m.value is not None and _is_of(cause, m)]
    usual = {m.model_version: m for m in own if m.name == USUAL}
    return [_difference(m, usual[m.model_version]) for m in own if m.name == DIFFERENCE and m.model_version in usual]


def _is_of(cause: Cause, measurement: Measurement) -> bool:
    m = measurement
    return m.model_version == cause.version if cause.version else m.role == Role.CHAMPION


def _difference(measurement: Measurement, usual: Measurement) -> _OfChunk:
    value = measurement.value or 0.0
    shared = ((usual.upper or 0.0) - (usual.lower or 0.0)) / 2 * measurement.rows
    below, above = (
        0.0 if end is None else math.sqrt(max((end - value) ** 2 - shared**2, 0.0))
        for end in (measurement.lower, measurement.upper)
    )
    return _OfChunk(value, below, above, shared, ESTIMATED in (measurement.reason or ""))

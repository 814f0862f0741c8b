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
        own: half of its interval, without the error of the reference.
        shared: what the error of the reference adds, which is the same error on every chunk.
        is_estimated: whether labels were not known.
    """

    value: float
    own: float
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
    half_width = math.hypot(*(own.own for own in found), math.fsum(own.shared for own in found))
    measured = sum(map(bool, of_chunks))
    on = f" on {measured} {noun}s" if measured > 1 else ""
    notes: list[str] = []
    if estimated := sum(any(own.is_estimated for own in of_chunk) for of_chunk in of_chunks):
        notes.append(ESTIMATED if estimated == measured else f"{ESTIMATED} on {estimated} of them")
    if measured < len(of_chunks):
        missing = len(of_chunks) - measured
        notes.append(f"not known on {missing} {noun}{'' if missing == 1 else 's'}")
    if abs(total) <= half_width:
        notes = [f"{amount(total - half_width)} to {amount(total + half_width)} {currency}{on}", *notes]
        return f"no loss of value is proven ({'; '.join(notes)})"
    notes = [f"{amount(abs(total) - half_width)} to {amount(abs(total) + half_width)}{on}", *notes]
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
    half = _half(measurement)
    shared = _half(usual) * measurement.rows
    own = math.sqrt(max(half**2 - shared**2, 0.0))
    return _OfChunk(measurement.value or 0.0, own, shared, ESTIMATED in (measurement.reason or ""))


def _half(measurement: Measurement) -> float:
    return ((measurement.upper or 0.0) - (measurement.lower or 0.0)) / 2

"""What the predictions of an incident's chunks are worth, against what so many usual ones are worth."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monitoring_pipeline.evaluation.business.money import (
    COST,
    DIFFERENCE,
    ERROR_OF_ESTIMATES,
    ESTIMATED,
    USUAL,
    amount,
)
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.measurement import Measurement, Role
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.results import NORMAL_QUANTILE

_COST = Cause(Family.BUSINESS, (COST,))


@dataclass(frozen=True)
class _OfChunk:
    """The difference of one version's chunk, with what makes its interval.

    Args:
        value: the difference.
        below: distance to the lower end of its interval, without the errors that chunks share.
        above: distance to the upper end, likewise. It is farther off if estimated rows may be worth more.
        of_reference: what the error of the reference adds, which is the same error on every chunk.
        of_estimates: what the error of estimates adds, likewise; None if labels were known.
    """

    value: float
    below: float
    above: float
    of_reference: float
    of_estimates: float | None


def money_words(spec: ModelSpec, cause: Cause, chunks: Mapping[str, Sequence[Measurement]]) -> str:
    """Return the words for the difference in value between an incident's predictions and usual ones.

    Nothing is claimed if the interval includes 0. The errors of chunks are independent,
    but for those of the reference and of estimates, which are the same on each.

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
    of_reference = math.fsum(own.of_reference for own in found)
    of_estimates = math.fsum(own.of_estimates or 0.0 for own in found)
    lower = total - math.hypot(*(own.below for own in found), of_reference, of_estimates)
    upper = total + math.hypot(*(own.above for own in found), of_reference, of_estimates)
    measured = sum(map(bool, of_chunks))
    on = f" on {measured} {noun}s" if measured > 1 else ""
    notes: list[str] = []
    if estimated := sum(any(own.of_estimates is not None for own in of_chunk) for of_chunk in of_chunks):
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
    by_name = {(m.name, m.model_version): m for m in own}
    return [
        _difference(m, by_name[USUAL, m.model_version], by_name.get((ERROR_OF_ESTIMATES, m.model_version)))
        for m in own
        if m.name == DIFFERENCE and (USUAL, m.model_version) in by_name
    ]


def _is_of(cause: Cause, measurement: Measurement) -> bool:
    m = measurement
    return m.model_version == cause.version if cause.version else m.role == Role.CHAMPION


def _difference(measurement: Measurement, usual: Measurement, estimates: Measurement | None) -> _OfChunk:
    value, rows = measurement.value or 0.0, measurement.rows
    of_reference = ((usual.upper or 0.0) - (usual.lower or 0.0)) / 2 * rows
    of_estimates = None if estimates is None else NORMAL_QUANTILE * (estimates.value or 0.0) * rows
    shared = math.hypot(of_reference, of_estimates or 0.0)
    below, above = (
        0.0 if end is None else math.sqrt(max((end - value) ** 2 - shared**2, 0.0))
        for end in (measurement.lower, measurement.upper)
    )
    return _OfChunk(value, below, above, of_reference, of_estimates)

"""Two versions beside each other: when a shadow takes over, and when a new champion goes back."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from monitoring_pipeline.records.decision import Answer
from monitoring_pipeline.records.measurement import Measurement, Status
from monitoring_pipeline.spec.rules.retraining import ProbationRules, ShadowRules
from monitoring_pipeline.statistics.intervals.confidence_sequence import confidence_sequence

LEAST_DAYS = 2
"""One day has no spread."""


@dataclass(frozen=True, kw_only=True)
class ChunkDifference:
    """One day's mean loss of the newer version minus that of the older, on the same rows; negative is better."""

    chunk: str
    difference: float
    rows: int


@dataclass(frozen=True, kw_only=True)
class SequencePoint:
    """The mean difference up to a day, with its bounds that hold on every day at once; ``None`` while without end."""

    chunk: str
    mean: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True, kw_only=True)
class ShadowAnswer:
    """What becomes of a shadow, and why; the answer is None while it goes on."""

    answer: Literal[Answer.PROMOTE, Answer.REFUSE] | None
    reason: str
    sequence: tuple[SequencePoint, ...]


@dataclass(frozen=True, kw_only=True)
class ProbationAnswer:
    """What becomes of a new champion, and why; the answer is None while its probation goes on."""

    answer: Literal[Answer.ROLL_BACK, Answer.PASSED] | None
    reason: str
    sequence: tuple[SequencePoint, ...]


def chunk_difference_of(chunk: str, measurement: Measurement) -> ChunkDifference | None:
    """Return the difference that a measurement of a chunk contains; ``None`` if it was skipped."""
    if measurement.status is Status.SKIPPED or measurement.value is None:
        return None
    return ChunkDifference(chunk=chunk, difference=measurement.value, rows=measurement.rows)


def decide_shadow(
    rules: ShadowRules, days: Sequence[ChunkDifference], days_since_start: int, *, noun: str = "day"
) -> ShadowAnswer:
    """Decide about a shadow by its days beside the champion, in any order.

    The first day from ``minimum_days`` on that excludes zero decides, so that the answer is the same whenever it is
    asked for. Days beyond ``maximum_days`` play no part; when so many have passed it is refused, compared or not.

    Args:
        rules: how long, and how sure.
        days: the shadow's loss minus the champion's, on the days with labels.
        days_since_start: whole days since it began, without the last ones, whose labels are not due yet.
        noun: the word for a chunk. If it is no day, chunks take the place of days, also in the rules.
    """
    own = _in_order(days)[: rules.maximum_days]
    sequence = sequence_of(own, rules.alpha)
    decisive = _decisive(sequence, rules.minimum_days)
    if decisive is not None:
        better = decisive.mean < 0
        verdict = "better" if better else "worse"
        return ShadowAnswer(
            answer=Answer.PROMOTE if better else Answer.REFUSE,
            reason=f"proven {verdict} on {_shown(decisive, own, noun)}",
            sequence=sequence,
        )
    so_far = _so_far(own, sequence, rules.minimum_days, noun)
    if max(len(own), days_since_start) >= rules.maximum_days:
        reason = f"not proven better in {rules.maximum_days} {noun}s: {so_far}"
        return ShadowAnswer(answer=Answer.REFUSE, reason=reason, sequence=sequence)
    return ShadowAnswer(answer=None, reason=so_far, sequence=sequence)


def decide_probation(
    rules: ProbationRules, days: Sequence[ChunkDifference], days_since_promotion: int, *, noun: str = "day"
) -> ProbationAnswer:
    """Decide about a new champion by its days beside the one that it has replaced, in any order.

    It is rolled back by the first day from ``least_days`` on on which it is proven worse, and has passed when its
    time is over without. What ``rules.rollback`` says about who rolls back is the caller's.

    Args:
        rules: how long, and how sure.
        days: the new champion's loss minus the former one's, on the days with labels since the promotion.
        days_since_promotion: whole days since the promotion, without the last ones, whose labels are not due yet.
        noun: the word for a chunk, as in ``decide_shadow``.
    """
    own = _in_order(days)[: rules.days]
    sequence = sequence_of(own, rules.alpha)
    decisive = _decisive(sequence, rules.least_days, worse_only=True)
    if decisive is not None:
        reason = f"proven worse on {_shown(decisive, own, noun)}"
        return ProbationAnswer(answer=Answer.ROLL_BACK, reason=reason, sequence=sequence)
    so_far = _so_far(own, sequence, rules.least_days, noun)
    if days_since_promotion >= rules.days:
        reason = f"not proven worse in {rules.days} {noun}s: {so_far}"
        return ProbationAnswer(answer=Answer.PASSED, reason=reason, sequence=sequence)
    return ProbationAnswer(answer=None, reason=so_far, sequence=sequence)


def sequence_of(days: Sequence[ChunkDifference], alpha: float) -> tuple[SequencePoint, ...]:
    """Return the confidence sequence of the mean difference, from the second day on, in the order of the days."""
    own = _in_order(days)
    differences = [day.difference for day in own]
    estimates = [confidence_sequence(differences[:count], alpha) for count in range(LEAST_DAYS, len(own) + 1)]
    return tuple(
        SequencePoint(chunk=day.chunk, mean=estimate.value, lower=estimate.lower, upper=estimate.upper)
        for day, estimate in zip(own[LEAST_DAYS - 1 :], estimates, strict=False)
    )


def _in_order(days: Sequence[ChunkDifference]) -> list[ChunkDifference]:
    ordered = sorted(days, key=lambda day: day.chunk)
    for earlier, later in pairwise(ordered):
        if earlier.chunk == later.chunk:
            message = f"chunk {later.chunk} is there twice; one difference a day is expected"
            raise ValueError(message)
    return ordered


def _decisive(
    sequence: Sequence[SequencePoint], minimum_days: int, *, worse_only: bool = False
) -> SequencePoint | None:
    """Return the first day from the minimum on whose bounds exclude zero."""
    for day in sequence[max(minimum_days - LEAST_DAYS, 0) :]:
        if day.lower is None or day.upper is None:
            continue
        if day.lower > 0 or (day.upper < 0 and not worse_only):
            return day
    return None


def _so_far(days: Sequence[ChunkDifference], sequence: Sequence[SequencePoint], minimum_days: int, noun: str) -> str:
    if len(days) < minimum_days:
        return f"{len(days)} {noun}s with labels, at least {minimum_days} needed"
    return f"so far: {_shown(sequence[-1], days, noun)}"


def _shown(day: SequencePoint, days: Sequence[ChunkDifference], noun: str) -> str:
    own = [entry for entry in days if entry.chunk <= day.chunk]
    bounds = "" if day.lower is None or day.upper is None else f" ({day.lower:.4g} to {day.upper:.4g})"
    return (
        f"{len(own)} {noun}s up to {day.chunk}: mean difference {day.mean:.4g}{bounds}, "
        f"{sum(entry.rows for entry in own)} rows"
    )

"""Whether a model is to be trained again, with the reason, from its judged chunks."""

import datetime as dt
import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from monitoring_pipeline.records.decision import Answer
from monitoring_pipeline.records.evidence import RetrainingEvidence
from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement, Role, Severity, Status
from monitoring_pipeline.spec.rules.retraining import RetrainingRules
from monitoring_pipeline.spec.rules.threshold import Persistence

DAY = dt.timedelta(days=1)
LOOK_BACK = 3
"""Measured chunks are looked for among this many times as many chunks: older ones are no evidence about today."""
GIVEN_UP_AFTER = dt.timedelta(days=7)
"""A retraining that no gate has judged by then has failed, or was lost: another may be asked for."""
_RUNNING = f"a retraining is running already, or failed: given up after {GIVEN_UP_AFTER.days} days"

_TOLD_BY_LABELS = frozenset({Maturity.PROVISIONAL, Maturity.FINAL})
_OF_MODEL = frozenset({Kind.PERFORMANCE, Kind.ESTIMATED_PERFORMANCE, Kind.DRIFT})


@dataclass(frozen=True, kw_only=True)
class JudgedChunk:
    """The state of the champion on one judged chunk.

    Args:
        chunk: key of the chunk.
        chunk_end: when it ended.
        maturity: state of its labels, ``None`` if it is unknown.
        performance_breached: whether realized performance breaches a threshold; ``None`` if it was not measured.
        estimated_breached: the same of estimated performance.
        inputs_drifted: whether an input, or all of them together, have drifted.
        quality_failing: whether its data are broken.
        model_version: the champion of that night.
    """

    chunk: str
    chunk_end: dt.datetime
    maturity: Maturity | None
    performance_breached: bool | None
    estimated_breached: bool | None
    inputs_drifted: bool
    quality_failing: bool
    model_version: str = ""

    @property
    def told_by_labels(self) -> bool | None:
        """Whether performance is breached by final labels; ``None`` if it is unknown.

        Broken data are no reason to train a model, so a chunk with broken data does not count.
        """
        counts = self.maturity in _TOLD_BY_LABELS and not self.quality_failing
        return self.performance_breached if counts else None

    @property
    def suspected(self) -> bool | None:
        """The same by the estimate and the drift of inputs, for chunks without final labels."""
        if self.told_by_labels is not None or self.quality_failing:
            return self.told_by_labels
        return None if self.estimated_breached is None else self.estimated_breached and self.inputs_drifted


@dataclass(frozen=True, kw_only=True)
class RetrainingCase:
    """The facts that the answer depends on, apart from the rules.

    Args:
        history: judged chunks, oldest first, up to and with the one that the answer is about.
        serving: the version that serves now; chunks of other versions do not count.
        now: the time, in the zone in which the cool-down counts whole days.
        horizon: a chunk that ended longer ago does not ask for a retraining.
        label_delay: time until labels arrive; chunks judged by labels are counted that much further back.
        length: length of a chunk.
        last_change: the last change of the champion, or the last request for a retraining that a gate has judged.
        trial: the running trial of two versions in words, or None.
        running: whether a requested retraining still waits for its gate.
    """

    history: Sequence[JudgedChunk]
    serving: str
    now: dt.datetime
    horizon: dt.timedelta
    label_delay: dt.timedelta = dt.timedelta()
    length: dt.timedelta = DAY
    last_change: dt.datetime | None = None
    trial: str | None = None
    running: bool = False


@dataclass(frozen=True, kw_only=True)
class RetrainingAnswer:
    """The answer whether to train again, with reason and evidence."""

    answer: Literal[Answer.YES, Answer.NO]
    reason: str
    evidence: RetrainingEvidence


@dataclass(frozen=True)
class _Count:
    """The breached chunks among the measured ones."""

    breached: tuple[str, ...]
    measured: int
    rule: Persistence

    @property
    def lasting(self) -> bool:
        return len(self.breached) >= self.rule.chunks

    def told(self, what: str) -> str:
        asked_for = f"asked for at {self.rule.chunks} of {self.rule.of}"
        return f"{what} on {len(self.breached)} of {self.measured} chunks ({asked_for})"


def decide_retraining(rules: RetrainingRules, case: RetrainingCase) -> RetrainingAnswer:
    """Decide whether a model is to be trained again. The answer no has the first reason against it."""
    history, serving = case.history, case.serving
    waiting = math.ceil(case.label_delay / case.length)
    labelled = _count(history, serving, rules.breached, lambda judged: judged.told_by_labels, waiting=waiting)
    suspected = _count(history, serving, rules.estimated, lambda judged: judged.suspected)
    cool_until = _end_of_cool_down(rules, case)
    told = (
        f"{labelled.told('performance is breached')}; "
        f"{suspected.told('it is, or its estimate while the inputs have drifted,')}"
    )
    against = (
        _too_old(history, case.now, case.horizon),
        None
        if any(night.model_version == serving for night in history)
        else f"version {serving} has no judged day yet",
        None if labelled.lasting or suspected.lasting else f"not asked for: {told}",
        f"data quality is failing on {history[-1].chunk}" if history and history[-1].quality_failing else None,
        case.trial,
        f"cooling down until {cool_until}" if cool_until is not None and case.now.date() < cool_until else None,
        _RUNNING if case.running else None,
    )
    reason = next((reason for reason in against if reason is not None), None)
    return RetrainingAnswer(
        answer=Answer.YES if reason is None else Answer.NO,
        reason=reason or told,
        evidence=RetrainingEvidence(
            chunk=history[-1].chunk if history else None,
            serving=serving,
            labelled_breached=labelled.breached,
            labelled_measured=labelled.measured,
            estimated_breached=suspected.breached,
            estimated_measured=suspected.measured,
            cool_down_until=cool_until,
        ),
    )


def _end_of_cool_down(rules: RetrainingRules, case: RetrainingCase) -> dt.date | None:
    if case.last_change is None:
        return None
    return (case.last_change.astimezone(case.now.tzinfo) + rules.cool_down).date()


def judged_chunk_of(
    chunk: str, chunk_end: dt.datetime, measurements: Iterable[Measurement], *, outputs: Collection[str]
) -> JudgedChunk:
    """Return the state of the champion from a chunk's measurements.

    Performance is breached if a critical threshold is. If the spec has no critical threshold, any threshold above
    severity ``info`` counts. Data are broken when a critical measurement of quality is breached. Inputs have drifted
    when drift other than of the outputs is breached.
    """
    own = [m for m in measurements if m.role == Role.CHAMPION]
    version = _version_of(own)
    of_model = [m for m in own if m.kind in _OF_MODEL and m.model_version == version]
    performance = [m for m in of_model if m.kind is Kind.PERFORMANCE]
    drift = [m for m in of_model if m.kind is Kind.DRIFT and m.subject not in outputs]
    breached = [m for m in own if m.status is Status.BREACHED]
    return JudgedChunk(
        chunk=chunk,
        chunk_end=chunk_end,
        maturity=next((m.maturity for m in performance if m.maturity is not None), None),
        performance_breached=_breached(performance),
        estimated_breached=_breached(m for m in of_model if m.kind is Kind.ESTIMATED_PERFORMANCE),
        inputs_drifted=any(m.status is Status.BREACHED and m.severity is not Severity.INFO for m in drift),
        quality_failing=any(m.kind is Kind.QUALITY and m.severity is Severity.CRITICAL for m in breached),
        model_version=version,
    )


def _version_of(measurements: Iterable[Measurement]) -> str:
    """Return the version with most rows of the chunk; on the day of a promotion there are two."""
    rows = {(m.rows, m.model_version) for m in measurements if m.kind in _OF_MODEL}
    return max(rows)[1] if rows else ""


def _count(
    history: Sequence[JudgedChunk],
    version: str,
    rule: Persistence,
    told: Callable[[JudgedChunk], bool | None],
    *,
    waiting: int = 0,
) -> _Count:
    """Count a version's breaches on its newest measured chunks, as many as the rule looks at, besides ``waiting``."""
    recent = [night for night in history[-(LOOK_BACK * rule.of + waiting) :] if night.model_version == version]
    measured = [(night.chunk, breached) for night in recent if (breached := told(night)) is not None][-rule.of :]
    return _Count(tuple(chunk for chunk, breached in measured if breached), len(measured), rule)


def _too_old(history: Sequence[JudgedChunk], now: dt.datetime, horizon: dt.timedelta) -> str | None:
    if not history:
        return "no chunk has been judged"
    if now - history[-1].chunk_end > horizon:
        days = horizon / dt.timedelta(days=1)
        return f"{history[-1].chunk} ended more than {days:g} days ago: history asks for nothing"
    return None


def _breached(measurements: Iterable[Measurement]) -> bool | None:
    """Return whether a threshold of the whole model is breached; None if none could be measured."""
    bounded = [m for m in measurements if m.subject == "model" and not m.segment and _has_threshold(m)]
    critical = [m for m in bounded if m.severity is Severity.CRITICAL]
    measured = [m for m in critical or bounded if m.status is not Status.SKIPPED]
    return any(m.status is Status.BREACHED for m in measured) if measured else None


def _has_threshold(measurement: Measurement) -> bool:
    if measurement.severity is Severity.INFO:
        return False
    limits = (measurement.threshold_lower, measurement.threshold_upper)
    # A threshold by the reference alone leaves no limits where zero is best: its severity tells it then.
    return limits != (None, None) or Severity.CRITICAL is measurement.severity or measurement.status is Status.BREACHED

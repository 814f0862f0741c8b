"""Drift weighed by its effect on the model, from the measurements of one chunk.

Drifted inputs have an effect on the model if, on the same chunk and for the same version, its output has drifted, or
realized or estimated performance is beyond a limit. If such numbers are measured and none of them is, the drift is for
information. If none of them is measured, nothing is known, and the drift keeps its severity. So does drift of the
output, and everything that breaks data, because those are no measurements of drifted inputs.

Realized performance that is beyond a limit on the same chunk may have another cause. So it shows the effect only if the
attribution of the chunk supports it. A drifted output and an estimate, which follow from the inputs, show it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.explanation.share import MetricChange, Part, explains_change, is_attribution
from monitoring_pipeline.evaluation.judgement.verdict import without_replaced_estimates
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec

NAMES_SHOWN = 3
WITHOUT_EFFECT, WITH_EFFECT, SEEN_BESIDE = EFFECTS = (
    "without effect on the model", "with an effect on the model", "at the same time",
)  # fmt: skip
"""The beginnings of the words about an effect, which are added to the reason of drift."""
_OUTPUTS = frozenset({"score", "prediction"})
_ORDER = {Kind.DRIFT: 0, Kind.PERFORMANCE: 1, Kind.ESTIMATED_PERFORMANCE: 2}
_OF_PERFORMANCE = frozenset({Kind.PERFORMANCE, Kind.ESTIMATED_PERFORMANCE})


@dataclass(frozen=True)
class Effect:
    """What is known about the effect of a chunk's drift on one version.

    Args:
        seen: names of the numbers that show an effect.
        unchanged: names of the numbers that could have shown one and do not.
        is_shown: whether more than a coincidence shows it, or nothing is known.
    """

    seen: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    is_shown: bool = True

    @property
    def is_none(self) -> bool:
        """Whether the drift has no effect on the model; an effect about which nothing is known may exist."""
        return bool(self.unchanged) and not self.seen

    @property
    def words(self) -> str:
        """The effect as the end of a sentence; empty if nothing is known."""
        if self.is_none:
            return f"{WITHOUT_EFFECT}: {_joined(self.unchanged)} within limits"
        if not self.seen:
            return ""
        beginning = WITH_EFFECT if self.is_shown else SEEN_BESIDE
        return f"{beginning}: {_joined(self.seen)} beyond limits"


def effects_by_version(measurements: Sequence[Measurement]) -> dict[str, Effect]:
    """Return what the measurements of one chunk show about the effect of drift, by model version."""
    evidence: dict[str, list[Measurement]] = {}
    for m in without_replaced_estimates(measurements):
        if _is_evidence(m):
            evidence.setdefault(m.model_version, []).append(m)
    attribution = [m for m in measurements if is_attribution(m)]
    return {version: _effect(found, attribution) for version, found in evidence.items()}


def is_weighed(spec: ModelSpec, measurement: Measurement) -> bool:
    """Return whether the effect on the model decides the severity: of drifted inputs, unless the spec declares it."""
    return (
        spec.drift.severity is None
        and measurement.kind is Kind.DRIFT
        and measurement.status is Status.BREACHED
        and measurement.severity is not Severity.INFO
        and not _is_output(measurement.subject)
    )


def weighed(measurement: Measurement, effect: Effect) -> Measurement:
    """Return a breach of drift with its severity by its effect: for information if there is none."""
    return replace(measurement, severity=Severity.INFO).noted(effect.words) if effect.is_none else measurement


def weighed_by_effect(spec: ModelSpec, measurements: Iterable[Measurement]) -> list[Measurement]:
    """Return the measurements of one chunk, those of drifted inputs with their severity by their effect."""
    every = list(measurements)
    effects = effects_by_version(every)
    nothing = Effect()
    return [weighed(m, effects.get(m.model_version, nothing)) if is_weighed(spec, m) else m for m in every]


def _effect(evidence: Sequence[Measurement], attribution: Sequence[Measurement]) -> Effect:
    seen = [m for m in evidence if m.status is Status.BREACHED]
    return Effect(
        seen=_names(seen),
        unchanged=_names(m for m in evidence if m.status is not Status.BREACHED),
        is_shown=any(m.kind is not Kind.PERFORMANCE or _is_supported(m, attribution) for m in seen),
    )


def _is_evidence(measurement: Measurement) -> bool:
    """Return whether a number can show an effect: drift of the output, or performance with a limit."""
    m = measurement
    if m.status is Status.SKIPPED or m.severity is Severity.INFO:
        return False
    if m.kind is Kind.DRIFT:
        return _is_output(m.subject)
    is_judged = m.threshold_lower is not None or m.threshold_upper is not None
    # A segment within its limits shows nothing about the others.
    return m.kind in _OF_PERFORMANCE and (m.status is Status.BREACHED or (is_judged and not m.segment))


def _is_supported(measurement: Measurement, attribution: Sequence[Measurement]) -> bool:
    """Return whether moved inputs or a moved score explain the change of a metric of the whole chunk."""
    m = measurement
    is_above = m.value is not None and m.threshold_upper is not None and m.value > m.threshold_upper
    change = MetricChange(metric=str(m.metric), model_version=m.model_version, direction=1 if is_above else -1)
    return not m.segment and any(explains_change(part, change, attribution) for part in Part)


def _names(measurements: Iterable[Measurement]) -> tuple[str, ...]:
    in_order = sorted(measurements, key=lambda m: (_ORDER[m.kind], str(m.metric), m.subject))
    names = dict.fromkeys(map(_name, in_order))
    # The prediction is decided from the score.
    return tuple(name for name in names if name != "prediction" or "score" not in names)


def _name(measurement: Measurement) -> str:
    if measurement.kind is Kind.DRIFT:
        return measurement.subject.partition("[")[0]
    return f"{'estimated ' if measurement.kind is Kind.ESTIMATED_PERFORMANCE else ''}{measurement.metric}"


def _is_output(subject: str) -> bool:
    return subject.partition("[")[0] in _OUTPUTS


def _joined(names: Sequence[str]) -> str:
    more = len(names) - NAMES_SHOWN
    shown = [*names[:NAMES_SHOWN], *([f"{more} more"] if more > 0 else [])]
    return f"{shown[0]} is" if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]} are"

"""Incidents: a pure fold over what was measured on a model's chunks, in their order.

Folding again gives the same incidents, and added chunks change nothing before them. Each cause is followed
separately. A breach that is explained by the incident of another cause becomes part of that incident. It neither opens
nor lengthens an incident of its cause. It does not count as fine either, so it cannot end an incident that lasts.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

from monitoring_pipeline.evaluation.business.money import is_against_reference
from monitoring_pipeline.evaluation.explanation.effect import Effect, effects_by_version, is_weighed, weighed
from monitoring_pipeline.evaluation.explanation.share import is_attribution
from monitoring_pipeline.evaluation.incidents.causes import Signal, is_declared, is_proved_fine_by, rank_of, signal_of
from monitoring_pipeline.evaluation.incidents.course import Course, Reasons
from monitoring_pipeline.evaluation.incidents.evidence import Earlier, evidence_of
from monitoring_pipeline.evaluation.incidents.explanations import explains, is_related, joined_columns
from monitoring_pipeline.evaluation.incidents.findings import Breach
from monitoring_pipeline.evaluation.incidents.importance import by_importance
from monitoring_pipeline.evaluation.incidents.money import money_words
from monitoring_pipeline.evaluation.incidents.split_words import split_words
from monitoring_pipeline.evaluation.incidents.support import supported_causes
from monitoring_pipeline.evaluation.incidents.words import end_of_scoring_words, end_of_trial_words, undeclared_words
from monitoring_pipeline.evaluation.judgement.verdict import without_replaced_estimates
from monitoring_pipeline.evaluation.rows.expected_gap import is_expected_gap
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import IncidentHistory
from monitoring_pipeline.records.measurement import Kind, Measurement, Role, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec

_SOURCE = Cause(Family.SOURCE)


@dataclass(frozen=True, kw_only=True)
class ChunkMeasurements:
    """The measurements of one chunk that incidents are folded from.

    Args:
        chunk: key of the chunk.
        measurements: the breached ones, and the unbreached ones of every signal (kind, subject, name, segment) that
            was breached on any chunk, in any version and role. Also the realized metric of a breached estimate;
            if an input ever drifted, what shows its effect on the model (drift of its output, metrics with limits);
            and ``rows`` of the chunk, which shows that its source could be read. A skipped measurement of a challenger
            shows that it scored the chunk; one of a subject that left the spec shows that the subject was still
            measured. Other skipped or healthy measurements may be there and have no effect.
        attribution: measurements that attribute a change of performance; they open no incident.
        money: measurements of what predictions are worth against the reference; they open none either.
    """

    chunk: str
    measurements: tuple[Measurement, ...]
    attribution: tuple[Measurement, ...] = ()
    money: tuple[Measurement, ...] = ()


def chunk_measurements(chunk: str, measured: Sequence[Measurement]) -> ChunkMeasurements:
    """Return the measurements of a chunk, sorted into those that may open an incident and those that explain one."""
    return ChunkMeasurements(
        chunk=chunk,
        measurements=tuple(m for m in measured if not is_attribution(m) and not is_against_reference(m)),
        attribution=tuple(m for m in measured if is_attribution(m)),
        money=tuple(m for m in measured if is_against_reference(m)),
    )


def fold_incidents(spec: ModelSpec, chunks: Sequence[ChunkMeasurements]) -> tuple[IncidentHistory, ...]:
    """Return all incidents of a model, in the order of their opening.

    Args:
        spec: the model; its ``incidents`` say how many chunks of how many open, resolve and escalate.
        chunks: its judged chunks, sorted. Chunks that were never judged are left out.

    Raises:
        ValueError: when the chunks are not in order, or a chunk occurs twice.
    """
    keys = [evidence.chunk for evidence in chunks]
    for before, after in pairwise(keys):
        if before >= after:
            message = f"{spec.name}: chunk {after} comes after {before}; chunks are in order, each once"
            raise ValueError(message)
    fold = _Fold(spec)
    for index, evidence in enumerate(chunks):
        fold.take(index, evidence)
    return fold.histories(len(chunks) - 1)


class _Fold:
    """The courses of all causes up to a chunk."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._noun = spec.calendar.noun
        self._courses: dict[Cause, Course] = {}
        self._joined: dict[Cause, Cause] = {}
        self._signals: dict[tuple[object, ...], Signal | None] = {}
        self._money: dict[str, tuple[Measurement, ...]] = {}
        self._earlier: defaultdict[Signal, Earlier] = defaultdict(Earlier)

    def take(self, index: int, evidence: ChunkMeasurements) -> None:
        """Process one chunk: advance each cause by its own breaches, then attach the breaches that it explains."""
        chunk, measurements = evidence.chunk, without_replaced_estimates(evidence.measurements)
        by_signal = self._by_signal(index, measurements)
        breaches = self._breaches(chunk, by_signal, effects_by_version((*measurements, *evidence.attribution)))
        courses = sorted(self._courses.values(), key=lambda course: rank_of(course.cause))
        fine = self._causes_with_fine_signals(by_signal)
        # A chunk that needs no predictions, and has none, shows nothing about its source.
        is_gap = is_expected_gap(measurements)
        kinds = set[Kind]() if is_gap else {m.kind for m in measurements if m.status is not Status.SKIPPED}
        consequences: dict[Cause, list[Breach]] = {}
        for course in courses:
            own = breaches.get(course.cause, ())
            # Causes are in the order of explanation, so the explaining cause has already processed this chunk.
            for breach in own:
                if (by := self._explained_by(index, breach)) is not None:
                    consequences.setdefault(by, []).append(breach)
            course.take(
                index,
                chunk,
                own,
                fine_somewhere=course.cause in fine
                or is_proved_fine_by(course.cause, kinds, has_rows=_SOURCE not in breaches),
            )
        self._money |= {} if is_gap else {chunk: evidence.money}
        for course, words in _ended_trials(self._spec, courses, evidence.measurements):
            course.end(index, chunk, words)
        if _SOURCE not in breaches and is_proved_fine_by(_SOURCE, kinds):
            for course in _undeclared(self._spec, courses, evidence.measurements):
                course.end(index, chunk, undeclared_words())
        active = [course.cause for course in courses if index in course.covered]
        ranked = partial(by_importance, attribution=evidence.attribution)
        support = partial(supported_causes, self._spec.inputs.keys(), evidence.attribution)
        for course in courses:
            related = [cause for cause in active if is_related(cause, course.cause)]
            split = partial(split_words, course.cause, attribution=evidence.attribution)
            money = partial(self._money_since, course.cause)
            course.tell(
                index, chunk, consequences.get(course.cause, ()), related, Reasons(support, split, money, ranked)
            )

    def histories(self, last_index: int) -> tuple[IncidentHistory, ...]:
        """Return all incidents so far, in the order of their opening."""
        every = [h for course in self._courses.values() for h in course.histories(self._spec.name, last_index)]
        return tuple(sorted(every, key=lambda h: (h.incident.opened, rank_of(h.incident.cause))))

    def _money_since(self, cause: Cause, since: str) -> str:
        if self._spec.value is None:
            return ""
        return money_words(self._spec, cause, {key: money for key, money in self._money.items() if key >= since})

    def _by_signal(self, index: int, measurements: Sequence[Measurement]) -> dict[Signal, list[Measurement]]:
        """Return the measurements by signal in a fixed order, and create a course for every new cause."""
        by_signal: dict[Signal, list[Measurement]] = {}
        for measurement in measurements:
            if measurement.status is not Status.SKIPPED and (signal := self._signal(measurement)) is not None:
                by_signal.setdefault(signal, []).append(measurement)
        self._join_columns(
            index, {signal.cause for signal, measured in by_signal.items() if any(map(_weighs, measured))}
        )
        renamed = {s._replace(cause=self._joined.get(s.cause, s.cause)): measured for s, measured in by_signal.items()}
        for signal in renamed:
            if signal.cause not in self._courses:
                self._courses[signal.cause] = Course(
                    signal.cause, self._spec.incidents, self._explained_by, noun=self._noun
                )
        return dict(sorted(renamed.items()))

    def _signal(self, measurement: Measurement) -> Signal | None:
        """Return the signal of a measurement, which is looked for once, as a number has the same on every chunk."""
        m = measurement
        key = (m.kind, m.subject, m.name, m.of, m.segment, m.severity, m.role, m.model_version)
        if key not in self._signals:
            self._signals[key] = signal_of(self._spec, measurement)
        return self._signals[key]

    def _join_columns(self, index: int, breached: Iterable[Cause]) -> None:
        """Join the columns that begin to fail on the same chunk into one cause, as long as its incident can last."""
        self._joined = {own: joined for own, joined in self._joined.items() if self._is_alive(joined, index)}
        fresh = sorted(
            cause
            for cause in breached
            if cause.columns and cause not in self._joined and not self._is_alive(cause, index)
        )
        if len(fresh) > 1:
            self._joined |= dict.fromkeys(fresh, joined_columns(fresh))

    def _is_alive(self, cause: Cause, index: int) -> bool:
        return cause in self._courses and self._courses[cause].is_alive(index)

    def _breaches(
        self, chunk: str, by_signal: Mapping[Signal, Sequence[Measurement]], effects: Mapping[str, Effect]
    ) -> dict[Cause, list[Breach]]:
        """Return the breaches above severity info by cause, each with the causes that may explain it.

        Drift is weighed by its effect afterwards: without one it is an incident for information.
        """
        heavy = {signal: _in_fixed_order(filter(_weighs, measured)) for signal, measured in by_signal.items()}
        breached = sorted({signal.cause for signal, measured in heavy.items() if measured}, key=rank_of)
        breaches: dict[Cause, list[Breach]] = {}
        for signal, measured in heavy.items():
            since = self._courses[signal.cause].follow(signal, chunk, breached=bool(measured))
            for m in measured:
                explainers = tuple(cause for cause in breached if explains(self._spec, cause, signal.cause, m))
                breach = self._breach(m, since, explainers, effects)
                evidence = evidence_of(m, self._earlier[signal], self._spec.incidents.open.chunks)
                breaches.setdefault(signal.cause, []).append(replace(breach, evidence=evidence))
            self._earlier[signal].add(_in_fixed_order(by_signal[signal]))
        return breaches

    def _breach(
        self, measurement: Measurement, since: str, explainers: tuple[Cause, ...], effects: Mapping[str, Effect]
    ) -> Breach:
        effect = effects.get(measurement.model_version)
        if effect is None or not is_weighed(self._spec, measurement):
            return Breach(measurement, since, explainers)
        return Breach(weighed(measurement, effect), since, explainers, effect)

    def _causes_with_fine_signals(self, by_signal: Mapping[Signal, Sequence[Measurement]]) -> set[Cause]:
        """Return the causes with a signal that was breached before and is measured without a breach on this chunk."""
        return {
            signal.cause
            for signal, measured in by_signal.items()
            if self._courses[signal.cause].was_breached(signal) and not any(map(_weighs, measured))
        }

    def _explained_by(self, index: int, breach: Breach) -> Cause | None:
        """Return the cause whose incident explains a breach of a chunk, as of the current chunk."""
        return next((cause for cause in breach.explainers if index in self._courses[cause].covered), None)


def _weighs(measurement: Measurement) -> bool:
    return measurement.status is Status.BREACHED and measurement.severity is not Severity.INFO


def _in_fixed_order(measurements: Iterable[Measurement]) -> list[Measurement]:
    """Return the measurements of one signal in a fixed order; several exist only if a day has several champions."""
    every = list(measurements)
    return sorted(every, key=repr) if len(every) > 1 else every


def _ended_trials(
    spec: ModelSpec, courses: Sequence[Course], measurements: Sequence[Measurement]
) -> Iterator[tuple[Course, str]]:
    """Yield the courses of challengers that changed role or stopped scoring, each with its sentence."""
    others = {m.model_version for m in measurements if m.role != Role.CHALLENGER}
    on_trial = {m.model_version for m in measurements if m.role == Role.CHALLENGER}
    for course in courses:
        if not (version := course.cause.version):
            continue
        elsewhere = [m for m in measurements if m.model_version != version and m.status is not Status.SKIPPED]
        signals = {Signal(course.cause, m.kind, m.subject, m.metric, m.segment) for m in elsewhere}
        if version in others - on_trial:
            yield course, end_of_trial_words(version)
        elif course.miss(scored=version in on_trial | others, signals_of_others=signals):
            yield course, end_of_scoring_words(version, spec.incidents.resolve.of, spec.calendar.noun)


def _undeclared(spec: ModelSpec, courses: Sequence[Course], measurements: Sequence[Measurement]) -> Iterator[Course]:
    """Yield the courses of subjects that left the spec, if the chunk has not even a skipped measurement of them."""
    looked_at = {(m.kind, m.subject, m.metric, m.segment) for m in measurements}
    for course in courses:
        signals = course.signals
        if not any(is_declared(spec, signal) for signal in signals) and looked_at.isdisjoint(s[1:] for s in signals):
            yield course

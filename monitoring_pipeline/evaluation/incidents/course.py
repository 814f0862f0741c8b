"""The course of one cause over the chunks: when its breaches become an incident, and how that incident proceeds."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from monitoring_pipeline.evaluation.incidents.causes import Signal, opens_at_once
from monitoring_pipeline.evaluation.incidents.evidence import Evidence, lasts_already
from monitoring_pipeline.evaluation.incidents.findings import Breach, finding_of, place_of
from monitoring_pipeline.evaluation.incidents.words import (
    evidence_words,
    persistence_words,
    resolution_words,
    spread_words,
    title_of,
)
from monitoring_pipeline.records.cause import Cause
from monitoring_pipeline.records.incident import (
    EventKind,
    Finding,
    Incident,
    IncidentEvent,
    IncidentHistory,
    IncidentState,
)
from monitoring_pipeline.records.measurement import WEIGHT, Severity
from monitoring_pipeline.spec.derived_columns import feature_and_part
from monitoring_pipeline.spec.rules.incidents import IncidentRules
from monitoring_pipeline.spec.rules.threshold import Persistence

_AT_ONCE = Persistence(chunks=1, of=1)


@dataclass(frozen=True)
class _Mark:
    """One chunk on which the cause was measured. It was fine if there are no breaches."""

    index: int
    chunk: str
    breaches: tuple[Breach, ...]


@dataclass
class _Running:
    """An incident that lasts. ``first`` is the index of the first chunk that counts since it was opened or reopened."""

    opened: str
    since: str
    begun: int
    first: int
    severity: Severity = Severity.INFO
    last_breached: str = ""
    breached_chunks: int = 0
    reopened: int = 0
    resolved: str | None = None
    resolved_at: int = -1
    title: str = ""
    opened_by: str = ""
    findings: tuple[Finding, ...] = ()
    related: tuple[Cause, ...] = ()
    explained_by: tuple[Cause, ...] = ()
    subjects: dict[str, None] = field(default_factory=dict[str, None])
    events: list[IncidentEvent] = field(default_factory=list[IncidentEvent])


Support = Callable[[Sequence[Finding], Sequence[Cause]], tuple[Cause, ...]]
"""Returns the causes, of those of other incidents, that the attribution of a chunk supports for some findings."""


@dataclass(frozen=True)
class Reasons:
    """What the attribution of a chunk shows about an incident.

    Args:
        support: selects the causes that it supports.
        split: returns the sentence about the parts of the change that some findings are about; empty if there is none.
        money: returns the sentence about what the chunks since one are worth; empty if nothing is known.
        ranked: returns findings in their order, those of drift by what they matter to the model.
    """

    support: Support
    split: Callable[[Sequence[Finding]], str]
    money: Callable[[str], str]
    ranked: Callable[[Sequence[Finding]], tuple[Finding, ...]] = tuple


class Course:
    """The state of one cause after the chunks so far.

    Args:
        cause: the cause.
        rules: how many chunks of how many open, escalate and resolve.
        explained_by: returns the cause that explains a breach of the chunk with an index, as of the current chunk.
        noun: the word for a chunk.
    """

    def __init__(
        self, cause: Cause, rules: IncidentRules, explained_by: Callable[[int, Breach], Cause | None], *, noun: str
    ) -> None:
        self.cause = cause
        self.covered: set[int] = set()
        self._rules = rules
        self._noun = noun
        self._open = _AT_ONCE if opens_at_once(cause) else rules.open
        self._explained_by = explained_by
        self._since: dict[Signal, str | None] = {}
        self._marks: list[_Mark] = []
        self._incidents: list[_Running] = []
        self._missed = 0

    @property
    def running(self) -> _Running | None:
        """The incident that lasts."""
        return self._incidents[-1] if self._incidents and self._incidents[-1].resolved is None else None

    @property
    def signals(self) -> AbstractSet[Signal]:
        """The signals that were ever breached."""
        return self._since.keys()

    def is_alive(self, index: int) -> bool:
        """Return whether an incident lasts, or could be reopened on the chunk with an index."""
        return bool(self._incidents) and (
            self.running is not None or index - self._incidents[-1].resolved_at <= self._rules.reopen_within
        )

    def follow(self, signal: Signal, chunk: str, *, breached: bool) -> str:
        """Record the measurement of a signal, and return the chunk since which it has been breached."""
        if breached:
            self._since[signal] = self._since.get(signal) or chunk
        elif signal in self._since:
            self._since[signal] = None
        return self._since.get(signal) or ""

    def was_breached(self, signal: Signal) -> bool:
        """Return whether a signal was ever breached. A signal that never was is not evidence about the cause."""
        return signal in self._since

    def take(self, index: int, chunk: str, breaches: Sequence[Breach], *, fine_somewhere: bool) -> None:
        """Process one chunk: record whether the cause was fine, and open, reopen or resolve its incident.

        Args:
            index: place of the chunk.
            chunk: its key.
            breaches: breaches that belong to this cause, explained ones included.
            fine_somewhere: whether any of its signals was measured as fine, or the cause is known to be fine.
        """
        running = self.running
        subjects = running.subjects if running else ()
        # An explained breach keeps this incident open only if its subject already belongs to the incident.
        counted = tuple(b for b in breaches if not self._explained_by(index, b) or b.measurement.subject in subjects)
        if not counted and not fine_somewhere:
            return
        self._marks.append(_Mark(index, chunk, counted))
        if self._is_own(self._marks[-1]):
            if running:
                self.covered.add(index)
            else:
                self._open_if_it_lasts(index, chunk)
        elif running and not counted:
            self._resolve_if_fine(running, index, chunk)

    def end(self, index: int, chunk: str, words: str) -> None:
        """End the incident of a subject that is no longer measured: off trial, or removed from the spec."""
        if (running := self.running) is not None:
            self._resolve(running, index, chunk, words)

    def miss(self, *, scored: bool, signals_of_others: AbstractSet[Signal]) -> bool:
        """Record whether a challenger scored a chunk. Return whether it missed as many as the resolving rule looks at.

        Args:
            scored: whether the chunk has any measurement of the challenger.
            signals_of_others: signals measured for other versions on the chunk, with causes of this version.
        """
        if scored:
            self._missed = 0
        elif not signals_of_others.isdisjoint(self._since):
            self._missed += 1
        return self._missed >= self._rules.resolve.of

    def tell(
        self, index: int, chunk: str, consequences: Sequence[Breach], related: Sequence[Cause], reasons: Reasons
    ) -> None:
        """Update the incident, if it lasts, to the end of a chunk.

        Args:
            index: place of the chunk.
            chunk: its key.
            consequences: breaches of other causes that this one explains.
            related: causes of other incidents on the chunk that come earlier in the flow of data.
            reasons: what the attribution of the chunk shows.
        """
        running = self.running
        own = self._marks[-1].breaches if self._marks and self._marks[-1].index == index else ()
        if running is None or not (own or consequences):
            return
        explainers = [self._explained_by(index, breach) for breach in own]
        findings = [
            *(finding_of(b, consequence=by is not None) for b, by in zip(own, explainers, strict=True)),
            *(finding_of(b, consequence=True) for b in consequences),
        ]
        running.findings = reasons.ranked(sorted(findings, key=place_of))
        running.related = tuple(dict.fromkeys([*(by for by in explainers if by is not None), *related]))
        running.explained_by = reasons.support(running.findings, running.related)
        running.last_breached = chunk
        lasting = [self._is_own(mark) for mark in self._last_marks(self._rules.open, since=running.first)]
        is_felt = any(finding.severity is not Severity.INFO for finding in running.findings)
        effect = next((breach.effect.words for breach in own if breach.effect), "")
        running.title = title_of(
            self.cause,
            running.findings,
            since=running.since,
            breached=sum(lasting),
            measured=len(lasting),
            noun=self._noun,
            effect="" if is_felt else effect,
            split=reasons.split(running.findings),
            money=reasons.money(running.since),
        )
        self._tell_what_changed(running, index, chunk, effect)

    def histories(self, model: str, last_index: int) -> list[IncidentHistory]:
        """Return the incidents of this cause; ``last_index`` is the place of the newest chunk."""
        return [
            IncidentHistory(
                incident=Incident(
                    model=model,
                    cause=self.cause,
                    opened=entry.opened,
                    since=entry.since,
                    last_breached=entry.last_breached,
                    resolved=entry.resolved,
                    state=_state(entry, last_index),
                    severity=entry.severity,
                    breached_chunks=entry.breached_chunks,
                    reopened=entry.reopened,
                    title=entry.title,
                    findings=entry.findings,
                    subjects=tuple(entry.subjects),
                    related=entry.related,
                    explained_by=entry.explained_by,
                ),
                events=tuple(entry.events),
            )
            for entry in self._incidents
        ]

    def _open_if_it_lasts(self, index: int, chunk: str) -> None:
        before = self._incidents[-1] if self._incidents else None
        window = self._last_marks(self._open, since=before.resolved_at + 1 if before else 0)
        own = [mark for mark in window if self._is_own(mark)]
        evidence = [self._evidence(mark) for mark in own]
        counted = sum(each.chunks for each in evidence)
        if counted < self._open.chunks and not self._has_own_window(self._marks[-1]):
            return
        comes_back = before is not None and own[0].index - before.resolved_at <= self._rules.reopen_within
        if before is not None and comes_back:
            incident = before
            incident.resolved, incident.severity = None, Severity.INFO
            incident.begun, incident.first = index, own[0].index
            incident.reopened += 1
        else:
            incident = _Running(opened=chunk, since=own[0].chunk, begun=index, first=own[0].index)
            self._incidents.append(incident)
        incident.opened_by = evidence_words(evidence, self._open, self._noun)
        # The opening chunk is counted when the incident is updated.
        incident.breached_chunks += len(own) - 1
        self.covered.update(mark.index for mark in own)
        for mark in own:
            incident.subjects.update(dict.fromkeys(self._own_subjects(mark)))

    def _resolve_if_fine(self, running: _Running, index: int, chunk: str) -> None:
        rule = self._rules.resolve
        window = self._last_marks(rule, since=running.begun)
        if sum(not mark.breaches for mark in window) >= rule.chunks:
            words = resolution_words(rule, since=running.since, breached=running.breached_chunks, noun=self._noun)
            self._resolve(running, index, chunk, words)

    def _resolve(self, running: _Running, index: int, chunk: str, summary: str) -> None:
        running.resolved, running.resolved_at = chunk, index
        running.events.append(
            IncidentEvent(kind=EventKind.RESOLVED, chunk=chunk, severity=running.severity, summary=summary)
        )

    def _tell_what_changed(self, running: _Running, index: int, chunk: str, effect: str) -> None:
        before, worst = running.severity, max((f.severity for f in running.findings), key=WEIGHT.__getitem__)
        lasts_long = self._lasts_long(running)
        running.severity = Severity.CRITICAL if lasts_long else max(before, worst, key=WEIGHT.__getitem__)
        running.breached_chunks += 1
        subjects = dict.fromkeys(feature_and_part(f.subject)[0] for f in running.findings)
        new = [s for s in subjects if s not in running.subjects]
        running.subjects.update(dict.fromkeys(new))

        def happened(kind: EventKind, summary: str) -> None:
            event = IncidentEvent(kind=kind, chunk=chunk, severity=running.severity, summary=summary)
            running.events.append(event)

        if running.begun == index:
            kind = EventKind.REOPENED if running.reopened else EventKind.OPENED
            happened(kind, running.title + running.opened_by)
            return
        if new:
            happened(EventKind.SPREAD, spread_words(new))
        if running.severity is not before:
            by_persistence = self._rules.escalate if lasts_long and worst is not Severity.CRITICAL else None
            why = f"{persistence_words(by_persistence, self._noun)}: " if by_persistence else ""
            if not why and before is Severity.INFO and effect:
                why = f"{effect}: "
            happened(EventKind.ESCALATED, f"{why}{running.title}")

    def _lasts_long(self, running: _Running) -> bool:
        rule = self._rules.escalate
        if rule is None:
            return False
        return sum(self._counts(mark) for mark in self._last_marks(rule, since=running.first)) >= rule.chunks

    def _counts(self, mark: _Mark) -> bool:
        """Return whether a chunk counts for the escalation: drifted inputs do if they are shown to affect the model."""
        return any(
            (breach.effect is None or breach.effect.is_shown) and self._explained_by(mark.index, breach) is None
            for breach in mark.breaches
        )

    def _is_own(self, mark: _Mark) -> bool:
        """Return whether a chunk has a breach that no incident of another cause explains, as of the current chunk."""
        return any(self._explained_by(mark.index, breach) is None for breach in mark.breaches)

    def _evidence(self, mark: _Mark) -> Evidence:
        """Return the evidence of a chunk: that of its own breach which counts most."""
        return max(b.evidence for b in mark.breaches if self._explained_by(mark.index, b) is None)

    def _has_own_window(self, mark: _Mark) -> bool:
        """Return whether a breach lasts over a window, so that it need not last over further chunks."""
        return any(
            lasts_already(breach.measurement) and self._explained_by(mark.index, breach) is None
            for breach in mark.breaches
        )

    def _own_subjects(self, mark: _Mark) -> list[str]:
        return [b.measurement.subject for b in mark.breaches if self._explained_by(mark.index, b) is None]

    def _last_marks(self, rule: Persistence, *, since: int) -> list[_Mark]:
        """Return the last marks that a rule looks at, without those before the chunk with an index."""
        return [mark for mark in self._marks[-rule.of :] if mark.index >= since]


def _state(entry: _Running, last_index: int) -> IncidentState:
    if entry.resolved is not None:
        return IncidentState.RESOLVED
    if entry.begun < last_index:
        return IncidentState.ONGOING
    return IncidentState.REOPENED if entry.reopened else IncidentState.OPEN

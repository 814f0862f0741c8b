"""What a model spent of its budget of false alarms, from its incidents and the outcomes that people recorded.

An incident counts each time it opens or opens again, by the worst severity that it has until it ends. It is false if it
was recorded as noise. One without an outcome may be false, so it is counted apart.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.evaluation.budget.allowed import MONTH, PARTS, QUARTER
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.incident import EventKind, IncidentEvent, Outcome, StoredIncident
from monitoring_pipeline.records.measurement import WEIGHT, Severity
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.samples.openings import interval_of_count

_BEGINS = frozenset({EventKind.OPENED, EventKind.REOPENED})
_BY_PEOPLE = frozenset(
    {EventKind.ACKNOWLEDGED, EventKind.MUTED, EventKind.UNMUTED, EventKind.OUTCOME, EventKind.COMMENTED}
)


class Judged(StrEnum):
    """What is known about an alarm."""

    FALSE = "false"
    NOT_FALSE = "real or planned"
    UNKNOWN = "not recorded"


_JUDGED = {Outcome.NOISE: Judged.FALSE, Outcome.REAL: Judged.NOT_FALSE, Outcome.PLANNED: Judged.NOT_FALSE}


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """One opening of an incident.

    Args:
        chunk: key of the chunk on which it opened.
        severity: the worst until it ended.
        cause: the cause of the incident.
        rules: the numbers in its findings that are no consequences of others.
        judged: what is known about it.
    """

    chunk: str
    severity: Severity
    cause: Cause
    rules: tuple[str, ...]
    judged: Judged


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Alarms of one severity since a chunk, beside what the budget allows.

    Args:
        severity: critical (pages) or warning.
        since: key of the first chunk that counts.
        periods: length of the time in months (warnings) or quarters (pages).
        allowed: false alarms that the budget allows in one period.
        counts: number of alarms by what is known about them.
    """

    severity: Severity
    since: str
    periods: float
    allowed: float
    counts: Mapping[Judged, int]

    @property
    def false(self) -> int:
        """Number of false alarms."""
        return self.counts.get(Judged.FALSE, 0)

    @property
    def unknown(self) -> int:
        """Number of alarms without a recorded outcome."""
        return self.counts.get(Judged.UNKNOWN, 0)

    @property
    def rate(self) -> float:
        """False alarms in a period."""
        return self.false / self.periods

    @property
    def interval(self) -> tuple[float, float]:
        """The 90 % interval of the rate: from that of the false alarms to that of those that may be false, too."""
        lower, _ = interval_of_count(self.false)
        _, upper = interval_of_count(self.false + self.unknown)
        return lower / self.periods, upper / self.periods

    @property
    def is_exceeded(self) -> bool:
        """Whether more alarms were false than the budget allows in this time."""
        return self.false > self.allowed * self.periods

    @property
    def may_be_exceeded(self) -> bool:
        """Whether more alarms may have been false than the budget allows, because nobody recorded what they were."""
        return not self.is_exceeded and self.false + self.unknown > self.allowed * self.periods


@dataclass(frozen=True, kw_only=True)
class Contribution:
    """The alarms of one family of causes and one number."""

    family: Family
    rule: str
    alarms: int
    pages: int
    counts: Mapping[Judged, int]


def first_of_quarter(spec: ModelSpec, chunk: Chunk) -> Chunk:
    """Return the first chunk of the quarter of a year that ends with a chunk, not before the first monitored one."""
    calendar = spec.calendar
    return max(calendar.chunk_at(chunk.end - QUARTER), calendar.first, key=lambda each: each.start)


def may_have_alarms(stored: StoredIncident, first: str, last: str) -> bool:
    """Return whether an incident may have opened with severity warning or critical from one chunk to another."""
    incident = stored.incident
    was_shown = incident.severity is not Severity.INFO or incident.reopened > 0
    return was_shown and incident.opened <= last and incident.last_breached >= first


def alarms_of(entries: Iterable[tuple[StoredIncident, Sequence[IncidentEvent]]], first: str, last: str) -> list[Alarm]:
    """Return the openings with severity warning or critical from one chunk to another.

    Args:
        entries: incidents, each with its events in their order.
        first: key of the first chunk.
        last: key of the last chunk.
    """
    found = (alarm for stored, events in entries for alarm in _alarms(stored, events))
    return [alarm for alarm in found if first <= alarm.chunk <= last and alarm.severity is not Severity.INFO]


def spent(spec: ModelSpec, alarms: Sequence[Alarm], first: Chunk, last: Chunk) -> tuple[Spent, ...]:
    """Return the pages and the warnings among alarms beside the budget; time before a whole period counts as one."""
    length = last.end - first.start
    budget = spec.budget
    return tuple(
        Spent(
            severity=severity,
            since=first.key,
            periods=max(length / period, 1.0) if period is MONTH else 1.0,
            allowed=allowed,
            counts=Counter(alarm.judged for alarm in alarms if alarm.severity is severity),
        )
        for severity, period, allowed in (
            (Severity.CRITICAL, QUARTER, budget.pages_per_quarter),
            (Severity.WARNING, MONTH, budget.warnings_per_month),
        )
    )


def contributions(alarms: Sequence[Alarm]) -> tuple[Contribution, ...]:
    """Return the number of alarms by family of causes and by rule; the largest number comes first."""
    groups: dict[tuple[Family, str], list[Alarm]] = {}
    for alarm in alarms:
        groups.setdefault((alarm.cause.family, alarm.rules[0] if alarm.rules else ""), []).append(alarm)
    found = [
        Contribution(
            family=family,
            rule=rule,
            alarms=len(of),
            pages=sum(alarm.severity is Severity.CRITICAL for alarm in of),
            counts=Counter(alarm.judged for alarm in of),
        )
        for (family, rule), of in groups.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.alarms, each.family, each.rule)))


def words_of(spent_: Spent) -> str:
    """Return one sentence: the false alarms, those without an outcome, and whether the budget holds."""
    noun, period = ("page", "quarter") if spent_.severity is Severity.CRITICAL else ("warning", "month")
    false, unknown = spent_.false, spent_.unknown
    counted = f"{false} false {noun}{'' if false == 1 else 's'}"
    parts = [f"{counted} since {spent_.since}"]
    if unknown:
        parts.append(f"{unknown} without a recorded outcome")
    state = "exceeds" if spent_.is_exceeded else "may exceed" if spent_.may_be_exceeded else "is within"
    return f"{', '.join(parts)}: this {state} the budget of {spent_.allowed:g} a {period}"


def part_words(family: Family) -> str:
    """Return the part of the budget that a family of causes spends."""
    part = next(part for part in PARTS if family in part.families)
    return f"{part.share:.0%} for {part.words}"


def _alarms(stored: StoredIncident, events: Sequence[IncidentEvent]) -> Iterable[Alarm]:
    incident = stored.incident
    outcome = stored.handling.outcome
    judged = Judged.UNKNOWN if outcome is None else _JUDGED[outcome]
    rules = tuple(dict.fromkeys(finding.name for finding in incident.findings if not finding.consequence))
    begun: str | None = None
    worst = Severity.INFO
    for event in (*(event for event in events if event.kind not in _BY_PEOPLE), None):
        if begun is not None and (event is None or event.kind in _BEGINS):
            yield Alarm(chunk=begun, severity=worst, cause=incident.cause, rules=rules, judged=judged)
            worst = Severity.INFO
        if event is not None:
            begun = event.chunk if event.kind in _BEGINS else begun
            worst = max(worst, event.severity, key=WEIGHT.__getitem__)

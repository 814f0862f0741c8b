"""The incidents of a history under two specs: which are gained, lost and kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.evaluation.alerts.routing import PAGING_EVENTS
from monitoring_pipeline.records.incident import IncidentHistory, Outcome, StoredIncident
from monitoring_pipeline.records.measurement import Severity


class Fate(StrEnum):
    """What a proposed spec does to an incident."""

    LOST = "lost"
    GAINED = "gained"
    KEPT = "kept"


@dataclass(frozen=True)
class Compared:
    """An incident under both specs.

    Args:
        fate: whether it is lost, gained or kept.
        before: the incident under the spec in use; None if it is gained.
        after: those under the proposed spec that are the same, in order; several if it is divided, none if it is lost
            or has become part of an earlier one.
        stored: the stored incident with its name and outcome, if there is one.
    """

    fate: Fate
    before: IncidentHistory | None
    after: tuple[IncidentHistory, ...] = ()
    stored: StoredIncident | None = None

    @property
    def is_real(self) -> bool:
        """Whether a person recorded it as real."""
        return self.stored is not None and self.stored.handling.outcome is Outcome.REAL

    @property
    def pages(self) -> tuple[int, int]:
        """The numbers of its pages under the spec in use, and under the proposed one."""
        return (pages_of(self.before) if self.before else 0, sum(map(pages_of, self.after)))


@dataclass(frozen=True)
class Reviewed:
    """What a proposed spec changes in a history.

    Args:
        model: the model.
        chunks: keys of the judged chunks.
        incidents: every incident under either spec, in the order of opening.
        not_replayed: changed fields whose breaches stay as stored.
        never_measured: what is judged by the proposed spec and was not measured.
        suggested: floors by ``column.statistic``, None where none meets the share; None if nobody asked for them.
        real_unmatched: incidents of these chunks that were recorded as real, and that the spec in use does not open.
    """

    model: str
    chunks: tuple[str, ...]
    incidents: tuple[Compared, ...]
    not_replayed: tuple[str, ...] = ()
    never_measured: tuple[str, ...] = ()
    suggested: Mapping[str, float | None] | None = None
    real_unmatched: tuple[StoredIncident, ...] = ()

    def of(self, fate: Fate) -> tuple[Compared, ...]:
        """Return the incidents with a fate."""
        return tuple(entry for entry in self.incidents if entry.fate is fate)

    @property
    def real(self) -> tuple[Compared, ...]:
        """The incidents that were recorded as real."""
        return tuple(entry for entry in self.incidents if entry.is_real)

    @property
    def real_lost(self) -> tuple[Compared, ...]:
        """Those of them that the proposed spec does not open."""
        return tuple(entry for entry in self.real if entry.fate is Fate.LOST)


def pages_of(history: IncidentHistory) -> int:
    """Return the number of an incident's pages: critical events that open, reopen or escalate it."""
    return sum(e.severity is Severity.CRITICAL and e.kind in PAGING_EVENTS for e in history.events)


def compare_incidents(
    before: Sequence[IncidentHistory], after: Sequence[IncidentHistory], stored: Sequence[StoredIncident]
) -> tuple[Compared, ...]:
    """Return every incident of either history once, in the order of opening.

    Two incidents are the same if their causes share family, version and a name, and their breached chunks overlap. An
    incident of the proposed spec that covers several is assigned to the first of them. The others are kept, too.
    """
    taken: set[int] = set()
    compared: list[Compared] = []
    for history in before:
        same = [place for place, other in enumerate(after) if _is_same(history, other)]
        first = [place for place in same if place not in taken]
        taken.update(first)
        fate = Fate.KEPT if same else Fate.LOST
        compared.append(Compared(fate, history, tuple(after[place] for place in first), _stored(history, stored)))
    gained = (Compared(Fate.GAINED, None, (other,)) for place, other in enumerate(after) if place not in taken)
    return tuple(sorted((*compared, *gained), key=lambda entry: incident_of(entry).incident.opened))


def real_unmatched(compared: Sequence[Compared], stored: Sequence[StoredIncident]) -> tuple[StoredIncident, ...]:
    """Return the stored incidents with the outcome real that belong to no compared incident of the spec in use."""
    before = [entry.before for entry in compared if entry.before is not None]
    return tuple(
        s
        for s in stored
        if s.handling.outcome is Outcome.REAL
        and not any(_is_same(history, IncidentHistory(incident=s.incident, events=())) for history in before)
    )


def incident_of(entry: Compared) -> IncidentHistory:
    """Return the incident under the spec in use, or, if it is gained, under the proposed one."""
    return entry.before or entry.after[0]


def _is_same(one: IncidentHistory, other: IncidentHistory) -> bool:
    a, b = one.incident, other.incident
    about = set(a.cause.about) & set(b.cause.about) or a.cause.about == b.cause.about
    is_same_cause = (a.cause.family, a.cause.version) == (b.cause.family, b.cause.version) and about
    return bool(is_same_cause) and a.since <= b.last_breached and b.since <= a.last_breached


def _stored(history: IncidentHistory, stored: Sequence[StoredIncident]) -> StoredIncident | None:
    """Return the stored incident; that with the same opening, or else the first that overlaps, one with an outcome."""
    same = [s for s in stored if _is_same(history, IncidentHistory(incident=s.incident, events=()))]
    return min(
        same,
        key=lambda s: (s.incident.opened != history.incident.opened, s.handling.outcome is None, s.incident.opened),
        default=None,
    )

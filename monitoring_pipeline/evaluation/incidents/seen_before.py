"""Earlier incidents of the same cause, and what people found them to be."""

from collections.abc import Iterable, Sequence

from monitoring_pipeline.records.decision import Decision, Topic
from monitoring_pipeline.records.incident import StoredIncident

_OF_PEOPLE = frozenset({Topic.ACKNOWLEDGEMENT, Topic.MUTE, Topic.OUTCOME, Topic.COMMENT})


def earlier_incidents(stored: StoredIncident, others: Iterable[StoredIncident]) -> list[StoredIncident]:
    """Return the incidents of the same model and cause that were opened before, the newest first."""
    incident = stored.incident
    earlier = [
        other
        for other in others
        if (other.incident.model, other.incident.cause) == (incident.model, incident.cause)
        and other.incident.opened < incident.opened
    ]
    return sorted(earlier, key=lambda other: (other.incident.opened, other.incident_id), reverse=True)


def seen_before(earlier: Sequence[StoredIncident], decisions: Iterable[Decision]) -> str:
    """Return the sentence about earlier incidents of a cause; empty if there is none.

    Args:
        earlier: the earlier incidents, the newest first.
        decisions: decisions about the model, oldest first.
    """
    if not earlier:
        return ""
    last = earlier[0]
    times = "once" if len(earlier) == 1 else f"{len(earlier)} times"
    until = f" to {last.incident.resolved}" if last.incident.resolved else ""
    return f"{times}, last {last.incident.since}{until} ({last.incident_id}): {_found_to_be(last, decisions)}"


def _found_to_be(stored: StoredIncident, decisions: Iterable[Decision]) -> str:
    by_people = [d for d in decisions if d.incident_id == stored.incident_id and d.topic in _OF_PEOPLE]
    # An outcome answers what the others only touch on.
    outcomes = [decision for decision in by_people if decision.topic is Topic.OUTCOME]
    last = next(reversed(outcomes or by_people), None)
    if last is None:
        return "nobody recorded an outcome"
    return f"{last.answer_text} by {last.actor}" + (f", {last.reason}" if last.reason else "")

"""Incidents of models, and the messages about them that are due."""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Protocol

from monitoring_pipeline.evaluation.incidents.changes import IncidentChanges
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements
from monitoring_pipeline.evaluation.incidents.news import KnownIncident
from monitoring_pipeline.records.channel_failure import ChannelFailure
from monitoring_pipeline.records.incident import Delivery, IncidentEvent, LoggedEvent, PlannedAlert, StoredIncident

Judge = Callable[[Sequence[ChunkMeasurements], Sequence[KnownIncident]], IncidentChanges]
"""Returns the incidents to store, made from the measurements of all chunks and the incidents stored so far."""

Plan = Callable[[StoredIncident, IncidentEvent], Sequence[PlannedAlert]]
"""Returns the alerts about one event of an incident."""


class Incidents(Protocol):
    """Where incidents are kept."""

    def update_incidents(self, model: str, judge: Judge, plan: Plan, *, at: dt.datetime) -> tuple[IncidentEvent, ...]:
        """Apply ``judge`` to all measurements of a model, store the changes, and return the announced events."""
        ...

    def incidents(self, model: str | None = None) -> list[StoredIncident]:
        """Return the incidents of a model, or of all models if it is None."""
        ...

    def incident_log(self, incident_id: str) -> list[LoggedEvent]:
        """Return the events of an incident, in order of their chunks."""
        ...

    def deliveries(self, incident_id: str) -> list[Delivery]:
        """Return the messages about an incident with their states, in the order in which they were due."""
        ...


class ChannelFailures(Protocol):
    """Which channels accept no messages."""

    def record_channels(self, *, working: AbstractSet[str], failing: Mapping[str, str], at: dt.datetime) -> None:
        """Record the channels that accepted a message, and the errors of those that accepted none."""
        ...

    def channel_failures(self) -> list[ChannelFailure]:
        """Return the channels that have accepted no message since a failure."""
        ...


class DueAlerts(Protocol):
    """Where messages wait until they are sent."""

    def queue_week(self, week: str, channels: Iterable[str], *, at: dt.datetime) -> tuple[str, ...]:
        """Write the digest of a week for each channel that has none yet; return these channels."""
        ...

    def due_alerts(self, now: dt.datetime, *, lease: dt.timedelta) -> tuple[tuple[int, int], ...]:
        """Return the ID of each message that is due, with the number of failed attempts to send it."""
        ...

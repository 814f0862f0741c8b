"""Writes and reads incidents; each change, its events, its alerts and its decision are one transaction."""

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from monitoring_pipeline.evaluation.incidents.changes import IncidentChange, IncidentChanges
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements
from monitoring_pipeline.evaluation.incidents.handling import Handle
from monitoring_pipeline.evaluation.incidents.news import KnownIncident, heard_of
from monitoring_pipeline.records.incident import (
    Delivery,
    EventKind,
    IncidentEvent,
    LoggedEvent,
    PlannedAlert,
    StoredIncident,
)
from monitoring_pipeline.store.connection import StoreConnection
from monitoring_pipeline.store.decisions import write_decision
from monitoring_pipeline.store.engine import reading, writing
from monitoring_pipeline.store.incident_inputs import read_chunk_measurements
from monitoring_pipeline.store.incident_rows import event_of, event_row, handling_row, incident_of, incident_row
from monitoring_pipeline.store.tables.incidents import alerts, incident_events, incidents

TOLD_ONCE = frozenset({EventKind.SPREAD, EventKind.ESCALATED})
"""Kinds of event that are announced at most once per chunk; resolving and reopening may be announced again."""
BY_PEOPLE = (EventKind.ACKNOWLEDGED, EventKind.MUTED, EventKind.UNMUTED, EventKind.OUTCOME, EventKind.COMMENTED)
Judge = Callable[[Sequence[ChunkMeasurements], Sequence[KnownIncident]], IncidentChanges]
Plan = Callable[[StoredIncident, IncidentEvent], Sequence[PlannedAlert]]


class UnknownIncidentError(LookupError):
    """No incident, or more than one, matches the name that a person gave."""


class IncidentStore(StoreConnection):
    """Incidents of all models, and their events."""

    def update_incidents(self, model: str, judge: Judge, plan: Plan, *, at: dt.datetime) -> tuple[IncidentEvent, ...]:
        """Judge a model's whole history again, store the changes, and return the announced events.

        Measurements are read and incidents judged and written in one transaction. If two runs update at once, the
        second therefore reads the incidents of the first.

        Args:
            model: name of the model.
            judge: takes the measurements of all chunks, and the stored incidents with their announced events; returns
                the changes of incidents.
            plan: returns the alerts about an event; they are written with it.
            at: time of the update.
        """
        told: list[IncidentEvent] = []
        with writing(self._engine, f"incidents/{model}") as connection:
            stored = _known_incidents(connection, model)
            changes = judge(read_chunk_measurements(connection, model), stored)
            for change in changes.current:
                told.extend(_write(connection, change, plan, at))
            for change in changes.gone:
                told.extend(_withdraw(connection, change, plan, at))
        return tuple(told)

    def incidents(self, model: str | None = None) -> list[StoredIncident]:
        """Return the incidents of a model, or of all, in order of their opening."""
        with reading(self._engine) as connection:
            return _incidents(connection, **({"model": model} if model else {}))

    def incident(self, name: str) -> StoredIncident:
        """Return the incident with a name; the beginning of the name is enough if it is unique.

        Raises:
            UnknownIncidentError: when no incident or more than one matches.
        """
        with reading(self._engine) as connection:
            return _one(connection, name)

    def incident_log(self, incident_id: str) -> list[LoggedEvent]:
        """Return the events of an incident, in order of their chunks."""
        statement = sa.select(incident_events).filter_by(incident_id=incident_id).order_by(incident_events.c.event_id)
        with reading(self._engine) as connection:
            rows = connection.execute(statement).mappings().all()
        logged = [LoggedEvent(event=event_of(row), at=row["at"], told=row["told"]) for row in rows]
        return sorted(logged, key=lambda entry: (entry.event.chunk, entry.at))

    def deliveries(self, incident_id: str) -> list[Delivery]:
        """Return the messages about an incident with their states, in the order in which they were due."""
        statement = (
            sa.select(alerts, incident_events.c.kind, incident_events.c.chunk)
            .join(incident_events, incident_events.c.event_id == alerts.c.event_id)
            .where(alerts.c.incident_id == incident_id)
            .order_by(alerts.c.due_at, alerts.c.alert_id)
        )
        with reading(self._engine) as connection:
            rows = connection.execute(statement).mappings().all()
        names = ("channel", "mode", "state", "chunk", "due_at", "sent_at", "error")
        return [Delivery(kind=EventKind(row["kind"]), **{name: row[name] for name in names}) for row in rows]

    def handle_incident(self, name: str, act: Handle, plan: Plan, *, at: dt.datetime) -> StoredIncident:
        """Record a person's action on an incident, and return the changed incident.

        Raises:
            UnknownIncidentError: when no incident or more than one matches.
        """
        with writing(self._engine, f"incidents/{self.incident(name).incident.model}") as connection:
            stored = _one(connection, name)
            done = act(stored)
            after = replace(stored, handling=done.handling)
            row = handling_row(done.handling) | {"updated_at": at}
            connection.execute(incidents.update().filter_by(incident_id=stored.incident_id).values(row))
            _announce(connection, after, done.event, plan, at)
            write_decision(connection, done.decision)
        return after


def _write(connection: Connection, change: IncidentChange, plan: Plan, at: dt.datetime) -> tuple[IncidentEvent, ...]:
    """Store an incident, its events, and alerts about the events to announce; return those events."""
    _save(connection, change.stored, at)
    key = {"incident_id": change.stored.incident_id, "model": change.stored.incident.model}
    rows = connection.execute(sa.select(incident_events).filter_by(incident_id=key["incident_id"])).mappings().all()
    held = {(row["kind"], row["chunk"]): row for row in rows if row["kind"] not in BY_PEOPLE}
    announced = {kind_and_chunk for kind_and_chunk, row in held.items() if row["told"] and row["kind"] in TOLD_ONCE}
    told = tuple(event for event in change.told if (event.kind.value, event.chunk) not in announced)
    for event in change.events:
        row = held.pop((event.kind.value, event.chunk), None)
        if event in told:
            continue
        if row is None:
            connection.execute(incident_events.insert(), key | event_row(event) | {"at": at, "told": False})
        elif event_of(row) != event:
            same = incident_events.c.event_id == row["event_id"]
            connection.execute(incident_events.update().where(same).values(event_row(event)))
    for row in held.values():
        # Announced events stay in the log; events that follow no longer and were never announced are deleted.
        if not row["told"]:
            connection.execute(incident_events.delete().where(incident_events.c.event_id == row["event_id"]))
    for event in told:
        _announce(connection, change.stored, event, plan, at)
    return told


def _withdraw(connection: Connection, change: IncidentChange, plan: Plan, at: dt.datetime) -> tuple[IncidentEvent, ...]:
    """Resolve an incident without remaining breaches; delete it if none of its events was announced."""
    stored = change.stored
    announced = sa.select(incident_events.c.event_id).filter_by(incident_id=stored.incident_id, told=True)
    if connection.execute(announced).first() is None:
        for table in (incidents, incident_events):
            connection.execute(table.delete().filter_by(incident_id=stored.incident_id))
        return ()
    _save(connection, stored, at)
    for event in change.events:
        _announce(connection, stored, event, plan if event in change.told else _no_alerts, at)
    return change.told


def _announce(
    connection: Connection, stored: StoredIncident, event: IncidentEvent, plan: Plan, at: dt.datetime
) -> None:
    """Write an announced event and the alerts about it."""
    key = {"incident_id": stored.incident_id, "model": stored.incident.model}
    same = {"incident_id": stored.incident_id, "kind": event.kind.value, "chunk": event.chunk, "told": False}
    connection.execute(incident_events.delete().filter_by(**same))
    written = connection.execute(incident_events.insert().values(key | event_row(event) | {"at": at, "told": True}))
    (event_id,) = written.inserted_primary_key or (None,)
    rows = [
        key | {"event_id": event_id, "channel": planned.channel, "mode": planned.mode, "due_at": planned.due_at}
        for planned in plan(stored, event)
    ]
    if rows:
        connection.execute(
            alerts.insert(),
            [row | {"state": "due", "created_at": at, "attempts": 0, "uncertain": False} for row in rows],
        )


def _no_alerts(_: StoredIncident, __: IncidentEvent) -> Sequence[PlannedAlert]:
    return ()


def _save(connection: Connection, stored: StoredIncident, at: dt.datetime) -> None:
    """Write an incident unless the stored one is equal."""
    same = sa.select(incidents).filter_by(incident_id=stored.incident_id)
    row = connection.execute(same).mappings().one_or_none()
    if row is None:
        connection.execute(incidents.insert(), incident_row(stored) | {"updated_at": at})
    elif incident_of(row) != stored:
        changed = incidents.update().filter_by(incident_id=stored.incident_id)
        connection.execute(changed.values(incident_row(stored) | {"updated_at": at}))


def _incidents(connection: Connection, **equal: str) -> list[StoredIncident]:
    in_order = sa.select(incidents).order_by(incidents.c.opened, incidents.c.model, incidents.c.cause)
    return [incident_of(row) for row in connection.execute(in_order.filter_by(**equal)).mappings()]


def _known_incidents(connection: Connection, model: str) -> list[KnownIncident]:
    """Return the incidents of a model with the announced events of each."""
    announced = sa.select(incident_events).filter_by(model=model, told=True)
    rows = connection.execute(
        announced.where(incident_events.c.kind.not_in(BY_PEOPLE)).order_by(incident_events.c.event_id)
    ).mappings()
    told: dict[str, list[tuple[IncidentEvent, dt.datetime]]] = {}
    for row in rows:
        told.setdefault(row["incident_id"], []).append((event_of(row), row["at"]))
    return [
        KnownIncident(stored=stored, heard=heard_of(told.get(stored.incident_id, ())))
        for stored in _incidents(connection, model=model)
    ]


def _one(connection: Connection, name: str) -> StoredIncident:
    matching = connection.execute(sa.select(incidents).where(incidents.c.incident_id.startswith(name, autoescape=True)))
    rows = matching.mappings().all()
    if len(rows) != 1 or not name:
        count = "no incident" if not rows else f"{len(rows)} incidents"
        message = f"{count} {name!r}: `monitoring-pipeline incidents` lists their names"
        raise UnknownIncidentError(message)
    return incident_of(rows[0])

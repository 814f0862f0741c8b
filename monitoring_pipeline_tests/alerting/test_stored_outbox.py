import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring_pipeline.alerting.messages.document import alert_document
from monitoring_pipeline.alerting.messages.messages import incident_message
from monitoring_pipeline.evaluation.incidents.changes import IncidentChange, IncidentChanges
from monitoring_pipeline.evaluation.incidents.handling import Person, record_outcome
from monitoring_pipeline.records.incident import EventKind, IncidentState, Outcome, PlannedAlert
from monitoring_pipeline.spec.alerting import Links
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.alerting.cases import NOW, event, stored
from monitoring_pipeline_tests.alerting.outbox_contract import HOUR, Desk, OutboxContract


class TestStoredOutbox(OutboxContract):
    @pytest.fixture
    def desk(self, tmp_path: Path) -> Iterator[Desk]:
        with ResultStore.open(f"sqlite:///{tmp_path / 'results.db'}") as store:
            yield desk_of(store)


def test_message_about_a_cause_that_came_before_states_what_people_found_then(tmp_path):
    before = stored("churn-1", model="churn", opened="2013-05-02", state=IncidentState.RESOLVED, resolved="2013-05-09")
    now = stored("churn-2", model="churn", opened="2013-06-02")
    planned = (PlannedAlert(channel="ml-oncall", due_at=NOW),)
    with ResultStore.open(f"sqlite:///{tmp_path / 'results.db'}") as store:

        def write(*entries, told=()):
            changes = tuple(
                IncidentChange(stored=of, events=(event(),), told=(event(),) if of in told else ()) for of in entries
            )
            judged = IncidentChanges(current=changes, gone=())
            store.update_incidents("churn", lambda *_: judged, lambda *_: planned, at=NOW)

        write(before, told=(before,))
        (first,) = store.claim(NOW, lease=HOUR)
        assert first.seen_before == ""
        person = Person(name="Anna", at=NOW, reason="price campaign")
        store.handle_incident("churn-1", record_outcome(person, Outcome.PLANNED), lambda *_: (), at=NOW)
        write(before, now, told=(now,))
        (again,) = store.claim(NOW, lease=HOUR)
    words = "once, last 2013-05-31 to 2013-05-09 (churn-1): planned by Anna, price campaign"
    assert again.seen_before == words
    message = incident_message(again, links=Links())
    assert ("Seen before", words) in message.facts
    assert alert_document([again], message, links=Links()).alerts[0].seen_before == words


def desk_of(store: ResultStore) -> Desk:
    written: list[int] = []

    def write(
        model: str,
        *,
        kind: EventKind = EventKind.OPENED,
        channel: str = "ml-oncall",
        mode: str = "now",
        due_at: dt.datetime = NOW,
    ) -> int:
        state = IncidentState.RESOLVED if kind is EventKind.RESOLVED else IncidentState.OPEN
        of, what = stored(f"{model}-1", model=model, state=state), event(kind)
        change = IncidentChange(stored=of, events=(what,), told=(what,))
        store.update_incidents(
            model,
            lambda evidence, known: IncidentChanges(current=(change,), gone=()),
            lambda incident, news: (PlannedAlert(channel=channel, due_at=due_at, mode=mode),),
            at=NOW,
        )
        written.append(len(written) + 1)
        return written[-1]

    return Desk(store, write)

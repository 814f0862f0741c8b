import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring_pipeline.evaluation.incidents.changes import IncidentChange, IncidentChanges
from monitoring_pipeline.records.incident import EventKind, IncidentState, PlannedAlert
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.alerting.cases import NOW, event, stored
from monitoring_pipeline_tests.alerting.outbox_contract import Desk, OutboxContract


class TestStoredOutbox(OutboxContract):
    @pytest.fixture
    def desk(self, tmp_path: Path) -> Iterator[Desk]:
        with ResultStore.open(f"sqlite:///{tmp_path / 'results.db'}") as store:
            yield desk_of(store)


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

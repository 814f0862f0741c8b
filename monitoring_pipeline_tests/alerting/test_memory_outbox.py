import datetime as dt

import pytest

from monitoring_pipeline.records.incident import EventKind, IncidentState
from monitoring_pipeline_tests.alerting.cases import NOW, MemoryOutbox, alert, event, stored
from monitoring_pipeline_tests.alerting.outbox_contract import Desk, OutboxContract


class TestMemoryOutbox(OutboxContract):
    @pytest.fixture
    def desk(self) -> Desk:
        outbox = MemoryOutbox()

        def write(
            model: str,
            *,
            kind: EventKind = EventKind.OPENED,
            channel: str = "ml-oncall",
            mode: str = "now",
            due_at: dt.datetime = NOW,
        ) -> int:
            state = IncidentState.RESOLVED if kind is EventKind.RESOLVED else IncidentState.OPEN
            of = stored(f"{model}-1", model=model, state=state)
            planned = alert(len(outbox.rows) + 1, of=of, channel=channel, mode=mode, event=event(kind))
            return outbox.add(planned, due_at)

        return Desk(outbox, write)

"""The step after a delivery that opens an incident about a channel that has accepted nothing for hours."""

import datetime as dt
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial

from monitoring_pipeline.evaluation.alerts.routing import plan_alerts
from monitoring_pipeline.evaluation.incidents.changes import IncidentChanges
from monitoring_pipeline.evaluation.incidents.failing_channels import (
    MODEL,
    channel_of,
    failing_channels,
    is_up_to_date,
    judge_channels,
)
from monitoring_pipeline.evaluation.incidents.fold import ChunkMeasurements
from monitoring_pipeline.evaluation.incidents.news import KnownIncident
from monitoring_pipeline.ports.incidents import ChannelFailures, Incidents
from monitoring_pipeline.records.channel_failure import ChannelFailure
from monitoring_pipeline.records.incident import IncidentEvent, PlannedAlert, StoredIncident
from monitoring_pipeline.spec.alerting import AlertingRules, Route


def update_failing_channels(
    incidents: Incidents,
    outbox: ChannelFailures,
    rules: AlertingRules,
    *,
    accepted: AbstractSet[str],
    refused: Mapping[str, str],
    now: dt.datetime,
) -> None:
    """Record which channels accepted messages and which refused all, and open or resolve the incidents about them.

    An incident is announced through every other channel that a route or the escalation names. It adds no message to the
    channel that it is about, and there is one per channel, so channels that all fail cause no loop.

    Args:
        incidents: the store's incidents.
        outbox: the store's failures of channels.
        rules: the rules of alerting.yaml.
        accepted: the channels that accepted a message in this delivery.
        refused: the errors of channels that did not accept one, by channel.
        now: the end of the delivery.
    """
    outbox.record_channels(
        working=accepted, failing={name: error for name, error in refused.items() if name not in accepted}, at=now
    )
    failures = [failure for failure in outbox.channel_failures() if failure.channel in rules.channels]
    judge = _Judge(
        failing_channels(failures, after=rules.failing_after, now=now),
        {failure.channel: failure for failure in failures},
        now.date().isoformat(),
    )
    if not is_up_to_date(judge.failing, judge.known, incidents.incidents(MODEL)):
        incidents.update_incidents(MODEL, judge, partial(_plan, rules, now), at=now)


@dataclass(frozen=True)
class _Judge:
    """Judges the channels on a day; the store calls it within its transaction."""

    failing: Mapping[str, ChannelFailure]
    known: Mapping[str, ChannelFailure]
    today: str

    def __call__(self, _: Sequence[ChunkMeasurements], known: Sequence[KnownIncident]) -> IncidentChanges:
        return judge_channels(self.failing, self.known, [entry.stored for entry in known], today=self.today)


def _plan(
    rules: AlertingRules, now: dt.datetime, stored: StoredIncident, event: IncidentEvent
) -> Sequence[PlannedAlert]:
    """Plan the alerts through all other channels, because the routes of models say nothing about a channel."""
    named = [route.channel for route in rules.routes]
    if rules.escalation is not None:
        named.append(rules.escalation.channel)
    others = [name for name in dict.fromkeys(named) if name != channel_of(stored.incident)]
    routes = tuple(Route(channel=name) for name in others)
    return plan_alerts(rules.model_copy(update={"routes": routes, "escalation": None}), stored, event, now=now)

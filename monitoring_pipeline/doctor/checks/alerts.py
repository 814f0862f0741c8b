"""Alerts: their rules, the secrets of channels, and messages that could not be delivered."""

import datetime as dt
from collections.abc import Iterator

from monitoring_pipeline.doctor.deployment import Deployment
from monitoring_pipeline.doctor.findings import Finding, ok, problem, warning
from monitoring_pipeline.orchestration.jobs.alert_delivery import SENSOR
from monitoring_pipeline.orchestration.runs.names import Names
from monitoring_pipeline.spec.loading import SpecError

LONGEST_WAIT = dt.timedelta(hours=1)
LATELY = dt.timedelta(days=7)


def channels(deployment: Deployment) -> Iterator[Finding]:
    """Yield whether somebody is alerted, and the channels that lack a secret."""
    settings = deployment.settings
    if not settings.alerting.exists():
        yield warning(f"{settings.alerting} does not exist: nobody is alerted", "write it: see docs/alerting.md")
        return
    try:
        rules = settings.alerting_rules(with_secrets=True)
    except SpecError as error:
        for line in str(error).splitlines():
            yield problem(line, "correct it: until then alerts wait")
    else:
        yield ok(f"{len(rules.channels)} channels; `monitoring-pipeline alerts test` sends a message")


def outbox(deployment: Deployment) -> Iterator[Finding]:
    """Yield the channels whose messages wait or were given up."""
    store = deployment.store
    if store is None:
        return
    sensor = Names(deployment.settings.prefix).of(SENSOR)
    waiting = store.waiting_messages(deployment.now - LONGEST_WAIT)
    given_up = store.given_up_messages(deployment.now - LATELY)
    errors = {failure.channel: failure.error for failure in store.channel_failures()}
    for channel, count in waiting.items():
        reason = f": {errors[channel]}" if channel in errors else f"; the sensor `{sensor}` may be off"
        yield problem(f"{count} messages to {channel} wait for more than an hour{reason}", "correct the channel")
    for channel, count in given_up.items():
        yield warning(
            f"{count} messages to {channel} were given up within {LATELY.days} days",
            "read them with `monitoring-pipeline incidents`",
        )
    if not waiting and not given_up:
        yield ok("no message waits")

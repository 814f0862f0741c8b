"""Alerts: their rules, the secrets of channels, and messages that could not be delivered."""

import datetime as dt
from collections.abc import Iterator

from monitoring_pipeline.doctor.deployment import Deployment
from monitoring_pipeline.doctor.findings import Finding, ok, problem, warning
from monitoring_pipeline.orchestration.jobs.alert_delivery import SENSOR
from monitoring_pipeline.orchestration.runs.names import Names
from monitoring_pipeline.spec.alerting import find_secret, missing_secret
from monitoring_pipeline.spec.loading import SpecError

LONGEST_WAIT = dt.timedelta(hours=1)
_WAITING = """
    SELECT channel, count(*), max(error)
    FROM alerts
    WHERE state IN ('due', 'sending') AND created_at < :before
    GROUP BY channel
    ORDER BY channel
"""
_FAILED = "SELECT channel, count(*), max(error) FROM alerts WHERE state = 'failed' GROUP BY channel ORDER BY channel"


def channels(deployment: Deployment) -> Iterator[Finding]:
    """Yield whether somebody is alerted, and the channels that lack a secret."""
    settings = deployment.settings
    if not settings.alerting.exists():
        yield warning(f"{settings.alerting} does not exist: nobody is alerted", "write it: see docs/alerting.md")
        return
    try:
        rules = settings.alerting_rules()
    except SpecError as error:
        yield problem(str(error).splitlines()[0], "correct the file: until then no alert is sent")
        return
    lacking = {
        name: channel.secret
        for name, channel in rules.channels.items()
        if channel.secret is not None and find_secret(settings.secrets, channel.secret) is None
    }
    for name, secret in lacking.items():
        yield problem(f"channel {name}: {missing_secret(secret)}", "its messages wait until the secret is set")
    if not lacking:
        yield ok(f"{len(rules.channels)} channels; `monitoring-pipeline alerts test` sends a message")


def outbox(deployment: Deployment) -> Iterator[Finding]:
    """Yield the channels whose messages wait or were given up."""
    store = deployment.store
    if store is None:
        return
    sensor = Names(deployment.settings.prefix).of(SENSOR)
    before = (deployment.now - LONGEST_WAIT).isoformat()
    _, waiting = store.query(_WAITING, {"before": before})
    _, failed = store.query(_FAILED, {})
    for channel, count, error in waiting:
        reason = f": {error}" if error else f"; the sensor `{sensor}` may be off"
        yield problem(f"{count} messages to {channel} wait for more than an hour{reason}", "correct the channel")
    for channel, count, error in failed:
        yield warning(
            f"{count} messages to {channel} were given up: {error}", "read them with `monitoring-pipeline incidents`"
        )
    if not waiting and not failed:
        yield ok("no message waits")

"""Commands that check alerting.yaml and test its channels."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import click

from monitoring_pipeline.cli.execution.opening import clear_errors, read_settings, warn
from monitoring_pipeline.cli.options.completion import complete_channels
from monitoring_pipeline.cli.options.output import OutputForm, print_reports, prints_data
from monitoring_pipeline.system_clock import system_clock

if TYPE_CHECKING:
    from monitoring_pipeline.reports.report import Report
    from monitoring_pipeline.settings import Settings
    from monitoring_pipeline.spec.alerting import AlertingRules, Route


@click.group()
def alerts() -> None:
    """Channels and routes of alerts, from alerting.yaml."""


@alerts.command("check")
@prints_data
def check_alerts(form: OutputForm) -> None:
    """Check alerting.yaml, and that its secrets exist."""
    with clear_errors():
        settings = read_settings()
        rules = settings.alerting_rules(with_secrets=True)
    if form is not OutputForm.TABLE:
        print_reports(form, [_channel_report(rules)])
    elif not rules.channels:
        click.echo(f"{settings.alerting}: no channels, so no alerts are sent")
    else:
        for name, kind, receives, _ in _channels(rules):
            click.echo(f"{name} ({kind}): {receives or 'no route names this channel'}")
    with clear_errors():
        for warning in _matching_nothing(rules, settings):
            warn(f"{settings.alerting}: {warning}")


def _channels(rules: "AlertingRules") -> Iterator[tuple[str, str, str, bool]]:
    """Yield name, kind, the events that it receives, and whether it receives escalations, for each channel."""
    for name, channel in rules.channels.items():
        routes = ", ".join(_received_by(route) for route in rules.routes if route.channel == name)
        escalation = rules.escalation is not None and rules.escalation.channel == name
        yield (
            name,
            channel.kind,
            _joined(routes, "escalations" if escalation else "", _week_of(rules, name)),
            escalation,
        )


def _joined(*received: str) -> str:
    return "; ".join(filter(None, received))


def _week_of(rules: "AlertingRules", channel: str) -> str:
    weekly = rules.weekly_digest
    if weekly is None or channel not in weekly.channels:
        return ""
    return f"the weekly digest on {weekly.day.capitalize()} at {weekly.at:%H:%M}"


def _channel_report(rules: "AlertingRules") -> "Report":
    from monitoring_pipeline.reports.report import report_of_records

    return report_of_records("channels", ("channel", "kind", "receives", "escalations"), _channels(rules))


def _received_by(route: "Route") -> str:
    digest = f" as a digest at {route.digest:%H:%M}" if route.digest else ""
    only = "".join(
        f" of {what} {', '.join(patterns)}"
        for what, patterns in (("models", route.models), ("owners", route.owners))
        if "*" not in patterns
    )
    return f"{route.severity} and above{only}{digest}"


def _matching_nothing(rules: "AlertingRules", settings: "Settings") -> Iterator[str]:
    """Yield a warning for each pattern of a route that no model matches; none if there are no specs."""
    from monitoring_pipeline.spec.loading import read_specs

    if not rules.channels:
        return
    folder = read_specs(settings.models)
    names = {
        "models": sorted({*(good.spec.name for good in folder.good), *(bad.model for bad in folder.bad)}),
        "owners": sorted({*(good.spec.owner for good in folder.good), *(bad.owner for bad in folder.bad)} - {""}),
    }
    if not names["models"]:
        return
    for number, route in enumerate(rules.routes):
        for field, patterns in (("models", route.models), ("owners", route.owners)):
            for pattern in patterns:
                if pattern != "*" and not any(fnmatchcase(name, pattern) for name in names[field]):
                    listed = ", ".join(names[field]) or "none"
                    yield f"routes.{number}.{field}: {pattern!r} matches none; known: {listed}"


@alerts.command("test")
@click.argument("channel", shell_complete=complete_channels)
def test_channel(channel: str) -> None:
    """Send a test message to CHANNEL of alerting.yaml."""
    from monitoring_pipeline.alerting.channels.build import build_channels
    from monitoring_pipeline.alerting.delivery.probe import send_probe_message
    from monitoring_pipeline.alerting.ports import DeliveryError

    with clear_errors():
        settings = read_settings()
        rules = settings.alerting_rules()
        channels = build_channels(rules, settings.secrets, home=settings.home, slack_api=settings.slack_api)
        if channel not in channels:
            message = f"no channel {channel!r} in {settings.alerting}; known: {', '.join(channels) or 'none'}"
            raise click.ClickException(message)
        try:
            receipt = send_probe_message(channels[channel], links=rules.links, now=system_clock())
        except DeliveryError as error:
            raise click.ClickException(f"{channel}: {error}") from error
    click.echo(f"{channel}: accepted{f' as {receipt.delivery_id}' if receipt.delivery_id else ''}")
    for note in receipt.notes:
        click.echo(f"{channel}: {note}")

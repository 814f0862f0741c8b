"""Commands about alerting.yaml: whether it can be used, and whether its channels can be reached."""

import datetime as dt

import click

from monitoring_pipeline.cli.opening import clear_errors
from monitoring_pipeline.settings import Settings


@click.group()
def alerts() -> None:
    """Channels and routes of alerts: alerting.yaml."""


@alerts.command("check")
def check_alerts() -> None:
    """Check alerting.yaml and that its secrets are there."""
    with clear_errors():
        settings = Settings()
        rules = settings.alerting_rules(with_secrets=True)
    if not rules.channels:
        click.echo(f"{settings.alerting}: no channels; nobody is told")
        return
    for name, channel in rules.channels.items():
        routes = [route for route in rules.routes if route.channel == name]
        hears = ", ".join(
            f"{route.severity} and above{f' as a digest at {route.digest:%H:%M}' if route.digest else ''}"
            for route in routes
        )
        escalation = rules.escalation is not None and rules.escalation.channel == name
        heard = "; ".join(filter(None, (hears, "escalations" if escalation else "")))
        click.echo(f"{name} ({channel.kind}): {heard or 'no route leads here'}")


@alerts.command("test")
@click.argument("channel")
def test_channel(channel: str) -> None:
    """Send a message to CHANNEL of alerting.yaml that says it is a test."""
    from monitoring_pipeline.alerting.channels import build_channels
    from monitoring_pipeline.alerting.ports import DeliveryError
    from monitoring_pipeline.alerting.probe_message import send_probe_message

    with clear_errors():
        settings = Settings()
        rules = settings.alerting_rules()
        channels = build_channels(rules, settings.secrets, home=settings.home, slack_api=settings.slack_api)
        if channel not in channels:
            message = f"no channel {channel!r} in {settings.alerting}; known: {', '.join(channels) or 'none'}"
            raise click.ClickException(message)
        try:
            receipt = send_probe_message(channels[channel], link=rules.link, now=dt.datetime.now(dt.UTC))
        except DeliveryError as error:
            raise click.ClickException(f"{channel}: {error}") from error
    click.echo(f"{channel}: taken{f' as {receipt.delivery_id}' if receipt.delivery_id else ''}")
    for note in receipt.notes:
        click.echo(f"{channel}: {note}")

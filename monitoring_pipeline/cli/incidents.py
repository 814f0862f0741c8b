"""Commands about incidents: lists, pages, and people's answers."""

import datetime as dt
from collections.abc import Callable
from functools import partial

import click

from monitoring_pipeline.cli.execution.opening import clear_errors, find_model, open_store, read_settings
from monitoring_pipeline.cli.options.audit import BY, REASON
from monitoring_pipeline.cli.options.completion import complete_incidents, complete_models
from monitoring_pipeline.cli.options.output import OutputForm, print_reports, prints_data
from monitoring_pipeline.evaluation.incidents.handling import (
    Handle,
    Person,
    acknowledge,
    comment,
    mute,
    record_outcome,
    unmute,
)
from monitoring_pipeline.records.incident import IncidentState, Outcome, StoredIncident
from monitoring_pipeline.system_clock import system_clock


@click.group(invoke_without_command=True)
@click.option("--model", shell_complete=complete_models, help="Only incidents of this model.")
@click.option("--all", "resolved_too", is_flag=True, help="Include resolved incidents.")
@prints_data
@click.pass_context
def incidents(context: click.Context, model: str | None, form: OutputForm, *, resolved_too: bool) -> None:
    """List incidents; acknowledge or mute them, or record their outcome."""
    from monitoring_pipeline.reports.terminal.incidents import incident_table

    if context.invoked_subcommand:
        return
    with clear_errors():
        settings = read_settings()
        with open_store(settings) as store:
            every = store.incidents(model)
        if model and not every:
            # A removed model keeps its incidents, so only a model without any is looked up.
            find_model(settings, model)
        shown = [entry for entry in every if resolved_too or entry.incident.state is not IncidentState.RESOLVED]
        print_reports(form, [incident_table(shown, "all" if resolved_too else "not resolved")])


@incidents.command("show")
@click.argument("name", shell_complete=complete_incidents)
@prints_data
def show_incident(name: str, form: OutputForm) -> None:
    """Print the incident NAME with its findings, related incidents and events."""
    from monitoring_pipeline.evaluation.incidents.seen_before import earlier_incidents, seen_before
    from monitoring_pipeline.reports.terminal.incidents import incident_page

    with clear_errors(), open_store(read_settings()) as store:
        stored = store.incident(name)
        model = stored.incident.model
        earlier = earlier_incidents(stored, store.incidents(model))
        before = seen_before(earlier, store.decisions(model)) if earlier else ""
        print_reports(form, incident_page(stored, store.incident_log(stored.incident_id), before))


@incidents.command("acknowledge")
@click.argument("name", shell_complete=complete_incidents)
@REASON
@BY
def acknowledge_incident(name: str, reason: str, by: str) -> None:
    """Record that somebody works on the incident NAME, so that it is not escalated."""
    _handle(name, acknowledge, by, reason)


@incidents.command("mute")
@click.argument("name", shell_complete=complete_incidents)
@click.option("--until", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), required=True, help="End, in UTC.")
@REASON
@BY
def mute_incident(name: str, until: dt.datetime, reason: str, by: str) -> None:
    """Send no alerts about the incident NAME until a day, unless it becomes more severe."""
    end = until.replace(tzinfo=dt.UTC)
    if end <= system_clock():
        message = f"--until {until:%Y-%m-%dT%H:%M} is past; give a later time (UTC)"
        raise click.ClickException(message)
    _handle(name, lambda person: mute(person, end), by, reason)


@incidents.command("unmute")
@click.argument("name", shell_complete=complete_incidents)
@REASON
@BY
def unmute_incident(name: str, reason: str, by: str) -> None:
    """Send alerts about the incident NAME again."""
    _handle(name, unmute, by, reason)


@incidents.command("comment")
@click.argument("name", shell_complete=complete_incidents)
@REASON
@BY
def comment_on_incident(name: str, reason: str, by: str) -> None:
    """Record what somebody says about the incident NAME; its message shows it, and nobody is notified."""
    _handle(name, comment, by, reason)


@incidents.command("outcome")
@click.argument("name", shell_complete=complete_incidents)
@click.argument("outcome", type=click.Choice([outcome.value for outcome in Outcome]))
@click.option("--reason", default="", help="Reason, kept in the audit.")
@BY
def record_incident_outcome(name: str, outcome: str, reason: str, by: str) -> None:
    """Record what the incident NAME was; alert precision is computed from these outcomes."""
    _handle(name, lambda person: record_outcome(person, Outcome(outcome)), by, reason)


def _handle(name: str, act: Callable[[Person], Handle], by: str, reason: str) -> None:
    from monitoring_pipeline.evaluation.alerts.routing import plan_alerts

    now = system_clock()
    with clear_errors():
        settings = read_settings()
        rules = settings.alerting_rules()
        with open_store(settings) as store:
            after = store.handle_incident(
                name, act(Person(name=by, at=now, reason=reason)), partial(plan_alerts, rules, now=now), at=now
            )
    click.echo(_sentence(after))


def _sentence(stored: StoredIncident) -> str:
    handling = stored.handling
    parts = [
        f"acknowledged by {handling.acknowledged_by}" if handling.acknowledged_by else "not acknowledged",
        *([f"muted until {handling.muted_until:%Y-%m-%d %H:%M} UTC"] if handling.muted_until else []),
        *([f"outcome: {handling.outcome}"] if handling.outcome else []),
    ]
    return f"{stored.incident_id} {stored.incident.model}: {stored.incident.title}\n{', '.join(parts)}"

"""Commands about model versions: the gate as an exit code, promotion, rollback, and decisions."""

import traceback
from typing import TYPE_CHECKING

import click

from monitoring_pipeline.cli.execution.exit_codes import ExitCode
from monitoring_pipeline.cli.execution.opening import clear_errors, find_model, open_store, read_settings
from monitoring_pipeline.cli.options.audit import BY, REASON
from monitoring_pipeline.cli.options.completion import complete_models, complete_versions
from monitoring_pipeline.cli.options.output import OutputForm, print_reports, prints_data
from monitoring_pipeline.records.decision import Topic
from monitoring_pipeline.system_clock import system_clock

if TYPE_CHECKING:
    from monitoring_pipeline.evaluation.versions.gate import GateResult

EXIT_CODES = {True: ExitCode.DONE, False: ExitCode.NO, None: ExitCode.NO_ANSWER}


@click.command()
@click.argument("model", shell_complete=complete_models)
@click.option("--topic", type=click.Choice([topic.value for topic in Topic]), help="Only this topic.")
@click.option("--answer", help="Only this answer, such as yes.")
@prints_data
def decisions(model: str, topic: str | None, answer: str | None, form: OutputForm) -> None:
    """Print the decisions about MODEL, with actor and reason."""
    from monitoring_pipeline.reports.terminal.incidents import decision_table

    with clear_errors():
        settings = read_settings()
        find_model(settings, model)
        with open_store(settings) as store:
            every = store.decisions(model, topic=Topic(topic) if topic else None)
        shown = [entry for entry in every if answer in {None, entry.answer_text}]
        print_reports(form, [decision_table(model, shown)])


@click.command()
@click.argument("model", shell_complete=complete_models)
@click.option("--version", shell_complete=complete_versions, required=True, help="A version in the registry.")
@prints_data
@click.pass_context
def evaluate(context: click.Context, model: str, version: str, form: OutputForm) -> None:
    """Compare VERSION of MODEL with the champion. Exit code: 0 passed, 1 refused, 2 could not be measured."""
    from monitoring_pipeline.reports.terminal.incidents import gate_table

    try:
        result = _gate_answer(model, version)
    except Exception as error:  # noqa: BLE001 - an exit code of 1 would mean that the version is refused
        if isinstance(error, click.ClickException):
            error.show()
        else:
            traceback.print_exception(error)
        context.exit(ExitCode.NO_ANSWER)
    if result.checks or form is not OutputForm.TABLE:
        print_reports(form, [gate_table(model, version, result)])
    else:
        answer = "could not be measured" if result.passed is None else "refused"
        click.echo(f"{model} version {version}: {answer}: {'; '.join(result.reasons)}")
    context.exit(EXIT_CODES[result.passed])


def _gate_answer(model: str, version: str) -> "GateResult":
    from monitoring_pipeline.composition import open_outside
    from monitoring_pipeline.steps.versions.gate import evaluate_version

    with clear_errors():
        settings = read_settings()
        loaded = find_model(settings, model)
        with open_outside(settings) as outside:
            return evaluate_version(loaded.spec, version, now=outside.clock(), outside=outside)


@click.command()
@click.argument("model", shell_complete=complete_models)
@click.option("--version", shell_complete=complete_versions, help="A version in the registry; default the challenger.")
@REASON
@BY
def promote(model: str, version: str | None, reason: str, by: str) -> None:
    """Promote the challenger of MODEL to champion."""
    _change("promote", model, version, reason, by)


@click.command()
@click.argument("model", shell_complete=complete_models)
@click.option(
    "--version",
    shell_complete=complete_versions,
    help="The version to return to; default the version that was replaced last.",
)
@REASON
@BY
def rollback(model: str, version: str | None, reason: str, by: str) -> None:
    """Make the former champion of MODEL champion again."""
    _change("roll_back", model, version, reason, by)


@click.command()
@click.argument("model", shell_complete=complete_models)
@click.option("--version", shell_complete=complete_versions, help="A version in the registry; default the challenger.")
@REASON
@BY
def refuse(model: str, version: str | None, reason: str, by: str) -> None:
    """Refuse the challenger of MODEL, which then cannot be promoted."""
    _change("refuse", model, version, reason, by)


@click.command()
@click.argument("model", shell_complete=complete_models)
@REASON
@BY
def retrain(model: str, reason: str, by: str) -> None:
    """Ask for a retraining of MODEL, which the sensor starts. The cool-down of the policy does not hold it back."""
    from monitoring_pipeline.records.decision_key import DecisionKey
    from monitoring_pipeline.steps.versions.asking import ask_for_retraining
    from monitoring_pipeline.steps.versions.effects import Action

    now = system_clock()
    with clear_errors():
        settings = read_settings()
        spec = find_model(settings, model).spec
        key = DecisionKey.of_command("retrain", now)
        with open_store(settings) as store:
            ask_for_retraining(
                spec, Action(version=None, decision_key=key, actor=by, reason=reason, now=now), store=store
            )
    click.echo(f"{model}: a retraining is asked for; the sensor `retraining` starts it")


def _change(action: str, model: str, version: str | None, reason: str, by: str) -> None:
    from monitoring_pipeline.composition import open_outside
    from monitoring_pipeline.records.decision_key import DecisionKey
    from monitoring_pipeline.steps.versions.roll_out import ACTIONS, Action

    now = system_clock()
    with clear_errors():
        settings = read_settings()
        loaded = find_model(settings, model)
        asked = Action(
            version=version, decision_key=DecisionKey.of_command(action, now), actor=by, reason=reason, now=now
        )
        with open_outside(settings) as outside:
            decision = ACTIONS[action](loaded, asked, outside=outside)
    click.echo(f"{model}: {decision.answer_text} version {decision.model_version}: {decision.reason}")

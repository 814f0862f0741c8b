"""The command that replays the rules of a proposed spec over the stored history."""

from pathlib import Path

import click

from monitoring_pipeline.cli.execution.exit_codes import ExitCode
from monitoring_pipeline.cli.execution.opening import clear_errors, find_model, open_store, read_settings
from monitoring_pipeline.cli.options.completion import complete_models
from monitoring_pipeline.cli.options.day_range import day_range
from monitoring_pipeline.cli.options.output import OutputForm, message, print_reports, prints_data
from monitoring_pipeline.evaluation.privacy.secrets import without_secrets


@click.command()
@click.argument("model", shell_complete=complete_models)
@click.option(
    "--spec",
    "proposed",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    required=True,
    help="The proposed spec; only its rules may differ.",
)
@day_range(required=False)
@click.option("--suggest", is_flag=True, help="Suggest floors that meet drift.false_alarm_share in the history.")
@click.option("--markdown", is_flag=True, help="Print Markdown for a pull request.")
@prints_data
def review(
    model: str,
    proposed: Path,
    first: str | None,
    last: str | None,
    form: OutputForm,
    *,
    suggest: bool,
    markdown: bool,
) -> None:
    """Replay the rules of a proposed spec over MODEL's history: incidents gained, lost and kept.

    Stored numbers are judged again. Nothing is read from the warehouse, and nothing is stored.
    """
    if markdown and form is not OutputForm.TABLE:
        words = "give one of --markdown, --json and --csv"
        raise click.UsageError(words)
    from monitoring_pipeline.reports.markdown import markdown_text
    from monitoring_pipeline.reports.terminal.review import closing_sentence, review_tables
    from monitoring_pipeline.spec.loading import load_spec
    from monitoring_pipeline.steps.roles import effective_spec
    from monitoring_pipeline.steps.specs.checks import check_rules
    from monitoring_pipeline.steps.specs.review import review_rules

    with clear_errors():
        settings = read_settings()
        in_use = find_model(settings, model).spec
        loaded = load_spec(proposed)
        check_rules(loaded)
        with open_store(settings) as store:
            reviewed = review_rules(
                effective_spec(in_use, store),
                effective_spec(loaded.spec, store),
                store,
                first=first,
                last=last,
                with_suggestion=suggest,
            )
        tables = list(review_tables(reviewed))
    if markdown:
        click.echo(without_secrets(markdown_text(tables)))
    else:
        print_reports(form, tables)
    if form is not OutputForm.TABLE:
        message(closing_sentence(reviewed))
    if reviewed.real_lost:
        raise click.exceptions.Exit(ExitCode.NO)

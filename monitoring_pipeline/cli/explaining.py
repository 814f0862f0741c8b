"""The command that explains the changes of a chunk, or the output of a row."""

import click

from monitoring_pipeline.cli.execution.opening import clear_errors, find_model, read_settings
from monitoring_pipeline.cli.options.completion import complete_models
from monitoring_pipeline.cli.options.day_range import CHUNK_OR_DAY
from monitoring_pipeline.cli.options.output import OutputForm, print_reports, prints_data


@click.command()
@click.argument("model", shell_complete=complete_models)
@click.option("--chunk", type=CHUNK_OR_DAY, required=True, help="The chunk that is explained.")
@click.option("--row", metavar="ID", help="Explain the output of one row: its ID, or the beginning of its hashed ID.")
@prints_data
def explain(model: str, chunk: str, row: str | None, form: OutputForm) -> None:
    """Print what the changes of MODEL since the reference consist of, or the parts of a row's output.

    The changes are those that the nights stored, of models whose spec has the part `explanation`.
    """
    from monitoring_pipeline.composition import open_outside
    from monitoring_pipeline.records.producer import Producer
    from monitoring_pipeline.reports.terminal.explanations import row_table, split_tables
    from monitoring_pipeline.steps.explaining import NoSuchRowError, explain_row

    with clear_errors():
        settings = read_settings()
        spec = find_model(settings, model).spec
        wanted = spec.calendar.chunk(chunk)
        with open_outside(settings) as outside:
            if row is None:
                measured = outside.store.measurements(model, wanted.key, Producer.EXPLANATION)
                print_reports(form, split_tables(model, wanted.key, measured))
                return
            try:
                explained = explain_row(spec, wanted, row, outside, id_key=outside.id_key)
            except NoSuchRowError as error:
                raise click.ClickException(str(error)) from None
            print_reports(form, [row_table(model, wanted.key, explained)])

"""The command that removes the rows of a person."""

import click

from monitoring_pipeline.cli.execution.opening import clear_errors, find_model, read_settings
from monitoring_pipeline.cli.options.audit import BY
from monitoring_pipeline.cli.options.completion import complete_models


@click.command()
@click.argument("model", shell_complete=complete_models)
@click.option(
    "--id",
    "ids",
    multiple=True,
    required=True,
    help="An id as it is in the table of predictions, or its hash; repeat for several.",
)
@BY
def forget(model: str, ids: tuple[str, ...], by: str) -> None:
    """Remove the rows of a person from the snapshots of MODEL, so that they are never read again.

    Name every id of the person's rows. Stored numbers stay as they were judged. The audit has the number of rows, and
    names nobody.
    """
    from monitoring_pipeline.composition import open_outside
    from monitoring_pipeline.steps.forgetting import forget as remove
    from monitoring_pipeline.store.snapshots import SnapshotFiles

    with clear_errors():
        settings = read_settings()
        spec = find_model(settings, model).spec
        with open_outside(settings) as outside:
            files = SnapshotFiles(settings.snapshots)
            forgotten = remove(spec, ids, outside, files, now=outside.clock(), actor=by)
    click.echo(f"removed {forgotten.summary}")
    for uri in forgotten.unreadable:
        click.echo(f"{uri} cannot be read, so it is unknown whose rows it has; remove it by hand", err=True)

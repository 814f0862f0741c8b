"""The command that drafts the spec of a model from its tables."""

from pathlib import Path

import click


@click.command()
@click.argument("source")
@click.option("--table", help="Table of the predictions; by default the one that looks like it.")
@click.option("--labels", help="Table of the labels, if they are not a column of the predictions.")
@click.option("--name", help="Name of the model; by default that of the table.")
@click.option(
    "--models", type=click.Path(file_okay=False, path_type=Path), help="Folder of the specs; default ./models."
)
@click.option("--timezone", help="Time zone whose midnight bounds a day; default UTC.")
@click.option("--cadence", help="Length of a chunk; by default the shortest that fits the volume.")
@click.option("--column", "columns", multiple=True, metavar="ROLE=COLUMN", help="The column of a role.")
@click.option(
    "--from", "origins", multiple=True, type=click.Path(exists=True, path_type=Path), help="A file to read along."
)
@click.option("--force", is_flag=True, help="Overwrite the files of the model.")
def init(source: str, **given: object) -> None:
    """Draft the spec and suite of the model whose predictions are in SOURCE."""
    raise NotImplementedError

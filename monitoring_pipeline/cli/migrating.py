"""The command that makes or upgrades the tables of the store."""

import click

from monitoring_pipeline.cli.execution.opening import clear_errors, open_store, read_settings
from monitoring_pipeline.evaluation.privacy.secrets import without_secrets


@click.command()
def migrate() -> None:
    """Make the tables of the store, or upgrade them to those of this version.

    Every command that writes does the same if its role may. Run it alone where the role of the nights may not
    change tables, before the first night and after each upgrade of the package. Two at once are safe.
    """
    from monitoring_pipeline.store.schema import HEAD_REVISION

    settings = read_settings()
    with clear_errors(), open_store(settings):
        click.echo(without_secrets(f"the store {settings.store_url} has schema revision {HEAD_REVISION}"))

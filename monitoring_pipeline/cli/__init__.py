"""The command ``monitoring-pipeline``."""

from typing import Any

import click

from monitoring_pipeline.cli import alerts, drafting, incidents, rehearsing, results, specs, versions
from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors, hide_in_logs, without_secrets

__all__ = ["main"]


class _WithoutSecrets(click.Group):
    """Removes secrets from every error and log message of a command."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        hide_in_logs()
        with hidden_in_errors():
            try:
                return super().invoke(ctx)
            except click.ClickException as error:
                hidden = without_secrets(error.message)
                if hidden == error.message:
                    raise
                raise click.ClickException(hidden) from None


@click.group(cls=_WithoutSecrets, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="monitoring-pipeline")
def main() -> None:
    """Monitor machine-learning models in production."""


COMMANDS = (
    drafting.init,
    specs.spec,
    specs.suite,
    results.backfill,
    results.show,
    results.performance,
    results.replay,
    results.reference,
    rehearsing.rehearse,
    results.query,
    results.demo,
    incidents.incidents,
    alerts.alerts,
    versions.decisions,
    versions.evaluate,
    versions.promote,
    versions.rollback,
    versions.refuse,
)
for command in COMMANDS:
    main.add_command(command)

"""The command ``monitoring-pipeline``."""

from typing import Any, ClassVar

import click

from monitoring_pipeline.cli.execution.exit_codes import ExitCode
from monitoring_pipeline.cli.execution.lazy_group import LazyGroup
from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors, hide_in_logs, without_secrets

__all__ = ["main"]


class _WithoutSecrets(LazyGroup):
    """Removes secrets from every error and log message of a command."""

    places: ClassVar = {
        "init": "drafting.init.init",
        "spec": "specs.spec",
        "suite": "specs.suite",
        "backfill": "results.backfill",
        "show": "results.show",
        "performance": "results.performance",
        "replay": "results.replay",
        "reference": "results.reference",
        "rehearse": "rehearsing.rehearse",
        "query": "results.query",
        "demo": "results.demo",
        "incidents": "incidents.incidents",
        "alerts": "alerts.alerts",
        "decisions": "versions.decisions",
        "evaluate": "versions.evaluate",
        "promote": "versions.promote",
        "rollback": "versions.rollback",
        "refuse": "versions.refuse",
    }

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        hide_in_logs()
        with hidden_in_errors():
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                click.echo("stopped by SIGINT", err=True)
                raise click.exceptions.Exit(ExitCode.INTERRUPTED) from None
            except click.ClickException as error:
                hidden = without_secrets(error.message)
                if hidden == error.message:
                    raise
                raise click.ClickException(hidden) from None


@click.group(cls=_WithoutSecrets, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="monitoring-pipeline")
def main() -> None:
    """Monitor machine-learning models in production."""

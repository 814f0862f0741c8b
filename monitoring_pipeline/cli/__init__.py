"""The command ``monitoring-pipeline``."""

import click

from monitoring_pipeline.cli import alerts, incidents, rehearsing, results, specs, versions

__all__ = ["main"]


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="monitoring-pipeline")
def main() -> None:
    """Monitor machine-learning models in production."""


COMMANDS = (
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

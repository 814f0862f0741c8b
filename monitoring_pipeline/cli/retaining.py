"""The command that removes what retention.yaml no longer keeps."""

import click

from monitoring_pipeline.cli.execution.opening import clear_errors, read_settings
from monitoring_pipeline.cli.options.output import OutputForm, print_reports, prints_data


@click.command()
@click.option("--dry-run", is_flag=True, help="Only count what would be removed.")
@prints_data
def retain(form: OutputForm, *, dry_run: bool) -> None:
    """Remove what retention.yaml no longer keeps: rows of old chunks, replaced results, runs of Dagster.

    The schedule does the same every day. Without retention.yaml in the home nothing is removed. What was removed is in
    the table `audit` of the store.
    """
    import getpass

    import dagster as dg

    from monitoring_pipeline.composition import open_outside
    from monitoring_pipeline.orchestration.runs.names import Names
    from monitoring_pipeline.orchestration.runs.old_runs import RemovedRuns, remove_old_runs
    from monitoring_pipeline.reports.terminal.retention import retention_table
    from monitoring_pipeline.spec.loading import usable_specs
    from monitoring_pipeline.steps.retention import retain as remove
    from monitoring_pipeline.steps.specs.checks import read_checked_specs
    from monitoring_pipeline.store.snapshots import SnapshotFiles

    with clear_errors():
        settings = read_settings()
        rules = settings.retention_rules()
        specs = [loaded.spec for loaded in usable_specs(read_checked_specs(settings.models))]
        runs = RemovedRuns()
        with open_outside(settings) as outside:
            now = outside.clock()
            removed = remove(
                specs, rules, outside.store, SnapshotFiles(settings.snapshots),
                now=now, actor=getpass.getuser(), dry_run=dry_run,
            )  # fmt: skip
            if rules.dagster_runs is not None and (settings.dagster_home / "dagster.yaml").exists():
                with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
                    runs = remove_old_runs(
                        instance, specs, before=now - rules.dagster_runs, names=Names(settings.prefix), dry_run=dry_run
                    )
        print_reports(form, [retention_table(removed, runs.runs, runs.bytes, dry_run=dry_run)])
        if not rules.removes:
            click.echo(f"{settings.retention} does not exist, or keeps everything; see docs/retention.md", err=True)

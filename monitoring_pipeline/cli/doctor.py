"""The command that examines a deployment."""

import click

from monitoring_pipeline.cli.execution.exit_codes import ExitCode
from monitoring_pipeline.cli.execution.opening import clear_errors, read_settings
from monitoring_pipeline.cli.options.output import OutputForm, print_reports, prints_data


@click.command()
@prints_data
def doctor(form: OutputForm) -> None:
    """Examine the deployment: what does not work, what is off, what will be full, and what to do.

    It looks at packages, home, disk, store, clock, specs, tables, missing nights, snapshots, Dagster's daemon,
    schedules, sensors and failed runs, alerts and MLflow, and changes nothing. The exit code is 1 if there is a
    problem; a warning may be intended.
    """
    from monitoring_pipeline.doctor.examining import examine
    from monitoring_pipeline.doctor.findings import Level
    from monitoring_pipeline.reports.terminal.doctor import doctor_table
    from monitoring_pipeline.system_clock import system_clock

    with clear_errors():
        findings = list(examine(read_settings(), system_clock()))
        print_reports(form, [doctor_table(findings)])
    if any(each.finding.level is Level.PROBLEM for each in findings):
        raise click.exceptions.Exit(ExitCode.NO)

"""The options of every command that prints data: ``--json`` and ``--csv``.

Standard output has only the data. Messages and progress go to standard error.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import wraps
from typing import TYPE_CHECKING

import click

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets

if TYPE_CHECKING:
    from monitoring_pipeline.reports.report import Report

Command = Callable[..., None]


class OutputForm(StrEnum):
    """The form in which a command prints data."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def prints_data(command: Command) -> Command:
    """Add ``--json`` and ``--csv`` to a command, which receives its output form as ``form``."""

    @click.option("--json", "as_json", is_flag=True, help="Print JSON: a list of records.")
    @click.option("--csv", "as_csv", is_flag=True, help="Print CSV: a header and a line per record.")
    @wraps(command)
    def formed(*, as_json: bool, as_csv: bool, **given: object) -> None:
        if as_json and as_csv:
            message = "give --json or --csv, not both"
            raise click.UsageError(message)
        command(form=OutputForm.JSON if as_json else OutputForm.CSV if as_csv else OutputForm.TABLE, **given)

    return formed


def print_reports(form: OutputForm, reports: Iterable["Report"]) -> None:
    """Print reports as tables, as one JSON document, or as CSV, which has the first report only."""
    from monitoring_pipeline.reports.records import csv_text, json_text, merged
    from monitoring_pipeline.reports.terminal.results import terminal

    listed = list(reports)
    if form is OutputForm.JSON:
        click.echo(without_secrets(json_text(listed)))
    elif form is OutputForm.CSV:
        click.echo(without_secrets(csv_text(merged(listed)[0])))
    else:
        console = terminal()
        for place, report in enumerate(listed):
            if place:
                console.print()
            console.print(report)


def message(text: str) -> None:
    """Print a message about the work on standard error, so that standard output has only data."""
    click.echo(without_secrets(text), err=True)

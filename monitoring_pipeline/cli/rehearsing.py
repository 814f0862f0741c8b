"""The command that rehearses past nights."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitoring_pipeline.cli.execution.interrupts import ended_by_signals
from monitoring_pipeline.cli.execution.opening import clear_errors, find_model, read_settings
from monitoring_pipeline.cli.options.completion import complete_models
from monitoring_pipeline.cli.options.day_range import day_range
from monitoring_pipeline.cli.options.output import OutputForm, print_reports, prints_data

if TYPE_CHECKING:
    from rich.console import Console

    from monitoring_pipeline.rehearsal.nights import ChunkReport, ReportChunk
    from monitoring_pipeline.spec.chunk import Chunk


@click.command()
@click.argument("model", shell_complete=complete_models)
@day_range(required=False)
@click.option("--home", type=click.Path(path_type=Path, file_okay=False), help="Default <home>/rehearsals/MODEL.")
@click.option("--restart", is_flag=True, help="Begin anew instead of continuing.")
@click.option("--summary", "only_summary", is_flag=True, help="Only print the results so far.")
@prints_data
def rehearse(
    model: str, first: str | None, last: str | None, home: Path | None, form: OutputForm, **flags: bool
) -> None:
    """Repeat past nights of MODEL: show incidents, alerts and retrainings, and whether retraining would have helped.

    Alerts are written to files and not sent. Results stay in a separate home. An interrupted rehearsal continues when
    the same command is run again.
    """
    if not flags["only_summary"] and (first is None or last is None):
        message = "give --from and --to, or --summary alone"
        raise click.UsageError(message)
    with ended_by_signals("run the same command to continue"), clear_errors():
        _rehearse(model, first, last, home, form, **flags)


def _rehearse(
    model: str,
    first: str | None,
    last: str | None,
    home: Path | None,
    form: OutputForm,
    *,
    restart: bool,
    only_summary: bool,
) -> None:
    from monitoring_pipeline.rehearsal.nights import rehearse as live_through
    from monitoring_pipeline.rehearsal.progress import RehearsalError
    from monitoring_pipeline.rehearsal.summary import summarize_rehearsal
    from monitoring_pipeline.reports.terminal.rehearsal import summary_tables
    from monitoring_pipeline.reports.terminal.results import terminal

    settings = read_settings()
    loaded = find_model(settings, model)
    folder = (home or settings.home / "rehearsals" / model).absolute()
    console = terminal(stderr=True)
    try:
        if first is not None and last is not None and not only_summary:
            chunks = loaded.spec.calendar.chunks_named(first, last)
            with _progress(console, chunks) as report:
                live_through(settings, loaded, chunks[0], chunks[-1], folder=folder, restart=restart, report=report)
        print_reports(form, summary_tables(summarize_rehearsal(settings, loaded, folder)))
    except RehearsalError as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def _progress(console: "Console", chunks: "Sequence[Chunk]") -> "Iterator[ReportChunk]":
    """Show a bar and a line for each night with news; without a terminal, a line for every night."""
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, redirect_stdout=False) as bar:
        task = bar.add_task(chunks[0].key, total=len(chunks))

        def report(night: "ChunkReport") -> None:
            bar.update(task, completed=len(chunks) - night.left, description=night.chunk.key)
            lines = (*night.happened, *(f"failed: {failure}" for failure in night.failures))
            if lines or not console.is_terminal:
                news = "; ".join(lines) or "nothing new"
                console.print(f"[dim]{night.chunk.key} {night.seconds:4.1f} s[/dim]  {escape(news)}", highlight=False)

        yield report

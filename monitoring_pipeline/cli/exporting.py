"""The command that writes everything about one model and period as one archive."""

from pathlib import Path

import click

from monitoring_pipeline.cli.execution.exit_codes import ExitCode
from monitoring_pipeline.cli.execution.opening import clear_errors, find_model, read_settings, warn
from monitoring_pipeline.cli.options.completion import complete_models
from monitoring_pipeline.cli.options.day_range import day_range


@click.command()
@click.argument("model", required=False, shell_complete=complete_models)
@day_range(required=False)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="File to write; default MODEL_FROM_TO.zip."
)
@click.option("--with-snapshots", is_flag=True, help="Also the rows of predictions and labels, and counts of columns.")
@click.option(
    "--verify",
    "archive",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Compare the files of this archive with their sums, and write nothing.",
)
def export(
    model: str | None,
    first: str | None,
    last: str | None,
    output: Path | None,
    archive: Path | None,
    *,
    with_snapshots: bool,
) -> None:
    """Write everything about MODEL from one day to another as one zip file, for an auditor.

    It has a manifest with the sum of every file, the report, and tables with all revisions. The same store gives the
    same bytes. The store is only read.
    """
    if archive is not None:
        if model or first or last or output or with_snapshots:
            message = "--verify takes an archive, and nothing else"
            raise click.UsageError(message)
        _verify(archive)
        return
    if not model or not first or not last:
        message = "give a MODEL with --from and --to, or --verify with an archive"
        raise click.UsageError(message)
    _write(model, first, last, output, with_snapshots=with_snapshots)


def _write(model: str, first: str, last: str, output: Path | None, *, with_snapshots: bool) -> None:
    from monitoring_pipeline.store.results import ResultStore
    from monitoring_pipeline.store.snapshots import SnapshotFiles
    from monitoring_pipeline.web_pages.extra import DRAWING, MissingLibraryError, require_libraries

    try:
        require_libraries(*DRAWING)
    except MissingLibraryError as error:
        raise click.ClickException(str(error)) from None
    with clear_errors():
        from monitoring_pipeline.reports.archive.writing import write_archive

        settings = read_settings()
        spec = find_model(settings, model).spec
        chunks = spec.calendar.chunks_named(first, last)
        files = SnapshotFiles(settings.snapshots) if with_snapshots else None
        if files is not None and not files.can_remove:
            message = "snapshots in an object store are not exported; copy them from the bucket"
            raise click.ClickException(message)
        path = output or Path(f"{spec.name}_{first}_{last}.zip".replace(":", ""))
        with ResultStore.open_to_read(settings.store_url) as store:
            written = write_archive(path, spec, chunks[0], chunks[-1], store=store, files=files)
    click.echo(f"{path}: {written.files} files, {written.rows:,} rows of tables, {path.stat().st_size / 1e6:,.1f} MB")
    click.echo(f"sum of its manifest: {written.manifest}")
    if written.missing:
        warn(f"{written.missing} snapshots are not in it; the manifest has the reasons")


def _verify(archive: Path) -> None:
    from monitoring_pipeline.reports.archive.verifying import NoArchiveError, verify_archive

    try:
        found = verify_archive(archive)
    except NoArchiveError as error:
        raise click.ClickException(str(error)) from None
    for fault in found.faults:
        click.echo(fault, err=True)
    if found.faults:
        click.echo(f"{archive}: {len(found.faults)} of {found.files} files are not as they were written", err=True)
        raise click.exceptions.Exit(ExitCode.NO)
    click.echo(f"{archive}: {found.model}, {found.first} to {found.last}; all {found.files} files have their sums")
    click.echo(f"sum of its manifest: {found.manifest}")

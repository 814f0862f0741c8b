"""Finds and reads the files that ``init`` reads along."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from monitoring_pipeline.evaluation.drafting.hints import Hints
from monitoring_pipeline.evaluation.drafting.reading.document import Document
from monitoring_pipeline.evaluation.drafting.reading.formats import FORMATS, hints_of
from monitoring_pipeline.spec.parsing.files import UnreadableFileError, read_small_text

MOST_BESIDE = 20
_BESIDE = ("MLmodel", "*/MLmodel", "schema.yml", "schema.yaml", "*.odcs.yaml", "*.odcs.yml")
"""Names that files of one format have by convention; a file of another name is read only if the user names it."""


def read_along(named: Iterable[Path], folder: Path | None, table: str | None) -> Iterator[Hints]:
    """Yield the hints of the files that a user names, and of those beside the source.

    Raises:
        ClickException: when a named file cannot be read, or has none of the formats.
    """
    for path in named:
        file = path / "MLmodel" if path.is_dir() else path
        try:
            hints = hints_of(Document(file.name, read_small_text(file)), table)
        except UnreadableFileError as error:
            raise click.ClickException(f"{path}: {error}") from error
        if hints is None:
            known = ", ".join(each.name for each in FORMATS)
            message = f"{path}: none of the formats that are read along: {known}"
            raise click.ClickException(message)
        yield hints
    yield from _beside(folder, table) if folder else ()


def _beside(folder: Path, table: str | None) -> Iterator[Hints]:
    files = sorted({file for pattern in _BESIDE for file in folder.glob(pattern) if file.is_file()})
    for file in files[:MOST_BESIDE]:
        try:
            hints = hints_of(Document(file.name, read_small_text(file)), table)
        except UnreadableFileError:
            continue
        if hints is not None:
            click.echo(f"reading along {file.name}: {hints.origin}", err=True)
            yield hints

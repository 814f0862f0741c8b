"""Finds and reads what ``init`` reads along: files, and models of MLflow."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from monitoring_pipeline.evaluation.drafting.hints import Hints, RegisteredVersion
from monitoring_pipeline.evaluation.drafting.reading.document import Document
from monitoring_pipeline.evaluation.drafting.reading.formats import FORMATS, hints_of
from monitoring_pipeline.evaluation.drafting.reading.mlflow_signature import read_registered
from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
from monitoring_pipeline.spec.parsing.files import UnreadableFileError, read_small_text

MOST_BESIDE = 20
_BESIDE = ("MLmodel", "*/MLmodel", "schema.yml", "schema.yaml", "*.odcs.yaml", "*.odcs.yml")
"""Names that files of one format have by convention; a file of another name is read only if the user names it."""


def read_along(
    named: Iterable[Path | str], folder: Path | None, table: str | None, registry: ModelRegistry
) -> Iterator[Hints]:
    """Yield the hints of the files and models that a user names, and of the files beside the source.

    Args:
        named: paths, and addresses of models in MLflow.
        folder: the folder of the source.
        table: the table of predictions, if the user names it.
        registry: where the models are.

    Raises:
        ClickException: when a named file cannot be read, or has none of the formats, or a model has no signature.
        RegistryError: when MLflow has no such model.
    """
    for path in named:
        if isinstance(path, str):
            yield _of_model(path, registry)
            continue
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


def _of_model(address: str, registry: ModelRegistry) -> Hints:
    found = registry.logged_model(address)
    registered = RegisteredVersion(found.name, found.version) if found.name and found.version else None
    hints = read_registered(found.text, address, registered)
    if hints is None:
        message = (
            f"{address}: the model has no signature with names of columns; log it with one: "
            "log_model(..., signature=infer_signature(inputs, outputs)), where both are data frames"
        )
        raise click.ClickException(message)
    return hints


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

"""Iceberg tables: their metadata name the files of the newest snapshot, whose columns go by the ids of fields."""

from typing import TYPE_CHECKING

from monitoring_pipeline.warehouse.engines.duckdb.outside import Ask
from monitoring_pipeline.warehouse.engines.files.deleted_rows import select_of_positions
from monitoring_pipeline.warehouse.engines.files.formats.iceberg_columns import fields_of_files, problem_with, source_of
from monitoring_pipeline.warehouse.engines.files.formats.iceberg_versions import newest_metadata
from monitoring_pipeline.warehouse.engines.files.kinds import listed, select_of_no_rows, select_of_rows
from monitoring_pipeline.warehouse.engines.files.places import DataFile, FilePlace
from monitoring_pipeline.warehouse.engines.files.selects_kept import kept_select
from monitoring_pipeline.warehouse.errors import UnreadableWarehouseError
from monitoring_pipeline.warehouse.sql.dialect import literal

if TYPE_CHECKING:
    from monitoring_pipeline.warehouse.engines.files.formats.iceberg_snapshot import Snapshot

METADATA = "metadata"
HINT = "version-hint.text"
EXTRA = "iceberg"


def is_iceberg(files: FilePlace, path: str) -> bool:
    """Return whether a folder is an Iceberg table."""
    return files.has_folder(f"{path}/{METADATA}") and bool(_metadata_files(files, path))


def select_of_iceberg(files: FilePlace, path: str, place: str, ask: Ask) -> str:
    """Return the SELECT of the rows of an Iceberg table.

    Args:
        files: the place of the table.
        path: the folder below the place.
        place: the model and field that name it.
        ask: runs a query.

    Raises:
        UnreadableWarehouseError: when the package is missing, or the table has a feature that is not read.
    """
    found = _metadata_files(files, path)
    hint = f"{path}/{METADATA}/{HINT}"
    newest = newest_metadata(found, files.read(hint).decode() if files.has_file(hint) else "")
    if len(newest) != 1:
        message = f"{place}: {path!r} is an Iceberg table with several metadata files of its newest version: "
        remedy = f"only its catalog has the one that counts; write its name into {METADATA}/{HINT}"
        raise UnreadableWarehouseError(f"{message}{', '.join(newest)}; {remedy}")
    name = newest[0]
    return kept_select((METADATA, found[name]), lambda: _select(files, path, name, place, ask))


def _metadata_files(files: FilePlace, path: str) -> dict[str, DataFile]:
    found = files.files(f"{path}/{METADATA}/*.metadata.json*")
    return {file.path.rpartition("/")[2]: file for file in found}


def _select(files: FilePlace, path: str, metadata: str, place: str, ask: Ask) -> str:
    try:
        from monitoring_pipeline.warehouse.engines.files.formats.iceberg_snapshot import IcebergFolder, snapshot_of
    except ModuleNotFoundError:
        message = f"{place}: {path!r} is an Iceberg table; install 'monitoring-pipeline[{EXTRA}]' to read it"
        raise UnreadableWarehouseError(message) from None
    snapshot = snapshot_of(IcebergFolder(files, path, place), metadata)
    if not snapshot.files:
        return select_of_no_rows({column.name: column.type for column in snapshot.columns})
    fields = fields_of_files(snapshot, ask)
    if problem := problem_with(snapshot, fields):
        raise UnreadableWarehouseError(f"{place}: {path!r} is an Iceberg table {problem}")
    return select_of_rows(source_of(snapshot, fields, _deleted(snapshot)), ask)


def _deleted(snapshot: "Snapshot") -> str:
    """Return SQL of the files and positions of deleted rows; empty if there are none."""
    in_vectors = select_of_positions(snapshot.deleted)
    if not snapshot.delete_files:
        return in_vectors
    names = ", ".join(f"({literal(named)}, {literal(path)})" for named, path in snapshot.with_deletes.items())
    in_files = (
        f"SELECT names.path AS file, rows.pos AS position FROM read_parquet({listed(list(snapshot.delete_files))}) "
        f"AS rows JOIN (VALUES {names}) AS names(named, path) ON rows.file_path = names.named"
    )
    return f"{in_files} UNION ALL {in_vectors}" if in_vectors else in_files

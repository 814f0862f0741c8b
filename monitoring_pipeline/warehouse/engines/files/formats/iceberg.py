"""Iceberg tables: their metadata name the files of the newest snapshot, whose columns go by the ids of fields."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from monitoring_pipeline.warehouse.engines.duckdb.outside import Ask
from monitoring_pipeline.warehouse.engines.files.deleted_rows import select_of_positions, without_deleted
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
    if problem := _problem(snapshot, ask):
        raise UnreadableWarehouseError(f"{place}: {path!r} is an Iceberg table {problem}")
    columns = ", ".join(
        f"{column.id}: {{'name': {literal(column.name)}, 'type': {literal(column.type)}, "
        f"'default_value': {'NULL' if column.default is None else literal(column.default)}}}"
        for column in snapshot.columns
    )
    # The names of folders are no columns, because Iceberg keeps partitions in the files.
    call = f"read_parquet({listed(list(snapshot.files))}, schema = MAP {{{columns}}}, hive_partitioning = false"
    return select_of_rows(without_deleted(call, _deleted(snapshot)), ask)


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


def _problem(snapshot: "Snapshot", ask: Ask) -> str | None:
    """Return why the columns cannot be found by the ids of their fields; None if they can."""
    fields = _fields_of_files(list(snapshot.files), ask)
    for path, names in fields.items():
        if not names:
            return f"whose file {_short(path)} has no ids of fields, which are needed to find its columns; rewrite it"
        if missing := snapshot.partitions[path] - names.keys():
            columns = ", ".join(column.name for column in snapshot.columns if column.id in missing)
            return f"whose file {_short(path)} lacks the columns of its partition: {columns}; rewrite it"
        if changed := _changed_within(snapshot.nested, snapshot.ids, names):
            problem = f"with a renamed or replaced field {changed!r} inside of a column, which is not read"
            return f"{problem}; rewrite {_short(path)}"
    return None


def _fields_of_files(paths: list[str], ask: Ask) -> dict[str, dict[int, str]]:
    """Return the names of the fields of each file by their ids."""
    fields: dict[str, dict[int, str]] = {path: {} for path in paths}
    rows = ask(f"SELECT file_name, field_id, name FROM parquet_schema({listed(paths)}) WHERE field_id IS NOT NULL")
    for path, number, name in rows:
        fields[str(path)][int(str(number))] = str(name)
    return fields


def _changed_within(nested: Mapping[int, str], ids: frozenset[int], names: Mapping[int, str]) -> str | None:
    """Return a field inside of a column whose name in a file belongs to another field now, or that has another name.

    DuckDB takes columns by their ids, but the fields inside of them by name.
    """
    taken = set(nested.values())
    changed = (
        nested.get(number, name)
        for number, name in names.items()
        if (name != nested[number] if number in nested else number not in ids and name in taken)
    )
    return next(changed, None)


def _short(path: str) -> str:
    return path.rpartition("/")[2]

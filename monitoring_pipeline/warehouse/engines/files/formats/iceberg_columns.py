"""The columns of an Iceberg table in its files. They go by the ids of their fields, because names may change."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from monitoring_pipeline.warehouse.engines.duckdb.outside import Ask
from monitoring_pipeline.warehouse.engines.files.deleted_rows import without_deleted
from monitoring_pipeline.warehouse.engines.files.kinds import listed
from monitoring_pipeline.warehouse.sql.catalogue import quoted
from monitoring_pipeline.warehouse.sql.dialect import literal

if TYPE_CHECKING:
    from monitoring_pipeline.warehouse.engines.files.formats.iceberg_snapshot import Column, Snapshot

Fields = Mapping[str, Mapping[int, str]]
"""The names of the fields of each file by their ids."""


def fields_of_files(snapshot: "Snapshot", ask: Ask) -> Fields:
    """Return the fields of the files of a snapshot."""
    paths = list(snapshot.files)
    fields: dict[str, dict[int, str]] = {path: {} for path in paths}
    rows = ask(f"SELECT file_name, field_id, name FROM parquet_schema({listed(paths)}) WHERE field_id IS NOT NULL")
    for path, number, name in rows:
        fields[str(path)][int(str(number))] = str(name)
    return fields


def problem_with(snapshot: "Snapshot", fields: Fields) -> str | None:
    """Return the reason why columns cannot be found in the files, None without one."""
    for path, names in fields.items():
        if not names:
            return f"whose file {_short(path)} has no ids of fields, which are needed to find its columns; rewrite it"
        if missing := snapshot.partitions[path] - names.keys():
            columns = ", ".join(column.name for column in snapshot.columns if column.id in missing)
            return f"whose file {_short(path)} lacks the columns of its partition: {columns}; rewrite it"
        if changed := _changed_within(snapshot, names):
            problem = f"with a renamed or replaced field {changed!r} inside of a column, which is not read"
            return f"{problem}; rewrite {_short(path)}"
    return None


def source_of(snapshot: "Snapshot", fields: Fields, deleted: str) -> str:
    """Return SQL of the rows of a snapshot, to be written after FROM.

    Args:
        snapshot: the snapshot.
        fields: the fields of its files.
        deleted: SQL of the files and positions of deleted rows; empty if there are none.
    """
    # The names of folders are no columns, because Iceberg keeps partitions in the files.
    call = f"read_parquet({listed(list(snapshot.files))}, hive_partitioning = false"
    if not all(_has_names_of_now(snapshot, names) for names in fields.values()):
        mapped = ", ".join(map(_mapped, snapshot.columns))
        return without_deleted(f"{call}, schema = MAP {{{mapped}}}", deleted)
    # By names, the statistics of all files answer whether a time is null. By ids, its column is read as a whole.
    known = {number for names in fields.values() for number in names}
    columns = ", ".join(_cast(column, is_in_files=column.id in known) for column in snapshot.columns)
    return f"(SELECT {columns} FROM {without_deleted(f'{call}, union_by_name = true', deleted)})"


def _has_names_of_now(snapshot: "Snapshot", names: Mapping[int, str]) -> bool:
    """Return whether the names of a file's columns are those of the table, and it lacks nothing but whole columns."""
    columns = {column.id: column.name for column in snapshot.columns}
    taken = {name.casefold() for name in columns.values()}
    return (
        all(column.default is None or column.id in names for column in snapshot.columns)
        and snapshot.nested.keys() <= names.keys()
        and all(names[number] == name for number, name in columns.items() if number in names)
        and not any(name.casefold() in taken for number, name in names.items() if number not in snapshot.ids)
    )


def _mapped(column: "Column") -> str:
    """Return a column of the schema by which DuckDB takes columns by their ids."""
    default = "NULL" if column.default is None else literal(column.default)
    parts = f"'name': {literal(column.name)}, 'type': {literal(column.type)}, 'default_value': {default}"
    return f"{column.id}: {{{parts}}}"


def _cast(column: "Column", *, is_in_files: bool) -> str:
    return f"CAST({quoted(column.name) if is_in_files else 'NULL'} AS {column.type}) AS {quoted(column.name)}"


def _changed_within(snapshot: "Snapshot", names: Mapping[int, str]) -> str | None:
    """Return a field inside of a column whose name in a file belongs to another field now, or that has another name.

    DuckDB takes columns by their ids, but the fields inside of them by name.
    """
    nested, taken = snapshot.nested, set(snapshot.nested.values())
    changed = (
        nested.get(number, name)
        for number, name in names.items()
        if (name != nested[number] if number in nested else number not in snapshot.ids and name in taken)
    )
    return next(changed, None)


def _short(path: str) -> str:
    return path.rpartition("/")[2]

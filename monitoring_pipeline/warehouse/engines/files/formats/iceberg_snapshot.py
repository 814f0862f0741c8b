"""The newest snapshot of an Iceberg table, by the package ``pyiceberg``: its columns, files and deleted rows."""

import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat, ManifestContent
from pyiceberg.table import FileScanTask, StaticTable
from pyiceberg.table.deletion_vector import deletion_vectors_from_puffin_file
from pyiceberg.table.metadata import TableMetadata, TableMetadataUtil
from pyiceberg.table.puffin import PuffinFile
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import IcebergType, ListType, MapType, NestedField, PrimitiveType, StructType

from monitoring_pipeline.warehouse.engines.files.deleted_rows import MOST_POSITIONS
from monitoring_pipeline.warehouse.engines.files.places import FilePlace
from monitoring_pipeline.warehouse.errors import UnreadableWarehouseError, WarehouseError
from monitoring_pipeline.warehouse.sql.catalogue import quoted

_GZIP = b"\x1f\x8b"

_TYPES = {
    "boolean": "BOOLEAN", "int": "INTEGER", "long": "BIGINT", "float": "FLOAT", "double": "DOUBLE", "date": "DATE",
    "time": "TIME", "timestamp": "TIMESTAMP", "timestamptz": "TIMESTAMPTZ", "timestamp_ns": "TIMESTAMP_NS",
    "timestamptz_ns": "TIMESTAMPTZ", "string": "VARCHAR", "uuid": "UUID", "binary": "BLOB",
}  # fmt: skip
"""Types of DuckDB by the names of Iceberg."""


@dataclass(frozen=True)
class IcebergFolder:
    """The folder of a table.

    Args:
        files: the place of the table.
        path: the folder below the place.
        place: the model and field that name it.
    """

    files: FilePlace
    path: str
    place: str

    def error(self, problem: str) -> UnreadableWarehouseError:
        """Return the error of a table that cannot be read."""
        return UnreadableWarehouseError(f"{self.place}: {self.path!r} is an Iceberg table {problem}")


@dataclass(frozen=True)
class Column:
    """A column: the id of its field, its name and its type in DuckDB, and the value of older files as text."""

    id: int
    name: str
    type: str
    default: str | None


@dataclass(frozen=True)
class Snapshot:
    """The newest snapshot.

    Args:
        columns: the columns.
        ids: the ids of all fields, those inside of columns included.
        nested: the names of the fields inside of columns, by id.
        files: the data files as DuckDB reads them.
        partitions: the ids of the fields of each file's partition that must be in it.
        delete_files: the Parquet files with positions of deleted rows.
        with_deletes: the paths of the data files that these belong to, by their names in the metadata.
        deleted: the positions of deleted rows from deletion vectors, by file.
    """

    columns: tuple[Column, ...]
    ids: frozenset[int]
    nested: Mapping[int, str]
    files: tuple[str, ...]
    partitions: Mapping[str, frozenset[int]]
    delete_files: tuple[str, ...]
    with_deletes: Mapping[str, str]
    deleted: Mapping[str, Sequence[int]]


@dataclass(frozen=True)
class _Paths:
    """The files that metadata name, below the folder in which the table is found.

    Args:
        folder: the folder.
        location: the location of the table as the metadata name it.
    """

    folder: IcebergFolder
    location: str

    def below(self, named: str) -> str:
        """Return the path of a file below the place of the table.

        Raises:
            UnreadableWarehouseError: when the file is elsewhere.
        """
        location, path = _without_scheme(self.location).rstrip("/"), _without_scheme(named)
        inside = path.removeprefix(f"{location}/")
        if inside == path or ".." in inside.split("/"):
            raise self.folder.error(f"at {self.location}, and has the file {named} elsewhere, which is not read")
        return f"{self.folder.path}/{inside}"

    def path(self, named: str) -> str:
        """Return a file as DuckDB reads it."""
        files = self.folder.files
        return files.address(f"{files.folder}/{self.below(named)}")


class _Input(InputFile):
    """A file of metadata."""

    def __init__(self, location: str, paths: _Paths) -> None:
        super().__init__(location)
        self._paths = paths

    def __len__(self) -> int:
        return len(self._bytes())

    def exists(self) -> bool:
        return self._paths.folder.files.has_file(self._paths.below(self.location))

    def open(self, seekable: bool = True) -> InputStream:  # noqa: ARG002, FBT001, FBT002 - the shape of pyiceberg
        return io.BytesIO(self._bytes())  # pyright: ignore[reportReturnType] - its parameters have other names

    def _bytes(self) -> bytes:
        return self._paths.folder.files.read(self._paths.below(self.location))


class _ReadOnlyFiles(FileIO):
    """Files of metadata that are read as all other files of the place, with its credentials."""

    def __init__(self, paths: _Paths) -> None:
        super().__init__()
        self._paths = paths

    def new_input(self, location: str) -> InputFile:
        return _Input(location, self._paths)

    def new_output(self, location: str) -> OutputFile:
        raise NotImplementedError(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        raise NotImplementedError(str(location))


def snapshot_of(folder: IcebergFolder, metadata_file: str) -> Snapshot:
    """Return the newest snapshot of a table.

    Args:
        folder: the folder of the table.
        metadata_file: the name of its newest metadata file.

    Raises:
        UnreadableWarehouseError: when the table has a feature that is not read, or its metadata cannot be read.
    """
    named = f"{folder.path}/metadata/{metadata_file}"
    contents = folder.files.read(named)
    try:
        text = gzip.decompress(contents) if contents.startswith(_GZIP) else contents
        metadata = TableMetadataUtil.parse_raw(text.decode())
        paths = _Paths(folder, metadata.location)
        table = StaticTable(("table",), metadata, named, _ReadOnlyFiles(paths), NoopCatalog("files"))
        _check_deletes(table, folder)
        return _snapshot(metadata, sorted(table.scan().plan_files(), key=lambda task: task.file.file_path), paths)
    except WarehouseError:
        raise
    except Exception as error:  # noqa: BLE001 - pyiceberg raises errors of many packages
        raise folder.error(f"whose metadata cannot be read: {type(error).__name__}") from None


def _snapshot(metadata: TableMetadata, tasks: Sequence[FileScanTask], paths: _Paths) -> Snapshot:
    for task in tasks:
        if task.file.file_format != FileFormat.PARQUET:
            raise paths.folder.error(f"with files of the kind {task.file.file_format.name}; only Parquet is read")
    schema = metadata.schema()
    with_deletes = [task for task in tasks if task.delete_files]
    deletes = {each.file_path: each for task in with_deletes for each in task.delete_files}.values()
    named = {task.file.file_path: paths.path(task.file.file_path) for task in with_deletes}
    return Snapshot(
        columns=tuple(_column(each, paths.folder) for each in schema.fields),
        ids=frozenset(schema.field_ids),
        nested={each.field_id: each.name for column in schema.fields for each in _fields_inside(column.field_type)},
        files=tuple(paths.path(task.file.file_path) for task in tasks),
        partitions={paths.path(task.file.file_path): _partition_ids(metadata, task.file) for task in tasks},
        delete_files=tuple(
            sorted(paths.path(each.file_path) for each in deletes if each.file_format == FileFormat.PARQUET)
        ),
        with_deletes=named,
        deleted=_in_vectors([each for each in deletes if each.file_format == FileFormat.PUFFIN], named, paths),
    )


def _check_deletes(table: StaticTable, folder: IcebergFolder) -> None:
    """Raise UnreadableWarehouseError if rows are deleted in a way that is not read."""
    for each in _delete_files(table):
        if each.content == DataFileContent.EQUALITY_DELETES:
            raise folder.error("with equality deletes, which are not read; rewrite its data files")
        if each.file_format not in (FileFormat.PARQUET, FileFormat.PUFFIN):
            raise folder.error(f"with deletes of the kind {each.file_format.name}, which is not read")


def _delete_files(table: StaticTable) -> Iterator[DataFile]:
    snapshot = table.current_snapshot()
    for manifest in snapshot.manifests(table.io) if snapshot else ():
        if manifest.content == ManifestContent.DELETES:
            yield from (entry.data_file for entry in manifest.fetch_manifest_entry(table.io))


def _in_vectors(vectors: Sequence[DataFile], named: Mapping[str, str], paths: _Paths) -> dict[str, list[int]]:
    """Return the positions of deleted rows by file."""
    if (count := sum(each.record_count for each in vectors)) > MOST_POSITIONS:
        raise paths.folder.error(f"with {count:,} rows in deletion vectors; at most {MOST_POSITIONS:,} are read")
    contents = {each.file_path: paths.folder.files.read(paths.below(each.file_path)) for each in vectors}
    found = (each for puffin in contents.values() for each in deletion_vectors_from_puffin_file(PuffinFile(puffin)))
    return {
        named[each.referenced_data_file]: each.to_vector().to_pylist()
        for each in found
        if each.referenced_data_file in named
    }


def _partition_ids(metadata: TableMetadata, file: DataFile) -> frozenset[int]:
    """Return the ids of the fields whose values are those of the partition. A file may lack them."""
    columns = {field.field_id for field in metadata.schema().fields}
    fields = metadata.specs()[file.spec_id or 0].fields
    return frozenset(field.source_id for field in fields if isinstance(field.transform, IdentityTransform)) & frozenset(
        columns
    )


def _column(field: NestedField, folder: IcebergFolder) -> Column:
    kind, default = _type(field.field_type), field.initial_default
    if kind is None:
        raise folder.error(f"whose column {field.name!r} has the type {field.field_type}, which is not read")
    if default is not None and not (isinstance(field.field_type, PrimitiveType) and kind != "BLOB"):
        raise folder.error(f"whose column {field.name!r} has a default, which is not read for {field.field_type}")
    return Column(field.field_id, field.name, kind, None if default is None else str(default))


def _type(kind: IcebergType) -> str | None:
    """Return the type in DuckDB; None if it has none."""
    if isinstance(kind, StructType):
        inside = [(field.name, _type(field.field_type)) for field in kind.fields]
        known = [f"{quoted(name)} {each}" for name, each in inside if each is not None]
        return f"STRUCT({', '.join(known)})" if len(known) == len(inside) else None
    if isinstance(kind, ListType):
        element = _type(kind.element_type)
        return element and f"{element}[]"
    if isinstance(kind, MapType):
        key, value = _type(kind.key_type), _type(kind.value_type)
        return f"MAP({key}, {value})" if key and value else None
    name, _, length = str(kind).partition("(")
    if name == "decimal":
        return f"DECIMAL({length}"
    return "BLOB" if name.startswith("fixed") else _TYPES.get(name)


def _fields_inside(kind: IcebergType) -> Iterator[NestedField]:
    """Yield the fields inside of a column."""
    if isinstance(kind, StructType):
        for field in kind.fields:
            yield field
            yield from _fields_inside(field.field_type)
    elif isinstance(kind, ListType):
        yield from _fields_inside(kind.element_type)
    elif isinstance(kind, MapType):
        yield from _fields_inside(kind.key_type)
        yield from _fields_inside(kind.value_type)


def _without_scheme(location: str) -> str:
    return location.partition("://")[2] or location.removeprefix("file:")

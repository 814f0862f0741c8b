"""Delta tables: the log of the table names the files of its newest version, and the deleted rows in them."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import numpy as np
import pyarrow as pa

from monitoring_pipeline.warehouse.engines.duckdb.outside import Ask
from monitoring_pipeline.warehouse.engines.files.deleted_rows import MOST_POSITIONS, select_of_positions
from monitoring_pipeline.warehouse.engines.files.kinds import (
    select_of_no_rows,
    select_of_parquet,
)
from monitoring_pipeline.warehouse.engines.files.places import FilePlace
from monitoring_pipeline.warehouse.engines.files.selects_kept import kept_select
from monitoring_pipeline.warehouse.errors import UnreadableWarehouseError, WarehouseFailedError

if TYPE_CHECKING:
    from deltalake import DeltaTable

LOG = "_delta_log"
EXTRA = "delta"

_OPTIONS = {"allow_http": "true"}
"""Options of object stores. An address with ``http:`` is that of a server of the user's own."""

_TYPES = {
    "date": "DATE", "timestamp": "TIMESTAMPTZ", "timestamp_ntz": "TIMESTAMP", "boolean": "BOOLEAN", "byte": "BIGINT",
    "short": "BIGINT", "integer": "BIGINT", "long": "BIGINT", "float": "DOUBLE", "double": "DOUBLE",
}  # fmt: skip
"""Types of DuckDB by the names of Delta; a partition, or a column without a value, of any other type is text."""


@dataclass(frozen=True)
class DeltaFiles:
    """The files of a Delta table's newest version.

    Args:
        paths: the files as DuckDB reads them.
        columns: the types of the columns by name.
        partitions: the names of those that are partitions.
        deleted: the positions of deleted rows by file.
    """

    paths: tuple[str, ...]
    columns: Mapping[str, str]
    partitions: Sequence[str]
    deleted: Mapping[str, Sequence[int]] = field(default_factory=dict)


def is_delta(files: FilePlace, path: str) -> bool:
    """Return whether a folder is a Delta table."""
    return files.has_folder(f"{path}/{LOG}")


def select_of_delta(files: FilePlace, path: str, place: str, ask: Ask) -> str:
    """Return the SELECT of the rows of a Delta table.

    Args:
        files: the place of the table.
        path: the folder below the place.
        place: the model and field that name it.
        ask: runs a query.

    Raises:
        UnreadableWarehouseError: when the package is missing, or the table has a feature that is not read.
    """
    found = _delta_files(files, path, place)
    if not found.paths:
        return select_of_no_rows(found.columns)
    partitions = {name: found.columns[name] for name in found.partitions}
    deleted = select_of_positions(found.deleted)
    # A file of a Delta table never changes.
    key = (LOG, found.paths, tuple(partitions.items()), deleted)
    return kept_select(key, lambda: select_of_parquet(found.paths, partitions, ask, deleted))


def _delta_files(files: FilePlace, path: str, place: str) -> DeltaFiles:
    name = path.rpartition("/")[2]
    try:
        import deltalake
        from deltalake.exceptions import DeltaError, DeltaProtocolError
    except ModuleNotFoundError:
        message = f"{place}: {name} is a Delta table; install 'monitoring-pipeline[{EXTRA}]' to read it"
        raise UnreadableWarehouseError(message) from None
    try:
        found = _files_of(deltalake.DeltaTable(files.address(f"{files.folder}/{path}"), storage_options=_OPTIONS))
    except DeltaProtocolError as error:
        raise UnreadableWarehouseError(f"{place}: {name} is no readable Delta table: {_sentence(error)}") from None
    except (DeltaError, OSError) as error:
        # Without the text of the error, because it may quote credentials or values of rows.
        message = f"{place}: {name} is no readable Delta table: {type(error).__name__}"
        raise (UnreadableWarehouseError if files.is_local else WarehouseFailedError)(message) from None
    except _RefusedError as refused:
        raise UnreadableWarehouseError(f"{place}: {name} is a Delta table {refused}") from None
    return found


class _RefusedError(Exception):
    """A table has something that is not read. The text continues the words "a Delta table"."""


def _files_of(table: "DeltaTable") -> DeltaFiles:
    metadata = table.metadata()
    if metadata.configuration.get("delta.columnMapping.mode", "none") != "none":
        raise _RefusedError("with column mapping, which is not read")
    fields: list[dict[str, Any]] = json.loads(table.schema().to_json())["fields"]
    columns = {each["name"]: _TYPES.get(str(each["type"]), "VARCHAR") for each in fields}
    paths = tuple(sorted(map(_path, table.file_uris())))
    return DeltaFiles(paths, columns, metadata.partition_columns, _deleted(table, frozenset(paths)))


def _deleted(table: "DeltaTable", paths: Collection[str]) -> dict[str, list[int]]:
    """Return the positions of deleted rows by file."""
    if "deletionVectors" not in (table.protocol().reader_features or ()):
        return {}
    vectors = pa.table(table.deletion_vectors().read_all())
    rows = zip(vectors["filepath"].to_pylist(), vectors["selection_vector"], strict=True)
    deleted = {_same_file(uri, paths): np.flatnonzero(~np.asarray(kept.values)).tolist() for uri, kept in rows}
    if (count := sum(map(len, deleted.values()))) > MOST_POSITIONS:
        most = f"at most {MOST_POSITIONS:,} are read"
        raise _RefusedError(f"with {count:,} rows in deletion vectors; {most}; run REORG on it")
    return deleted


def _same_file(uri: str, paths: Collection[str]) -> str:
    """Return the file that a deletion vector belongs to. Its URI is escaped once more than the file's."""
    found = next((path for path in (_path(uri), _path(unquote(uri))) if path in paths), None)
    if found is None:
        # Its deleted rows would be read.
        raise _RefusedError("with a deletion vector of a file that is not found")
    return found


def _path(uri: str) -> str:
    """Return a file as DuckDB reads it."""
    if "://" in uri and not uri.startswith("file://"):
        return uri
    path = Path(uri.removeprefix("file://"))
    return str(path if path.exists() else Path(unquote(str(path))))


def _sentence(error: Exception) -> str:
    """Return the first line of an error, without the calls that follow."""
    return str(error).partition("\n")[0]

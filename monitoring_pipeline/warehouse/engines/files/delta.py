"""Delta tables: the log of the table names the files that belong to its newest version."""

import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from monitoring_pipeline.warehouse.engines.files.places import DataFile
from monitoring_pipeline.warehouse.errors import UnreadableWarehouseError

LOG = "_delta_log"
EXTRA = "delta"

_TYPES = {
    "date": "DATE", "timestamp": "TIMESTAMPTZ", "boolean": "BOOLEAN", "byte": "BIGINT", "short": "BIGINT",
    "integer": "BIGINT", "long": "BIGINT", "float": "DOUBLE", "double": "DOUBLE",
}  # fmt: skip
"""Types of DuckDB by the names of Delta; a partition of any other type is text."""


@dataclass(frozen=True)
class DeltaFiles:
    """The files of a Delta table's newest version, and the types of its partitions by name."""

    files: tuple[DataFile, ...]
    partitions: dict[str, str]


def delta_files(path: Path, place: str) -> DeltaFiles:
    """Return the files of a Delta table.

    Args:
        path: the folder.
        place: the model and field that name it.

    Raises:
        UnreadableWarehouseError: when the package is missing, or the files alone are not the table.
    """
    try:
        from deltalake import DeltaTable
        from deltalake.exceptions import DeltaError
    except ModuleNotFoundError:
        message = f"{place}: {path.name} is a Delta table; install 'monitoring-pipeline[{EXTRA}]' to read it"
        raise UnreadableWarehouseError(message) from None
    try:
        table = DeltaTable(path)
        features = set(table.protocol().reader_features or ())
        configuration = table.metadata().configuration
        uris, names = table.file_uris(), table.metadata().partition_columns
        fields = json.loads(table.schema().to_json())["fields"]
    except DeltaError as error:
        raise UnreadableWarehouseError(f"{place}: {path.name} is no readable Delta table: {error}") from None
    if configuration.get("delta.columnMapping.mode", "none") != "none":
        raise UnreadableWarehouseError(f"{place}: {path.name} is a Delta table with column mapping, which is not read")
    if "deletionVectors" in features and table.deletion_vectors().read_all().num_rows:
        message = f"{place}: {path.name} is a Delta table with deletion vectors, which are not read; run REORG on it"
        raise UnreadableWarehouseError(message)
    types = {field["name"]: _TYPES.get(str(field["type"]), "VARCHAR") for field in fields}
    return DeltaFiles(tuple(map(_file, sorted(uris))), {name: types[name] for name in names})


def _file(uri: str) -> DataFile:
    path = Path(uri.removeprefix("file://"))
    # A file of a Delta table never changes.
    return DataFile(str(path if path.exists() else Path(unquote(str(path)))), "")

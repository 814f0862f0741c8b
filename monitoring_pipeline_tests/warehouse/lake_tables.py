"""Iceberg and Delta tables, and rows deleted in them in ways that the packages that write them here do not have."""

import base64
import json
import string
import uuid
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.manifest import (
    DataFile,
    DataFileContent,
    FileFormat,
    ManifestContent,
    ManifestEntry,
    ManifestEntryStatus,
    ManifestWriterV2,
    write_manifest_list,
)
from pyiceberg.table import Table
from pyiceberg.typedef import Record
from pyroaring import BitMap

DELTA_MAGIC = 1681511377
Z85 = string.digits + string.ascii_lowercase + string.ascii_uppercase + ".-:+=^!/*?&<>()[]{}@%$#"
B85 = string.digits + string.ascii_uppercase + string.ascii_lowercase + "!#$%&()*+-;<=>?@^_`{|}~"


@contextmanager
def iceberg_catalog(lake: str, properties: Mapping[str, str] | None = None) -> Iterator[SqlCatalog]:
    """Open a catalog in memory whose tables are in folders of ``lake``."""
    catalog = SqlCatalog("tests", uri="sqlite:///:memory:", warehouse=lake, **(properties or {}))
    catalog.create_namespace("lake")
    try:
        yield catalog
    finally:
        catalog.close()


def make_iceberg(catalog: SqlCatalog, location: str, *frames: pl.DataFrame, **properties: Any) -> Table:
    """Make an Iceberg table whose rows are those of some frames, each of which becomes a file."""
    tables = [_arrow(frame) for frame in frames]
    name = f"lake.{location.rpartition('/')[2]}"
    table = catalog.create_table(name, tables[0].schema, location=location, **properties)
    for each in tables:
        table.append(each)
    return table


def append(table: Table, frame: pl.DataFrame) -> None:
    """Add the rows of a frame to an Iceberg table."""
    table.append(_arrow(frame))


def _arrow(frame: pl.DataFrame) -> pa.Table:
    large, small = (pa.large_string(), pa.string())
    table = frame.to_arrow()
    fields = [field.with_type(small) if field.type == large else field for field in table.schema]
    return table.cast(pa.schema(fields))


class _DeleteManifest(ManifestWriterV2):
    def content(self) -> ManifestContent:
        return ManifestContent.DELETES

    @property
    def _meta(self) -> dict[str, str]:
        return super()._meta | {"content": "deletes"}


def delete_positions(table: Table, file: str, positions: Sequence[int]) -> None:
    """Delete rows of a file of an Iceberg table on disk by a file of positions."""
    path = Path(table.location().removeprefix("file://")) / "data" / f"{uuid.uuid4()}-deletes.parquet"
    rows = {"file_path": [file] * len(positions), "pos": list(positions)}
    pq.write_table(pa.table(rows, schema=pa.schema({"file_path": pa.string(), "pos": pa.int64()})), path)
    commit_deletes(table, path, len(positions))


def delete_by_vector(table: Table, file: str, positions: Sequence[int]) -> None:
    """Delete rows of a file of an Iceberg table on disk by a deletion vector, as in format 3."""
    path = Path(table.location().removeprefix("file://")) / "data" / f"{uuid.uuid4()}.puffin"
    vector = (1).to_bytes(8, "little") + (0).to_bytes(4, "little") + BitMap(positions).serialize()
    body = b"\xd1\xd3\x39\x64" + vector
    blob = len(body).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")
    about = {
        "type": "deletion-vector-v1", "fields": [], "snapshot-id": -1, "sequence-number": -1, "offset": 4,
        "length": len(blob), "properties": {"referenced-data-file": file, "cardinality": str(len(positions))},
    }  # fmt: skip
    footer = json.dumps({"blobs": [about]}).encode()
    end = b"PFA1" + footer + len(footer).to_bytes(4, "little") + bytes(4) + b"PFA1"
    path.write_bytes(b"PFA1" + blob + end)
    commit_deletes(table, path, len(positions), file_format=FileFormat.PUFFIN, version=3)


def commit_deletes(
    table: Table,
    path: Path,
    count: int,
    *,
    content: DataFileContent = DataFileContent.POSITION_DELETES,
    file_format: FileFormat = FileFormat.PARQUET,
    version: int = 2,
) -> None:
    """Write a further metadata file whose newest snapshot has a file of deletes."""
    snapshot, files = table.current_snapshot(), PyArrowFileIO()
    assert snapshot is not None
    number, parent = snapshot.snapshot_id + 1, snapshot.snapshot_id
    folder = Path(table.location().removeprefix("file://")) / "metadata"
    is_equality = content == DataFileContent.EQUALITY_DELETES
    deletes = DataFile.from_args(
        content=content, file_path=f"file://{path}", file_format=file_format, partition=Record(), record_count=count,
        file_size_in_bytes=path.stat().st_size, equality_ids=[1] if is_equality else None,
    )  # fmt: skip
    manifest = files.new_output(f"file://{folder}/{uuid.uuid4()}-m0.avro")
    with _DeleteManifest(table.spec(), table.schema(), manifest, number, "null") as writer:
        writer.add_entry(
            ManifestEntry.from_args(status=ManifestEntryStatus.ADDED, snapshot_id=number, data_file=deletes)
        )
    metadata = json.loads(Path(table.metadata_location.removeprefix("file://")).read_text())
    sequence = metadata["last-sequence-number"] + 1
    listed = files.new_output(f"file://{folder}/snap-{number}.avro")
    with write_manifest_list(2, listed, number, parent, sequence, "null") as manifests:
        manifests.add_manifests([*snapshot.manifests(table.io), writer.to_manifest_file()])
    added = {
        "snapshot-id": number, "parent-snapshot-id": parent, "sequence-number": sequence,
        "timestamp-ms": metadata["last-updated-ms"] + 1, "manifest-list": listed.location,
        "summary": {"operation": "overwrite"}, "schema-id": metadata["current-schema-id"],
    }  # fmt: skip
    if version == 3:
        metadata |= {"format-version": 3, "next-row-id": 0}
    metadata |= {
        "last-sequence-number": sequence, "current-snapshot-id": number,
        "snapshots": [*metadata["snapshots"], added], "last-updated-ms": added["timestamp-ms"],
        "refs": {"main": {"snapshot-id": number, "type": "branch"}}, "snapshot-log": [],
    }  # fmt: skip
    version_now = int(Path(table.metadata_location).name.partition("-")[0])
    (folder / f"{version_now + 1:05}-{uuid.uuid4()}.metadata.json").write_text(json.dumps(metadata))


def delete_in_delta(folder: Path, positions: Mapping[str, Sequence[int]], *, in_file: bool = False) -> None:
    """Write a further version of a Delta table in which rows are deleted by deletion vectors.

    Args:
        folder: the table.
        positions: the deleted rows by a part of the name of their file.
        in_file: whether the vectors are in a file instead of the log.
    """
    log = folder / "_delta_log"
    version = max(int(path.stem) for path in log.glob("*.json"))
    lines = [json.loads(line) for path in sorted(log.glob("*.json")) for line in path.read_text().splitlines()]
    actions: list[dict[str, Any]] = []
    if not any("deletionVectors" in line.get("protocol", {}).get("readerFeatures", ()) for line in lines):
        features = ["deletionVectors"]
        actions.append({"protocol": {
            "minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features,
        }})  # fmt: skip
    for name, rows in positions.items():
        (added,) = [line["add"] for line in lines if name in line.get("add", {}).get("path", "")][-1:]
        before = {"deletionVector": added["deletionVector"]} if "deletionVector" in added else {}
        actions.append({"remove": {"path": added["path"], "deletionTimestamp": 0, "dataChange": True, **before}})
        vector = _vector(rows)
        stored = _stored_in_file(folder, vector) if in_file else _stored_inline(vector)
        about = {**stored, "sizeInBytes": len(vector), "cardinality": len(rows)}
        actions.append({"add": added | {"deletionVector": about, "dataChange": True}})
    (log / f"{version + 1:020}.json").write_text("".join(json.dumps(action) + "\n" for action in actions))


def _vector(rows: Sequence[int]) -> bytes:
    body = (1).to_bytes(8, "little") + (0).to_bytes(4, "little") + BitMap(rows).serialize()
    return DELTA_MAGIC.to_bytes(4, "little") + body


def _stored_inline(vector: bytes) -> dict[str, Any]:
    return {"storageType": "i", "pathOrInlineDv": _z85(vector)}


def _stored_in_file(folder: Path, vector: bytes) -> dict[str, Any]:
    name = uuid.uuid4()
    body = len(vector).to_bytes(4, "big") + vector + zlib.crc32(vector).to_bytes(4, "big")
    (folder / f"deletion_vector_{name}.bin").write_bytes(b"\x01" + body)
    return {"storageType": "u", "pathOrInlineDv": _z85(name.bytes), "offset": 1}


def _z85(data: bytes) -> str:
    padded = data + bytes(-len(data) % 4)
    return base64.b85encode(padded).decode().translate(str.maketrans(B85, Z85))

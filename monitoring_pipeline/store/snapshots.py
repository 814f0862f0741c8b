"""Snapshots: immutable Parquet files with the rows of a chunk, under one root."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import polars as pl

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets

# ISO 8601 allows two hyphens for the slash of an interval, and times without colons.
_IN_FILE_NAMES = str.maketrans({"/": "--", ":": "", "+": "_"})
# Two thirds of the time of Zstandard to write, a third to read, for files that are a fifth larger. Each file is read
# several times in its night.
_COMPRESSION = "lz4"
# The first rows of a file are a sample; they are read without the others.
_ROW_GROUP = 50_000
_SAFE_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class SnapshotMissingError(FileNotFoundError):
    """A snapshot to which the store points is missing; the message names the asset that restores it."""


class SnapshotFiles:
    """Snapshot files under a local folder or a URL that Polars can write to, such as ``s3://bucket/snapshots``.

    A file is named by its content, ``<model>/<chunk>/<kind>-<fingerprint>.parquet``, and never changes. Names
    are relative to the root, so that the root can move.
    """

    def __init__(self, root: str) -> None:
        """Take the root; a local folder is created with the first file."""
        local = root.removeprefix("file://")
        self._root = root.rstrip("/") if "://" in local else local
        self._folder = None if "://" in local else Path(local)

    def write(self, frame: pl.DataFrame, *, model: str, chunk: str, kind: str, fingerprint: str) -> str:
        """Write a chunk's rows and return the file's name relative to the root; a file that exists is left alone.

        Args:
            frame: the rows.
            model: name of the model.
            chunk: key of the chunk, or of a reference window.
            kind: ``predictions`` or ``labels``.
            fingerprint: hash of the content.

        Raises:
            ValueError: when a part cannot be in a file name.
        """
        parts = {"model": model, "chunk": chunk.translate(_IN_FILE_NAMES), "kind": kind, "fingerprint": fingerprint}
        for role, part in parts.items():
            if not _SAFE_PART.fullmatch(part):
                message = f"{role} {part!r} cannot name a snapshot file; allowed: letters, digits, _ . -"
                raise ValueError(message)
        uri = f"{parts['model']}/{parts['chunk']}/{kind}-{fingerprint}.parquet"
        if self._folder is None:
            # Object stores write a file as a whole, and equal names have equal rows.
            frame.write_parquet(self._address(uri), compression=_COMPRESSION, row_group_size=_ROW_GROUP)
        elif not (self._folder / uri).exists():
            _write_locally(frame, self._folder / uri)
        return uri

    def scan(self, uri: str) -> pl.LazyFrame:
        """Return a snapshot's rows, not yet read.

        Raises:
            SnapshotMissingError: when the local file is gone.
        """
        if self._folder is not None and not (self._folder / uri).is_file():
            raise SnapshotMissingError(self._missing(uri))
        return pl.scan_parquet(self._address(uri), glob=False, hive_partitioning=False)

    def read(self, uri: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return a snapshot's rows: the named columns, or all.

        Raises:
            SnapshotMissingError: when the file is gone.
        """
        rows = self.scan(uri)
        try:
            return (rows if columns is None else rows.select(columns)).collect()
        except FileNotFoundError as error:
            raise SnapshotMissingError(self._missing(uri)) from error

    def _address(self, uri: str) -> str:
        return f"{self._root}/{uri}"

    def _missing(self, uri: str) -> str:
        model, chunk, file_name = uri.split("/")
        window = chunk.replace("--", "/")
        asset = f"{model}/{file_name.partition('-')[0]} asset of partition {chunk}"
        if window != chunk:
            asset = f"{model}/reference asset"
        address = without_secrets(self._address(uri))
        return f"snapshot of {model} {window} is gone: {address}; re-running the {asset} restores it"


def _write_locally(frame: pl.DataFrame, target: Path) -> None:
    """Write under another name in the same folder, then rename, so that no partial file is read even after a crash."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{uuid4().hex}.partial")
    try:
        with temporary.open("xb") as file:
            frame.write_parquet(file, compression=_COMPRESSION, row_group_size=_ROW_GROUP)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

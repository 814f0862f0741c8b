"""Rows of chunks, kept as files."""

from collections.abc import Sequence
from typing import Protocol

import polars as pl


class SnapshotError(OSError):
    """The rows of a snapshot to which the store points cannot be used; the message names file, reason and remedy."""


class SnapshotMissingError(SnapshotError, FileNotFoundError):
    """A snapshot to which the store points is missing."""


class SnapshotDamagedError(SnapshotError):
    """A snapshot is not the file that was written."""


class SnapshotLostError(SnapshotError):
    """A damaged or missing snapshot cannot be made again, because the warehouse has other rows now, or none."""


class OtherKeyError(SnapshotError):
    """The snapshots hold ids that were hashed with another key."""


class Snapshots(Protocol):
    """Immutable files of canonical rows. Reading verifies that a file is the one that was written."""

    def write(self, frame: pl.DataFrame, *, model: str, chunk: str, kind: str, fingerprint: str) -> str:
        """Write a file unless it exists undamaged; return its URI."""
        ...

    def scan(self, uri: str) -> pl.LazyFrame:
        """Return the rows of a file that has been verified, not yet read.

        Raises:
            SnapshotError: when the file is missing or damaged.
        """
        ...

    def read(self, uri: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return the rows of a file: the named columns, or all.

        Raises:
            SnapshotError: when the file is missing or damaged.
        """
        ...


class RemovableSnapshots(Protocol):
    """Files of rows that can be removed."""

    @property
    def can_remove(self) -> bool:
        """Whether files can be removed here; an object store has rules of its own for that."""
        ...

    def files(self, model: str) -> list[str]:
        """Return the URIs of all files of a model that are there."""
        ...

    def read(self, uri: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return the rows of a file: the named columns, or all.

        Raises:
            SnapshotError: when the file is missing or damaged.
        """
        ...

    def size(self, uri: str) -> int:
        """Return the bytes of a file; 0 if it is gone."""
        ...

    def remove(self, uri: str) -> None:
        """Remove a file, if it is there, and its folder if it is empty then."""
        ...

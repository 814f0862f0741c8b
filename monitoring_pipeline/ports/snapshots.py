"""Rows of chunks, kept as files."""

from collections.abc import Sequence
from typing import Protocol

import polars as pl


class Snapshots(Protocol):
    """Immutable files of canonical rows."""

    def write(self, frame: pl.DataFrame, *, model: str, chunk: str, kind: str, fingerprint: str) -> str:
        """Write a file unless it exists; return its URI."""
        ...

    def scan(self, uri: str) -> pl.LazyFrame: ...
    def read(self, uri: str, columns: Sequence[str] | None = None) -> pl.DataFrame: ...

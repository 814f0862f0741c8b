"""Searches everything that was written for patterns, within Parquet, SQLite, and compressed parts too."""

import base64
import gzip
import io
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import polars as pl

_SQLITE, _PARQUET, _ZIP = b"SQLite format 3\x00", b"PAR1", b"PK\x03\x04"
_BASE64 = re.compile(rb"[A-Za-z0-9+/]{40,}={0,2}")


def found_in(folder: Path, canaries: Mapping[str, str]) -> dict[str, set[str]]:
    """Return the places in which each of the patterns was found, by the name of its column."""
    found: dict[str, set[str]] = {name: set() for name in canaries}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            for place, content in _parts(path):
                for name in _within(content, canaries):
                    found[name].add(f"{path.relative_to(folder)}{place}")
    return found


def found_in_texts(texts: Mapping[str, bytes], canaries: Mapping[str, str]) -> dict[str, set[str]]:
    """Return the names of the texts in which each of the canaries was found."""
    found: dict[str, set[str]] = {name: set() for name in canaries}
    for place, content in texts.items():
        for name in _within(content, canaries):
            found[name].add(place)
    return found


def _within(content: bytes, canaries: Mapping[str, str]) -> Iterator[str]:
    for form in _forms(content):
        yield from (name for name, pattern in canaries.items() if re.search(pattern.encode(), form))


def _forms(content: bytes) -> Iterator[bytes]:
    """Yield a text, and what is compressed or encoded in it."""
    yield content
    for unpack in (zlib.decompress, gzip.decompress):
        try:
            yield unpack(content)
        except (OSError, EOFError, zlib.error):
            continue
    for encoded in _BASE64.findall(content[:5_000_000]):
        try:
            yield base64.b64decode(encoded, validate=True)
        except ValueError:
            continue


def _parts(path: Path) -> Iterator[tuple[str, bytes]]:
    content = path.read_bytes()
    yield "", content
    if content.startswith(_SQLITE):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            yield from _rows(connection)
    if content.startswith(_PARQUET):
        yield " (rows)", _rows_of(content)
    if content.startswith(_ZIP):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                part = archive.read(name)
                yield f":{name}", part + (_rows_of(part) if part.startswith(_PARQUET) else b"")


def _rows_of(parquet: bytes) -> bytes:
    return "\n".join(map(str, pl.read_parquet(io.BytesIO(parquet)).rows())).encode()


def _rows(connection: sqlite3.Connection) -> Iterator[tuple[str, bytes]]:
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        cursor = connection.execute(f'SELECT * FROM "{table}"')
        names = [column[0] for column in cursor.description]
        by_column: dict[str, list[bytes]] = {name: [] for name in names}
        for row in cursor:
            for name, value in zip(names, row, strict=True):
                if isinstance(value, bytes):
                    by_column[name].extend(_forms(value))
                elif value is not None:
                    by_column[name].append(str(value).encode())
        yield from ((f":{table}.{name}", b"\n".join(values)) for name, values in by_column.items())

"""A zip file whose bytes depend on its contents only, and the sums of its files."""

import hashlib
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import uuid4

FIRST_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest time that the format has. Every file gets it, so that equal contents are equal bytes."""
_MODE = 0o100600 << 16
_UNIX = 3
LEVEL = 6


@dataclass(frozen=True)
class Sum:
    """The SHA-256 of a file, and its size."""

    sha256: str
    bytes: int


class SummedFile(io.RawIOBase):
    """Passes bytes on to a file, and sums them."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._hash, self._size = file, hashlib.sha256(), 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: object, /) -> int:
        """Write bytes."""
        content = bytes(memoryview(data))  # pyright: ignore[reportArgumentType]
        self._file.write(content)
        self._hash.update(content)
        self._size += len(content)
        return len(content)

    @property
    def sum(self) -> Sum:
        """The sum of what was written."""
        return Sum(self._hash.hexdigest(), self._size)


class ZipWriter:
    """Writes the files of an archive."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    @contextmanager
    def file(self, name: str) -> Iterator[SummedFile]:
        """Yield a file of the archive, which is complete at the end of the block."""
        info = zipfile.ZipInfo(name, FIRST_TIME)
        info.external_attr, info.create_system, info.compress_type = _MODE, _UNIX, zipfile.ZIP_DEFLATED
        with self._archive.open(info, "w", force_zip64=True) as file:
            yield SummedFile(file)

    def text(self, name: str, text: str) -> Sum:
        """Write a text as a file, and return its sum."""
        with self.file(name) as file:
            file.write(text.encode())
        return file.sum


@contextmanager
def new_zip(path: Path) -> Iterator[ZipWriter]:
    """Yield an archive that takes the place of a file at the end of the block; after an error nothing is left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{uuid4().hex}.partial")
    try:
        beside.touch(mode=0o600)
        with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
            yield ZipWriter(archive)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)

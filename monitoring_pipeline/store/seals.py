"""Seals of Parquet files: a hash of a file's own bytes and its name, kept in its footer.

The hash is computed while its own place holds zeros, and then written there.
"""

import hashlib
import os
import re
from typing import IO

SEAL = "monitoring_pipeline.seal"
"""Key of the seal in the metadata of a Parquet file."""
NO_SEAL = "0" * 64
"""The value of a seal that is not yet written."""

# Thrift writes the type and the length of a text before it.
_SEALED = re.compile(SEAL.encode() + rb".{1,4}?([0-9a-f]{64})", re.DOTALL)
_END = b"PAR1"
_LENGTH_BYTES = 4
_BLOCK = 1 << 20


def seal(file: IO[bytes], name: str) -> None:
    """Write the seal of a file whose seal is not yet written.

    Args:
        file: a Parquet file, open for reading and writing, with ``NO_SEAL`` under the key ``SEAL`` in its metadata.
        name: the name of the file, which is part of the hash.

    Raises:
        ValueError: when the metadata have no place for the seal.
    """
    place = _place(file)
    if place is None:
        raise ValueError(f"{name} has no place for a seal")
    value = _hash(file, place[0], name)
    file.seek(place[0])
    file.write(value)


def is_sealed_as(file: IO[bytes], name: str) -> bool | None:
    """Return whether a file is as it was sealed under a name; None if it has no readable seal."""
    place = _place(file)
    return None if place is None else _hash(file, place[0], name) == place[1]


def _place(file: IO[bytes]) -> tuple[int, bytes] | None:
    """Return position and value of the seal; None if the footer has none."""
    size = file.seek(0, os.SEEK_END)
    tail = len(_END) + _LENGTH_BYTES
    if size < tail:
        return None
    file.seek(size - tail)
    end = file.read(tail)
    footer = int.from_bytes(end[:_LENGTH_BYTES], "little")
    if end[_LENGTH_BYTES:] != _END or footer > size - tail:
        return None
    start = size - tail - footer
    file.seek(start)
    found = list(_SEALED.finditer(file.read(footer)))
    return (start + found[-1].start(1), found[-1].group(1)) if found else None


def _hash(file: IO[bytes], position: int, name: str) -> bytes:
    digest = hashlib.blake2b(name.encode(), digest_size=len(NO_SEAL) // 2)
    file.seek(0)
    left = position
    while block := file.read(min(_BLOCK, left)):
        digest.update(block)
        left -= len(block)
    digest.update(NO_SEAL.encode())
    file.seek(position + len(NO_SEAL))
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest().encode()

"""Compares the files of an archive with the sums in its manifest."""

import hashlib
import json
import zipfile
import zlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from monitoring_pipeline.reports.archive.writing import FORMAT, MANIFEST

LARGEST_MANIFEST = 100_000_000


class NoArchiveError(ValueError):
    """A file is no archive of ``export``; the message names it and the reason."""


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What an archive has.

    Attributes:
        model: name of the model.
        first: key of the first chunk.
        last: key of the last chunk.
        files: how many files were compared.
        manifest: the SHA-256 of the manifest.
        faults: a sentence for each file that is damaged, missing or unknown.
    """

    model: str
    first: str
    last: str
    files: int
    manifest: str
    faults: tuple[str, ...]


def verify_archive(path: Path) -> Verified:
    """Compare every file of an archive with its sum; no file is held in memory.

    Raises:
        NoArchiveError: when it is no zip file, or has no manifest that can be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            content = _manifest_of(path, archive)
            manifest: dict[str, Any] = json.loads(content)
            if manifest["format"] != FORMAT:
                raise NoArchiveError(f"{path} has format {manifest['format']!r}; this version reads format {FORMAT}")
            files = cast("dict[str, dict[str, Any]]", manifest["files"])
            return Verified(
                model=str(manifest["model"]),
                first=str(manifest["period"]["first_chunk"]),
                last=str(manifest["period"]["last_chunk"]),
                files=len(files),
                manifest=hashlib.sha256(content).hexdigest(),
                faults=tuple(_faults(archive, {name: str(entry["sha256"]) for name, entry in files.items()})),
            )
    except zipfile.BadZipFile as error:
        raise NoArchiveError(f"{path} is no zip file, or a damaged one: {error}") from None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, NoArchiveError):
            raise
        raise NoArchiveError(f"{path}: its {MANIFEST} is not one of an export") from None


def _manifest_of(path: Path, archive: zipfile.ZipFile) -> bytes:
    if MANIFEST not in archive.namelist():
        raise NoArchiveError(f"{path} has no {MANIFEST}: it was not made by `monitoring-pipeline export`")
    if archive.getinfo(MANIFEST).file_size > LARGEST_MANIFEST:
        raise NoArchiveError(f"{path}: its {MANIFEST} is larger than any that is made")
    return archive.read(MANIFEST)


def _faults(archive: zipfile.ZipFile, sums: dict[str, str]) -> list[str]:
    there = Counter(archive.namelist())
    faults = [f"{name} is there {count} times" for name, count in there.items() if count > 1]
    faults += [f"{name} is not in the manifest" for name in sorted(there.keys() - sums.keys() - {MANIFEST})]
    for name, expected in sums.items():
        if name not in there:
            faults.append(f"{name} is missing")
        elif (found := _sum_of(archive, name)) != expected:
            faults.append(f"{name} is damaged or changed" + ("" if found else ": it cannot be read"))
    return faults


def _sum_of(archive: zipfile.ZipFile, name: str) -> str:
    """Return the SHA-256 of a file; the empty text if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with archive.open(name) as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        return ""
    return digest.hexdigest()

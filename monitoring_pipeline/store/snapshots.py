"""Snapshots: immutable Parquet files with the rows of a chunk, under one root."""

import contextlib
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import polars as pl

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.evaluation.rows.fingerprints import fingerprint as fingerprint_of
from monitoring_pipeline.ports.snapshots import OtherKeyError, SnapshotDamagedError, SnapshotMissingError
from monitoring_pipeline.settings import make_private_folder
from monitoring_pipeline.store.seals import NO_SEAL, SEAL, is_sealed_as, seal

# ISO 8601 allows two hyphens for the slash of an interval, and times without colons.
_IN_FILE_NAMES = str.maketrans({"/": "--", ":": "", "+": "_"})
# Two thirds of the time of Zstandard to write, a third to read, for files that are a fifth larger. Each file is read
# several times in its night.
_COMPRESSION = "lz4"
# The first rows of a file are a sample; they are read without the others.
_ROW_GROUP = 50_000
KEY_FILE = "id_key.parquet"
"""Holds the fingerprint of the key with which the ids of all files below the root are hashed."""
_SAFE_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
# A damaged file can make the library panic, which is no Exception.
_UNREADABLE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, OverflowError)


class SnapshotFiles:
    """Snapshot files under a local folder or a URL that Polars can write to, such as ``s3://bucket/snapshots``.

    A file is named by its content, ``<model>/<chunk>/<kind>-<fingerprint>.parquet``, and never changes. Names
    are relative to the root, so that the root can move. A file is verified on reading: a local one by its seal; one
    without a seal, such as one in an object store or of an earlier version, by the fingerprint of its rows, once in
    each process.
    """

    def __init__(self, root: str, key: bytes | None = None) -> None:
        """Take the root, and the key with which ids in the rows are hashed; a local folder is made with its first file.

        All files below a root are written with one key. Its fingerprint is kept beside them; None checks nothing.
        """
        local = root.removeprefix("file://")
        self._root = root.rstrip("/") if "://" in local else local
        self._folder = None if "://" in local else Path(local)
        self._known: dict[str, tuple[int, ...]] = {}
        self._key, self._is_own_key = key, False

    def write(self, frame: pl.DataFrame, *, model: str, chunk: str, kind: str, fingerprint: str) -> str:
        """Write a chunk's rows and return the file's name relative to the root; an undamaged file is left alone.

        Args:
            frame: the rows.
            model: name of the model.
            chunk: key of the chunk, or of a reference window.
            kind: ``predictions`` or ``labels``.
            fingerprint: hash of the content.

        Raises:
            ValueError: when a part cannot be in a file name.
            OtherKeyError: when other files below the root were written with another key.
        """
        self._require_own_key()
        parts = {"model": model, "chunk": chunk.translate(_IN_FILE_NAMES), "kind": kind, "fingerprint": fingerprint}
        for role, part in parts.items():
            if not _SAFE_PART.fullmatch(part):
                message = f"{role} {part!r} cannot name a snapshot file; allowed: letters, digits, _ . -"
                raise ValueError(message)
        uri = f"{parts['model']}/{parts['chunk']}/{kind}-{fingerprint}.parquet"
        if self._folder is None:
            # Object stores write a file as a whole, and equal names have equal rows.
            frame.write_parquet(self._address(uri), compression=_COMPRESSION, row_group_size=_ROW_GROUP)
        elif self._fault(uri) is not None:
            _write_locally(frame, self._folder / uri, uri)
        return uri

    def _require_own_key(self) -> None:
        if self._key is None or self._is_own_key:
            return
        own = hashlib.blake2b(key=self._key, person=b"id key", digest_size=8).hexdigest()
        if self._kept_key() is None:
            rows = pl.DataFrame({"fingerprint": [own]})
            if self._folder is None:
                rows.write_parquet(self._address(KEY_FILE))
            else:
                make_private_folder(self._folder)
                _write_locally(rows, self._folder / KEY_FILE, KEY_FILE)
        if self._kept_key() != own:
            raise OtherKeyError(
                f"the snapshots in {without_secrets(self._root)} were written with another id key: set "
                "MONITORING_PIPELINE_ID_KEY to the key of the home that wrote them, or, if the key was changed on "
                f"purpose, delete {without_secrets(self._address(KEY_FILE))} and measure again (docs/privacy.md)"
            )
        self._is_own_key = True

    def _kept_key(self) -> str | None:
        try:
            return str(pl.read_parquet(self._address(KEY_FILE), glob=False)["fingerprint"].item())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _with_file(error, Path(self._address(KEY_FILE))) from error

    def scan(self, uri: str) -> pl.LazyFrame:
        """Return a snapshot's rows, not yet read; the file has been verified.

        Raises:
            SnapshotMissingError: when the file is gone.
            SnapshotDamagedError: when it is not the file that was written.
        """
        fault = self._fault(uri)
        if fault is not None:
            raise fault
        return self._scanned(uri)

    def read(self, uri: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return a snapshot's rows: the named columns, or all.

        Raises:
            SnapshotMissingError: when the file is gone.
            SnapshotDamagedError: when it is not the file that was written.
        """
        rows = self.scan(uri)
        try:
            return (rows if columns is None else rows.select(columns)).collect()
        except FileNotFoundError as error:
            raise self._missing(uri) from error

    def open(self, uri: str) -> BinaryIO:
        """Return a local file as it is, which has been verified.

        Raises:
            SnapshotMissingError: when the file is gone.
            SnapshotDamagedError: when it is not the file that was written.
            ValueError: in an object store.
        """
        if self._folder is None:
            raise ValueError(f"{uri}: files in an object store are copied from there")
        fault = self._fault(uri)
        if fault is not None:
            raise fault
        return (self._folder / uri).open("rb")

    @property
    def can_remove(self) -> bool:
        """Whether files can be removed here; an object store has rules of its own for that."""
        return self._folder is not None

    def files(self, model: str) -> list[str]:
        """Return the URIs of all files of a model that are there; none in an object store."""
        if self._folder is None:
            return []
        found = (self._folder / model).rglob("*.parquet")
        return sorted(path.relative_to(self._folder).as_posix() for path in found)

    def size(self, uri: str) -> int:
        """Return the bytes of a file; 0 if it is gone, or in an object store."""
        try:
            return 0 if self._folder is None else (self._folder / uri).stat().st_size
        except FileNotFoundError:
            return 0

    def remove(self, uri: str) -> None:
        """Remove a file, if it is there, and its folder if it is empty then.

        Raises:
            ValueError: in an object store.
        """
        if self._folder is None:
            raise ValueError(f"{uri}: files in an object store are removed by its own rules")
        path = self._folder / uri
        path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            path.parent.rmdir()

    def _fault(self, uri: str) -> SnapshotMissingError | SnapshotDamagedError | None:
        """Return what is wrong with a file; None if it is as it was written."""
        sealed = None
        if self._folder is not None:
            try:
                with (self._folder / uri).open("rb") as file:
                    sealed = is_sealed_as(file, uri)
                    state = os.fstat(file.fileno())
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return self._missing(uri)
            except PermissionError:
                raise
            except OSError as error:
                return self._damaged(uri, error.strerror or type(error).__name__)
            if sealed is not None:
                return None if sealed else self._damaged(uri, "its bytes are not those that were written")
            return self._fault_of_rows(uri, (state.st_ino, state.st_size, state.st_mtime_ns))
        return self._fault_of_rows(uri, ())

    def _fault_of_rows(self, uri: str, state: tuple[int, ...]) -> SnapshotMissingError | SnapshotDamagedError | None:
        """Return what is wrong with the rows of a file without a seal, which are hashed once for each state of it."""
        if self._known.get(uri) == state:
            return None
        try:
            rows = self._scanned(uri).collect()
            content = fingerprint_of(rows)
        except FileNotFoundError:
            return self._missing(uri)
        except _UNREADABLE as error:
            if self._folder is None:
                # An object store verifies its own bytes; it may be unreachable.
                raise
            return self._damaged(uri, f"it cannot be read ({type(error).__name__})")
        if not uri.endswith(f"-{content}.parquet"):
            return self._damaged(uri, "its rows are not those that were written")
        self._known[uri] = state
        return None

    def _scanned(self, uri: str) -> pl.LazyFrame:
        return pl.scan_parquet(self._address(uri), glob=False, hive_partitioning=False)

    def _address(self, uri: str) -> str:
        return f"{self._root}/{uri}"

    def _missing(self, uri: str) -> SnapshotMissingError:
        return SnapshotMissingError(self._message(uri, "is gone"))

    def _damaged(self, uri: str, reason: str) -> SnapshotDamagedError:
        return SnapshotDamagedError(self._message(uri, f"is damaged ({reason})"))

    def _message(self, uri: str, fault: str) -> str:
        model, chunk, file_name = uri.split("/")
        window = chunk.replace("--", "/")
        asset = f"{model}/{file_name.partition('-')[0]} asset of partition {chunk}"
        if window != chunk:
            asset = f"{model}/reference asset"
        address = without_secrets(self._address(uri))
        return f"snapshot of {model} {window} {fault}: {address}; re-running the {asset} restores it"


def _write_locally(frame: pl.DataFrame, target: Path, uri: str) -> None:
    """Write under another name in the same folder, then rename, so that no partial file is read even after a crash."""
    make_private_folder(target.parent)
    temporary = target.with_name(f".{uuid4().hex}.partial")
    try:
        with temporary.open("x+b") as file:
            frame.write_parquet(file, compression=_COMPRESSION, row_group_size=_ROW_GROUP, metadata={SEAL: NO_SEAL})
            seal(file, uri)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except (OSError, pl.exceptions.PolarsError) as error:
        temporary.unlink(missing_ok=True)
        raise _with_file(error, target) from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _with_file(error: OSError | pl.exceptions.PolarsError, target: Path) -> Exception:
    """Return an error of the operating system with the file that it is about; any other error as it is."""
    number = (error.errno if isinstance(error, OSError) else None) or _number_in(str(error))
    return error if number is None else OSError(number, os.strerror(number), str(target))


def _number_in(message: str) -> int | None:
    """Return the number of the operating system's error that the library quotes, as in ``(os error 28)``."""
    found = _OS_ERROR.search(message)
    return None if found is None else int(found.group(1))

"""The place of files: a folder on this machine, or a prefix in an object store."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitoring_pipeline.warehouse.engines.address import WarehouseAddress
from monitoring_pipeline.warehouse.engines.files.kinds import kind_of
from monitoring_pipeline.warehouse.errors import WarehouseFailedError

LOCAL = "file"
LOCAL_SCHEMES = ("files", "file")


@dataclass(frozen=True)
class DataFile:
    """A file of a table.

    Args:
        path: its path or address as DuckDB reads it.
        state: a text that changes with its content.
    """

    path: str
    state: str


@dataclass(frozen=True)
class FilePlace:
    """A folder or a single file.

    Args:
        root: the path, in an object store with the bucket in front.
        protocol: the protocol of the store as fsspec names it.
    """

    root: str
    protocol: str = LOCAL

    @property
    def text(self) -> str:
        """The place as DuckDB names it."""
        return self.address(self.root)

    @property
    def is_local(self) -> bool:
        """Whether the files are on this machine."""
        return self.protocol == LOCAL

    @property
    def is_file(self) -> bool:
        """Whether the place is one file."""
        with self._reached():
            return self._files.isfile(self.root)

    @property
    def folder(self) -> str:
        """The folder that contains the files."""
        return self.root.rpartition("/")[0] if self.is_file else self.root

    def address(self, path: str) -> str:
        """Return a path as DuckDB reads it."""
        return path if self.is_local else f"{self.protocol}://{path}"

    def exists(self) -> bool:
        """Return whether there is anything at the place."""
        with self._reached():
            return self._files.exists(self.root)

    def entries(self) -> dict[str, bool]:
        """Return the names of the files and folders in the folder, and whether each is a file."""
        if self.is_file:
            return {self.root.rpartition("/")[2]: True}
        return self._entries_in(self.root)

    def entries_below(self, name: str) -> dict[str, bool]:
        """Return the names of the files and folders in a folder below the place, and whether each is a file."""
        return self._entries_in(f"{self.folder}/{name}")

    def _entries_in(self, path: str) -> dict[str, bool]:
        with self._reached():
            listed = self._files.ls(path, detail=True)
        named = {entry["name"].rstrip("/").rpartition("/")[2]: entry["type"] == "file" for entry in listed}
        return dict(sorted((name, is_file) for name, is_file in named.items() if name))

    def has_data(self, name: str) -> bool:
        """Return whether a folder has a file of a known kind."""
        with self._reached():
            return any(kind_of(file) for _, _, files in self._files.walk(f"{self.folder}/{name}") for file in files)

    def has_folder(self, name: str) -> bool:
        """Return whether there is a folder of that name below the place."""
        with self._reached():
            return self._files.isdir(f"{self.folder}/{name}")

    def has_file(self, name: str) -> bool:
        """Return whether there is a file of that name below the place."""
        with self._reached():
            return self._files.isfile(f"{self.folder}/{name}")

    def read(self, name: str) -> bytes:
        """Return the contents of a file below the place."""
        with self._reached():
            return self._files.cat_file(f"{self.folder}/{name}")

    def files(self, pattern: str) -> tuple[DataFile, ...]:
        """Return the files of known kinds that a path or a pattern names, those within its folders included."""
        with self._reached():
            base = f"{self.folder}/{pattern}"
            found = self._files.glob(base) if set("*?[") & set(pattern) else [base]
            infos = [info for path in found for info in self._files.find(path, detail=True).values()]
        data = {info["name"]: info for info in infos if _is_data(info["name"][len(self.folder) :])}
        return tuple(DataFile(self.address(name), _state(info)) for name, info in sorted(data.items()))

    @property
    def _files(self) -> Any:
        import fsspec

        return fsspec.filesystem(self.protocol, use_listings_cache=False)

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise WarehouseFailedError(f"{self.text}: a file or folder has gone while it was read") from error
        except Exception as error:  # noqa: BLE001 - each store has errors of its own
            # Without the text of the error, because that of a store may quote credentials.
            message = f"{self.text}: its files cannot be listed: {type(error).__name__}"
            raise WarehouseFailedError(message) from None


def place_of(address: WarehouseAddress) -> FilePlace:
    """Return the place that an address names."""
    if address.scheme in LOCAL_SCHEMES:
        return FilePlace(str(address.path.absolute()))
    return FilePlace(address.text.partition("://")[2].rstrip("/"), address.scheme)


def _is_data(below: str) -> bool:
    *folders, name = Path(below).parts
    return kind_of(name) is not None and not any(part.startswith((".", "_")) for part in folders)


def _state(info: dict[str, Any]) -> str:
    changed = next((info[key] for key in ("mtime", "ETag", "etag", "LastModified", "last_modified") if key in info), "")
    return f"{info.get('size')}:{changed}"

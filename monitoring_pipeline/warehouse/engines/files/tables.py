"""The tables of a folder: each file, and each folder of files, is one."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitoring_pipeline.warehouse.engines.duckdb.outside import Ask, OutsideTable
from monitoring_pipeline.warehouse.engines.files.delta import delta_files, is_delta
from monitoring_pipeline.warehouse.engines.files.kinds import (
    FileKind,
    kind_of,
    options_of_partitions,
    stem_of,
)
from monitoring_pipeline.warehouse.engines.files.partitions import partition_types
from monitoring_pipeline.warehouse.errors import MissingTableError, UnreadableWarehouseError, WarehouseMissingError
from monitoring_pipeline.warehouse.sql.catalogue import ListedTable, find_table

_States = tuple[tuple[str, int, int], ...]
"""Path, size and time of change of each file."""

WILDCARDS = set("*?[")
SELECTS_KEPT = 64


@dataclass(frozen=True)
class FileTables:
    """The tables of a folder on this machine.

    A table is named by a file without its suffix, by a folder of files, by a path relative to the root, or by a
    pattern such as ``scores/2025-*.parquet``.

    Args:
        root: the folder, or one file.
        variable: the environment variable that contains its address.
    """

    root: Path
    variable: str

    @property
    def place(self) -> str:
        """The folder, for messages."""
        return str(self.root)

    @property
    def folder(self) -> Path:
        """The folder that contains the files."""
        return self.root.parent if self.root.is_file() else self.root

    def check(self) -> None:
        """Raise WarehouseMissingError when the folder does not exist."""
        if not self.root.exists():
            message = f"{self.root}: no such folder or file; the environment variable {self.variable} says where it is"
            raise WarehouseMissingError(message)

    def names(self) -> tuple[str, ...]:
        """Return the names of all tables, as a spec would write them."""
        return tuple(self._entries())

    def named(self, text: str, place: str, ask: Ask) -> OutsideTable:
        """Return the table that a spec names at ``place``.

        Raises:
            MissingTableError: when no table matches.
            UnreadableWarehouseError: when its files are of several kinds.
        """
        entries = self._entries()
        by_path = self._by_path(text)
        if by_path and text not in entries:
            partitions = partition_types(list(map(str, by_path)), str(self.folder))
            return _table(text, by_path, partitions, place, ask)
        if self._is_delta(text) and text not in entries:
            return _entry(text, self.folder / text, place, ask)
        listed = [ListedTable("temp", "main", name, in_default_schema=True) for name in entries]
        name = find_table(text, listed, place).name
        return _entry(name, entries[name], place, ask)

    def in_sql(self, sql: str, ask: Ask) -> tuple[OutsideTable, ...]:
        """Return the tables whose names occur in a user's SQL."""
        folded = sql.casefold()
        return tuple(
            _entry(name, path, f"the table {name!r}", ask)
            for name, path in self._entries().items()
            if re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", folded)
        )

    def _entries(self) -> dict[str, Path]:
        """Return the files and folders that are tables, by name; those whose stem is not unique by their full name."""
        paths = [self.root] if self.root.is_file() else sorted(self.root.iterdir())
        tables = [path for path in paths if (kind_of(path.name) if path.is_file() else _has_files(path))]
        stems = [stem_of(path.name) if path.is_file() else path.name for path in tables]
        return {stem if stems.count(stem) == 1 else path.name: path for stem, path in zip(stems, tables, strict=True)}

    def _is_below(self, text: str) -> bool:
        path = Path(text)
        return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and not self.root.is_file()

    def _is_delta(self, text: str) -> bool:
        return self._is_below(text) and is_delta(self.folder / text)

    def _by_path(self, text: str) -> list[Path]:
        """Return the files that a relative path or a pattern names; none outside of the folder."""
        if not self._is_below(text) or self._is_delta(text):
            return []
        paths = self.folder.glob(text) if WILDCARDS & set(text) else [self.folder / text]
        return sorted(file for path in paths if path.exists() for file in _files_of(path))


def _has_files(folder: Path) -> bool:
    is_hidden = folder.name.startswith((".", "_"))
    return not is_hidden and (is_delta(folder) or next(_data_files(folder), None) is not None)


def _files_of(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if kind_of(path.name) else []
    return sorted(_data_files(path))


def _data_files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if kind_of(file.name) and file.is_file())


def _entry(name: str, path: Path, place: str, ask: Ask) -> OutsideTable:
    """Return the table of a file or folder."""
    if is_delta(path):
        found = delta_files(path, place)
        return _table(name, found.files, found.partitions, place, ask)
    if any(path.glob("metadata/*.metadata.json")):
        message = f"{place}: {name!r} is an Iceberg table, which is not read; its files alone are not the table"
        raise UnreadableWarehouseError(message)
    files = _files_of(path)
    return _table(name, files, partition_types(list(map(str, files)), str(path)), place, ask)


def _table(name: str, files: Sequence[Path], partitions: Mapping[str, str], place: str, ask: Ask) -> OutsideTable:
    kinds = {kind.name: kind for file in files if (kind := kind_of(file.name))}
    if not kinds:
        raise MissingTableError(f"{place}: {name!r} has no files of a known kind")
    if len(kinds) > 1:
        names = " and ".join(sorted(kinds))
        message = f"{place}: {name!r} has files of several kinds: {names}; name one by a pattern, such as {name}/*.csv"
        raise UnreadableWarehouseError(message)
    states = tuple((str(file), stat.st_size, stat.st_mtime_ns) for file in files for stat in [file.stat()])
    (kind,) = kinds.values()
    return OutsideTable(name, _select_of(states, kind, partitions, ask))


def _select_of(states: _States, kind: FileKind, partitions: Mapping[str, str], ask: Ask) -> str:
    """Return the SELECT of some files; that of unchanged files is kept, because types of CSV need all rows."""
    key = (states, kind.name, tuple(partitions.items()))
    if key not in _kept:
        while len(_kept) >= SELECTS_KEPT:
            _kept.pop(next(iter(_kept)))
        _kept[key] = kind.read([path for path, *_ in states], options_of_partitions(partitions), ask)
    return _kept[key]


_kept: dict[tuple[_States, str, tuple[tuple[str, str], ...]], str] = {}

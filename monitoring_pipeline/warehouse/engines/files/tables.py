"""The tables of a folder: each file, and each folder of files, is one."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitoring_pipeline.warehouse.engines.duckdb.outside import Ask, OutsideTable
from monitoring_pipeline.warehouse.engines.files.kinds import (
    FileKind,
    kind_of,
    options_of_partitions,
    stem_of,
)
from monitoring_pipeline.warehouse.engines.files.partitions import partition_types
from monitoring_pipeline.warehouse.errors import MissingTableError, UnreadableWarehouseError, WarehouseMissingError
from monitoring_pipeline.warehouse.sql.catalogue import ListedTable, find_table

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

    def named(self, text: str, place: str, ask: Ask) -> OutsideTable:
        """Return the table that a spec names at ``place``.

        Raises:
            MissingTableError: when no table matches.
            UnreadableWarehouseError: when its files are of several kinds.
        """
        entries = self._entries()
        by_path = self._by_path(text)
        if by_path and text not in entries:
            return _table(text, self.folder, by_path, place, ask)
        listed = [ListedTable("temp", "main", name, in_default_schema=True) for name in entries]
        name = find_table(text, listed, place).name
        return _table(name, entries[name], _files_of(entries[name]), place, ask)

    def in_sql(self, sql: str, ask: Ask) -> tuple[OutsideTable, ...]:
        """Return the tables whose names occur in a user's SQL."""
        folded = sql.casefold()
        return tuple(
            _table(name, path, _files_of(path), f"the table {name!r}", ask)
            for name, path in self._entries().items()
            if re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", folded)
        )

    def _entries(self) -> dict[str, Path]:
        """Return the files and folders that are tables, by name; those whose stem is not unique by their full name."""
        paths = [self.root] if self.root.is_file() else sorted(self.root.iterdir())
        tables = [path for path in paths if (kind_of(path.name) if path.is_file() else _has_files(path))]
        stems = [stem_of(path.name) if path.is_file() else path.name for path in tables]
        return {stem if stems.count(stem) == 1 else path.name: path for stem, path in zip(stems, tables, strict=True)}

    def _by_path(self, text: str) -> list[Path]:
        """Return the files that a relative path or a pattern names; none outside of the folder."""
        if not Path(text).parts or Path(text).is_absolute() or ".." in Path(text).parts or self.root.is_file():
            return []
        paths = self.folder.glob(text) if WILDCARDS & set(text) else [self.folder / text]
        return sorted(file for path in paths if path.exists() for file in _files_of(path))


def _has_files(folder: Path) -> bool:
    return not folder.name.startswith((".", "_")) and next(_data_files(folder), None) is not None


def _files_of(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if kind_of(path.name) else []
    return sorted(_data_files(path))


def _data_files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if kind_of(file.name) and file.is_file())


def _table(name: str, base: Path, files: Sequence[Path], place: str, ask: Ask) -> OutsideTable:
    kinds = {kind.name: kind for file in files if (kind := kind_of(file.name))}
    if not kinds:
        raise MissingTableError(f"{place}: {name!r} has no files of a known kind")
    if len(kinds) > 1:
        names = " and ".join(sorted(kinds))
        message = f"{place}: {name!r} has files of several kinds: {names}; name one by a pattern, such as {name}/*.csv"
        raise UnreadableWarehouseError(message)
    states = tuple((str(file), stat.st_size, stat.st_mtime_ns) for file in files for stat in [file.stat()])
    (kind,) = kinds.values()
    return OutsideTable(name, _select_of(states, kind, str(base), ask))


def _select_of(states: tuple[tuple[str, int, int], ...], kind: FileKind, base: str, ask: Ask) -> str:
    """Return the SELECT of some files; that of unchanged files is kept, because types of CSV need all rows."""
    key = (states, kind.name, base)
    if key not in _kept:
        paths = [path for path, *_ in states]
        while len(_kept) >= SELECTS_KEPT:
            _kept.pop(next(iter(_kept)))
        _kept[key] = kind.read(paths, options_of_partitions(partition_types(paths, base)), ask)
    return _kept[key]


_kept: dict[tuple[tuple[tuple[str, int, int], ...], str, str], str] = {}

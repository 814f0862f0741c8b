"""The tables of a place: each file, and each folder of files, is one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from monitoring_pipeline.warehouse.engines.duckdb.outside import Ask, OutsideTable
from monitoring_pipeline.warehouse.engines.files.formats.formats_table import format_of
from monitoring_pipeline.warehouse.engines.files.formats.namespaces import tables_below
from monitoring_pipeline.warehouse.engines.files.kinds import kind_of, stem_of
from monitoring_pipeline.warehouse.engines.files.partitions import partition_types
from monitoring_pipeline.warehouse.engines.files.places import DataFile, FilePlace
from monitoring_pipeline.warehouse.engines.files.selects_kept import kept_select
from monitoring_pipeline.warehouse.errors import MissingTableError, UnreadableWarehouseError, WarehouseMissingError
from monitoring_pipeline.warehouse.sql.catalogue import ListedTable, find_table


@dataclass(frozen=True)
class FileTables:
    """The tables of a folder or object store.

    A table is named by a file without its suffix, by a folder of files, by a path relative to the root, or by a
    pattern such as ``scores/2025-*.parquet``.

    Args:
        files: the place.
        variable: the environment variable that contains its address.
    """

    files: FilePlace
    variable: str

    @property
    def place(self) -> str:
        """The place, for messages."""
        return self.files.text

    def check(self) -> None:
        """Raise WarehouseMissingError when the place does not exist."""
        if not self.files.exists():
            message = f"{self.place}: no such folder or file; the environment variable {self.variable} says where it is"
            raise WarehouseMissingError(message)

    def names(self) -> tuple[str, ...]:
        """Return the names of all tables, as a spec would write them; folders of lake tables give way to these."""
        return tuple(
            table
            for name, path in self._entries().items()
            for table in (tables_below(self.files, path) if name == path else ()) or (name,)
        )

    def named(self, text: str, place: str, ask: Ask) -> OutsideTable:
        """Return the table that a spec names at ``place``.

        Raises:
            MissingTableError: when no table matches.
            UnreadableWarehouseError: when its files are of several kinds.
        """
        entries = self._entries()
        if text not in entries and self._is_below(text) and (format_of(self.files, text) or self.files.files(text)):
            return self._table(text, text, place, ask)
        alike = [name for name in entries if name.casefold() == text.casefold()]
        names = alike or self.names()
        listed = [ListedTable("temp", "main", name, in_default_schema=True) for name in names]
        name = find_table(text, listed, place).name
        return self._table(name, entries.get(name, name), place, ask)

    def in_sql(self, sql: str, ask: Ask) -> tuple[OutsideTable, ...]:
        """Return the tables whose names occur in a user's SQL."""
        folded = sql.casefold()
        return tuple(
            self._table(name, path, f"the table {name!r}", ask)
            for name, path in self._entries().items()
            if re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", folded)
        )

    def _entries(self) -> dict[str, str]:
        """Return the files and folders that are tables, by name; those whose stem is not unique by their full name."""
        tables = {
            name: stem_of(name) if is_file else name
            for name, is_file in self.files.entries().items()
            if not name.startswith((".", "_"))
            and (kind_of(name) if is_file else self.files.has_data(name) or format_of(self.files, name))
        }
        stems = list(tables.values())
        return {stem if stems.count(stem) == 1 else name: name for name, stem in tables.items()}

    def _is_below(self, text: str) -> bool:
        path = Path(text)
        return bool(path.parts) and not path.is_absolute() and ".." not in path.parts and not self.files.is_file

    def _table(self, name: str, path: str, place: str, ask: Ask) -> OutsideTable:
        """Return the table of a file, a folder or a pattern."""
        if (found := format_of(self.files, path)) is not None:
            return OutsideTable(name, found.select(self.files, path, place, ask))
        files = self.files.files(path)
        partitions = partition_types([file.path for file in files], self.files.address(self.files.folder))
        return _table(name, files, partitions, place, ask)


def _table(name: str, files: Sequence[DataFile], partitions: Mapping[str, str], place: str, ask: Ask) -> OutsideTable:
    kinds = {kind.name: kind for file in files if (kind := kind_of(file.path.rpartition("/")[2]))}
    if not kinds:
        raise MissingTableError(f"{place}: {name!r} has no files of a known kind")
    if len(kinds) > 1:
        names = " and ".join(sorted(kinds))
        message = f"{place}: {name!r} has files of several kinds: {names}; name one by a pattern, such as {name}/*.csv"
        raise UnreadableWarehouseError(message)
    (kind,) = kinds.values()
    key, read = (kind.name, tuple(files), tuple(partitions.items())), kind.read
    return OutsideTable(name, kept_select(key, lambda: read([file.path for file in files], partitions, ask)))

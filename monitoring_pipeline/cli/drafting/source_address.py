"""The SOURCE of ``init`` as the address of a warehouse, and the table in it."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import click

from monitoring_pipeline.warehouse.engines.files.kinds import KINDS, kind_of, stem_of

_DUCKDB_MAGIC, _MAGIC_PLACE = b"DUCK", 8
_WILDCARDS = set("*?[")
_NUMBERED = re.compile(r"[0-9a-f]*[0-9][0-9a-f]*|[-_.]")


@dataclass(frozen=True)
class SourceAddress:
    """A warehouse as the settings name it, the table that SOURCE names, and the folder in which SOURCE is.

    ``is_file`` is whether SOURCE is one file, so that other files beside it are not looked at.
    """

    warehouse: str
    table: str | None = None
    folder: Path | None = None
    is_file: bool = False


def address_of(source: str) -> SourceAddress:
    """Return the address of a source.

    Raises:
        ClickException: when it is neither a URL nor an existing file or folder.
    """
    if "://" in source:
        return SourceAddress(source)
    path = Path(source).absolute()
    if _WILDCARDS & set(source) and not path.exists():
        folder = next(each for each in path.parents if not _WILDCARDS & set(str(each)))
        return SourceAddress(_files(folder), str(path.relative_to(folder)), folder, is_file=True)
    if not path.exists():
        message = f"{source}: no such file or folder, and no URL of a database"
        raise click.ClickException(message)
    if path.is_dir() and _is_one_table(path):
        return SourceAddress(_files(path.parent), path.name, path.parent, is_file=True)
    if path.is_dir():
        return SourceAddress(_files(path), None, path)
    if is_duckdb(path):
        return SourceAddress(str(path), None, path.parent)
    if kind_of(path.name) is None:
        kinds = ", ".join(suffix for kind in KINDS for suffix in kind.suffixes)
        message = f"{source}: not a DuckDB file, and its name ends in none of {kinds}"
        raise click.ClickException(message)
    return SourceAddress(_files(path.parent), _table_of(path), path.parent, is_file=True)


def _files(folder: Path) -> str:
    return f"files://{quote(str(folder))}"


def _is_one_table(folder: Path) -> bool:
    """Return whether a folder is a Delta or Iceberg table, is partitioned, or has files that differ in numbers only."""
    children = list(folder.iterdir())
    if any(child.is_dir() and (child.name == "_delta_log" or "=" in child.name) for child in children):
        return True
    if any((folder / "metadata").glob("*.metadata.json*")):
        return True
    stems = [stem_of(child.name) for child in children if child.is_file() and kind_of(child.name)]
    return len(stems) > 1 and len({_NUMBERED.sub("", stem) for stem in stems}) == 1


def _table_of(path: Path) -> str:
    """Return the name of the file without its suffix, or the whole name if another file or folder has the same."""
    stem = stem_of(path.name)
    alike = [each for each in path.parent.iterdir() if each != path and stem in {each.name, stem_of(each.name)}]
    return path.name if alike else stem


def is_duckdb(path: Path) -> bool:
    """Return whether a file is a DuckDB database."""
    with path.open("rb") as file:
        return file.read(_MAGIC_PLACE + len(_DUCKDB_MAGIC))[_MAGIC_PLACE:] == _DUCKDB_MAGIC

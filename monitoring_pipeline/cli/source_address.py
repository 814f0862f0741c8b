"""The SOURCE of ``init`` as the address of a warehouse, and the table in it."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import click

from monitoring_pipeline.evaluation.privacy.addresses import passwords_of

_DUCKDB_MAGIC, _MAGIC_PLACE = b"DUCK", 8
_ENDINGS = (".parquet", ".csv", ".csv.gz", ".json", ".jsonl", ".ndjson")


@dataclass(frozen=True)
class SourceAddress:
    """A warehouse as the settings name it, the table that SOURCE names, and the folder in which SOURCE is."""

    warehouse: str
    table: str | None = None
    folder: Path | None = None

    @property
    def has_password(self) -> bool:
        """Whether the address must not be written to a file."""
        return bool(list(passwords_of(self.warehouse)))


def address_of(source: str) -> SourceAddress:
    """Return the address of a source.

    Raises:
        ClickException: when it is neither a URL nor an existing file or folder.
    """
    if "://" in source:
        return SourceAddress(source)
    path = Path(source).absolute()
    if set("*?[") & set(source):
        return SourceAddress(f"files://{quote(str(path.parent))}", path.name, path.parent)
    if not path.exists():
        message = f"{source}: no such file or folder, and no URL of a database"
        raise click.ClickException(message)
    if path.is_dir():
        return SourceAddress(f"files://{quote(str(path))}", None, path)
    if is_duckdb(path):
        return SourceAddress(str(path), None, path.parent)
    if not path.name.lower().endswith(_ENDINGS):
        message = f"{source}: not a DuckDB file, and its name ends in none of {', '.join(_ENDINGS)}"
        raise click.ClickException(message)
    return SourceAddress(f"files://{quote(str(path.parent))}", path.name.split(".")[0], path.parent)


def is_duckdb(path: Path) -> bool:
    """Return whether a file is a DuckDB database."""
    with path.open("rb") as file:
        return file.read(_MAGIC_PLACE + len(_DUCKDB_MAGIC))[_MAGIC_PLACE:] == _DUCKDB_MAGIC

"""Stored homes: an archive whose databases contain a placeholder for the folder of the home."""

import io
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).parent
ARCHIVE = "home.tar.xz"
ANYWHERE = "/folder/of/the/home"
LEFT_OUT = ("dagster/history", "dagster/schedules", "dagster/storage")


def pack(folder: Path, stored: Path) -> None:
    """Store a home that nobody is using."""
    stored.mkdir(exist_ok=True)
    with tarfile.open(stored / ARCHIVE, "w:xz", preset=9) as archive:
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if path.is_file() and not name.startswith(LEFT_OUT) and path.suffix != ".png":
                _moved(path, str(HERE.parents[1]), f"{ANYWHERE}/code")
                content = _moved(path, str(folder), ANYWHERE)
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))


def unpack(name: str, folder: Path) -> Path:
    """Restore a stored home into a folder."""
    with tarfile.open(HERE / name / ARCHIVE) as archive:
        # Python 3.11 has the filter since its fourth release.
        if hasattr(tarfile, "data_filter"):
            archive.extractall(folder, filter="data")
        else:
            archive.extractall(folder)
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_bytes(_moved(path, ANYWHERE, str(folder)))
    return folder


def _moved(path: Path, before: str, after: str) -> bytes:
    """Return a file's content with one folder replaced by another."""
    if path.suffix == ".db":
        with closing(sqlite3.connect(path)) as connection:
            _move_rows(connection, before, after)
    content = path.read_bytes()
    return content.replace(before.encode(), after.encode()) if path.name == "MLmodel" else content


def _move_rows(connection: sqlite3.Connection, before: str, after: str) -> None:
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        for _, column, kind, *_ in connection.execute(f'PRAGMA table_info("{table}")').fetchall():
            if kind.upper().startswith(("TEXT", "VARCHAR", "CLOB")):
                connection.execute(
                    f'UPDATE "{table}" SET "{column}" = replace("{column}", ?, ?) WHERE instr("{column}", ?) > 0',
                    (before, after, before),
                )
    connection.commit()
    connection.execute("VACUUM")

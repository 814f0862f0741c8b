"""Opens DuckDB files with everything locked, and is the program of the process that runs users' SQL.

It imports nothing of this package, because a process that only runs a query shall start quickly.
"""

import datetime as dt
import hashlib
import json
import math
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

MOST_MEMORY_BYTES = 4 * 10**9
MOST_SPILL_BYTES = 40 * 10**9
LONGEST_TEXT = 1000
SECONDS_BETWEEN_LOOKS = 0.5
ABOUT_SQL = (duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException)
"""Errors about the text of a statement. Their texts contain names and parts of the SQL, no values of rows."""

_UNITS = {"bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_FROM_THE_START = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    # Otherwise FROM would find variables of this program.
    "python_enable_replacements": "false",
}
_opening = threading.Lock()


@dataclass(frozen=True, kw_only=True)
class Access:
    """What statements may use.

    Args:
        folders: folders or beginnings of addresses that views and queries may read; ``None`` for the folder of the
            database file.
        extensions: names of installed extensions that are loaded.
        stores: object stores whose files are read, by the names that fsspec gives them.
        memory: maximum of memory, such as ``8GB``; ``None`` for 4 GB, or less on a small machine.
    """

    folders: tuple[str, ...] | None = field(default=None, repr=False)
    extensions: tuple[str, ...] = ()
    memory: str | None = None
    stores: tuple[str, ...] = ()

    def readable(self, path: str) -> tuple[str, ...]:
        """Return the folders that may be read if ``path`` is the database file."""
        return (str(Path(path).absolute().parent),) if self.folders is None else self.folders


CLOSED = Access()
"""Access to the folder of the database file only."""


IN_MEMORY = ":memory:"
"""The path of a database without a file; its tables are views of files."""


def connect_locked(path: str, access: Access) -> duckdb.DuckDBPyConnection:
    """Open a file read-only. Nothing but ``access`` can be read, nothing is installed, and no setting can change."""
    # Connections of one process to one file share their settings, so only one at a time may be made and locked.
    with _opening:
        options: Any = {"temp_directory": str(spill_folder(path)), **_FROM_THE_START}
        connection = duckdb.connect(path, read_only=path != IN_MEMORY, config=options)
        try:
            for store in access.stores:
                connection.register_filesystem(_filesystem(store))
            if not _setting(connection, "lock_configuration"):
                _lock(connection, path, access)
        except BaseException:
            connection.close()
            raise
    return connection


def _filesystem(store: str) -> Any:
    import fsspec

    return fsspec.filesystem(store, use_listings_cache=False)


def spill_folder(path: str, process: int | None = None) -> Path:
    """Return the folder for data that exceed memory, because DuckDB would write them beside the user's file.

    Each process and file has its own folder, because DuckDB always uses the same names in it.
    """
    file_hash = hashlib.sha256(str(Path(path).resolve()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"monitoring_pipeline-{process or os.getpid()}-{file_hash}"


def text_about_sql(
    connection: duckdb.DuckDBPyConnection, error: duckdb.Error, sql: str, values: Mapping[str, object]
) -> str | None:
    """Return the text of an error about a statement; None if the error occurred while rows were read.

    Functions that parse values of rows raise the same classes of errors. So the text comes from EXPLAIN, which reads
    no rows.
    """
    if not isinstance(error, ABOUT_SQL):
        return None
    try:
        connection.execute(f"EXPLAIN {sql}", dict(values))
    except ABOUT_SQL as explained:
        text = " ".join(str(explained).replace("EXPLAIN ", "", 1).split())
        return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}..."
    except duckdb.Error:
        return None
    return None


def _lock(connection: duckdb.DuckDBPyConnection, path: str, access: Access) -> None:
    for name in access.extensions:
        connection.execute(f"LOAD {_quoted(name)}")
    if access.extensions:
        # Stored secrets are read at the first use, which would be too late.
        connection.execute("SELECT count(*) FROM duckdb_secrets()").fetchall()
    memory = _quoted(access.memory) if access.memory else f"'{min(MOST_MEMORY_BYTES, _memory(connection))}B'"
    folders = ", ".join(_quoted(folder) for folder in access.readable(path))
    for setting in (
        "TimeZone = 'UTC'",
        # All queries of one reading then share the footers of Parquet files.
        "parquet_metadata_cache = true",
        f"memory_limit = {memory}",
        f"max_temp_directory_size = '{_most_spill_bytes()}B'",
        # The list cannot change after external access is disabled.
        f"allowed_directories = [{folders}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET GLOBAL {setting}")


def _memory(connection: duckdb.DuckDBPyConnection) -> int:
    number, unit = str(_setting(connection, "memory_limit")).split()
    return int(float(number) * _UNITS[unit])


def _most_spill_bytes() -> int:
    """Return the largest number of bytes that may be written to disk: half of the free disk, at most 40 GB."""
    return min(MOST_SPILL_BYTES, shutil.disk_usage(tempfile.gettempdir()).free // 2)


def _setting(connection: duckdb.DuckDBPyConnection, name: str) -> object:
    (value,) = connection.execute(f"SELECT current_setting('{name}')").fetchall()[0]
    return value


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _answer(request: Mapping[str, Any]) -> dict[str, object]:
    """Run one SELECT, and describe its result: columns, rows, and type and value of the first."""
    sql, parameters = request["sql"], request["parameters"]
    values = {name: request["values"][name] for name in parameters}
    values |= {name: dt.datetime.fromisoformat(values[name]) for name in request["times"] if name in values}
    access = Access(
        folders=tuple(request["folders"]),
        extensions=tuple(request["extensions"]),
        memory=request["memory"],
        stores=tuple(request.get("stores", ())),
    )
    try:
        with connect_locked(request["path"], access) as connection, _explained(connection, sql, values):
            for name, select in request.get("views", {}).items():
                connection.execute(f"CREATE TEMP VIEW {_identifier(name)} AS {select}")
            statements = connection.extract_statements(sql)
            kinds = [statement.type.name for statement in statements]
            if kinds != ["SELECT"]:
                return {"statements": kinds}
            if unknown := sorted(statements[0].named_parameters - set(parameters)):
                return {"unknown": unknown}
            answer = connection.execute(sql, values)
            columns, rows = len(answer.description), answer.fetchmany(2)
    except _ExplainedError as error:
        return {"error": error.name, "text": error.text}
    value = rows[0][0] if rows else None
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    return {
        "columns": columns,
        "rows": len(rows),
        "type": None if value is None else type(value).__name__,
        "value": _float(value) if is_number else None,
    }


class _ExplainedError(Exception):
    def __init__(self, name: str, text: str | None) -> None:
        super().__init__(name)
        self.name, self.text = name, text


@contextmanager
def _explained(connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, object]) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise _ExplainedError(type(error).__name__, text_about_sql(connection, error, sql, values)) from None


def _float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _end_without_parent(parent: int, path_of_now: list[str]) -> None:
    """End this process as soon as its parent is gone. A thread can do so while DuckDB computes."""
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    for path in path_of_now:
        shutil.rmtree(spill_folder(path), ignore_errors=True)
    os._exit(1)


def _serve() -> None:
    """Answer one request per line until the input ends."""
    parent, path_of_now = int(sys.argv[1]), list[str]()
    threading.Thread(target=_end_without_parent, args=(parent, path_of_now), daemon=True).start()
    print(json.dumps("ready"), flush=True)  # noqa: T201 - the parent reads it
    for line in sys.stdin:
        request = json.loads(line)
        path_of_now[:] = [request["path"]]
        try:
            answer = _answer(request)
        except duckdb.Error as error:
            answer = {"error": type(error).__name__, "text": None}
        except Exception as error:  # noqa: BLE001 - its text may contain values of rows
            answer = {"error": type(error).__name__, "text": None}
        print(json.dumps(answer), flush=True)  # noqa: T201


if __name__ == "__main__":
    _serve()

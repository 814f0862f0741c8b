"""Dagster's storage in SQLite files, with connections that are kept: Dagster opens one for each event that it writes.

Opening takes longer than writing: a new engine compiles every statement again, and the last connection to a file that
closes moves all of its journal.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import QueuePool

from monitoring_pipeline.orchestration.runs.dagster_private import (
    ConfigurableClassData,
    DagsterSqliteStorage,
    SqliteEventLogStorage,
    SqliteRunStorage,
)

BUSY_TIMEOUT_SECONDS = 30
FILES_KEPT_OPEN = 32
"""Each run has a file of its own for its events, and a web page shows the events of many runs."""


class SqliteStorage(DagsterSqliteStorage):
    """Dagster's runs, events and schedules in a folder."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Create the files that are missing."""
        super().__init__(base_dir, inst_data)
        self._run_storage = _Runs(self._run_storage._conn_string)  # noqa: SLF001 - as its class method makes it
        self._event_log_storage = _Events(self._event_log_storage._base_dir)  # noqa: SLF001


class _Runs(SqliteRunStorage):
    def __init__(self, conn_string: str) -> None:
        self._files = _OpenFiles()
        super().__init__(conn_string)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        with self._files.engine(self._conn_string).begin() as connection:
            yield connection

    def dispose(self) -> None:
        self._files.close()
        super().dispose()


class _Events(SqliteEventLogStorage):
    def __init__(self, base_dir: str) -> None:
        self._files = _OpenFiles()
        self._tables: set[str] = set()
        super().__init__(base_dir)

    def has_table(self, table_name: str) -> bool:
        # Dagster asks this for each event. Its tables are created once, and never dropped.
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._files.engine(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.begin() as connection:
                yield connection

    def wipe(self) -> None:
        self._files.close()
        super().wipe()

    def dispose(self) -> None:
        self._files.close()
        super().dispose()


class _OpenFiles:
    """The engines of the files that were used last; each keeps one connection open."""

    def __init__(self) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._lock = Lock()
        self._process = os.getpid()

    def engine(self, address: str) -> Engine:
        """Return the engine of a file."""
        with self._lock:
            if self._process != os.getpid():
                # SQLite allows no connection to be used in a forked process.
                for engine in self._engines.values():
                    engine.dispose(close=False)
                self._engines.clear()
                self._process = os.getpid()
            if address not in self._engines:
                self._engines[address] = _new_engine(address)
            self._engines.move_to_end(address)
            if len(self._engines) > FILES_KEPT_OPEN:
                self._engines.popitem(last=False)[1].dispose()
            return self._engines[address]

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        with self._lock:
            for engine in self._engines.values():
                engine.dispose()
            self._engines.clear()


def _new_engine(address: str) -> Engine:
    engine = sa.create_engine(
        address,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS},
    )
    event.listen(engine, "connect", _write_without_waiting)
    return engine


def _write_without_waiting(connection: DBAPIConnection, _record: object) -> None:
    # As in the store of results: with a journal, a process that crashes loses nothing.
    connection.cursor().execute("PRAGMA synchronous = NORMAL")

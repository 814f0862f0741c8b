"""Connections to the store's database: SQLite in WAL mode, or PostgreSQL."""

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, OperationalError

from monitoring_pipeline.settings import make_private_folder
from monitoring_pipeline.store.faults import explain_faults
from monitoring_pipeline.store.tables.columns import SCHEMA

BUSY_TIMEOUT_SECONDS = 30.0


def create_store_engine(url: str) -> Engine:
    """Return an engine whose connections are ready for use; the folder of a SQLite file is created.

    Args:
        url: SQLAlchemy URL: ``sqlite:///folder/results.sqlite`` or ``postgresql://user@host/database``.

    Raises:
        ValueError: when the database is neither SQLite in a file nor PostgreSQL.
    """
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        message = "the store URL is none that SQLAlchemy can read; it looks like postgresql://user@host:port/database"
        raise ValueError(message) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return _sqlite_engine(parsed, Path(str(parsed.database)))
    if backend in ("postgresql", "postgres"):
        return _postgresql_engine(parsed)
    message = (
        f"store URL {parsed.render_as_string()!r}: the store must be a SQLite file "
        "(sqlite:///folder/results.sqlite) or PostgreSQL (postgresql://user@host/database)"
    )
    raise ValueError(message)


@contextmanager
def writing(engine: Engine, lock_name: str) -> Iterator[Connection]:
    """Open a transaction that writes; it commits at the end of the block, and rolls back after an error.

    SQLite has one writer at a time, PostgreSQL one per ``lock_name``; other writers wait.
    """
    with engine.execution_options(sqlite_begin="BEGIN IMMEDIATE").begin() as connection:
        wait_for(connection, lock_name)
        yield connection


def wait_for(connection: Connection, lock_name: str) -> None:
    """Wait until no other transaction of PostgreSQL holds the lock, and hold it to the end of this one.

    SQLite has one writer at a time, and needs none.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(lock_name, 0))))


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Open a transaction that cannot write and sees one state of the store."""
    with engine.connect().execution_options(postgresql_readonly=True, sqlite_query_only=True) as connection:
        yield connection


def forget_pragmas(connection: Connection) -> None:
    """Have pragmas set again by the next transaction, because a user's statement may have changed them."""
    connection.info.pop("is_query_only", None)


def _sqlite_engine(url: URL, file: Path) -> Engine:
    make_private_folder(file.parent)
    if not file.exists():
        # The files that SQLite makes beside it get the same permissions.
        with suppress(OSError):
            os.close(os.open(file, os.O_CREAT, 0o600))
    engine = sa.create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_SECONDS})

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        # The driver must not open transactions, because BEGIN is sent below, so that DDL is inside the transaction too.
        connection.isolation_level = None
        connection.execute("PRAGMA synchronous = NORMAL")

    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        is_query_only = options.get("sqlite_query_only", False)
        # The pragma is kept until a transaction of the other kind, because most transactions read.
        if connection.info.get("is_query_only") is not is_query_only:
            connection.exec_driver_sql(f"PRAGMA query_only = {'ON' if is_query_only else 'OFF'}")
            connection.info["is_query_only"] = is_query_only
        connection.exec_driver_sql(options.get("sqlite_begin", "BEGIN"))

    event.listen(engine, "connect", prepare)
    explain_faults(engine)
    _switch_to_wal(engine)
    event.listen(engine, "begin", begin)
    return engine


def _switch_to_wal(engine: Engine) -> None:
    # SQLite does not wait for the lock when two processes switch a new file at once.
    deadline = time.monotonic() + BUSY_TIMEOUT_SECONDS
    while True:
        try:
            with engine.connect() as connection:
                if connection.exec_driver_sql("PRAGMA journal_mode").scalar() != "wal":
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL")
                return
        except OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _postgresql_engine(url: URL) -> Engine:
    if "+" not in url.drivername:
        url = url.set(drivername="postgresql+psycopg2")
    engine = sa.create_engine(url, pool_pre_ping=True)

    def prepare(connection: DBAPIConnection, _record: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET search_path TO {SCHEMA}")
        cursor.execute("SET TIME ZONE 'UTC'")
        cursor.close()
        connection.commit()

    # First in line, because SQLAlchemy asks a new connection for its default schema.
    event.listen(engine, "connect", prepare, insert=True)
    explain_faults(engine)
    return engine

"""Faults of disks and databases as sentences: what happened, where, and what to do."""

import errno
from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import DBAPIError

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets

_AGAIN = "then run the same command again: nothing is half written"
_DOCTOR = "`monitoring-pipeline doctor` shows who may write there"
_RESTORE = "stop all runs and restore it from a backup, or move it away and backfill: the warehouse is read again"


@dataclass(frozen=True)
class _Fault:
    """A fault by a part of the database's own message in small letters."""

    sign: str
    seen: str
    remedy: str


_FAULTS = (
    _Fault("disk is full", "its disk is full", f"free space there, {_AGAIN}"),
    _Fault("no space left", "the disk of the database is full", f"free space there, {_AGAIN}"),
    _Fault("readonly database", "it cannot be written", f"{_DOCTOR}; {_AGAIN}"),
    _Fault("unable to open database file", "it cannot be opened or made", f"{_DOCTOR}; {_AGAIN}"),
    _Fault("disk i/o error", "its disk does not answer as it should", f"examine the disk, {_AGAIN}"),
    _Fault("malformed", "it is damaged", _RESTORE),
    _Fault("not a database", "it is damaged", _RESTORE),
    _Fault("database is locked", "another process writes to it and does not end", f"stop that process, {_AGAIN}"),
    _Fault("permission denied", "this user has not the right", "docs/deployment.md lists the rights of each role"),
    _Fault("read-only transaction", "it cannot be written now", f"connect to the server that may write, {_AGAIN}"),
    _Fault("too many clients", "it takes no more connections", f"raise max_connections, {_AGAIN}"),
)
_DOES_NOT_ANSWER = f"start it or correct its address, {_AGAIN}"
_OF_FILES = {
    errno.ENOSPC: ("its disk is full", f"free space there, {_AGAIN}"),
    errno.EDQUOT: ("the quota of its disk is used up", f"free space there, {_AGAIN}"),
    errno.EROFS: ("its disk is read-only", f"make it writable, or choose another folder (docs/settings.md), {_AGAIN}"),
    errno.EACCES: ("this user may not use it", f"{_DOCTOR}; {_AGAIN}"),
    errno.EPERM: ("this user may not use it", f"{_DOCTOR}; {_AGAIN}"),
    errno.EIO: ("its disk does not answer as it should", f"examine the disk, {_AGAIN}"),
}


def explain_faults(engine: Engine) -> None:
    """Add a sentence with place and remedy to the errors of an engine that are faults of its disk or its database."""
    place = _place(engine.url)

    def explain(context: ExceptionContext) -> None:
        error = context.sqlalchemy_exception
        if isinstance(error, DBAPIError) and (sentence := _of_database(error, place)) is not None:
            error.add_detail(sentence)

    event.listen(engine, "handle_error", explain)


def sentence_of_fault(error: BaseException, elsewhere: str) -> str | None:
    """Return the sentence for an error, or for the error that caused it; None if no disk or database is the cause.

    Args:
        error: any error.
        elsewhere: names the databases that are not the store, such as those of Dagster.
    """
    for cause in _causes(error):
        if isinstance(cause, DBAPIError):
            return cause.detail[0] if cause.detail else _of_database(cause, elsewhere)
        if isinstance(cause, OSError) and cause.errno in _OF_FILES:
            seen, remedy = _OF_FILES[cause.errno]
            return f"{cause.filename or 'a file'}: {seen} ({cause.strerror}); {remedy}"
    return None


def _of_database(error: DBAPIError, place: str) -> str | None:
    message = " ".join(str(error.orig).split())
    for fault in _FAULTS:
        if fault.sign in message.lower():
            return f"{place}: {fault.seen} ({message}); {fault.remedy}"
    if error.connection_invalidated or "connection" in message.lower() or "starting up" in message.lower():
        return f"{place}: it does not answer ({message}); {_DOES_NOT_ANSWER}"
    return None


def _place(url: sa.URL) -> str:
    return str(url.database) if url.get_backend_name() == "sqlite" else without_secrets(url.render_as_string())


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)

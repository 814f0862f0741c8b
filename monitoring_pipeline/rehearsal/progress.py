"""The progress of a rehearsal, in one file that is replaced as a whole, so that a crash loses one step at most."""

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

FILE, LOCK_FILE = "rehearsal.json", "rehearsal.lock.db"


class RehearsalError(ValueError):
    """A rehearsal cannot start or continue; the message states the reason and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A run to be made in the current night: a job with its partition, or with the configuration of one op."""

    job: str
    key: str
    partition: str = ""
    op: str = ""
    config: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Progress:
    """The progress of a rehearsal.

    Args:
        model: name of the model.
        first: key of its first chunk.
        identity: hash of the inputs of its result beside the warehouse's rows.
        chunk: key of the chunk whose run comes next, or is under way; ``day`` in the file.
        phase: number of that night's phase.
        tasks: runs left in that phase; ``None`` if they are not listed yet.
        asked: keys of finished runs, which are not repeated.
        nights: finished nights.
        seconds: time spent on them.
    """

    model: str
    first: str
    identity: str
    chunk: Annotated[str, Field(alias="day")]
    phase: int = 0
    tasks: tuple[Task, ...] | None = None
    asked: tuple[str, ...] = ()
    nights: int = 0
    seconds: float = 0.0


_PROGRESS = TypeAdapter(Progress)


def read_progress(folder: Path) -> Progress | None:
    """Return the progress of the rehearsal in a folder; ``None`` if there is none.

    Raises:
        RehearsalError: when the file is not a record of progress.
    """
    file = folder / FILE
    if not file.exists():
        return None
    try:
        return _PROGRESS.validate_json(file.read_bytes())
    except ValidationError as error:
        message = f"{file}: not the record of a rehearsal of this version; begin anew with --restart ({error})"
        raise RehearsalError(message) from error


def write_progress(folder: Path, progress: Progress) -> None:
    """Replace the progress of a rehearsal, as a whole."""
    unfinished = folder / f"{FILE}.unfinished"
    with unfinished.open("wb") as file:
        file.write(_PROGRESS.dump_json(progress, by_alias=True, indent=1))
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(folder / FILE)


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Lock a folder against other rehearsals; the lock ends with the process.

    Raises:
        RehearsalError: when another one is running there, or the folder has other files.
    """
    if folder.exists() and any(folder.iterdir()) and not any((folder / name).exists() for name in (FILE, LOCK_FILE)):
        message = f"{folder}: has files but no rehearsal; choose an empty folder with --home"
        raise RehearsalError(message)
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / LOCK_FILE, timeout=0)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            message = f"{folder}: another rehearsal is running there"
            raise RehearsalError(message) from error
        yield

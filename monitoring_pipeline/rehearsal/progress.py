"""How far a rehearsal has come, in one file that is replaced as a whole: a process that dies loses a step at most."""

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
    """A rehearsal cannot start or go on; the message says why, and what to do."""


@dataclass(frozen=True, kw_only=True)
class Task:
    """A run that is to be made tonight: a job with its partition, or with the configuration of one op."""

    job: str
    key: str
    partition: str = ""
    op: str = ""
    config: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a rehearsal has come.

    Args:
        model: the model.
        first: key of its first chunk.
        identity: hash of everything that its result depends on beside the warehouse.
        chunk: key of the chunk whose run comes next, or is under way; ``day`` in the file.
        phase: number of that night's phase.
        tasks: what is left to do in that phase; ``None`` where that has not been looked at.
        asked: keys of runs that have been asked for, and are not again.
        nights: finished nights.
        seconds: spent on them.
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
    """Return the progress of the rehearsal in a folder; ``None`` where there is none.

    Raises:
        RehearsalError: when the file is none of ours.
    """
    file = folder / FILE
    if not file.exists():
        return None
    try:
        return _PROGRESS.validate_json(file.read_bytes())
    except ValidationError as error:
        message = f"{file}: not the record of a rehearsal of this version: begin anew with --restart ({error})"
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
    """Keep other rehearsals out of a folder; the lock goes with the process.

    Raises:
        RehearsalError: when another one is at work, or the folder holds something else.
    """
    if folder.exists() and any(folder.iterdir()) and not any((folder / name).exists() for name in (FILE, LOCK_FILE)):
        message = f"{folder}: holds files, and no rehearsal: choose an empty folder with --home"
        raise RehearsalError(message)
    folder.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(folder / LOCK_FILE, timeout=0)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            message = f"{folder}: another rehearsal is at work there"
            raise RehearsalError(message) from error
        yield

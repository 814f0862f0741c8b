"""A process that runs users' SQL and is killed at the time limit, because DuckDB's interrupt may take minutes.

An idle process holds no file open. It is kept for the next query, which saves the time of its start.
"""

import atexit
import contextlib
import json
import os
import selectors
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from monitoring_pipeline.warehouse.engines.duckdb import session

START_SECONDS = 60.0


class QueryTimeoutError(RuntimeError):
    """A query took longer than its limit; its process was killed."""


class QueryProcessError(RuntimeError):
    """The process ended without an answer, as it does if the system kills it for its use of memory."""


def run_query(request: Mapping[str, object], seconds: float) -> dict[str, Any]:
    """Return the answer of ``session`` to a request.

    Raises:
        QueryTimeoutError: when there is none after ``seconds``.
        QueryProcessError: when the process ends.
    """
    process = _take()
    try:
        answer = process.ask(request, seconds)
    except BaseException:
        process.kill(str(request["path"]))
        raise
    _give_back(process)
    return answer


@dataclass(frozen=True)
class _QueryProcess:
    popen: "subprocess.Popen[bytes]"
    input: IO[bytes]
    output: IO[bytes]

    def ask(self, request: Mapping[str, object], seconds: float) -> dict[str, Any]:
        try:
            self.input.write(json.dumps(request).encode() + b"\n")
            self.input.flush()
        except BrokenPipeError:
            raise QueryProcessError from None
        return self.answer(seconds)

    def answer(self, seconds: float) -> Any:
        """Return the next line of the process."""
        line, deadline = b"", time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            selector.register(self.output, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(max(deadline - time.monotonic(), 0.0)):
                    raise QueryTimeoutError
                part = os.read(self.output.fileno(), 65536)
                if not part:
                    raise QueryProcessError
                line += part
        return json.loads(line)

    def is_usable(self) -> bool:
        return self.popen.poll() is None

    def kill(self, path: str | None = None) -> None:
        self.popen.kill()
        self.popen.wait()
        for pipe in (self.input, self.output):
            with contextlib.suppress(OSError):
                pipe.close()
        if path is not None:
            shutil.rmtree(session.spill_folder(path, self.popen.pid), ignore_errors=True)


_idle: list[_QueryProcess] = []
_taking = threading.Lock()


def _take() -> _QueryProcess:
    with _taking:
        while _idle:
            process = _idle.pop()
            if process.is_usable():
                return process
            process.kill()
    return _start()


def _give_back(process: _QueryProcess) -> None:
    with _taking:
        _idle.append(process)


def _start() -> _QueryProcess:
    # Without -P the folder of the program would come first, and its modules could be imported in place of others.
    program = [sys.executable, "-P", str(Path(session.__file__)), str(os.getpid())]
    popen = subprocess.Popen(  # noqa: S603 - this package's own program
        program,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    process = _QueryProcess(popen, cast("IO[bytes]", popen.stdin), cast("IO[bytes]", popen.stdout))
    try:
        process.answer(START_SECONDS)
    except BaseException:
        process.kill()
        raise
    return process


@atexit.register
def _end_idle() -> None:
    while _idle:
        _idle.pop().kill()


# A forked process must not use or end the processes of its parent.
os.register_at_fork(after_in_child=_idle.clear)

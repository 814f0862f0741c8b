"""An open file whose statements end at a time limit, because DuckDB may take minutes until it notices an interrupt."""

import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import duckdb

from monitoring_pipeline.warehouse.engines.duckdb.outside import OutsideTables

GRACE_SECONDS = 5.0
"""Time for DuckDB to notice an interrupt. After it, the statement is abandoned."""

SECONDS_TO_END = 0.2
"""Time for the thread of a statement to end after its answer."""

Result = TypeVar("Result")


class OpenFile:
    """A connection whose statements end ``seconds`` after it was made, or a little later."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, seconds: float, outside: OutsideTables | None = None
    ) -> None:
        """Take a connection, which ``close`` closes, and the tables that are used instead of those of the file."""
        self.connection = connection
        self.outside = outside
        self._until = time.monotonic() + seconds
        self._is_abandoned = False

    def run(self, action: Callable[[duckdb.DuckDBPyConnection], Result]) -> Result:
        """Return the result of an action on the connection, and raise its error.

        Raises:
            duckdb.InterruptException: at the time limit.
        """
        answers: queue.SimpleQueue[Callable[[], Result]] = queue.SimpleQueue()
        thread = threading.Thread(target=self._answer, args=(action, answers), name="statement", daemon=True)
        thread.start()
        try:
            answer = self._next(answers)
        except BaseException:
            self._abandon(thread)
            raise
        return answer()

    def close(self) -> None:
        """Close the connection. One with an abandoned statement stays open until that or the process ends."""
        if not self._is_abandoned:
            self.connection.close()

    def _answer(
        self, action: Callable[[duckdb.DuckDBPyConnection], Result], answers: "queue.SimpleQueue[Callable[[], Result]]"
    ) -> None:
        try:
            result = action(self.connection)
            answers.put(lambda: result)
        except BaseException as error:  # noqa: BLE001 - raised in the other thread
            answers.put(_raising(error))
        if self._is_abandoned:
            self.connection.close()

    def _next(self, answers: "queue.SimpleQueue[Callable[[], Result]]") -> Callable[[], Result]:
        try:
            return answers.get(timeout=max(self._until - time.monotonic(), 0.0))
        except queue.Empty:
            self.connection.interrupt()
        # The answer itself would be one of several errors, for instance a RuntimeError.
        with suppress(queue.Empty):
            answers.get(timeout=GRACE_SECONDS)
        raise duckdb.InterruptException

    def _abandon(self, thread: threading.Thread) -> None:
        self.connection.interrupt()
        self._is_abandoned = True
        thread.join(SECONDS_TO_END)
        if not thread.is_alive():
            self.connection.close()


def _raising(error: BaseException) -> Callable[[], Any]:
    def answer() -> Any:
        raise error

    return answer

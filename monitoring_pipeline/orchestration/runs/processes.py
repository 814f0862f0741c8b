"""Other processes that measure the chunks of a run in this process, if it was given some."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol

from monitoring_pipeline.orchestration.runs.timing import Timed
from monitoring_pipeline.spec.chunk import Chunk


class Processes(Protocol):
    """Processes that measure chunks side by side."""

    def measured(self, asset: str, inputs: Any, chunks: Sequence[Chunk]) -> Iterator[tuple[Chunk, Callable[[], Timed]]]:
        """Yield each chunk, in order, with a function that waits for what the step of an asset returns, and took.

        Args:
            asset: name of the asset.
            inputs: from which the step is made; the ports are made again in each process.
            chunks: the chunks.
        """
        ...


_PROCESSES: ContextVar[Processes | None] = ContextVar("processes", default=None)


@contextmanager
def measured_by(processes: Processes | None) -> Iterator[None]:
    """Let the processes measure the chunks of every run inside of the context."""
    token = _PROCESSES.set(processes)
    try:
        yield
    finally:
        _PROCESSES.reset(token)


def current_processes() -> Processes | None:
    """Return the processes that measure chunks; None if this process does."""
    return _PROCESSES.get()

"""Processes that measure the chunks of a backfill side by side; this process writes the results in order."""

import atexit
import datetime as dt
import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from monitoring_pipeline.composition import build_adapters
from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors, hide_in_logs
from monitoring_pipeline.orchestration.assets.asset import StepInputs
from monitoring_pipeline.orchestration.assets.table import ASSETS
from monitoring_pipeline.orchestration.runs.timing import Timed, run_timed
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.store.results import ResultStore

SECONDS_BETWEEN_LOOKS = 1.0


class ProcessEndedError(RuntimeError):
    """A process that measured chunks ended before it was done."""


@dataclass(frozen=True, kw_only=True)
class _Task:
    """One chunk to measure by the step of an asset, and what the step is made from but for the ports."""

    asset: str
    loaded: LoadedSpec
    run_id: str
    as_of: dt.datetime
    measured: Sequence[str]
    chunk: Chunk

    @property
    def step_key(self) -> tuple[object, ...]:
        """Tasks with the same key have the same step."""
        return (self.asset, self.run_id, self.loaded.spec.name, self.as_of)


@dataclass(frozen=True)
class ChunkProcesses:
    """A pool of processes, each with its own connections to the store and the warehouse."""

    pool: ProcessPoolExecutor

    def measured(
        self, asset: str, inputs: StepInputs, chunks: Sequence[Chunk]
    ) -> Iterator[tuple[Chunk, Callable[[], Timed]]]:
        """Yield each chunk, in order, with a function that waits for what the step of an asset returns, and took.

        Raises:
            ProcessEndedError: the function, when a process was killed.
        """
        task = partial(
            _Task,
            asset=asset,
            loaded=inputs.loaded,
            run_id=inputs.outside.run_id,
            as_of=inputs.as_of(),
            measured=tuple(inputs.measured),
        )
        with _named_when_ended():
            futures = {chunk.key: self.pool.submit(_measure, task(chunk=chunk)) for chunk in chunks}
        try:
            for chunk in chunks:
                yield chunk, partial(_result, futures.pop(chunk.key))
        finally:
            for future in futures.values():
                future.cancel()


@contextmanager
def chunk_processes(settings: Settings, workers: int) -> Iterator[ChunkProcesses | None]:
    """Start ``workers`` processes with these settings, and end them with the context; None if it is one.

    Each process measures one chunk at a time, so that the memory of so many chunks is needed.
    """
    if workers == 1:
        yield None
        return
    # Not forked, because threads of Polars and DuckDB would be missing in the child.
    start = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(workers, mp_context=start, initializer=_prepare, initargs=(settings, os.getpid()))
    try:
        yield ChunkProcesses(pool)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _result(future: "Future[Timed]") -> Timed:
    with _named_when_ended():
        return future.result()


@contextmanager
def _named_when_ended() -> Iterator[None]:
    try:
        yield
    except BrokenProcessPool:
        message = "a process that measured chunks was ended, perhaps for want of memory; try fewer --workers"
        raise ProcessEndedError(message) from None


class _Measuring:
    """What one of the processes keeps between its chunks: the settings, the store, and the last step."""

    def __init__(self, settings: Settings) -> None:
        self.adapters = build_adapters(settings)
        self.store = ResultStore.open(settings.store_url)
        self._step: tuple[object, Callable[[Chunk], Any]] | None = None

    def step(self, task: _Task) -> Callable[[Chunk], Any]:
        """Return the step of a task; it is made once for the chunks that follow each other."""
        if self._step is None or self._step[0] != task.step_key:
            self._step = (task.step_key, self._make_step(task))
        return self._step[1]

    def _make_step(self, task: _Task) -> Callable[[Chunk], Any]:
        make = next(asset.step for asset in ASSETS if asset.name == task.asset)
        if make is None:
            raise ValueError(f"asset {task.asset} has no step")
        outside = self.adapters.outside(self.store, run_id=task.run_id)
        inputs = StepInputs(loaded=task.loaded, outside=outside, as_of=lambda: task.as_of, measured=task.measured)
        return make(inputs)


_measuring: _Measuring | None = None


def _prepare(settings: Settings, parent: int) -> None:
    """Prepare one of the processes."""
    global _measuring  # noqa: PLW0603 - the state of a process of a pool
    # The parent is interrupted too, and ends this process.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    hide_in_logs()
    _measuring = _Measuring(settings)
    atexit.register(_measuring.store.close)


def _end_with(parent: int) -> None:
    """End this process when its parent was killed, because nobody would end it."""
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)


def _measure(task: _Task) -> Timed:
    if _measuring is None:
        raise RuntimeError("this process was not prepared")
    try:
        with hidden_in_errors(), one_thread():
            return run_timed(_measuring.step(task), task.chunk)
    except Exception as error:
        if _is_sendable(error):
            raise
        raise RuntimeError(f"{type(error).__name__}: {error}") from None


def _is_sendable(error: Exception) -> bool:
    """Return whether an error arrives in another process as it is; one that does not breaks the pool."""
    try:
        return type(pickle.loads(pickle.dumps(error))) is type(error)  # noqa: S301 - made by this process
    except Exception:  # noqa: BLE001 - whatever a constructor raises
        return False

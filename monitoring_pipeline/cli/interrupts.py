"""End a command at SIGINT or SIGTERM at once; nothing is recorded as failed because of the signal.

In the main thread, Dagster turns either signal into a failure of the running step, and only the main thread handles
signals. Therefore the work runs in a second thread, in which Dagster handles no signals, and the main thread waits.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from types import FrameType
from typing import NoReturn

import click

SIGNALS = (signal.SIGINT, signal.SIGTERM)
EXIT_CODE_OF_SIGNALS = 128


class Interrupted(BaseException):
    """One of the signals arrived; no ``except Exception`` may catch it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def ended_by_signals(advice: str) -> Iterator[None]:
    """End the process at SIGINT with exit code 130 and at SIGTERM with 143; ``advice`` is printed before.

    The process ends as if it was killed: threads are not waited for, and no exit handlers run. Only work that may be
    killed at any moment belongs inside.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _raise_once) for number in SIGNALS}
    try:
        yield
    except Interrupted as interrupt:
        click.echo(f"stopped by {signal.Signals(interrupt.number).name}; {advice}", err=True)
        _exit(EXIT_CODE_OF_SIGNALS + interrupt.number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_apart(work: Callable[[], None]) -> None:
    """Run work in a second thread. Raise the error that ends it, or Interrupted if one of the signals arrives.

    A third thread waits for the signals, which all other threads block: a handler would not do, because a library that
    the work imports may replace it, as Polars does.
    """
    ended: SimpleQueue[int | None] = SimpleQueue()
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            errors.append(error)
        ended.put(None)

    blocked_before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        threading.Thread(target=run, name="work", daemon=True).start()
        threading.Thread(target=lambda: ended.put(signal.sigwait(SIGNALS)), name="signals", daemon=True).start()
        number = ended.get()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked_before)
    if number is not None:
        _raise_once(number, None)
    if errors:
        raise errors[0]


def _raise_once(number: int, _: FrameType | None) -> NoReturn:
    # A second signal ends the process at once, even while the first is handled.
    for each in SIGNALS:
        signal.signal(each, signal.SIG_DFL)
    raise Interrupted(number)


def _exit(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

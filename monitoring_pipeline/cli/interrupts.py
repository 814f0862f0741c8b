"""Ends a command at SIGINT or SIGTERM at once, with nothing recorded as failed because of the signal.

Dagster turns either signal into the failure of the step that is running, and the main thread alone handles signals.
So the work runs in a thread of its own, in which Dagster leaves the signals alone, and the main thread waits for them.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    """Run work in a thread of its own, and raise the error that ends it."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            errors.append(error)

    worker = threading.Thread(target=run, name="work", daemon=True)
    worker.start()
    worker.join()
    if errors:
        raise errors[0]


def _raise_once(number: int, _: FrameType | None) -> NoReturn:
    # A second signal need not wait for the terminal to be put in order.
    for own in SIGNALS:
        signal.signal(own, signal.SIG_DFL)
    raise Interrupted(number)


def _exit(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

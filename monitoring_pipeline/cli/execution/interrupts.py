"""End a command at SIGINT or SIGTERM at once; nothing is recorded as failed because of the signal.

A handler would not do: Dagster replaces it to turn the signal into a failure of the running step, and Polars replaces
it when it is imported. Therefore every thread blocks both signals, and one thread waits for them.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

SIGNALS = (signal.SIGINT, signal.SIGTERM)
EXIT_CODE_OF_SIGNALS = 128


@contextmanager
def ended_by_signals(advice: str) -> Iterator[None]:
    """End the process at SIGINT with exit code 130 and at SIGTERM with 143; ``advice`` is printed before.

    The process ends as if it was killed: threads are not waited for, and no exit handlers run. Only work that may be
    killed at any moment belongs inside. Threads that were started before must not take the signals, so the context
    comes first in a command.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_over = threading.Event()
    blocked_before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    waiting = threading.Thread(target=_end_at_signal, args=(advice, is_over), name="signals", daemon=True)
    waiting.start()
    try:
        yield
    finally:
        is_over.set()
        if waiting.ident is not None:
            signal.pthread_kill(waiting.ident, signal.SIGTERM)
        waiting.join()
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked_before)


def _end_at_signal(advice: str, is_over: threading.Event) -> None:
    number = signal.sigwait(SIGNALS)
    if is_over.is_set():
        return
    click.echo(f"stopped by {signal.Signals(number).name}; {advice}", err=True)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_CODE_OF_SIGNALS + number)

"""The progress of a command on standard error: a bar in a terminal, else a line every ten seconds."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import click

SECONDS_BETWEEN_LINES = 10.0
LEAST_PIECES = 10
SHARE_BEFORE_ESTIMATE = 0.1
"""Share of the pieces that must be done before the time left is estimated."""
SECONDS_SHOWN_IN_FULL = 100

Advance = Callable[[str], None]
"""Receives the words about the work that begins; all work before it is done."""


@dataclass
class _Work:
    """The state of the work, which one thread changes and another prints."""

    name: str
    total: int
    done: int = -1
    words: str = "starting"
    began: float = field(default_factory=time.monotonic)

    def begin(self, words: str) -> None:
        self.done, self.words = min(self.done + 1, self.total), words

    def line(self) -> str:
        counted = f"{max(self.done, 0)} of {self.total}" if self.total > 1 else ""
        seconds = f"{time.monotonic() - self.began:.0f} s"
        parts = ", ".join(part for part in (counted, self.words, seconds, self.left()) if part)
        return f"{self.name}: {parts}"

    def left(self) -> str:
        """Return words about the time left, if the pieces to come take as long as those before; none at first."""
        if self.total < LEAST_PIECES or self.done < SHARE_BEFORE_ESTIMATE * self.total:
            return ""
        left = (time.monotonic() - self.began) / self.done * (self.total - self.done)
        return f"about {left:.0f} s left" if left < SECONDS_SHOWN_IN_FULL else f"about {left / 60:.0f} min left"


@contextmanager
def progress(name: str, total: int, *, every: float = SECONDS_BETWEEN_LINES) -> Iterator[Advance]:
    """Show the progress of work that consists of ``total`` pieces; the name is that of the work."""
    from monitoring_pipeline.reports.terminal.results import terminal

    console = terminal(stderr=True)
    work = _Work(name, total)
    if not console.is_terminal:
        with _lines(work, every):
            yield work.begin
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False) as bar:
        task = bar.add_task(name, total=total if total > 1 else None)

        def advance(words: str) -> None:
            work.begin(words)
            bar.update(task, completed=max(work.done, 0), description=f"{name}: {words} {work.left()}".rstrip())

        yield advance


@contextmanager
def _lines(work: _Work, every: float) -> Iterator[None]:
    """Print a line every so many seconds, also while one piece of work takes long."""
    is_over = threading.Event()

    def print_lines() -> None:
        while not is_over.wait(every):
            click.echo(work.line(), err=True)

    printing = threading.Thread(target=print_lines, name="progress", daemon=True)
    printing.start()
    try:
        yield
    finally:
        is_over.set()
        printing.join()

"""The progress of a command on standard error: a bar in a terminal, else a line every ten seconds."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import click

SECONDS_BETWEEN_LINES = 10.0

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
        parts = ", ".join(part for part in (counted, self.words, f"{time.monotonic() - self.began:.0f} s") if part)
        return f"{self.name}: {parts}"


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
            bar.update(task, completed=max(work.done, 0), description=f"{name}: {words}")

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

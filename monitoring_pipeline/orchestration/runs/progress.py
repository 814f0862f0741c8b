"""The progress of a run in this process: each asset reports each chunk that it has measured."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from monitoring_pipeline.spec.chunk import Chunk

ReportMeasured = Callable[[str, Chunk], None]
"""Receives the name of an asset, and a chunk that it has measured."""

_REPORT: ContextVar[ReportMeasured | None] = ContextVar("report_measured", default=None)


@contextmanager
def measured_chunks_reported(report: ReportMeasured | None) -> Iterator[None]:
    """Report the progress of every run inside of the context."""
    token = _REPORT.set(report)
    try:
        yield
    finally:
        _REPORT.reset(token)


def report_measured(asset: str, chunk: Chunk) -> None:
    """Report that an asset has measured a chunk, if somebody asked for it."""
    report = _REPORT.get()
    if report is not None:
        report(asset, chunk)

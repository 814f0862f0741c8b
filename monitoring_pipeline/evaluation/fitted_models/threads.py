"""Limits on the threads of libraries."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def one_thread() -> Generator[None]:
    """Limit BLAS and OpenMP to one thread until the end of the context, or of the decorated function.

    The order in which several threads add numbers changes the last digits of a sum, so that results would depend on
    the number of cores. On a busy machine, threads of OpenMP wait for each other longer than they work.
    """
    import threadpoolctl as untyped_threadpoolctl  # pyright: ignore[reportMissingTypeStubs]

    threadpoolctl: Any = untyped_threadpoolctl
    with threadpoolctl.threadpool_limits(limits=1):
        yield
